"""Before the first job: what the runs that are due cost, and what must stop them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from snakemake.exceptions import WorkflowError

from flopscape.config.machine import Prices
from flopscape.config.study import Study
from flopscape.dag.rerun import PREPARING, TRAINING, rule_of
from flopscape.errors import FlopscapeError
from flopscape.plan.capacity import Capacity
from flopscape.plan.finished import Finished, refuse_other_data
from flopscape.plan.imported import PlannedImport, free_text
from flopscape.plan.price import refuse_over_limits
from flopscape.plan.price_table import price_text
from flopscape.plan.studies import PlannedStudy, data_hash, dataset_manifest, price_planned

Workflow = Any
"""Of Snakemake, whose own types do not say what is set when."""


def print_prices(
    workflow: Workflow,
    trained: Mapping[str, PlannedStudy],
    imported: Iterable[PlannedImport],
    prices: Prices,
    results: Path,
) -> None:
    """At the end of a dry run: what the runs still to do would cost, by study; nothing where there is no DAG."""
    if workflow.scheduler is None:
        return
    for study in imported:
        print(f"\n{free_text(study)}", flush=True)
    for name, due in runs_due(workflow, trained).items():
        planned = trained[name]
        seen = price_planned(planned, prices, room(workflow), results, due)
        print(f"\n{price_text(planned.study, seen.price, seen.coverage, seen.finished)}", flush=True)
        try:
            refuse_over_limits(planned.study, seen.price)
            _refuse_changed_data(workflow, planned, seen.finished, due, results)
        except FlopscapeError as error:
            print(f"REFUSED: {error}", flush=True)


def refuse_to_start(workflow: Workflow, trained: Mapping[str, PlannedStudy], prices: Prices, results: Path) -> None:
    """A study over its limits, with a broken record, or with runs due on other data than before stops everything.

    Raises
    ------
    WorkflowError
        With a sentence for each record, or the first of the others.
    """
    for name, due in runs_due(workflow, trained).items():
        planned = trained[name]
        seen = price_planned(planned, prices, Capacity(1), results)
        if seen.finished.broken:
            raise WorkflowError("\n".join(seen.finished.broken))
        try:
            refuse_over_limits(planned.study, seen.price)
            _refuse_changed_data(workflow, planned, seen.finished, due, results)
        except FlopscapeError as error:
            raise WorkflowError(str(error)) from None


def runs_due(workflow: Workflow, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The runs to be trained: by study, run id → why."""
    due: dict[str, dict[str, str]] = {name: {} for name in names}
    for job in workflow.dag.needrun_jobs(exclude_finished=False):
        if rule_of(job) in TRAINING:
            due[job.wildcards.study][job.wildcards.run_id] = "forced"
    return due


def _refuse_changed_data(
    workflow: Workflow, planned: PlannedStudy, finished: Finished, due: Mapping[str, str], results: Path
) -> None:
    """Compare the data as they are; those that are to be made first, `check_plugins` compares afterwards."""
    manifest, now = dataset_manifest(planned.study, results), data_hash(planned.study, results)
    made = {str(path) for job in workflow.dag.needrun_jobs(exclude_finished=False) for path in _data(job)}
    if due and manifest and now and str(manifest) not in made:
        refuse_other_data(planned.name, finished, manifest.parent, now)


def _data(job: Any) -> list[str]:
    return list(job.output) if rule_of(job) == PREPARING else []


def room(workflow: Workflow) -> Capacity:
    """What the runs of this invocation share."""
    if workflow.resource_settings.nodes:
        return Capacity(workflow.resource_settings.nodes)
    limits = (workflow.global_resources.get(name).value for name in ("mem_mb", "gpu"))
    return Capacity(workflow.resource_settings.cores or 1, *limits)


def uses_gpus(studies: Iterable[Study]) -> bool:
    """Whether any study trains on GPUs."""
    return any(study.resources.device == "gpu" for study in studies)
