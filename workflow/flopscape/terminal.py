"""Tables for the terminal."""

from collections.abc import Collection


def aligned(rows: list[list[str]], right: Collection[int] = ()) -> str:
    """A text table: a header, a rule, the rows; the columns numbered in `right` are flush right, the others left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_cell(i, cell, widths[i], right) for i, cell in enumerate(row)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _cell(column: int, text: str, width: int, right: Collection[int]) -> str:
    return text.rjust(width) if column in right else text.ljust(width)
