"""The files of a comparison that is kept, and the words of the commands that make them.

Imported while the workflow is planned, and so without numpy.
"""

import shlex
from collections.abc import Sequence

NUMBERS = "comparison.json"
"""All numbers; by it a folder is known as one of a comparison."""
FIGURE = ("multiplier.svg", "multiplier.png")
PAGES = ("report.html", "report.md")
PAPER = ("table.tex", "references.bib")
"""What a paper takes: a table in LaTeX, and entries for BibTeX."""
FILES = (NUMBERS, *FIGURE, *PAPER, *PAGES)
"""All of them, made at once; each carries what they were made from."""


def page_options(
    name: str, fits: Sequence[str], flops: Sequence[float], pairs: bool, same_text: bool, differ: Sequence[str] = ()
) -> str:
    """The words of `flopscape compare-report` after its tables, but for the folder.

    >>> page_options("mlp", [], [1e13], pairs=False, same_text=False)
    '--name mlp --flops 1e+13 --no-pairs'
    """
    told = [f"--name {shlex.quote(name)}", *(f"--fits {shlex.quote(path)}" for path in fits)]
    lines = [f"--difference {shlex.quote(line)}" for line in differ]
    return " ".join([*told, *recipe_options(flops, pairs, same_text), *lines])


def recipe_options(flops: Sequence[float], pairs: bool, same_text: bool) -> list[str]:
    """The words of `flopscape compare` after its recipes."""
    return [*(f"--flops {_written(c)}" for c in flops), *["--no-pairs"] * (not pairs), *["--same-text"] * same_text]


def _written(flops: float) -> str:
    """A number as people write compute; every digit of it where few are not enough."""
    return short if float(short := f"{flops:g}") == flops else repr(flops)
