"""The page of a comparison of recipes as plain data: what it says, in which order."""

import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from flopscape.comparison.kept import NUMBERS, PAPER, page_options, recipe_options
from flopscape.comparison.recipes import Recipe
from flopscape.comparison.results import Comparison, Pair, SingleBudget
from flopscape.comparison.verdict import factor, needed, simultaneous, verdict, written
from flopscape.comparison.words import course, grid, rests, signed, single
from flopscape.errors import joined, listed
from flopscape.files.outputs import lasting_name
from flopscape.records.fit_result import FitResult
from flopscape.records.stamps import Stamp, hash_of, text_of
from flopscape.report import summary
from flopscape.report.appendix import sentence
from flopscape.report.blocks import Block, Bullets, Code, Grid, Links, Paragraph, Picture, Report, Section
from flopscape.text import numbers

CAPTION = (
    "Above, the compute that the first named needs for the loss of the other, in multiples of the other's: above one, "
    "the other is better. Below, the lowest loss of each at a compute, and as points with intervals what each budget "
    "alone says it is. Bands are the intervals of the table; grey is the compute that no run reaches."
)
MEASURES = {"parabolas": "lowest points of parabolas", "paired runs": "paired runs"}
ABOUT_PAPER = "A table in LaTeX, and what it rests on for BibTeX; comparison.json has every number of this page."


@dataclass(frozen=True)
class StudyFit:
    """The fit that a study recommends by, and its file."""

    path: Path
    fit: FitResult


@dataclass(frozen=True)
class Side:
    """One recipe of the page: its runs, where their table lies, and its study's own fit, if it is one of a study."""

    recipe: Recipe
    table: Path
    own: StudyFit | None = None

    @property
    def name(self) -> str:
        """What the recipe is called."""
        return self.recipe.name


def build(
    name: str, found: Comparison, sides: Sequence[Side], figure: Path, options: Mapping[str, Any], stamp: Stamp
) -> Report:
    """All of the page; sections without content are left out.

    Parameters
    ----------
    name : str
        What the comparison is called.
    found : Comparison
        What it found.
    sides : sequence of Side
        The recipes, in the order of `found.recipes`.
    figure : Path
        The drawn multiplier, in the folder of the page.
    options : mapping
        `flops`, `pairs`, `same_text` and `differences` as they were asked.
    stamp : Stamp
        What the page is made from.
    """
    sections = [
        Section("What differs", _bullets(options["differences"])),
        Section("Compute for equal loss", [Picture("multiplier", figure, CAPTION), *_of_pairs(found, _table)]),
        Section("What to distrust", _of_pairs(found, _doubts)),
        Section("How it changes with compute", _of_pairs(found, lambda pair: _bullets(course(pair)))),
        Section("What each budget alone says", _of_pairs(found, _single_budgets)),
        Section("What it rests on", _of_pairs(found, lambda pair: _bullets(rests(pair)))),
        Section("What each study says itself", _studies(sides, figure.parent)),
        Section("How to make it again", _again(name, sides, figure.parent, options, stamp)),
        Section("For a paper", [Paragraph(ABOUT_PAPER), Links([(file, file) for file in (*PAPER, NUMBERS)])]),
    ]
    filled = [section for section in sections if section.blocks]
    title = f"{name}: {joined(found.recipes)} compared"
    return Report(title, found.simulated, _answer(found), filled, text_of(stamp))


def _answer(found: Comparison) -> list[Block]:
    verdicts: list[Block] = [Paragraph(verdict(pair), True) for pair in found.pairs]
    return [*verdicts, *([Paragraph(simultaneous(found))] if len(verdicts) > 1 else [])]


def _of_pairs(found: Comparison, blocks: Callable[[Pair], list[Block]]) -> list[Block]:
    """The same blocks of each pair, below its names where there are several."""
    told: list[Block] = []
    for pair, own in ((pair, blocks(pair)) for pair in found.pairs):
        title = [Paragraph(f"{pair.b} beside {pair.a}:")] if own and len(found.pairs) > 1 else []
        told += [*title, *own]
    return told


def _bullets(items: Iterable[str]) -> list[Block]:
    return [Bullets(kept)] if (kept := [*items]) else []


def _table(pair: Pair) -> list[Block]:
    lines = grid(pair)
    note = (
        f"Intervals as the verdict's. The compute multiplier is how many times {pair.b}'s compute {pair.a} needs for"
        f" one loss{_inverse(pair)}. “If floors are one” assumes that no amount of compute tells the two apart, and is"
        " wrong where it does; separate fits share nothing, and are wider far from the runs."
    )
    # Side by side they would not go on a page.
    return [_columns(lines, (0, 1, 2, 3, 4, 8), note), _columns(lines, (0, 1, 5, 6, 7))]


