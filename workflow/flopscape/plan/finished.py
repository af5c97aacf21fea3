"""Hints from records on disk: which runs are done, what they took, and why the others are not. Never an input.

Only the dry run and `flopscape plan` look here; nothing that lands in `results/` depends on it. A dry run of thousands
of runs must stay quick: names of files tell what is done, and only a sample of the records is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec, canonical
from flopscape.records.checks import read_record, recounted, recounts_text
from flopscape.records.plan_row import PlanRow
from flopscape.records.run_record import RunRecord, saw_other_data

SAMPLE = 300
"""Records read at most, evenly spread over the plan, to calibrate speed: reading all would cost more than it tells."""


@dataclass(frozen=True)
class Finished:
    """Records on disk beside a plan.

    `done` are the planned runs with a record, `sample` some of those records, `broken` what is wrong with others,
    `orphans` the ids of records that no plan asks for, `other_data` those of the sample on other data than today's,
    `reasons` says for each planned run without a record why it must run and `saved_steps` how far a checkpoint takes
    some of them. `recounts` says which counts of a plug-in have changed since records of the sample were made.
    """

    done: set[str]
    sample: list[RunRecord]
    broken: list[str]
    orphans: list[str]
    other_data: list[str]
    reasons: dict[str, str]
    saved_steps: dict[str, int] = field(default_factory=dict)
    recounts: list[str] = field(default_factory=list)

    @classmethod
    def nothing(cls, sample: Sequence[RunRecord] = ()) -> Self:
        """Of a plan before its first run, with records of other runs that tell the speed, if there are any."""
        return cls(set(), list(sample), [], [], [], {})


def look_at_runs(
    rows: list[PlanRow],
    study: str,
    results: Path = Path("results"),
    today: Mapping[str, str] | None = None,
    sample_of: int = SAMPLE,
) -> Finished:
    """What the folder of a study's records holds; `today` has the hashes of the data as they are now, by held-out set.

    About `sample_of` of the records are read.
    """
    folder = results / study / "runs"
    on_disk = {path.stem for path in folder.glob("*.json")}
    planned = {row.run_id for row in rows}
    done = sorted(planned & on_disk)
    by_id = {row.run_id: row for row in rows}
    # Every k-th of the sorted ids: ids are hashes, so that their order has nothing to do with sizes or seeds.
    sample, broken = _read(folder, done[:: len(done) // sample_of + 1], by_id)
    recounts = [recount for record in sample for recount in recounted(by_id[record.run_id], record)[1]]
    orphans = sorted(on_disk - planned)
    # A run that differs from an orphan in its recipe alone was trained before and is asked for again.
    old_specs = {_without_recipe(record.spec) for record in _read(folder, orphans[:SAMPLE], {})[0]}
    # A run with a log was started once: it was lost, deleted or stopped, and is not new.
    logs = {path.stem for path in Path("logs/train", study).glob("*.log")}
    missing = [row for row in rows if row.run_id not in on_disk]
    reasons = {row.run_id: _why_due(row, old_specs, logs) for row in missing}
    other_data, saved = saw_other_data(sample, today), _saved_steps(folder.parent / "checkpoints", missing)
    return Finished(set(done), sample, broken, orphans, other_data, reasons, saved, recounts_text(recounts))


def refuse_other_data(study: str, finished: Finished, folders: Mapping[str, Path], today: Mapping[str, str]) -> None:
    """Before a run is trained or scored on data that finished runs have not seen: raise FlopscapeError.

    `folders` hold the data, whose hashes are those of `today`, both by held-out set. No table takes runs on different
    data: those to come would be paid for in vain. Nothing finished is trained again for that.
    """
    records = [record.data_seen for record in finished.sample if record.run_id in {*finished.other_data}]
    for name, data_hash in today.items():
        seen = [hashes[name][:12] for hashes in records if hashes.get(name, data_hash) != data_hash]
        if not seen:
            continue
        raise FlopscapeError(
            f"study {study}: the data in {folders[name]} have the SHA-256 {data_hash[:12]}…, but {len(seen)} of "
            f"{len(finished.sample)} finished runs saw {', '.join(sorted({*seen}))}…, and no table takes runs on both; "
            "restore those data, or bump `recipe` in the study to train every run on the new ones"
        )


def _saved_steps(checkpoints: Path, missing: list[PlanRow]) -> dict[str, int]:
    """Steps that the newest checkpoint of an unfinished run holds, by its folder's name: `step-00000120`."""
    kept = {row.run_id: sorted((checkpoints / row.run_id).glob("step-*")) for row in missing}
    return {run_id: int(paths[-1].name.removeprefix("step-")) for run_id, paths in kept.items() if paths}


def _read(folder: Path, run_ids: list[str], rows: Mapping[str, PlanRow]) -> tuple[list[RunRecord], list[str]]:
    """Records, those of planned rows held against their plan, and what is wrong with the others."""
    records, broken = [], []
    for run_id in run_ids:
        try:
            path = folder / f"{run_id}.json"
            records.append(read_record(rows[run_id], path) if run_id in rows else RunRecord.read(path))
        except FlopscapeError as error:
            broken.append(str(error))
    return records, broken


def _without_recipe(spec: Spec) -> str:
    kept: dict[str, Any] = {key: value for key, value in spec.items() if key != "recipe"}
    return canonical(kept)


def _why_due(row: PlanRow, old_specs: set[str], logs: set[str]) -> str:
    if row.run_id in logs:
        return "missing"
    return "recipe bumped" if _without_recipe(row.spec) in old_specs else "new"
