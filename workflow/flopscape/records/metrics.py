"""What a run is scored by beside its loss: names, units and values, as a record and a table have them.

A metric's name says what and on which held-out set, as `loss@code` or `accuracy@own`; `own` are the study's own
held-out rows. `bits_per_byte` alone is the loss itself, counted in bits for each byte of text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

OWN = "own"
"""Name of the set that is the study's own held-out rows."""
LOSS = "loss"
BITS = "bits_per_byte"
ACCURACY = "accuracy"
ERROR = "_se"
"""End of the column of a standard error."""
METRIC = re.compile(rf"[^@,]+@[^@,]+|{ACCURACY}|{BITS}")
"""A metric's name in a table."""
FIELDS = {"value", "standard_error", "n_units", "unit"}
"""What a record keeps of each metric."""


@dataclass(frozen=True)
class Metric:
    """One score of a finished run.

    `value` is None where it was no finite number; the standard error is the sampling error of the held-out set, common
    to all runs of a study.
    """

    value: float | None
    standard_error: float | None
    n_units: int
    unit: str


def name_of(metric: str, heldout: str) -> str:
    """The name of a metric on a set: the study's own loss and its bits stand without one.

    >>> name_of("accuracy", "code"), name_of("bits_per_byte", "own")
    ('accuracy@code', 'bits_per_byte')
    """
    return metric if heldout == OWN and metric in (LOSS, BITS) else f"{metric}@{heldout}"


def is_metric(column: str) -> bool:
    """Whether a column of a table is called as metrics are: `accuracy`, `bits_per_byte`, `loss@web`; not as an error.

    >>> [is_metric(name) for name in ("loss@web", "accuracy", "loss", "loss@web_se")]
    [True, True, False, False]
    """
    return METRIC.fullmatch(column) is not None and not column.endswith(ERROR)


def is_accuracy(column: str) -> bool:
    """Whether a column holds shares that rise with compute, by its name."""
    return column.partition("@")[0].lower() in (ACCURACY, "acc")


def has_known_meaning(column: str) -> bool:
    """Whether a metric is one that everybody means the same by: a loss, its bits a byte, or an accuracy.

    >>> [has_known_meaning(name) for name in ("loss@web", "accuracy", "f1@squad")]
    [True, True, False]
    """
    return is_accuracy(column) or column.partition("@")[0] in (LOSS, BITS)


def unit_of(column: str, of_loss: str) -> str:
    """What a column that is fitted as the loss is measured in; `of_loss` is the unit of the table's own loss.

    >>> unit_of("loss@code", "nats per token"), unit_of("bits_per_byte@code", "nats per token")
    ('nats per token', 'bits per byte')
    """
    metric, _, _ = column.partition("@")
    if metric == BITS:
        return "bits per byte"
    if is_accuracy(column):
        return "share correct"
    return metric if "@" in column and metric != LOSS else of_loss


def why_not_fitted(column: str) -> str:
    """Why no law of N and D is fitted to a column, as a sentence; or nothing."""
    if not is_accuracy(column):
        return ""
    return (
        f"{column}: accuracy is no sum of power laws: it rises with compute, from chance to a ceiling; fit the loss of "
        "the same held-out set, and accuracy as a function of that loss (two steps: Bhagia et al., arXiv 2412.04403)"
    )


def columns_of(records: Iterable[Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Names of all metrics of some runs, in their order: one that diverged has none."""
    return list(dict.fromkeys(name for metrics in records for name in metrics))


def cells(metrics: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> dict[str, float | None]:
    """The cells of a run's row: a column for each metric, and one for its standard error."""
    return {
        column: metrics.get(name, {}).get(key)
        for name in names
        for column, key in ((name, "value"), (f"{name}{ERROR}", "standard_error"))
    }


def wrong_fields(metrics: Mapping[str, Any], is_number: Any) -> Iterator[tuple[str, object, str]]:
    """Fields of a record's metrics that are of another kind: its name, what stands there, and what belongs there."""
    for name, metric in metrics.items():
        if not isinstance(metric, dict) or metric.keys() != FIELDS:
            yield f"metrics.{name}", metric, f"an object with {', '.join(sorted(FIELDS))}"
            continue
        for key in ("value", "standard_error"):
            if metric[key] is not None and not is_number(metric[key]):
                yield f"metrics.{name}.{key}", metric[key], "a number or null"
        if not is_number(metric["n_units"]) or metric["n_units"] != int(metric["n_units"]) or metric["n_units"] < 0:
            yield f"metrics.{name}.n_units", metric["n_units"], "a count"
        if not isinstance(metric["unit"], str):
            yield f"metrics.{name}.unit", metric["unit"], "text"
