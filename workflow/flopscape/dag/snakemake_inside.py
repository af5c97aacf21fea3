"""Every part of Snakemake's inside that the workflow leans on, in one place.

Snakemake promises its Snakefile language and its command line. The workflow needs more: which runs are due before the
first one starts, whether a record that has no notes in `.snakemake` is finished, whether a person forces a run. All of
that is asked of objects that a later Snakemake may change, and only this file touches them.
tests/dag/test_snakemake_inside.py has a test for every use, which names the part that is gone.
"""

import base64
import binascii
import gc
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import snakemake.api  # before its other modules, which import one another in a circle
from snakemake.common import overwrite_function_params
from snakemake.io import is_flagged
from snakemake.jobs import Job
from snakemake.persistence import NO_PARAMS_CHANGE, ParamsChange, PersistenceBase
from snakemake.resources import Resource
from snakemake.settings.types import Quietness

from flopscape.plan.capacity import Capacity

Workflow = Any
"""Snakemake's `workflow`, whose own types do not say what is set when."""
Function = TypeVar("Function", bound=Callable[..., Any])
KIND = "kind"
"""The name of the parameter by which a rule says what it is."""


# What a rule is. -----------------------------------------------------------------------------------------------------
# A rule has one name where it is written and another in a workflow that uses it as a module, where it may be written
# anew with `use rule … with`. Its parameters go with it on all these ways; Snakemake neither prints nor compares one
# whose value is an object of another program's class, so that such an object may say what the rule is.


def kind_of(job: Job) -> object:
    """What the rule of a job says that it is; None for a rule that says nothing, such as one of another workflow."""
    return job.rule.params.get(KIND)


def names_of(workflow: Workflow, kind: object) -> frozenset[str]:
    """Names of the rules of one kind, as they are called in the workflow that runs."""
    return frozenset(rule.name for rule in workflow.rules if rule.params.get(KIND) is kind)


# What Snakemake was asked for. ---------------------------------------------------------------------------------------


def is_first_process(workflow: Workflow) -> bool:
    """Whether this is the Snakemake that a person started, and not one that carries out a single job of it."""
    return bool(workflow.is_main_process)


def is_dry_run(workflow: Workflow) -> bool:
    """Whether nothing is to be run (`-n`)."""
    return bool(workflow.output_settings.dryrun)


def is_module(workflow: Workflow) -> bool:
    """Whether the file being read is used by another workflow as a module."""
    return not workflow.modifier.is_main_snakefile()


def has_config_handed_over(workflow: Workflow) -> bool:
    """Whether the workflow that uses this one gave it a config, so that no file of a config is read."""
    return bool(workflow.modifier.skip_configfile)


def moves_results(workflow: Workflow) -> bool:
    """Whether the workflow that uses this one has all paths begin with a prefix of its own."""
    return bool(workflow.modifier.path_modifier.replace_prefix("results") != "results")


def where_stored(workflow: Workflow, path: Path) -> Path:
    """Where an output with this name can be read before any job has started: also in storage of the provider `fs`.

    What lies in any other storage cannot be read, and then the name itself is given, at which there is nothing.
    """
    storage = workflow.storage_settings
    if storage.default_storage_provider == "fs":
        return Path(storage.default_storage_prefix or "") / path
    return path


def configs_given(workflow: Workflow) -> tuple[list[Path], list[str]]:
    """Files of `--configfile`, and the words of `--config`."""
    return [Path(path) for path in workflow.overwrite_configfiles], list(workflow.config_settings.config_args or [])


def deployed_by(workflow: Workflow) -> set[str]:
    """What brings the software of jobs: CONDA, APPTAINER; nothing where it is what is installed here."""
    return {method.name for method in workflow.deployment_settings.deployment_method}


