"""Runs that several studies of one matrix plan: one of them trains each, and the others take its record.

Studies whose axes change only fits, say, plan the same runs, and an id is the hash of all that decides a result. The
record, also one still to come, is an input of the others' jobs, so that Snakemake has them wait; these jobs copy it.
Studies that grow are left out, for their runs are known rung by rung.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path

from flopscape.config.matrix import file_of
from flopscape.dag.rerun import Kind
from flopscape.dag.selection import Selection, run_file
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import lasting_name
from flopscape.fingerprint import run_fingerprint
from flopscape.plan.studies import data_hashes
from flopscape.records.run_record import RunRecord

Groups = dict[str, list[str]]
"""Run id → the studies that plan the run, in the order of their file."""


class SharedRuns:
    """Which runs of the selected studies are taken from which other one.

    Parameters
    ----------
    selection : Selection
        The studies of this invocation.
    is_forced : callable
        As for `RuleInputs`.
    """

    def __init__(self, selection: Selection, is_forced: Callable[[str, Kind], bool]) -> None:
        self.selection, self.is_forced = selection, is_forced
        self._judged: dict[tuple[Path, int], bool] = {}

    def is_finished(self, name: str, run_id: str) -> bool:
        """Whether a run of a study has a record that nobody asked to be made again."""
        kind = Kind.TRAINING_TRUNK if self.selection.is_trunk(run_id) else Kind.TRAINING
        return self.selection.record(name, run_id).exists() and not self.is_forced(run_file(name, run_id), kind)

    def is_to_be_trained(self, name: str, run_id: str) -> bool:
        """Whether a run is neither finished nor taken."""
        return not self.is_finished(name, run_id) and not self.owner(name, run_id)

    def owner(self, name: str, run_id: str) -> str:
        """The study whose record an unfinished run takes; empty for one that its own study trains, or has trained."""
        group = self._groups.get(name, {}).get(run_id)
        if not group or self.is_finished(name, run_id):
            return ""
        # One that is asked for again though it has a record is to be trained, not to be copied from before.
        if not self.selection.record(name, run_id).exists():
            for other in group:
                if self.is_finished(other, run_id) and self._is_as_now(other, run_id):
                    return other
        first = next(other for other in group if not self.is_finished(other, run_id))
        return "" if first == name else first

    def _is_as_now(self, name: str, run_id: str) -> bool:
        """Whether a finished record is what training the run now would give; each is read once."""
        path = self.selection.record(name, run_id)
        key = path, path.stat().st_mtime_ns
        if key not in self._judged:
            self._judged[key] = self._is_of_today(name, path)
        return self._judged[key]

    def _is_of_today(self, name: str, path: Path) -> bool:
        """Whether a record is of its name, of the code and of the data as they are."""
        try:
            record = RunRecord.read(path)
        except FlopscapeError:  # which the start of the study names
            return False
        now = data_hashes(self.selection.trained_study(name).study, self.selection.results)
        if any(now.get(of, seen) != seen for of, seen in record.data_seen.items()):
            return False
        return record.run_id == path.stem and record.code_fingerprint == run_fingerprint(record.spec)

    @cached_property
    def _groups(self) -> dict[str, Groups]:
        """Study → its runs that other studies of the same file plan too."""
        files = {name: file_of(self.selection.trained[name].path) for name in self._of_a_matrix()}
        everywhere: dict[tuple[Path, str], list[str]] = defaultdict(list)
        for name, file in files.items():
            for run_id in self.selection.rows[name]:
                everywhere[file, run_id].append(name)
        found: dict[str, Groups] = {}
        for name, file in files.items():
            groups = {run_id: everywhere[file, run_id] for run_id in self.selection.rows[name]}
            found[name] = self._without_trunks(name, {id_: group for id_, group in groups.items() if len(group) > 1})
        return found

    def _of_a_matrix(self) -> Iterable[str]:
        """The selected studies that share their file with others and do not grow, in the order of the file."""
        for name, planned in self.selection.trained.items():
            if name not in self.selection.growing and file_of(planned.path) != planned.path:
                yield name

    def _without_trunks(self, name: str, groups: Groups) -> Groups:
        """The shared runs but those that others branch off which are not shared: these need its checkpoints."""
        branches = self.selection.branches[name]
        return {
            run_id: group
            for run_id, group in groups.items()
            if all(row.run_id in groups for row in branches.get(run_id, []))
        }


def taken_from(inputs: Iterable[str], run_id: str) -> str:
    """The study whose record a job takes that has these inputs; empty for a job that trains.

    >>> taken_from(["results/recipes.a/runs/0123456789ab.json"], "0123456789ab")
    'recipes.a'
    """
    first = Path(lasting_name(next(iter(inputs), "")))
    return first.parents[1].name if first.name == f"{run_id}.json" else ""
