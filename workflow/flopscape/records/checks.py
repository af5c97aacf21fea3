"""Whether a record tells what its plan asked for, and its counts by today's plug-in. Imports no pandas.

A record is plain JSON that people open and edit. What contradicts its own spec, its own curve or its plan is named;
counts are the plug-in's, and so a record from before they were corrected is counted anew and trained no more.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from flopscape.errors import FlopscapeError, listed
from flopscape.records.field_types import LARGEST
from flopscape.records.plan_row import PlanRow
from flopscape.records.run_record import Curve, RunRecord

CURE = "restore the record, or delete it and run snakemake again to train the run anew"
COUNTS = ("step", "n_tokens")
COUNTED = ("n_params_body", "n_params_head", "n_params_embedding", "flops_per_unit")
"""What a record has from the plug-in's `counts`."""
SAME_LOSS = 1e-6
"""Relative difference that is rounding: the loop writes the final loss into the curve's last point, whatever subset of
the held-out data the points before it were scored on, and the simulated law has the same loss there."""
LARGEST_COUNT = 2**63
"""What no count of a table holds; no other number comes near field_types.LARGEST."""


def read_record(row: PlanRow, path: Path) -> RunRecord:
    """The record of a planned run; one that contradicts it raises FlopscapeError with its path and the cure."""
    record = RunRecord.read(path)
    if why := why_contradictory(row, record):
        raise FlopscapeError(f"{path}: run {row.run_id}: {why}; {CURE}")
    return record


def why_contradictory(row: PlanRow, record: RunRecord) -> str:
    """Why a record cannot stand in a table, as the end of a sentence; or nothing."""
    if record.run_id != row.run_id:
        return f"its file holds run {record.run_id}"
    if record.status not in ("completed", "diverged", "skipped"):
        return f"unknown status {record.status!r}"
    if wrong := _wrong_column(record.curve):
        return f"its curve's {wrong} holds no numbers, or not one a step"
    why = _why_not_completed(row, record) if record.status == "completed" else _why_not_lost(record)
    return why or _why_wrong_counts(record)


def _wrong_column(curve: Curve) -> str:
    """Name of a column that is not a list of one finite number, or none, for each step; empty if all are."""
    for name, values in vars(curve).items():
        kinds = {int} if name in COUNTS else {int, float, type(None)}
        if not isinstance(values, list) or len(values) != len(curve.step) or not kinds.issuperset(map(type, values)):
            return name
        filled = [value for value in values if value is not None]
        largest = LARGEST_COUNT if name in COUNTS else LARGEST
        if filled and not -largest < min(filled) <= max(filled) < largest:
            return name
    return ""


def _why_not_completed(row: PlanRow, record: RunRecord) -> str:
    loss, planned = record.loss, row.n_tokens
    if loss is None or loss <= 0:
        return f"completed, but its loss is {loss!r}"
    if abs(record.n_tokens_seen - planned) > planned / row.n_steps:
        return f"completed, but saw {record.n_tokens_seen} of {planned} planned {record.unit}s"
    if record.n_tokens_planned != planned:
        return f"says that {record.n_tokens_planned} {record.unit}s were planned, and its spec {planned}"
    last = _end_of_curve(record)
    if last is not None and abs(last - loss) > SAME_LOSS * loss:
        return f"its loss is {loss!r}, and its curve ends at {last!r}"
    return ""


def _end_of_curve(record: RunRecord) -> float | None:
    """The last held-out loss of a curve that reaches the run's end; None for a trainer of the user's own."""
    whole = record.curve.n_tokens[-1:] == [record.n_tokens_seen]
    return record.curve.heldout_loss[-1] if whole and _is_shipped(record) else None


def _why_not_lost(record: RunRecord) -> str:
    return "" if record.loss is None else f"{record.status}, but has the loss {record.loss!r}"


def _why_wrong_counts(record: RunRecord) -> str:
    if not 0 <= record.n_tokens_inherited <= record.n_tokens_seen:
        return f"inherited {record.n_tokens_inherited} of the {record.n_tokens_seen} {record.unit}s it saw"
    if record.loss_se is not None and record.loss_se < 0:
        return f"its loss_se is {record.loss_se!r}"
    return ""


def _is_shipped(record: RunRecord) -> bool:
    """Whether one of our trainers made it; a user's own may count and score in its own way."""
    return str(record.spec.get("trainer", {}).get("plugin", "flopscape.")).startswith("flopscape.")


@dataclass(frozen=True)
class Recount:
    """A count of a run as its record has it and as the plug-in counts today."""

    run_id: str
    name: str
    then: float
    today: float


def recounted(row: PlanRow, record: RunRecord) -> tuple[RunRecord, list[Recount]]:
    """A record with today's counts of its size, its curve's FLOPs too; and what they were."""
    today = {name: getattr(row, name) for name in COUNTED}
    then = {name: getattr(record, name) for name in COUNTED}
    changed = [name for name in COUNTED if not math.isclose(then[name], today[name], rel_tol=1e-12)]
    if not changed or not _is_shipped(record):
        return record, []
    flops = [n_tokens * today["flops_per_unit"] for n_tokens in record.curve.n_tokens]
    recounts = [Recount(row.run_id, name, then[name], today[name]) for name in changed]
    return replace(record, **today, curve=replace(record.curve, flops=flops)), recounts


def recounts_text(recounts: list[Recount]) -> list[str]:
    """One sentence for each count that differs, with an example and the runs."""
    sentences = []
    for name in dict.fromkeys(recount.name for recount in recounts):
        runs = [recount for recount in recounts if recount.name == name]
        ids, first = listed([recount.run_id for recount in runs], 5), runs[0]
        sentences.append(
            f"{name} is counted otherwise today than when {len(runs)} of the runs were trained (run {first.run_id}: "
            f"{first.then:.12g} then, {first.today:.12g} today): the table has today's counts of all runs. If no "
            f"plug-in was changed, a record was: restore it ({ids})"
        )
    return sentences
