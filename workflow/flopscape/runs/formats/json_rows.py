"""Tables in JSON: an object a line, objects one after the other, an array of them, or columns by name."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from flopscape.errors import FlopscapeError, listed
from flopscape.runs.formats.shape import distinct_names, plain, refuse_too_much
from flopscape.text.written import shown

BLANK = re.compile(r"[ \t\r\n]*")
MOST_DIGITS = 18
"""Whole numbers with more digits, which int64 may not hold, stay text: ids keep every digit, and none overflows."""
SHAPES = "write one object a line, or an array of objects"


def read_json(text: str, path: Path) -> tuple[pd.DataFrame, str]:
    """Read a table and tell which form it had.

    Raises
    ------
    FlopscapeError
        The line of what is not JSON or holds a key twice; the row of what is no object; no objects at all.
    """
    values = list(_values(text, path))
    if len(values) == 1 and isinstance(values[0], list):
        return _frame(_objects(values[0], path, "row"), path), "JSON array"
    if len(values) == 1 and _is_columns(values[0]):
        return _frame(_by_row(values[0], path), path), "JSON columns"
    return _frame(_objects(values, path, "line"), path), "JSON lines"


def _values(text: str, path: Path) -> Iterator[Any]:
    """The JSON values of a text, one after the other."""
    # JSON itself allows a key twice and keeps the last; here that is a mistake in the table.
    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole)
    at = _skip(text, 0)
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, at) + 1
            raise FlopscapeError(f"{path}, line {line}: not JSON ({error})") from error
        yield value
        at = _skip(text, end)


def _skip(text: str, at: int) -> int:
    blank = BLANK.match(text, at)
    return blank.end() if blank else at


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {shown(twice)} stands twice in one object")
    return values


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= MOST_DIGITS else digits


def _objects(values: list[Any], path: Path, place: str) -> list[dict[str, Any]]:
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise FlopscapeError(f"{path}, {place} {number}: not a JSON object; {SHAPES}")
    return values


def _is_columns(value: Any) -> bool:
    """Whether an object holds lists or mappings only: columns, as pandas writes them unless told otherwise."""
    return isinstance(value, dict) and bool(value) and all(isinstance(cells, dict | list) for cells in value.values())


def _by_row(columns: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    keys = {name: list(cells) if isinstance(cells, dict) else len(cells) for name, cells in columns.items()}
    first = next(iter(keys))
    for name, rows in keys.items():
        if rows != keys[first]:
            raise FlopscapeError(f"{path}: columns {listed([first, name])} have other rows; {SHAPES}")
    cells = [list(column.values()) if isinstance(column, dict) else column for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True)]


def _frame(rows: list[dict[str, Any]], path: Path) -> pd.DataFrame:
    """A column for every key of any row; a row without a key has an empty cell there."""
    if not rows:
        raise FlopscapeError(f"{path}: the file is empty")
    keys = list(_keys(rows, path))
    names = distinct_names([plain(key) for key in keys], path)
    columns = {name: _column(rows, key) for name, key in zip(names, keys, strict=True)}
    return pd.DataFrame(columns, index=range(len(rows)), dtype=object)


def _keys(rows: list[dict[str, Any]], path: Path) -> Iterable[str]:
    keys: dict[str, None] = {}
    for row in rows:
        keys |= dict.fromkeys(row)
        refuse_too_much(len(rows), len(keys), path)
    return keys


def _column(rows: list[dict[str, Any]], key: str) -> list[Any]:
    return [plain(row.get(key)) for row in rows]
