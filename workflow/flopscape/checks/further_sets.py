"""Whether the held-out sets that a study is scored on besides its own can be scored, and their metrics added up.

All of it would be found out by a run too: at its start, after its data were waited for, or never, for a mean in place
of a sum is a number like any other.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch

from flopscape.checks.data import labels, units_per_row
from flopscape.checks.overlap import disjoint
from flopscape.checks.subject import Batch, Subject
from flopscape.plugins.base import MetricPlugin
from flopscape.records.metrics import name_of
from flopscape.training.components import refuse_misfit
from flopscape.training.further_sets import FurtherSet, why_wrong_sum
from flopscape.training.metrics import measured

ROWS = 64
"""Held-out rows that a metric is called on, as a whole and in two parts."""
SAME = 0.25
"""Relative difference of two sums that may be rounding, of choices between equal logits too; that of means is half."""


def data(subject: Subject) -> Iterator[str]:
    """Further sets beyond the model's vocabulary, of another context or shape, or with rows that are trained on."""
    for one in subject.sets or ():
        if one.is_own:
            continue
        refuse_misfit(subject.model, one)
        theirs = _as_subject(subject, one)
        yield from labels(theirs)
        yield from _miscounted(theirs)
        yield from disjoint(subject, theirs)


def _as_subject(subject: Subject, one: FurtherSet) -> Subject:
    """The same model and loss with the data of a further set."""
    names = subject.names | {"dataset": f"heldout.{one.name}, {type(one.dataset).__name__}"}
    return replace(subject, dataset=one.dataset, folder=one.folder, manifest=one.manifest, names=names)


def _miscounted(theirs: Subject) -> Iterator[str]:
    assert theirs.manifest is not None
    rows, said = sum(len(next(iter(batch.values()))) for batch in theirs.heldout), theirs.manifest.n_units["heldout"]
    if (counted := rows * units_per_row(theirs)) != said:
        yield (
            f"{theirs.name('dataset')}: the manifest counts {said} held-out units and the batches have {counted:g}; "
            "correct n_units in prepare"
        )


def sums(subject: Subject) -> Iterator[str]:
    """Metrics that return something else than a sum over units, and their number."""
    module = subject.module()
    for one in subject.sets or ():
        rows = _rows(_as_subject(subject, one))
        for name, metric in one.metrics.items():
            if why := _why_no_sum(metric, module, rows):
                yield f"heldout: {name_of(name, one.name)} {why}"


def _rows(theirs: Subject) -> Batch:
    """The first held-out rows."""
    batches = theirs.heldout
    return {key: torch.cat([batch[key] for batch in batches])[:ROWS] for key in batches[0]}


def _why_no_sum(metric: MetricPlugin, module: torch.nn.Module, rows: Batch) -> str:
    total, count = measured(metric, module, rows)
    if why := why_wrong_sum(total, count, metric.unit):
        return why
    half = len(next(iter(rows.values()))) // 2
    # A mean over all rows is not the sum of the means of two halves, unless it is zero.
    parts = [measured(metric, module, part) for part in _halves(rows, half)] if half else [(total, count)]
    together, counted = (sum(column) for column in zip(*parts, strict=True))
    if counted != count:
        return f"counted {count:g} units in all rows and {counted:g} in their halves; count each unit once"
    if abs(together - total) > SAME * max(abs(together), abs(total)):
        return (
            f"returned {total:g} for {count:g} units and {together:g} for their halves together; return the sum over "
            "units, not a mean"
        )
    return ""


def _halves(rows: Batch, half: int) -> tuple[Batch, Batch]:
    return {key: value[:half] for key, value in rows.items()}, {key: value[half:] for key, value in rows.items()}