def _inverse(pair: Pair) -> str:
    """That the verdict tells the same number the other way about."""
    at = pair.target.multiplier
    return f": {factor(at.estimate)} is one over the {written(needed(at))} of the verdict" if at.estimate else ""


def _columns(lines: Sequence[Sequence[str]], kept: Sequence[int], note: str = "") -> Grid:
    head, *rows = ([line[i] for i in kept] for line in lines)
    return Grid(head, rows, note)


def _doubts(pair: Pair) -> list[Block]:
    """The warnings of a pair, and that a verdict beyond the runs is extrapolated."""
    return _bullets([*_far(pair), *(_begun(sentence(text), pair) for text in pair.warnings)])


def _begun(text: str, pair: Pair) -> str:
    """A sentence with a capital, unless it begins with the name of a recipe."""
    return text if text.startswith((pair.a, pair.b)) else f"{text[:1].upper()}{text[1:]}"


def _far(pair: Pair) -> list[str]:
    if pair.target.place != "beyond":
        return []
    far = numbers.ratio(pair.target.flops / pair.top)
    return [
        f"The verdict is of {numbers.flops(pair.target.flops)} FLOPs, {far} times the most that both have runs of: it "
        "holds as far as the shape of the curves does."
    ]


def _single_budgets(pair: Pair) -> list[Block]:
    """DataDecide's caution (arXiv 2504.11393): a law must earn its runs."""
    apart = f"L* {pair.a} less {pair.b}, {pair.rests_on.loss_unit}"
    head = ["budget, FLOPs", apart, "measured by", "alone would say"]
    rows = [[*_said(one), _word(pair, one)] for one in pair.single_budgets]
    return [*_bullets(single(pair)), *([Grid(head, rows)] if rows else [])]


def _said(one: SingleBudget) -> list[str]:
    return [numbers.flops(one.budget), signed(one.difference, 4), MEASURES[one.measured]]


def _word(pair: Pair, one: SingleBudget) -> str:
    return {"better": f"{pair.b} is better", "worse": f"{pair.a} is better", "undecided": "undecided"}[one.verdict]


def _studies(sides: Sequence[Side], folder: Path) -> list[Block]:
    """Each study's own recommendation, and its report."""
    rows = [[side.name, *_recommended(side.own.fit)] for side in sides if side.own]
    if not rows:
        return []
    table = sides[0].recipe.table
    head = ["study", "fit", *summary.head(table.unit, table.loss_unit or f"nats per {table.unit}")]
    # Only a study has a report beside its table.
    pages = [(side.name, side.table.parent / "report.html") for side in sides if side.table.name == "runs.csv"]
    links = [(f"The report of {name}", Path(os.path.relpath(page, folder)).as_posix()) for name, page in pages]
    return [
        Grid(head, rows, "At the first budget that each was asked for, by the fit it recommends by."),
        *([Links(links)] if links else []),
    ]


def _recommended(fit: FitResult) -> list[str]:
    """The status of a fit and its first row; dashes where it gives none."""
    rows = summary.recommendation(fit) or [[numbers.NOTHING] * len(summary.head())]
    return [fit.status, *rows[0]]


def _again(name: str, sides: Sequence[Side], folder: Path, options: Mapping[str, Any], stamp: Stamp) -> list[Block]:
    """The data, the code, the seeds and the commands that remake the page."""
    tables = [lasting_name(side.table) for side in sides]
    fits = [lasting_name(side.own.path) for side in sides if side.own]
    asked = options["flops"], options["pairs"], options["same_text"]
    page = page_options(name, fits, *asked, options["differences"])
    commands = [
        [shlex.join(["flopscape", "compare", *tables]), *recipe_options(*asked)],
        [
            shlex.join(["flopscape", "compare-report", *tables]),
            page,
            f"--out {shlex.quote(lasting_name(folder))}",
        ],
    ]
    rows = [[side.name, path, hash_of(side.table), *_runs(side)] for side, path in zip(sides, tables, strict=True)]
    head = ["recipe", "table of its runs", "hash of the table", "runs", "seeds", "data", "code that trained"]
    code = f"Code of the comparison: {stamp['code']}, of Python {stamp['python']}; options: {stamp['options']}."
    return [
        Code("\n".join(" ".join(words) for words in commands)),
        Grid(head, rows, f"The ids of all runs stand in the tables. {code}"),
    ]


def _runs(side: Side) -> list[str]:
    table = side.recipe.table
    columns = [_distinct(table.columns, name) for name in ("seed", "data_hash", "code_fingerprint")]
    return [str(table.n_runs), *columns]


def _distinct(columns: pd.DataFrame, name: str) -> str:
    """The values of a column, hashes by their beginning; a dash where there is no such column."""
    if name not in columns:
        return numbers.NOTHING
    values = sorted({str(value)[:12] for value in columns[name].dropna()} - {""})
    return listed(values, 4) if values else numbers.NOTHING
