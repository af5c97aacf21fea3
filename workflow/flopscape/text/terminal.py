"""Tables and progress for the terminal."""

import sys
import time
from collections.abc import Callable, Collection
from typing import TextIO

from flopscape.text.visible import one_line, visible


def say(text: str, file: TextIO | None = None) -> None:
    """Print text whoever wrote it: what would steer the terminal, such as an escape sequence, is spelled."""
    print(visible(text), file=file or sys.stdout, flush=True)


def aligned(rows: list[list[str]], right: Collection[int] = ()) -> str:
    """A text table: a header, a rule, the rows; the columns numbered in `right` are flush right, the others left.

    >>> print(aligned([["fit", "runs"], ["vpnls", "60"]], right=(1,)))
    fit    runs
    -----------
    vpnls    60
    """
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_cell(i, cell, widths[i], right) for i, cell in enumerate(row)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _cell(column: int, text: str, width: int, right: Collection[int]) -> str:
    return text.rjust(width) if column in right else text.ljust(width)


def progress_lines(patience: float = 2.0) -> Callable[[int, int, str], None]:
    """A function that prints "3 of 12: name" on standard error, once `patience` seconds have passed."""
    started = time.perf_counter()

    def report(number: int, total: int, name: str) -> None:
        if time.perf_counter() - started > patience:
            say(f"{number} of {total}: {one_line(name)}", sys.stderr)

    return report
