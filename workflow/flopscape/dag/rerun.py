"""What Snakemake asks before it makes an output again, answered from the output itself.

Snakemake keeps notes on every output in `.snakemake` and asks them whether the parameters, the set of inputs, the code
or the software have changed. The notes are lost with that folder and stay behind when results are copied. Rules whose
outputs say themselves what they are of are answered here instead; all other rules keep Snakemake's own answers.

This leans on the names of five methods of Snakemake 9 (snakemake/persistence/__init__.py, asked by `update_needrun` in
snakemake/dag.py); tests/workflow/test_finished.py would see them change.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from snakemake.jobs import Job
from snakemake.persistence import NO_PARAMS_CHANGE, ParamsChange, PersistenceBase
from snakemake.settings.types import DAGSettings

TRAINING = ("train_run", "train_trunk")
"""The rules whose outputs are paid for."""
UNCHANGED: dict[str, Any] = {
    "has_metadata": True,
    "has_outdated_metadata": False,
    "input_changed": (),
    "code_changed": (),
    "software_stack_changed": (),
}
"""Questions and the answers that make nothing due."""
Why = Callable[[Job], str]
"""Why a job's outputs are stale, in words; empty where they are what they should be."""


def judge_by_content(rules: Mapping[str, Why]) -> None:
    """Answer Snakemake's questions about the outputs of some rules, by rule name."""
    for question, answer in UNCHANGED.items():
        setattr(PersistenceBase, question, _answered(getattr(PersistenceBase, question), rules, answer))
    PersistenceBase.params_changed = _params_changed(PersistenceBase.params_changed, rules)


def finished(_job: Job) -> str:
    """Why a record is stale: it never is. Its name is the hash of all that decides its result."""
    return ""


def _answered(asked: Callable[..., Any], rules: Mapping[str, Why], answer: object) -> Callable[..., Any]:
    @wraps(asked)
    def answered(self: PersistenceBase, job: Job, *rest: Any, **named: Any) -> Any:
        return answer if job.rule.name in rules else asked(self, job, *rest, **named)

    return answered


def _params_changed(asked: Callable[..., Any], rules: Mapping[str, Why]) -> Callable[..., Any]:
    """The one question that has room for a reason, which Snakemake prints with the job."""

    @wraps(asked)
    def answered(self: PersistenceBase, job: Job, *rest: Any, **named: Any) -> Any:
        if job.rule.name not in rules:
            return asked(self, job, *rest, **named)
        why = rules[job.rule.name](job)
        return ParamsChange(set(), {why}, set(job.output)) if why else NO_PARAMS_CHANGE

    return answered


def is_forced(settings: DAGSettings, rules: tuple[str, ...], path: str) -> bool:
    """Whether a person has asked in so many words for an output to be made again: -F, -R, or -f with its path."""
    asked = {*settings.forcerun, *(settings.targets if settings.forcetargets else ())}
    return settings.forceall or not asked.isdisjoint({*rules, path})


def is_finished(settings: DAGSettings, record: str) -> bool:
    """Whether a run has a record and nobody forces another: then it waits for nothing that could age it."""
    return Path(record).exists() and not is_forced(settings, TRAINING, record)
