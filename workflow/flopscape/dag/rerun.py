"""What a rule is, as it says itself, and so which of its outputs are due: asked of them, not of Snakemake's notes.

A rule that says nothing, such as any of another workflow that uses this one, keeps Snakemake's own answers.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from snakemake.jobs import Job

from flopscape.dag import snakemake_inside as inside
from flopscape.dag.stale import Files
from flopscape.plan.imported import PlannedImport
from flopscape.records.stamps import WORDS

STUDIES: dict[str, Callable[[str], Files]] = {}
"""What gives the files of each study of this invocation, by its name: this workflow, or a module that is this workflow.

Not the files themselves, for the plan of a study may grow.
"""


class Kind(Enum):
    """Rules of which more is to be known than whether their outputs are stale."""

    TRAINING = "trains runs"
    """Their outputs are paid for. A record is never stale: its name is a hash of all that decides its result."""
    TRAINING_TRUNK = "trains runs that others start from"
    """Their outputs are paid for and never stale too; other runs wait for them."""
    PLANNING = "plans rungs"
    """Their outputs decide which runs are paid for, and are made again only where the study asks for others."""
    PREPARING = "prepares data"


@dataclass(frozen=True)
class Judged:
    """A rule whose outputs carry what they were made from.

    Parameters
    ----------
    why : callable
        A method of `Files`, or a function of them, that says how they were made otherwise than they would be now; empty
        if they were not.
    wildcard : str, optional
        The wildcard of the rule that it takes.

    Examples
    --------
    In a rule: `params: kind=Judged(Files.why_fit, "fit")`
    """

    why: Callable[..., str]
    wildcard: str | None = None

    def why_stale(self, files: Files, wildcards: Any) -> str:
        """How the outputs were made otherwise than now; `files` are those of the study."""
        return self.why(files, *([getattr(wildcards, self.wildcard)] if self.wildcard else []))


@dataclass(frozen=True)
class JudgedBeside:
    """A rule of several studies, whose outputs carry what they were made from; `why` takes the rule's wildcards."""

    why: Callable[[Any], str]


def is_training(job: Job) -> bool:
    """Whether a job trains, or simulates, a run."""
    return inside.kind_of(job) in (Kind.TRAINING, Kind.TRAINING_TRUNK)


def is_kept(job: Job) -> bool:
    """Whether no note of Snakemake's can make the outputs of a job due, and no time stamp and no input."""
    return is_training(job) or inside.kind_of(job) is Kind.PLANNING


def why_rung(files: Files, name: str) -> str:
    """Why the plan of a rung is stale: the study, or a rung below it, asks for another; no record ever makes it so."""
    if isinstance(files.planned, PlannedImport) or not (files.folder / "rungs" / f"{name}.json").exists():
        return ""
    return "" if any(rung.name == name for rung in files.planned.rungs) else WORDS["options"]


def why_stale(job: Job) -> str | None:
    """How the outputs of a job were made otherwise than now; None where they do not say it."""
    kind = inside.kind_of(job)
    if kind is Kind.PLANNING:
        kind = Judged(why_rung, "rung")
    if isinstance(kind, JudgedBeside):
        return kind.why(job.wildcards)
    if not isinstance(kind, Judged):
        return None
    # A study that is not selected in this invocation has no files to be judged by: they count as fresh.
    files_of = STUDIES.get(job.wildcards.study)
    return kind.why_stale(files_of(job.wildcards.study), job.wildcards) if files_of else ""


def judge_by_content(studies: Iterable[str], files_of: Callable[[str], Files]) -> None:
    """Have Snakemake ask the outputs of these studies whether they are to be made again."""
    STUDIES.update(dict.fromkeys(studies, files_of))
    inside.answer_from_outputs(is_kept, why_stale)


class Forced:
    """The runs that a person asks for again in so many words: by -F, -R, or -f with the path of a record."""

    def __init__(self, workflow: inside.Workflow) -> None:
        self.workflow = workflow

    @cached_property
    def forced(self) -> tuple[frozenset[Kind], frozenset[str]]:
        """The kinds of rules that are forced as a whole, and files that are; known when all rules are read."""
        everything, forced = inside.forced(self.workflow)
        # A rule that is forced by name, under whichever name the workflow that runs has given it.
        named = (kind for kind in Kind if not forced.isdisjoint(inside.names_of(self.workflow, kind)))
        return frozenset(Kind if everything else named), forced

    def is_forced(self, record: str, kind: Kind) -> bool:
        """Whether the run with this record, of a rule of this kind, is among them."""
        kinds, files = self.forced
        return kind in kinds or record in files
