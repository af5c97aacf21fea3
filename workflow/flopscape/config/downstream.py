"""`downstream` of a study: the tasks whose accuracy is predicted when its runs are finished.

downstream:
  hellaswag: {fit: hellaswag, chance: 0.25}   # accuracy@hellaswag, by the fit of loss@hellaswag that is named so
  own: {chance: 0.1, items: 360}              # accuracy@own, by the recommended fit, of the study's own loss
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from flopscape.config.fits import Fit
from flopscape.config.model import Distinct, Exclusion, Finite, Model, Positive, Seed, plain_name
from flopscape.config.plugins import HeldoutSet
from flopscape.downstream.kept import why_not_asked
from flopscape.records.metrics import BITS, LOSS, name_of
from flopscape.text.written import nearest


class Task(Model):
    """One task: its accuracy as a sigmoid of a loss that a fit of the study predicts."""

    accuracy: str | None = None
    """Column of the accuracy; `accuracy@` and the name of the task when left out."""
    fit: str | None = None
    """Name of the fit of the loss that the accuracy follows; the recommended fit when left out."""
    chance: Finite | None = None
    """Share that guessing gets right, the curve's floor, from 0 to below 1; fitted when left out."""
    items: Finite | None = None
    """Questions behind each accuracy; by the column of its standard errors when left out."""
    exclude: Exclusion | None = None
    """Leave out the runs for which this expression over the table's columns is true."""
    flops: Annotated[list[Positive], Distinct] = []
    """Compute to answer for, in FLOPs, spent optimally; that of `recommend` when left out."""
    n_params: Annotated[list[Positive], Distinct] = []
    """Sizes of runs to answer for too, each on every one of `n_tokens`."""
    n_tokens: Annotated[list[Positive], Distinct] = []
    """Tokens of these runs."""
    seed: Seed = 0
    """Seed of the resampling."""

    @model_validator(mode="after")
    def question_is_one(self) -> Self:
        """An accuracy is a share, and a run has a size and tokens."""
        if why := why_not_asked(self.accuracy or "accuracy", self.chance, self.items):
            raise ValueError(why)
        if bool(self.n_params) != bool(self.n_tokens):
            raise ValueError("n_params and n_tokens belong together: give both, or flops alone")
        return self


def _plain(name: str) -> str:
    return plain_name(name, "task")


Tasks = dict[Annotated[str, AfterValidator(_plain)], Task]


def metrics_scored(sets: dict[str, HeldoutSet]) -> list[str]:
    """The names of all further metrics that the runs of a study with these held-out sets have."""
    return [name_of(metric, name) for name, one in sets.items() for metric in (LOSS, BITS, *one.metrics)]


def metrics_asked(fits: Iterable[Fit], tasks: Tasks) -> Iterator[tuple[str, str]]:
    """Each metric of a set that a fit or a task reads, with the place where it is asked for."""
    yield from ((f"fits: {fit.name}: columns", fit.metric) for fit in fits if "@" in fit.metric)
    for name, task in tasks.items():
        place, column = f"downstream.{name}", accuracy_of(name, task)
        yield (f"{place}.accuracy" if task.accuracy else place), column


def accuracy_of(name: str, task: Task) -> str:
    """The column of a task's accuracy."""
    return task.accuracy or f"accuracy@{name}"


def why_unscored(asked: Iterable[tuple[str, str]], known: Iterable[str], cure: str) -> str:
    """That no run will have a metric, named with the place that asks for it; empty where all have theirs."""
    names = list(known)
    for place, column in asked:
        if column not in names:
            return f"{place}: no run has {column}{nearest(column, names) if names else ''}; {cure}"
    return ""
