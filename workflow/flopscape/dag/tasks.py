"""What `downstream` of a study asks for: the files of each task, what they are made from, and whether they are stale.

The methods stand in workflow/rules/downstream.smk as they are and take Snakemake's wildcards, here `study` and `task`.
"""

from typing import Any

from flopscape.config.study import ImportedStudy, Study
from flopscape.dag.commands import task_options
from flopscape.dag.selection import RESULTS, Selection
from flopscape.downstream.kept import files_of
from flopscape.errors import FlopscapeError

Wildcards = Any


class TaskInputs:
    """The answers to what the rule of tasks asks."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection

    def fit(self, wildcards: Wildcards) -> list[str]:
        """The fit of the loss that the accuracy follows, and its draws."""
        name = self._study(wildcards).fit_of_task(wildcards.task).name
        return [f"{RESULTS}/{wildcards.study}/fits/{name}{ending}" for ending in (".json", ".draws.parquet")]

    def options(self, wildcards: Wildcards) -> str:
        """The words of `flopscape downstream` after its table and its fit."""
        return task_options(self._study(wildcards), wildcards.task)

    def files(self, wildcards: Wildcards) -> list[str]:
        """Numbers and figures of all tasks of a study, for its report."""
        return files_of(f"{RESULTS}/{wildcards.study}", self.selection.chosen(wildcards.study).study.downstream)

    def _study(self, wildcards: Wildcards) -> Study | ImportedStudy:
        """The study, if it has the task; a job that outlived a change of its file is told so."""
        study = self.selection.chosen(wildcards.study).study
        if wildcards.task not in study.downstream:
            raise FlopscapeError(f"study {wildcards.study}: downstream has no {wildcards.task}; its file was edited")
        return study
