"""The chart walked for one design: each question with what was found, the approach, and what to do next.

flopscape guide config/studies/quick.yaml
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flopscape.guide.chart import APPROACHES, CHECKS, END, QUESTIONS, Approach
from flopscape.guide.facts import Facts
from flopscape.guide.measured import Measured


@dataclass(frozen=True)
class Step:
    """One question of the path: the fact found, the answer it gives, what to do about it, and by which command."""

    question: str
    fact: str
    answer: str
    then: str = ""
    now: str = ""


@dataclass(frozen=True)
class Walk:
    """The whole path of one design; `measured` are the errors of the methods on it, best first."""

    name: str
    steps: tuple[Step, ...]
    approach: Approach
    measured: Measured

    @property
    def next(self) -> list[str]:
        """What to do next, in the order of the path: first what decides the approach, then what decides belief."""
        return [f"{step.then}{f' Run: {step.now}' if step.now else ''}" for step in self.steps if step.then]


def walk(facts: Facts, measured: Measured) -> Walk:
    """Follow the chart from its first question.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from flopscape.guide.facts import Training, facts_of
    >>> from flopscape.runs.read import table_of
    >>> n = np.geomspace(1e6, 1e8, 7)
    >>> runs = pd.DataFrame({"n_params": n, "n_tokens": 20 * n, "loss": 2 + 1e3 / n**0.5})
    >>> path = walk(facts_of(table_of(runs, "ladder"), "ladder", True, [], Training()), Measured())
    >>> [step.answer for step in path.steps[:3]], path.approach.methods
    (['ends', 'six or more', 'a ladder'], ('law', 'answer'))
    """
    steps: list[Step] = []
    approach: Approach | None = None
    key = next(iter(QUESTIONS))
    while key != END:
        if key in APPROACHES:
            approach, key = APPROACHES[key], CHECKS
            continue
        question = QUESTIONS[key]
        found = question.look(facts)
        way = question.ways[found.answer]
        steps.append(Step(question.words, found.fact, found.answer, way.then, found.now))
        key = way.to
    if approach is None:
        raise ValueError("the chart ends before it has named an approach")
    return Walk(facts.name, tuple(steps), approach, measured)


def text(path: Walk) -> str:
    """The path for the terminal."""
    lines = [f"Which approach fits {path.name}", ""]
    for number, step in enumerate(path.steps, 1):
        lines += [f"{number}. {step.question}", f"   {step.fact} So: {step.answer}."]
    lines += ["", f"Fit {path.approach.words} ({', '.join(path.approach.methods)}).", path.approach.why]
    lines += ["", *measured_lines(path.measured), "", "Next:", *numbered(path.next)]
    return "\n".join(lines)


def measured_lines(measured: Measured) -> list[str]:
    """The table of errors, if anything was measured, and its sentences."""
    from flopscape.text.terminal import aligned

    table = [aligned(measured.rows, right=range(1, len(measured.rows[0])))] if measured.rows else []
    return [*table, *measured.sentences]


def numbered(sentences: Sequence[str]) -> list[str]:
    """Sentences as a numbered list."""
    return [f"{number}. {sentence}" for number, sentence in enumerate(sentences, 1)]
