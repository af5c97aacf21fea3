"""Whether the fields of a run record hold what their names say, before anything computes with them.

A record is plain JSON that people open and edit: text, true or null in place of a number is named, not met later.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from flopscape.records.metrics import wrong_fields

COUNTS = (
    "n_params_body",
    "n_params_head",
    "n_params_embedding",
    "n_tokens_planned",
    "n_tokens_seen",
    "n_heldout_units",
)
COLUMNS = ("step", "n_tokens", "flops", "train_loss", "heldout_loss", "learning_rate")
TEXTS = ("run_id", "status", "unit", "reason", "data_hash", "code_fingerprint", "parent")
LARGEST = 1e300
"""No number of a run comes near it; integers beyond it are no floats, and NaN and infinities are not below it."""


def why_wrong_field(record: Mapping[str, Any]) -> str:
    """A sentence on the first field that is of another kind than it has to be, without the file; empty if none is."""
    return next(_wrong(record), "")


def _wrong(record: Mapping[str, Any]) -> Iterator[str]:
    for name in (*COUNTS, "n_tokens_inherited"):
        if not _is_number(record[name]) or record[name] != int(record[name]) or record[name] < 0:
            yield _sentence(name, record[name], "a count")
    if not _is_number(record["flops_per_unit"]) or record["flops_per_unit"] <= 0:
        yield _sentence("flops_per_unit", record["flops_per_unit"], "a positive number")
    yield from (_sentence(name, record[name], "a number or null") for name in ("loss", "loss_se") if _bad(record[name]))
    yield from (_sentence(name, record[name], "text") for name in TEXTS if not isinstance(record[name], str))
    if not isinstance(record["simulated"], bool):
        yield _sentence("simulated", record["simulated"], "true or false")
    for name in ("spec", "timings", "cost", "versions", "hardware", "curve", "metrics", "heldout_hashes"):
        if not isinstance(record[name], dict):
            yield _sentence(name, record[name], "an object")
    for key, value in record["timings"].items():
        if not _is_number(value):
            yield _sentence(f"timings.{key}", value, "a number")
    for key, value in record["cost"].items():
        if _bad(value):
            yield _sentence(f"cost.{key}", value, "a number or null")
    for wrong in wrong_fields(record["metrics"], _is_number):
        yield _sentence(*wrong)
    for key, value in record["heldout_hashes"].items():
        if not isinstance(value, str):
            yield _sentence(f"heldout_hashes.{key}", value, "text")
    if sorted(record["curve"]) != sorted(COLUMNS):
        yield f"curve has the columns {', '.join(record['curve'])}, where {', '.join(COLUMNS)} belong"


def _sentence(name: str, value: object, kind: str) -> str:
    return f"{name} is {value!r}, where {kind} belongs"


def _bad(value: object) -> bool:
    """Whether a value is neither a finite number nor null."""
    return value is not None and not _is_number(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
