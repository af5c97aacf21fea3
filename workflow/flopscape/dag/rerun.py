"""What Snakemake asks before it makes an output again, answered from the output itself.

Snakemake keeps notes on every output in `.snakemake` and asks them whether the parameters, the set of inputs, the code
or the software have changed. The notes are lost with that folder and stay behind when results are copied. Of rules
whose outputs say themselves what they are of, the outputs are asked here; all others keep Snakemake's own answers.

This leans on the names of six methods of Snakemake 9 (snakemake/persistence/__init__.py, asked by `update_needrun` in
snakemake/dag.py); tests/workflow/test_finished.py would see them change.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from snakemake.jobs import Job
from snakemake.persistence import NO_PARAMS_CHANGE, ParamsChange, PersistenceBase
from snakemake.settings.types import DAGSettings

from flopscape.dag.stale import Files

PREPARING = "prepare_data"
TRAINING = ("train_run", "train_trunk")
"""The rules whose outputs are paid for. A record is never stale: its name is a hash of all that decides its result."""
UNCHANGED: dict[str, Any] = {"has_outdated_metadata": False, "input_changed": (), "code_changed": ()}
UNCHANGED |= {"software_stack_changed": (), "params_changed": NO_PARAMS_CHANGE}
"""Questions, and the answers that make nothing due."""
STALE: dict[str, Callable[[Files, Any], str]] = {
    "write_plan": lambda files, _: files.why_plan(),
    "collect_runs": lambda files, _: files.why_table(),
    "import_runs": lambda files, _: files.why_table(),
    "fit_runs": lambda files, wildcards: files.why_fit(wildcards.fit),
    "vary_fits": lambda files, _: files.why_sensitivity(),
    "draw_figure": lambda files, wildcards: files.why_figure(wildcards.figure),
    "simulate_twin": lambda files, _: files.why_twin(),
    "judge_transfer": lambda files, _: files.why_transfer(),
    "write_report": lambda files, _: files.why_report(),
}
"""The rules whose outputs carry what they were made from, and how to find out that they are stale."""
NAMES: dict[str, str] = {}
"""Another workflow that uses this one may give its rules other names: theirs → ours."""


class MadeOtherwise(ParamsChange):  # type: ignore[misc]  # Snakemake says nothing of its types
    """What Snakemake prints with a job whose output is stale."""

    def __str__(self) -> str:
        return f"its output was made {', '.join(self.only_new)}"


def judge_by_content(studies: Mapping[str, Files], renamed: Callable[[str], str]) -> None:
    """Answer Snakemake's questions about the outputs of the rules above.

    For stale outputs Snakemake is told so even where it has no notes on them; else its own notes are asked as well.
    `renamed` gives the name of a rule in the workflow that is run.
    """
    NAMES.update({renamed(name): name for name in (*TRAINING, *STALE, PREPARING)})
    for question, answer in UNCHANGED.items():
        setattr(PersistenceBase, question, _paid_for(getattr(PersistenceBase, question), answer))
    PersistenceBase.has_metadata = _has_notes(PersistenceBase.has_metadata)
    PersistenceBase.params_changed = _made_otherwise(PersistenceBase.params_changed, studies)


def rule_of(job: Job) -> str:
    """Our name of the rule of a job."""
    name: str = job.rule.name
    return NAMES.get(name, name)


def _paid_for(asked: Callable[..., Any], answer: object) -> Callable[..., Any]:
    @wraps(asked)
    def answered(self: PersistenceBase, job: Job, *rest: Any, **named: Any) -> Any:
        return answer if rule_of(job) in TRAINING else asked(self, job, *rest, **named)

    return answered


def _has_notes(asked: Callable[..., Any]) -> Callable[..., Any]:
    """Without notes Snakemake would ask nothing more."""

    @wraps(asked)
    def answered(self: PersistenceBase, job: Job) -> bool:
        return rule_of(job) in TRAINING or rule_of(job) in STALE or asked(self, job)

    return answered


def _made_otherwise(asked: Callable[..., Any], studies: Mapping[str, Files]) -> Callable[..., Any]:
    """The one question whose answer has room for a reason."""

    @wraps(asked)
    def answered(self: PersistenceBase, job: Job, *rest: Any, **named: Any) -> Any:
        files = studies.get(job.wildcards.study) if rule_of(job) in STALE else None
        if files and (why := STALE[rule_of(job)](files, job.wildcards)):
            return MadeOtherwise(set(), {why}, set(job.output))
        return asked(self, job, *rest, **named)

    return answered


def is_forced(settings: DAGSettings, rules: tuple[str, ...], path: str) -> bool:
    """Whether a person has asked in so many words for an output to be made again: -F, -R, or -f with its path."""
    words = {*settings.forcerun, *(settings.targets if settings.forcetargets else ())}
    asked = {NAMES.get(word, word) for word in words}
    return settings.forceall or not asked.isdisjoint({*rules, path})


def is_finished(settings: DAGSettings, record: str) -> bool:
    """Whether a run has a record and nobody forces another: then it waits for nothing that could age it."""
    return Path(record).exists() and not is_forced(settings, TRAINING, record)
