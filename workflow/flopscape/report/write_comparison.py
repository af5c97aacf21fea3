"""The files of a comparison in one folder: the page, its figure, all numbers, and what a paper takes from it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flopscape.comparison.compare import compare
from flopscape.comparison.figure import draw
from flopscape.comparison.kept import FIGURE, FILES, NUMBERS, PAGES, PAPER
from flopscape.comparison.recipes import read_recipes
from flopscape.comparison.results import Comparison
from flopscape.comparison.verdict import verdict
from flopscape.errors import FlopscapeError
from flopscape.figures.save import draw_to
from flopscape.files.outputs import write_text
from flopscape.files.side_outputs import refuse_folder
from flopscape.fitting.common.made_from import refuse_another
from flopscape.records.fit_file import read_fit
from flopscape.records.stamps import of_comparison, text_of
from flopscape.report.compare_page import Side, StudyFit, build
from flopscape.report.files import write_report
from flopscape.report.html import TEMPLATE
from flopscape.report.publication import bibtex, latex


@dataclass(frozen=True)
class Asked:
    """What is compared: a name, the tables with the baseline first, a fit of each or none, and the options.

    `differences` are lines for the page on what the recipes differ in.
    """

    name: str
    tables: Sequence[Path]
    fits: Sequence[Path] = ()
    flops: Sequence[float] = ()
    pairs: bool = True
    same_text: bool = False
    differences: Sequence[str] = ()

    @property
    def options(self) -> dict[str, Any]:
        """What decides the answer besides the files."""
        return {
            "name": self.name,
            "flops": [*self.flops],
            "pairs": self.pairs,
            "same_text": self.same_text,
            "differences": [*self.differences],
        }


def write_comparison(asked: Asked, folder: Path) -> str:
    """Compare the recipes and write everything about it into a folder; returns the verdicts.

    From a shell: `flopscape compare-report results/a/runs.csv results/b/runs.csv --name mlp --out results/compare/mlp`.

    Raises
    ------
    FlopscapeError
        The recipes cannot be compared, a file is missing or broken, or one must not be written; nothing is written.
    """
    beside = [file for file in FILES if file != NUMBERS]
    refuse_folder(folder, beside, [*asked.tables, *asked.fits], NUMBERS, {"recipes", "pairs"})
    if asked.fits and len(asked.fits) != len(asked.tables):
        raise FlopscapeError(f"compare-report: {len(asked.fits)} fits for {len(asked.tables)} tables; name one of each")
    for fit, table in zip(asked.fits, asked.tables, strict=False):
        refuse_another(fit, table, None)
    if not asked.name.strip():
        raise FlopscapeError("compare-report: --name is empty; give what the comparison is called")
    recipes = read_recipes([str(path) for path in asked.tables])
    fits: list[StudyFit | None] = [StudyFit(path, read_fit(path)) for path in asked.fits]
    sides = [Side(*side) for side in zip(recipes, asked.tables, fits or [None] * len(recipes), strict=True)]
    found = compare(recipes, asked.flops, use_pairs=asked.pairs, same_text=asked.same_text)
    stamp = of_comparison(asked.tables, asked.fits, asked.options, TEMPLATE)
    _write_numbers(found, asked.name, folder, text_of(stamp))
    figure = draw_to(folder / FIGURE[0], draw, found, stamp=stamp)[0]
    write_report(build(asked.name, found, sides, figure, asked.options, stamp), folder / PAGES[0])
    return "\n".join([*(verdict(pair) for pair in found.pairs), f"{folder / PAGES[0]}: written"])


def _write_numbers(found: Comparison, name: str, folder: Path, mark: str) -> None:
    """What a program or a paper reads."""
    numbers = json.dumps(found.to_json() | {"made_from": mark}, indent=2, ensure_ascii=False, allow_nan=False)
    table, references = (folder / file for file in PAPER)
    write_text(folder / NUMBERS, f"{numbers}\n")
    write_text(table, f"% {mark}\n{latex(found, name)}")
    write_text(references, f"% {mark}\n{bibtex()}")