def forced(workflow: Workflow) -> tuple[bool, frozenset[str]]:
    """Whether everything is made again (`-F`), and the rules and files of which that is asked (`-R`, `-f`)."""
    settings = workflow.dag_settings
    return settings.forceall, frozenset({*settings.forcerun, *(settings.targets if settings.forcetargets else ())})


def room(workflow: Workflow) -> Capacity:
    """What the jobs of this invocation share: a cluster's places for jobs, or this machine's cores, memory and GPUs."""
    if is_on_cluster(workflow):
        return Capacity(workflow.resource_settings.nodes)
    limits = (workflow.global_resources.get(name).value for name in ("mem_mb", "gpu"))
    return Capacity(workflow.resource_settings.cores or 1, *limits)


def is_on_cluster(workflow: Workflow) -> bool:
    """Whether jobs are handed to other machines."""
    return bool(workflow.resource_settings.nodes)


def share_machine(workflow: Workflow, amounts: Mapping[str, int]) -> None:
    """Set what all jobs of this machine share, as far as `--resources` does not say it."""
    for name, amount in amounts.items():
        workflow.global_resources.setdefault(name, amount)


def make_default_target(workflow: Workflow, rule: Any) -> None:
    """Make a rule the one that plain `snakemake` runs, which `include` forgets; not in a workflow that has its own."""
    if not is_module(workflow):
        workflow.default_target = rule.rule.name


# What is due, before anything starts. --------------------------------------------------------------------------------


def jobs_due(workflow: Workflow) -> list[Job]:
    """All jobs of this invocation. A dry run marks its jobs as finished, and they count all the same."""
    return list(workflow.dag.needrun_jobs(exclude_finished=False))


def has_dag(workflow: Workflow) -> bool:
    """Whether Snakemake came as far as handing out jobs: not under `--lint`, and not after an error."""
    return workflow.scheduler is not None


CHECKS: list[Callable[[], None]] = []
"""What is asked once it is known which jobs are due."""


def before_first_job(check: Callable[[], None]) -> None:
    """Have `check` called when the DAG is complete and nothing has been started, not even an environment been made.

    `onstart:` is not enough: Snakemake leaves it out for a module and under `--no-hooks`. The last step of a DAG, which
    a run, a dry run and nothing else takes with `check_initial`, is the same in all of them.
    """
    CHECKS.append(check)
    dag = snakemake.dag.DAG
    if not hasattr(dag.postprocess, "__wrapped__"):
        dag.postprocess = _checked(dag.postprocess)


