"""What tasks will score: the accuracy of each at every asked compute, its curve, and what to doubt."""

from dataclasses import dataclass
from pathlib import Path

from flopscape.downstream import words
from flopscape.downstream.results import Downstream, Refused, Target
from flopscape.report.blocks import Block, Bullets, Grid, Paragraph, Picture
from flopscape.text import numbers

TITLE = "What tasks will score"
CAPTION = (
    "Left over the loss that the accuracy follows, right over compute along the optimum: runs, the curve with its 95 % "
    "band, and the predictions with 95 % intervals that have the errors of both steps. The dashed line is chance."
)


@dataclass(frozen=True)
class Task:
    """A task of the study: what was found of it, and its figure."""

    found: Downstream | Refused
    figure: Path


def blocks(tasks: dict[str, Task]) -> list[Block]:
    """A sentence a task, then its predictions, its curve, doubts and picture."""
    if not tasks:
        return []
    said: list[Block] = [Bullets([sentence(name, task.found) for name, task in tasks.items()])]
    return said + [block for name, task in tasks.items() for block in _of_one(name, task)]


def sentence(name: str, found: Downstream | Refused) -> str:
    """The accuracies of a task on one line, chance beside them; or why there are none."""
    if isinstance(found, Refused):
        return f"{name} refused: {found.refused.removesuffix('.')}."
    chance = "the chance level is not given" if found.chance is None else f"chance is {found.chance:g}"
    return f"{name}: {'; '.join(map(_at, found.targets))}; {chance}."


def _at(target: Target) -> str:
    size = ""
    if target.given and target.n_params is not None:
        size = f" by {numbers.count(target.n_params)} on {numbers.count(target.n_tokens)}"
    share = numbers.interval(target.accuracy, words.share)
    return f"{share} at {numbers.flops(target.flops)} FLOPs{size}"


def _of_one(name: str, task: Task) -> list[Block]:
    found = task.found
    if isinstance(found, Refused):
        return []
    grid = Grid(words.head(found), words.targets(found), f"{name}. {words.summary(found)}")
    doubts: list[Block] = [Bullets([f"{name}: {doubt}" for doubt in found.warnings])] if found.warnings else []
    return [grid, Paragraph(words.curve(found)), *doubts, Picture(f"task-{name}", task.figure, CAPTION)]
