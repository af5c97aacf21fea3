"""Studies that are planned rung by rung, for Snakemake: what each rung waits for, and what waits for all of them.

A rung is a file that a checkpoint writes (rules/ladder.smk). Whatever reads all runs of such a study has the files of
all rungs among its inputs. When a checkpoint is done, Snakemake asks each job that waits for its file for its inputs
again: these are then the records of more runs. Nothing but that is used of checkpoints.
"""

import shlex
from collections.abc import Callable
from typing import Any

from snakemake.io import ancient

from flopscape.dag.rerun import Kind
from flopscape.dag.rule_inputs import Files, Wildcards, folder_of
from flopscape.dag.selection import RESULTS, Selection, run_file, rung_file
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
        return [run_file(name, row.run_id) for row in runs] + self.selection.rung_files(name)[:number]

    def folder(self, wildcards: Wildcards, input: Files) -> str:
        """The folder of the study with the records that a rung is planned from."""
        return folder_of(folder_of(str(input[0]))) if input else f"{RESULTS}/{wildcards.study}"

    def results_option(self, _: Wildcards, input: Files) -> str:
        """Where a verb finds the rungs, if it is told of any."""
        return f"--results {shlex.quote(folder_of(folder_of(folder_of(str(input[0])))))}" if input else ""

    def files(self, wildcards: Wildcards) -> list[Any]:
        """The files of all rungs, which tell the runs of a growing study; none of any other.

        While one is to be planned, all that reads them is due; a newer time stamp of one makes nothing due.
        """
        name = wildcards.study
        files = self.selection.rung_files(name)
        is_complete = all(self._is_planned(name, rung) for rung in self.selection.growing.get(name, []))
        return list(map(ancient, files)) if is_complete else files

    def _is_planned(self, name: str, rung: str) -> bool:
        """Whether a rung is planned as the study asks for, and not to be planned again because a person says so."""
        is_as_asked = any(one.name == rung for one in self.selection.trained_study(name).rungs)
        return is_as_asked and not self.is_forced(rung_file(name, rung), Kind.PLANNING)
