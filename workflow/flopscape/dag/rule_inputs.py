"""What the rules ask of the selected studies: inputs, parameters and resources as functions of a rule's wildcards.

Every method here stands in a rule as it is, such as `params: options=ask.fit_options`, and takes Snakemake's wildcards:
`study`, and where the rule has them `run_id`, `fit`, `figure`, `dataset`, `experiment`.
"""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snakemake.io import ancient, local

from flopscape.config.bias import experiment_module
from flopscape.dag import commands
from flopscape.dag.rerun import Kind
from flopscape.dag.selection import RESULTS, TABLES_OF_FIGURES, Selection, run_file
from flopscape.dag.shared import SharedRuns, taken_from
from flopscape.dag.snakemake_inside import inspected_once
from flopscape.files.json_text import canonical
from flopscape.fingerprint import fingerprint
from flopscape.plan.studies import data_folders, dataset_manifest
from flopscape.plugins.prepare import MANIFEST

Wildcards = Any
Files = Any
"""The inputs of a job as Snakemake hands them over: with `--default-storage-provider`, copies of what is stored."""


def folder_of(path: str) -> str:
    """The folder of a file.

    >>> folder_of("results/quick/runs.csv")
    'results/quick'
    """
    return str(Path(path).parent)


class RuleInputs:
    """The answers to what rules ask.

    Parameters
    ----------
    selection : Selection
        The studies of this invocation.
    is_forced : callable
        Whether a run whose record's name and kind of rule are given is asked for again though it may be finished.
    """

    def __init__(self, selection: Selection, is_forced: Callable[[str, Kind], bool]) -> None:
        self.selection, self.shared = selection, SharedRuns(selection, is_forced)

    # Studies and their data. Files of the user's own are never looked for in the storage of the results.

    def study_file(self, wildcards: Wildcards) -> str:
        """The file of the study, for the verbs that read it."""
        return str(self.selection.chosen(wildcards.study).path)

    def prices(self, _: Wildcards) -> str:
        """Canonical JSON of what compute costs, and of first-guess speeds."""
        return canonical(self.selection.settings.prices.model_dump())

    def dataset_spec(self, wildcards: Wildcards) -> str:
        """Canonical JSON of a dataset: its plug-in and what goes to it."""
        return canonical(self.selection.datasets[wildcards.dataset])

    def dataset_sources(self, wildcards: Wildcards) -> list[str]:
        """The user's files that a dataset is made from."""
        return [local(path) for path in self.selection.sources[wildcards.dataset]]

    def data_manifest(self, wildcards: Wildcards) -> str | list[str]:
        """The manifest of a study's data; simulated runs have none."""
        return str(dataset_manifest(self.selection.trained_study(wildcards.study).study, RESULTS) or "") or []

    def data_manifests(self, wildcards: Wildcards) -> list[str]:
        """The manifest of a study's data first, and those of its further held-out sets: what its runs wait for."""
        folders = data_folders(self.selection.trained_study(wildcards.study).study, RESULTS)
        return [str(folder / MANIFEST) for folder in folders.values()]

    def imported_files(self, wildcards: Wildcards) -> list[str]:
        """What an import reads."""
        return [local(path) for path in self.selection.imported[wildcards.study].files]

    def import_options(self, wildcards: Wildcards) -> list[str]:
        """The words of `flopscape import`: the table, then its options."""
        return self.selection.imported[wildcards.study].options

    # Runs.

    @inspected_once
    def run_inputs(self, wildcards: Wildcards) -> list[Any]:
        """What a missing run waits for: its data and the check of its plug-ins, or the same run of another study.

        A finished one waits for nothing, and so nothing that becomes newer, is made again or is deleted can have it
        trained once more. Nor can a newer time stamp where records lie in a storage that cannot be read now.
        """
        name = wildcards.study
        if owner := self.shared.owner(name, wildcards.run_id):
            return [ancient(run_file(owner, wildcards.run_id))]
        if self.selection.trained_study(name).study.simulated or self.shared.is_finished(name, wildcards.run_id):
            return []
        return [*map(ancient, self.data_manifests(wildcards)), ancient(self.selection.check_file(name))]

    def trunk(self, wildcards: Wildcards) -> str:
        """The run that an untrained branch waits for, if it is still to come."""
        name, row = wildcards.study, self.selection.row(wildcards.study, wildcards.run_id)
        if not row.parent or any(self.shared.is_finished(name, run_id) for run_id in (row.run_id, row.parent)):
            return ""
        return "" if self.shared.owner(name, row.run_id) else row.parent

    @inspected_once
    def run_spec(self, wildcards: Wildcards) -> str:
        """Canonical JSON: exactly what the run id hashes."""
        return canonical(self.selection.row(wildcards.study, wildcards.run_id).spec)

    @inspected_once
    def run_launcher(self, wildcards: Wildcards, input: Files) -> str:
        """The command up to the spec; it names the branches still to be trained, and data that are kept elsewhere."""
        if taken_from(map(str, input), wildcards.run_id):
            return f"flopscape take-run {shlex.quote(str(input[0]))}"
        planned = self.selection.trained_study(wildcards.study)
        branches = self.selection.branches[planned.name].get(wildcards.run_id, [])
        missing = [row for row in branches if self.shared.is_to_be_trained(planned.name, row.run_id)]
        command = commands.launch_command(planned.study, self.selection.settings.prices, missing)
        # The command without --data for data in their usual place, so that it reads the same on every machine; with
        # storage, Snakemake hands over a copy.
        is_elsewhere = bool(input) and str(input[0]) != self.data_manifest(wildcards)
        return f"{command} --data {shlex.quote(folder_of(input[0]))}" if is_elsewhere else command

    @inspected_once
    def run_threads(self, wildcards: Wildcards) -> int:
        """CPUs of a run on each of its machines; one for a record that is only copied."""
        resources = self.selection.trained_study(wildcards.study).study.resources
        is_copied = self.shared.owner(wildcards.study, wildcards.run_id)
        return 1 if is_copied else resources.processes // resources.machines * resources.threads

    @inspected_once
    def run_memory(self, wildcards: Wildcards, attempt: int) -> int:
        """More memory for a job that failed, for that may be what it lacked."""
        return self.selection.trained_study(wildcards.study).study.resources.memory_mb * attempt

    @inspected_once
    def run_minutes(self, wildcards: Wildcards, attempt: int) -> int:
        """As `run_memory`; a run that hit its limit goes on from its checkpoint."""
        return self.selection.trained_study(wildcards.study).study.resources.minutes * attempt

    @inspected_once
    def run_gpus(self, wildcards: Wildcards) -> int:
        """GPUs of a run, one for each of its processes."""
        resources = self.selection.trained_study(wildcards.study).study.resources
        is_copied = self.shared.owner(wildcards.study, wildcards.run_id)
        return resources.processes if resources.device == "gpu" and not is_copied else 0

    def study_runs(self, wildcards: Wildcards) -> list[str]:
        """The records of all planned runs; of a growing study, once all its rungs are planned."""
        return self.selection.run_files(wildcards.study)

    def search_runs(self, wildcards: Wildcards) -> list[str]:
        """The records of the search for a learning rate."""
        return self.selection.search_files(wildcards.study)

    def transfer_targets(self, _: Wildcards) -> list[str]:
        """The verdicts on the searches of all studies that have one."""
        return self.selection.transfer_files()

    # Fits.

    def fit_options(self, wildcards: Wildcards, input: Files) -> str:
        """Command-line options of one fit; the words of `flopscape fit --help`."""
        flops = self.selection.chosen(wildcards.study).study.recommend.flops
        fit = self.selection.fit(wildcards.study, wildcards.fit)
        return commands.fit_options(fit, flops, folder_of(input.runs))

    def fit_curves(self, wildcards: Wildcards) -> list[str]:
        """The training curves, for a method that reads them."""
        return commands.curves_of(self.selection.fit(wildcards.study, wildcards.fit), f"{RESULTS}/{wildcards.study}")

    def sensitivity_options(self, wildcards: Wildcards, input: Files) -> str:
        """The words of `flopscape sensitivity`."""
        flops = self.selection.chosen(wildcards.study).study.recommend.flops
        return commands.choices(self.selection.recommended_fit(wildcards.study), flops, folder_of(input.runs))

    def sensitivity_curves(self, wildcards: Wildcards) -> list[str]:
        """The training curves, where the recommended fit reads them."""
        return commands.curves_of(self.selection.recommended_fit(wildcards.study), f"{RESULTS}/{wildcards.study}")

    def backtest_curves(self, wildcards: Wildcards) -> list[str]:
        """The training curves, where any fit reads them."""
        return commands.curves_of_any(self.selection.chosen(wildcards.study).study.fits, f"{RESULTS}/{wildcards.study}")

    def backtest_options(self, wildcards: Wildcards, input: Files) -> str:
        """The words of `flopscape backtest`."""
        return commands.backtest_options([str(path) for path in input.fits], [str(path) for path in input.curves])

    def validation_options(self, wildcards: Wildcards, input: Files) -> str:
        """The words of `flopscape validate`."""
        return commands.validation_options([str(path) for path in input.fits])

    def validation(self, wildcards: Wildcards) -> list[str]:
        """The scores of hidden runs, of a study that may have some."""
        return self.selection.validation_files(wildcards.study)[:1]

    def archive(self, wildcards: Wildcards) -> list[str]:
        """What fits have ever said of hidden runs, of a study that may have some."""
        return self.selection.validation_files(wildcards.study)[1:]

    def recommended_fit(self, wildcards: Wildcards) -> list[str]:
        """The files of the fit that the recommendation rests on: itself and its draws."""
        name, files = self.selection.recommended_fit(wildcards.study).name, f"{RESULTS}/{wildcards.study}/fits"
        return [f"{files}/{name}.json", f"{files}/{name}.draws.parquet"]

    def prediction_options(self, wildcards: Wildcards, input: Files) -> str:
        """The words of `flopscape predict` after its fit."""
        study = self.selection.chosen(wildcards.study).study
        return commands.prediction_options(study, str(input.backtest), " ".join(self.validation(wildcards)))

    def study_fits(self, wildcards: Wildcards) -> list[str]:
        """The files of all fits."""
        return self.selection.fit_files(wildcards.study)

    def study_draws(self, wildcards: Wildcards) -> list[str]:
        """The draws of all fits, which are read from beside them."""
        return self.selection.draw_files(wildcards.study)

    def twin_options(self, wildcards: Wildcards, input: Files) -> str:
        """How much to simulate, the budgets that the study asks about, and what came of hidden runs."""
        scored = " ".join(map(str, input.validation)) if self.validation(wildcards) else ""
        return commands.twin_options(self.selection.chosen(wildcards.study).study, scored)

    # Figures and the report.

    def figure_table(self, wildcards: Wildcards) -> list[str]:
        """A table of its own is read by the figure of that name only: the others do not wait for it."""
        table = f"{wildcards.figure}.csv"
        return [f"{RESULTS}/{wildcards.study}/{table}"] if table in TABLES_OF_FIGURES else []

    def figure_options(self, wildcards: Wildcards, input: Files) -> str:
        """The words of `flopscape figure` besides its inputs."""
        return f"--{wildcards.figure} {shlex.quote(str(input.table))}" if self.figure_table(wildcards) else ""

    def figure_title(self, wildcards: Wildcards) -> str:
        """The study's title, which all its figures carry."""
        return self.selection.chosen(wildcards.study).study.title

    def study_figures(self, wildcards: Wildcards) -> list[str]:
        """The SVG files of all figures."""
        return self.selection.figure_files(wildcards.study)

    def study_twin(self, wildcards: Wildcards) -> list[str]:
        """All files of the twin."""
        return self.selection.twin_files(wildcards.study)

    def study_forecast(self, wildcards: Wildcards) -> list[str]:
        """What the plan expected; nothing was planned for imported runs."""
        is_imported = wildcards.study in self.selection.imported
        return [] if is_imported else [f"{RESULTS}/{wildcards.study}/forecast.json"]

    def reported_manifest(self, wildcards: Wildcards) -> str | list[Any]:
        """What report and checklist are told of the data: of those that runs are still to be trained on as well.

        For them alone, which say from the records what data the runs saw, nothing is prepared again; nor does a newer
        time stamp make them due. The same before the runs as after, or Snakemake would take the report for one of other
        inputs as soon as the last run is there.
        """
        if wildcards.study in self.selection.imported:
            return f"{RESULTS}/{wildcards.study}/manifest.json"
        if self._trains_runs(wildcards.study) or self._has_manifest(wildcards.study):
            return [ancient(manifest) for manifest in [self.data_manifest(wildcards)] if manifest]
        return []

    def _trains_runs(self, name: str) -> bool:
        """Whether a run of a study is still to come."""
        planned = self.selection.trained_study(name)
        records = (self.selection.record(name, row.run_id) for row in planned.rows)
        return bool(planned.open_runs) or not all(record.exists() for record in records)

    def _has_manifest(self, name: str) -> bool:
        """Whether the data of a study are there."""
        manifest = dataset_manifest(self.selection.trained_study(name).study, self.selection.results)
        return manifest is not None and manifest.exists()

    # Bias experiments.

    def experiment_settings(self, wildcards: Wildcards) -> str:
        """Canonical JSON of an experiment's settings."""
        return canonical(getattr(self.selection.bias, wildcards.experiment).model_dump())

    def experiment_mirror(self, wildcards: Wildcards) -> str:
        """The folder of published tables, for the experiments that read one."""
        used = getattr(self.selection.bias, wildcards.experiment).reads_published
        return self.mirror_option(wildcards) if used else ""

    def mirror_option(self, _: Wildcards) -> str:
        """The option that names the folder of published tables, where there is one."""
        mirror = self.selection.settings.data_mirror
        return f"--mirror {shlex.quote(str(mirror))}" if mirror else ""

    def experiment_code(self, wildcards: Wildcards) -> str:
        """Fingerprint of the code that carries out an experiment."""
        return fingerprint("flopscape.bias.run", experiment_module(wildcards.experiment))