def _checked(postprocess: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(postprocess)
    async def checked(self: Any, *args: Any, check_initial: bool = False, **named: Any) -> None:
        await postprocess(self, *args, check_initial=check_initial, **named)
        if check_initial:
            for check in CHECKS:
                check()

    return checked


def after_success(workflow: Workflow, act: Callable[[], None]) -> None:
    """Have `act` called when all jobs have succeeded, after what the workflow itself does then."""

    # When the DAG is complete: `onsuccess:` of the workflow that runs is read by then, which would replace it.
    def wrap() -> None:
        theirs = workflow._onsuccess

        def both(log: str) -> None:
            theirs(log)
            act()

        workflow._onsuccess = both

    before_first_job(wrap)


# Whether an output is to be made again. ------------------------------------------------------------------------------
# Snakemake keeps notes on every output in `.snakemake` and asks them whether the parameters, the set of inputs, the
# code or the software have changed (snakemake/dag.py, update_needrun). The notes are lost with that folder and stay
# behind when results are copied; of rules whose outputs say themselves what they are of, the outputs are asked here.

UNCHANGED: dict[str, Any] = {"has_outdated_metadata": False, "input_changed": (), "code_changed": ()}
UNCHANGED |= {"software_stack_changed": (), "params_changed": NO_PARAMS_CHANGE}
"""Questions, and the answers that make nothing due."""


class MadeOtherwise(ParamsChange):  # type: ignore[misc]  # Snakemake says nothing of its types
    """What Snakemake prints with a job whose output is stale."""

    def __str__(self) -> str:
        return f"its output was made {', '.join(self.only_new)}"


def answer_from_outputs(is_paid_for: Callable[[Job], bool], why_stale: Callable[[Job], str | None]) -> None:
    """Answer Snakemake's questions from the outputs of jobs.

    `is_paid_for` says whether the output of a job is never stale, and `why_stale` how it was made otherwise than it
    would be now, empty if it was not: Snakemake is told so even where it has no notes, and asked for its own notes as
    well. It is None for a job of which only Snakemake's notes know.
    """
    if hasattr(PersistenceBase.has_metadata, "__wrapped__"):
        return
    for question, answer in UNCHANGED.items():
        setattr(PersistenceBase, question, _paid_for(getattr(PersistenceBase, question), answer, is_paid_for))
    PersistenceBase.has_metadata = _has_notes(PersistenceBase.has_metadata, is_paid_for, why_stale)
    PersistenceBase.params_changed = _made_otherwise(PersistenceBase.params_changed, why_stale)


def _paid_for(original: Callable[..., Any], answer: object, is_paid_for: Callable[[Job], bool]) -> Callable[..., Any]:
    @wraps(original)
    def answered(self: PersistenceBase, job: Job, *rest: Any, **named: Any) -> Any:
        return answer if is_paid_for(job) else original(self, job, *rest, **named)

    return answered


def _has_notes(
    original: Callable[..., Any], is_paid_for: Callable[[Job], bool], why_stale: Callable[[Job], str | None]
) -> Callable[..., Any]:
    """Without notes Snakemake would ask nothing more."""

    @wraps(original)
    def answered(self: PersistenceBase, job: Job) -> bool:
        return is_paid_for(job) or why_stale(job) is not None or original(self, job)

    return answered


def _made_otherwise(original: Callable[..., Any], why_stale: Callable[[Job], str | None]) -> Callable[..., Any]:
    """The one question whose answer has room for a reason."""

    @wraps(original)
    def answered(self: PersistenceBase, job: Job, *rest: Any, **named: Any) -> Any:
        if why := why_stale(job):
            return MadeOtherwise(set(), {why}, set(job.output))
        return original(self, job, *rest, **named)

    return answered


# Outputs that Snakemake takes for incomplete. ------------------------------------------------------------------------

MARKS = Path(".snakemake/incomplete")
"""One file a marked output, named by its path in URL-safe base 64 (snakemake/persistence/file.py)."""


def marked_outputs() -> Iterator[tuple[Path, str]]:
    """Each mark with the output it is of."""
    for mark in MARKS.glob("*"):
        with suppress(binascii.Error, ValueError):
            yield mark, base64.urlsafe_b64decode(mark.name).decode()


# Outputs that are added to. ------------------------------------------------------------------------------------------


def _with_last_version(prepare: Callable[..., Any]) -> Callable[..., Any]:
    """Before a job adds to an output that lies in a storage, Snakemake looks for a copy that it has not fetched."""

    @wraps(prepare)
    async def prepared(self: Job) -> None:
        for file in self.output:
            if is_flagged(file, "update") and file.is_storage and await file.exists_in_storage():
                await file.retrieve_from_storage()
        await prepare(self)

    return prepared


Job.prepare = _with_last_version(Job.prepare)


# Work that changes nothing is left out, so that a DAG of ten thousand runs is fast. ----------------------------------


def inspected_once(function: Function) -> Function:
    """Keep a function's parameters: looking them up at each call, many for every run, takes longer than the calls."""
    overwrite_function_params(function, inspect.signature(function).parameters)
    return function


inspected_once(Resource.evaluate)


def hurry_dry_run(workflow: Workflow) -> None:
    """A dry run ends before its garbage matters; Snakemake formats every job even where it then prints none."""
    gc.disable()
    if Quietness.RULES in (workflow.output_settings.quiet or ()):
        Job.log_info = lambda *_, **__: None
