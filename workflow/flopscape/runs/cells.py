"""Columns of a table that was read as text: numbers checked cell by cell, and types as the cells say.

A number is finite and positive where a fit needs one; the first cell that is not is named with file, row and column.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.laws.law import Array, Index, Mask, Names
from flopscape.text.written import nearest, shown

ALWAYS_TEXT = {
    *("run_id", "parent", "size", "unit", "loss_unit", "status", "reason", "data_hash", "code_fingerprint", "host"),
}
"""Names and hashes: text even where every cell could be read as a number, such as the hash 123456789e12."""

MOST = 1e50
"""Parameters, units of data, or FLOPs: six times a product of three of them is far below the largest float."""
TRUTH = {"true", "false"}
TRUE_WORDS = {"true", "1", "1.0", "yes"}
"""What a table may write for true."""


def require_column(frame: pd.DataFrame, name: str, path: str | Path) -> None:
    """Raise FlopscapeError where a table lacks a column, with the names nearest to it."""
    if name not in frame:
        raise FlopscapeError(f"{path}: no column {name}{nearest(name, frame.columns)}")


def positive_column(frame: pd.DataFrame, name: str, path: str | Path, row: Index, blank: bool = False) -> Array:
    """A column as finite positive float64; the first wrong cell is named. With `blank`, empty cells become NaN."""
    cells = frame[name].to_numpy(dtype=object)
    # A column of numbers holds no truth value and need not be looked through.
    if frame[name].dtype in (bool, object):
        _refuse_truth(cells, name, path, row)
    empty = blank_cells(cells)
    cells = np.where(empty, np.nan, cells)
    try:
        values = cells.astype(float)
    except (TypeError, ValueError):
        values = np.array([_float(cell) for cell in cells])
        # One conversion of the whole column is fast and says only that some cell is wrong: which one is found by trying
        # each.
        at = int(np.flatnonzero(np.isnan(values) & ~empty)[0])
        raise FlopscapeError(
            f"{path}, row {row[at]}, column {name}: {shown(cells[at])} is not a number{_cure(cells[at])}"
        ) from None
    wrong = ~(np.isfinite(values) & (values > 0)) & ~(empty & blank)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        value = "empty" if empty[at] else f"{values[at]:g}"
        why = ", and the law is of nats above zero (a normalised or log loss?)" if name == "loss" else ""
        why = "; fill it in or leave the row out" if empty[at] else why
        raise FlopscapeError(f"{path}, row {row[at]}, column {name}: {value}, must be positive and finite{why}")
    return np.asarray(values, float)


def amount_column(frame: pd.DataFrame, name: str, path: str | Path, row: Index, blank: bool = False) -> Array:
    """A column of parameters, units of data or FLOPs: positive, and so that products of a few of them are numbers."""
    values = positive_column(frame, name, path, row, blank)
    if (beyond := (values > MOST) | (values < 1 / MOST)).any():
        at = int(np.flatnonzero(beyond)[0])
        raise FlopscapeError(
            f"{path}, row {row[at]}, column {name}: {values[at]:g} is beyond what can be computed with, "
            f"{1 / MOST:g} to {MOST:g}; write it in single units"
        )
    return values


def text_column(frame: pd.DataFrame, name: str, default: list[str]) -> Names:
    """A column as text; blank cells get the default."""
    if name not in frame:
        return np.array(default, dtype=str)
    cells = frame[name].to_numpy(dtype=object)
    blank = blank_cells(cells)
    return np.array([d if b else str(c) for c, d, b in zip(cells, default, blank, strict=True)], dtype=str)


def as_word(cell: object) -> str:
    """A cell as one text: a column of integers with a blank is read as floats, and another table's is not.

    >>> as_word(256.0), as_word("256"), as_word(" gpt2 "), as_word("20261127.0")
    ('256', '256', 'gpt2', '20261127')
    """
    text = str(cell).strip()
    whole, point, zeros = text.partition(".")
    return whole if point and not zeros.strip("0") and whole.lstrip("-").isdigit() else text


def blank_cells(cells: "np.ndarray") -> Mask:
    """Cells that hold nothing: None, NaN, or no text."""
    # Only NaN differs from itself.
    return np.array([cell is None or cell != cell or cell == "" for cell in cells], bool)


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Text columns as booleans or numbers where every cell that is not blank is one; a blank is NaN there, or <NA>."""
    return pd.DataFrame(frame.apply(lambda column: column if column.name in ALWAYS_TEXT else _typed(column)))


def _typed(column: "pd.Series") -> "pd.Series":
    if not (pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column)):
        return column
    cells = column.to_numpy(dtype=object)
    blank = blank_cells(cells)
    filled = cells[~blank]
    if not {str, int, float, bool, np.bool_}.issuperset(map(type, filled)) or not len(column):
        return column
    values = _as_truth(filled)
    if values is None:
        values = _as_numbers(filled)
    if values is None:
        return column
    if not blank.any():
        return pd.Series(values, index=column.index, name=column.name)
    kind = "boolean" if values.dtype == bool else "float64"
    # Types that have a word for nothing: pandas' `boolean` with <NA>, floats with NaN. Integers would lose theirs.
    typed_cells = pd.Series(None, index=column.index, name=column.name, dtype=kind)
    typed_cells[~blank] = values
    return typed_cells


def _as_truth(cells: "np.ndarray") -> "np.ndarray | None":
    """Booleans if all cells are true or false, in any case; None if not, or if there are none."""
    if not len(cells) or str(cells[0]).strip().lower() not in TRUTH:
        return None
    words = [str(cell).strip().lower() for cell in cells]
    return np.array([word == "true" for word in words]) if TRUTH.issuperset(words) else None


def _as_numbers(cells: "np.ndarray") -> "np.ndarray | None":
    """Numbers if all cells are, NaN among them; None if not."""
    try:
        numbers = pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce").to_numpy()
    except OverflowError:  # an integer that no float holds
        return None
    if numbers.dtype.kind not in "iuf":
        return None
    return numbers if all(str(cell).strip().lower() == "nan" for cell in cells[np.isnan(numbers)]) else None


def _cure(cell: object) -> str:
    """What to do about a number with a comma: of thousands or of decimals, which only its writer knows."""
    commas = re.fullmatch(r"\s*[-+]?[\d.,]*,\d+(e[-+]?\d+)?\s*", str(cell), re.IGNORECASE)
    return " (write decimals with a point, and thousands without commas)" if commas else ""


def _refuse_truth(cells: "np.ndarray", name: str, path: str | Path, row: Index) -> None:
    """True is no 1: Parquet and JSON lines tell them apart, and float() does not."""
    truth = [i for i, cell in enumerate(cells) if isinstance(cell, bool | np.bool_)]
    if truth:
        raise FlopscapeError(f"{path}, row {row[truth[0]]}, column {name}: {cells[truth[0]]} is not a number")


def _float(cell: object) -> float:
    try:
        return float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")
