"""Studies that are planned rung by rung, for Snakemake: what each rung waits for, and what waits for all of them.

A rung is a file that a checkpoint writes (rules/ladder.smk). Whatever reads all runs of such a study asks `to_come` for
the rungs between it and them, and has Snakemake plan the first of these and ask again, until there are none. A study
whose rungs are all planned asks for nothing, and is like any other.
"""

import shlex
from collections.abc import Callable
from typing import Any

from snakemake.io import ancient

from flopscape.dag.rerun import Kind
from flopscape.dag.rule_inputs import Files, Wildcards, folder_of
from flopscape.dag.selection import RESULTS, Selection, run_file, rung_file
from flopscape.errors import FlopscapeError
from flopscape.plan.rows import runs_below


class RungInputs:
    """What rules ask about rungs; in them each method stands as it is, such as `input: rungs.files`.

    Parameters
    ----------
    selection : Selection
        The studies of this invocation.
    is_forced : callable
        Whether a rung whose file's name and kind of rule are given is asked for again though it is planned.
    """

    def __init__(self, selection: Selection, is_forced: Callable[[str, Kind], bool]) -> None:
        self.selection, self.is_forced = selection, is_forced

    def to_come(self, wildcards: Wildcards) -> list[str]:
        """The rungs to be planned before this one, or before the study's runs are known."""
        name = wildcards.study
        rungs = self.selection.growing.get(name, [])
        below = rungs.index(wildcards.rung) if hasattr(wildcards, "rung") else len(rungs)
        return [rung for rung in rungs[:below] if not self._is_planned(name, rung)]

    def refuse_unplanned(self, name: str, rung: str) -> None:
        """When the job that plans a rung is done, or has nothing to do, and the rung is not planned: say so.

        Raises
        ------
        FlopscapeError
            The file is missing or of another rung.
        """
        if not self._is_as_asked(name, rung):
            raise FlopscapeError(
                f"study {name}: {rung_file(name, rung)} is not the rung that this study asks for: its config was "
                "edited meanwhile, or the storage of its results cannot be read here; run snakemake again, or delete it"
            )

    def inputs(self, wildcards: Wildcards) -> list[Any]:
        """What an open rung is planned from: the records of the runs below it, and the rungs below.

        A planned one waits for nothing, as finished runs do: no record that arrives later, is made again or is deleted
        can have it planned once more.
        """
        name, rung = wildcards.study, wildcards.rung
        if self._is_planned(name, rung):
            return []
        planned, number = self.selection.trained_study(name), self.selection.growing[name].index(rung)
        runs = runs_below(planned.study, rung, planned.rungs[:number])
        return [run_file(name, row.run_id) for row in runs] + list(
            map(ancient, self.selection.rung_files(name)[:number])
        )

    def folder(self, wildcards: Wildcards, input: Files) -> str:
        """The folder of the study with the records that a rung is planned from."""
        return folder_of(folder_of(str(input[0]))) if input else f"{RESULTS}/{wildcards.study}"

    def results_option(self, _: Wildcards, input: Files) -> str:
        """Where a verb finds the rungs, if it is told of any."""
        return f"--results {shlex.quote(folder_of(folder_of(folder_of(str(input[0])))))}" if input else ""

    def files(self, wildcards: Wildcards) -> list[Any]:
        """The files of all rungs, which tell the runs of a growing study; none of any other."""
        return list(map(ancient, self.selection.rung_files(wildcards.study)))

    def _is_planned(self, name: str, rung: str) -> bool:
        """Whether a rung is planned as the study asks for, and not to be planned again because a person says so."""
        return self._is_as_asked(name, rung) and not self.is_forced(rung_file(name, rung), Kind.PLANNING)

    def _is_as_asked(self, name: str, rung: str) -> bool:
        return any(one.name == rung for one in self.selection.trained_study(name).rungs)
