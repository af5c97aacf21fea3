"""Tables of text whose cells are parted by commas, semicolons or tabs; every cell stays text."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

import pandas as pd

from flopscape.errors import FlopscapeError, listed
from flopscape.runs.formats.shape import distinct_names, refuse_too_much
from flopscape.text.written import shown

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
MOST_LINE = 10_000_000
"""Longest line in characters: 10,000 columns of 1,000 characters each."""
SNIFFED = 20
"""Lines that decide on the separator."""
BATCH = 100_000
"""Rows that are held as lists at once."""


class _Row(NamedTuple):
    """The cells of a row, its number in the table (0 is the header) and the last of its lines in the file."""

    cells: list[str]
    number: int
    line: int


def read_delimited(text: TextIO, path: Path) -> tuple[pd.DataFrame, str]:
    """Read a table and tell its separator, which is the one that parts the first lines alike.

    Blank lines are skipped. A column without a name is called `Unnamed: 3`, or left out where all its cells are empty.

    Raises
    ------
    FlopscapeError
        Nothing but blank lines; two columns of one name; a row with more or fewer cells than columns; an open quote.
    """
    lines = _lines(text, path)
    head = list(islice(lines, SNIFFED))
    separator = _separator(head)
    rows = _rows(_chained(head, lines), separator, path)
    header = next(rows, None)
    if header is None:
        raise FlopscapeError(f"{path}: the file is empty")
    names = distinct_names(_named(header.cells), path)
    unnamed = [name for name, cell in zip(names, header.cells, strict=True) if not cell.strip()]
    # Columns behind the last one with a name may be missing in a row.
    least = max((at for at, cell in enumerate(header.cells, 1) if cell.strip()), default=0)
    frame = _frame(_checked(rows, names, least, path), names, path)
    return frame.drop(columns=[name for name in unnamed if (frame[name] == "").all()]), separator


def _lines(text: TextIO, path: Path) -> Iterator[str]:
    while line := text.readline(MOST_LINE):
        if len(line) == MOST_LINE:
            raise FlopscapeError(f"{path}: a line of more than {MOST_LINE:,} characters; not a readable table")
        yield line


def _chained(head: list[str], lines: Iterator[str]) -> Iterator[str]:
    yield from head
    yield from lines


def _separator(head: list[str]) -> str:
    """The separator with most columns among those that give each line as many; without such, most in the first."""
    counts = {separator: _counts(head, separator) for separator in SEPARATORS}
    alike = {separator: widths for separator, widths in counts.items() if len(set(widths)) == 1}
    # Cells that hold a separator in quotes are one cell to `csv`, so that the true one parts all lines alike.
    best = max(alike, key=lambda separator: alike[separator][0], default=",")
    if alike.get(best, [1])[0] > 1:
        return best
    return max(counts, key=lambda separator: counts[separator][0] if counts[separator] else 0)


def _counts(head: list[str], separator: str) -> list[int]:
    """Cells of each line that is not blank."""
    try:
        return [len(cells) for cells in csv.reader(head, delimiter=separator, skipinitialspace=True) if cells]
    except csv.Error:
        return []


def _rows(lines: Iterator[str], separator: str, path: Path) -> Iterator[_Row]:
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    number = 0
    try:
        for cells in reader:
            if len(cells) > 1 or "".join(cells).strip():
                yield _Row(cells, number, reader.line_num)
                number += 1
    except csv.Error as error:
        raise FlopscapeError(f"{path}, line {reader.line_num}: not a readable table ({error})") from error


def _named(header: list[str]) -> list[str]:
    """Names for the columns without one, which no other column has."""
    taken = {cell.strip() for cell in header}
    names = []
    for at, cell in enumerate(header):
        name = cell if cell.strip() else f"Unnamed: {at}"
        while not cell.strip() and name in taken:
            name += "."
        names.append(name)
    return names


def _checked(rows: Iterator[_Row], names: list[str], least: int, path: Path) -> Iterator[list[str]]:
    """The cells of each row, one a column; empty ones at the end where only columns without a name are missing."""
    for row in rows:
        if not least <= len(row.cells) <= len(names):
            raise FlopscapeError(f"{path}, row {row.number} (line {row.line}): {_ragged(row.cells, names)}")
        yield row.cells + [""] * (len(names) - len(row.cells))


def _ragged(cells: list[str], names: list[str]) -> str:
    count = f"{len(cells)} cells and {len(names)} columns"
    if len(cells) < len(names):
        return f"{count}, column {listed([names[len(cells)]])} has none; was the file cut short?"
    if not "".join(cells[len(names) :]).strip():
        return f"{count}, nothing stands after the last, {listed(names[-1:])}; delete the separators at the line's end"
    return f"{count}, {shown(cells[len(names)])} has none; put quotes around a cell that holds the separator"


def _frame(rows: Iterator[list[str]], names: list[str], path: Path) -> pd.DataFrame:
    parts, n_rows = [pd.DataFrame(columns=names, dtype=str)], 0
    while batch := list(islice(rows, BATCH)):
        n_rows += len(batch)
        refuse_too_much(n_rows, len(names), path)
        parts.append(pd.DataFrame(batch, columns=names, dtype=str))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def text_stream(data: bytes, encoding: str) -> TextIO:
    """Text whose lines end where CSV's do: a line separator such as U+2028 inside a cell ends none."""
    return io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="")
