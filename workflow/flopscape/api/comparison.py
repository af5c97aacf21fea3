"""Recipes beside each other: by what factor of compute one is better, as `flopscape compare` says it."""

import json
import os
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from flopscape.api.asked import Numbers, PathLike, numbers_of, path_of
from flopscape.api.runs import AnyRuns, read_runs
from flopscape.api.show import drawn, flat, page
from flopscape.comparison import compare as comparing
from flopscape.comparison.recipes import Recipe, read_recipes
from flopscape.comparison.results import Comparison as Found
from flopscape.comparison.verdict import verdict
from flopscape.comparison.words import grid, sentences, text
from flopscape.figures.save import draw_to, refuse_figure
from flopscape.files.outputs import refuse_output, write_text
from flopscape.runs.chosen import chosen_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LETTERS = string.ascii_uppercase
"""Names of recipes that have none."""


@dataclass(frozen=True, repr=False)
class Comparison:
    """What `compare` returns: `found` has every number of every pair of recipes."""

    found: Found

    @property
    def verdicts(self) -> list[str]:
        """A sentence a pair."""
        return [verdict(pair) for pair in self.found.pairs]

    def to_frame(self) -> pd.DataFrame:
        """A row a pair and told compute; an open end, and what never happens, is NaN or None."""
        return pd.DataFrame(
            [{"a": pair.a, "b": pair.b, **flat(vars(at))} for pair in self.found.pairs for at in pair.points]
        )

    def to_json(self) -> str:
        """Everything, as `flopscape compare --json` prints it."""
        return json.dumps(self.found.to_json(), indent=2, ensure_ascii=False, allow_nan=False)

    def summary(self) -> str:
        """What `flopscape compare` prints: the verdict, a table over compute, and what it rests on."""
        return text(self.found)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The compute multiplier with its band against compute, into the axes that are given or new ones."""
        from flopscape.comparison.figure import multipliers
        from flopscape.figures import style

        with drawn(ax) as axes:
            multipliers(axes, self.found)
            style.flops_axis(axes)
            axes.legend(title="compute for equal loss")
        return axes

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        parts = []
        for pair in self.found.pairs:
            head, *rows = grid(pair)
            parts.append(page(verdict(pair), head, rows, sentences(pair)))
        return "".join(parts)


def compare(
    *recipes: AnyRuns | Mapping[str, AnyRuns],
    flops: Numbers | None = None,
    pairs: bool = True,
    same_text: bool = False,
    columns: Mapping[str, str] | None = None,
    exclude: str | None = None,
    results: PathLike = "results",
    csv: PathLike | None = None,
    out: PathLike | None = None,
) -> Comparison:
    """Say which of two or more recipes is better, by what factor of compute, and whether that will last.

    Parameters
    ----------
    *recipes : paths, names of studies, DataFrames or Runs
        Two or more, the first being the baseline; or one mapping from names to them.
    flops : number or numbers, optional
        Compute in FLOPs to answer for, the verdict being of the largest.
    pairs : bool
        Whether runs of one seed and budget share the order of their data.
    same_text : bool
        That losses are of one held-out text, though the tables say other data.
    columns, exclude : optional
        As of `read_runs` and `fit`, of all tables.
    results : path
        The folder of all studies, where a name is that of one.
    csv, out : path, optional
        The table and the figure to write.

    Raises
    ------
    FlopscapeError
        The recipes cannot be compared, or do not determine a surface.

    Examples
    --------
    `fs.compare("adamw.csv", "muon.csv", flops=1e22).summary()`, on the command line
    `flopscape compare adamw.csv muon.csv --flops 1e22`.
    """
    named, folder = _named(recipes), path_of(results, "results")
    places = [str(source) for _, source in named if isinstance(source, str | os.PathLike)]
    read: list[str | Path] = [*places, *(folder / place / "runs.csv" for place in places)]
    figure, table = (None if place is None else path_of(place, what) for place, what in ((out, "out"), (csv, "csv")))
    if figure is not None:
        refuse_figure(figure, read)
    if table is not None:
        refuse_output(table, read)
    sides = _sides(named, places, folder, columns, exclude)
    found = Comparison(comparing.compare(sides, numbers_of(flops, "flops"), use_pairs=pairs, same_text=same_text))
    if table is not None:
        write_text(table, found.to_frame().to_csv(index=False))
    if figure is not None:
        # Imported only where a figure is asked for: matplotlib takes longer than a comparison.
        from flopscape.comparison.figure import draw

        draw_to(figure, draw, found.found)
    return found


def _named(recipes: tuple[Any, ...]) -> list[tuple[str, Any]]:
    """Names and recipes; an empty name for one that has only its own."""
    if len(recipes) == 1 and isinstance(recipes[0], Mapping):
        return [(str(name), source) for name, source in recipes[0].items()]
    return [("", source) for source in recipes]


def _sides(
    named: Sequence[tuple[str, Any]],
    places: Sequence[str],
    results: Path,
    columns: Mapping[str, str] | None,
    exclude: str | None,
) -> list[Recipe]:
    """The recipes: by the names of their files or studies where all have one, else by those given, or letters."""
    if len(places) == len(named) and not any(name for name, _ in named):
        return read_recipes(places, results, columns, exclude)
    pairs = zip(LETTERS, named, strict=False)
    return [_side(name or letter, source, results, columns, exclude) for letter, (name, source) in pairs]


def _side(name: str, source: Any, results: Path, columns: Mapping[str, str] | None, exclude: str | None) -> Recipe:
    """One recipe under a name; a table without a file is called by it in sentences too."""
    if isinstance(source, str | os.PathLike):
        return replace(read_recipes([str(source)], results, columns, exclude)[0], name=name)
    runs = read_runs(source, columns)
    table = runs.table if runs.path else replace(runs.table, path=name)
    return Recipe(name, chosen_rows(table, exclude, None))
