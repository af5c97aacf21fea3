"""Columns of metrics in a table: losses on other sets, bits a byte, accuracies, as numbers of one unit.

They are called as in our own tables: `loss@web`, `accuracy@hellaswag`, `bits_per_byte`. An accuracy is a share, whoever
reads the table. One in per cent is divided by 100, and said so, where all its numbers can only be per cent; where they
could be either, nothing is guessed: an import refuses the column, and what needs no accuracy reads on.

Any other column with an @ in its name may be a metric of a person's own, `f1@squad`, or text, `model@revision`: its
cells tell.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.laws.law import Array, Index, Mask
from flopscape.records.metrics import ERROR, has_known_meaning, is_accuracy, is_metric
from flopscape.runs.cells import blank_cells
from flopscape.runs.import_rows import EMPTY
from flopscape.runs.meaning import rows_text
from flopscape.text.written import shown

MOST_SHARE = 1.0
PER_CENT = 1.5
"""From here on a number is no share that was rounded or summed up wrongly."""


def with_metrics(
    frame: pd.DataFrame, used: Mask, source: str, told: Iterable[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """The table with its metrics as float64, accuracies as shares; and sentences on what was read otherwise.

    Parameters
    ----------
    frame : DataFrame
        Under our names.
    used : array of bool, shape (rows,)
        The rows that are looked at: what is left out need not be right.
    source : str
        The table's name, for sentences.
    told : iterable of str, optional
        Columns that a person has said are metrics, whatever they are called.

    Raises
    ------
    FlopscapeError
        A cell is no number, an accuracy is below 0 or above 100, or shares and per cent stand in one column.
    """
    columns, notes, told = {}, [], set(told)
    for name in filter(_is_number_of_metric, map(str, frame.columns)):
        values, wrong = _numbers(frame[name], used)
        metric = name.removesuffix(ERROR)
        if not wrong.any():
            columns[name] = values
        elif metric in told or has_known_meaning(metric):
            raise FlopscapeError(
                f"{_cell(frame, name, wrong, source)} is not a finite number; correct it, or leave the cell empty"
            )
        elif np.isfinite(values[used]).any():
            notes.append(f"{_cell(frame, name, wrong, source)} is no number, so that the column is kept as text")
    for name, values in columns.items():
        if name.endswith(ERROR) and (below := used & (values < 0)).any():
            raise FlopscapeError(f"{_cell(frame, name, below, source)} is no standard error, which is never below zero")
    for name in filter(is_accuracy, filter(is_metric, list(columns))):
        if why := _why_neither(columns[name], used, name, source):
            raise FlopscapeError(why)
    shares, of_per_cent = in_shares(frame.assign(**columns), used)
    return shares, notes + of_per_cent


def in_shares(frame: pd.DataFrame, used: Mask) -> tuple[pd.DataFrame, list[str]]:
    """The table with accuracies that can only be in per cent as shares, and a sentence for each; others as they are."""
    columns: dict[str, Array] = {}
    for name in filter(is_metric, map(str, frame.columns)):
        if not is_accuracy(name):
            continue
        values, wrong = _numbers(frame[name], used)
        seen = used & np.isfinite(values)
        if wrong.any() or not (values[seen] > MOST_SHARE).any() or _why_neither(values, used, name, ""):
            continue
        beside = [column for column in (name, f"{name}{ERROR}") if column in frame]
        columns |= {column: _numbers(frame[column], used)[0] / 100 for column in beside}
    notes = [f"{name} is in per cent and was divided by 100" for name in columns if is_metric(name)]
    return frame.assign(**columns), notes


def metric_names(frame: pd.DataFrame) -> list[str]:
    """The columns of a table that are metrics: by their names, and by cells that are not all text."""
    return [name for name in map(str, frame.columns) if is_metric(name) and not _is_text(frame[name])]


def _is_text(cells: pd.Series) -> bool:
    values, wrong = _numbers(cells, np.ones(len(cells), bool))
    return bool(wrong.any() and not np.isfinite(values).any())


def _is_number_of_metric(column: str) -> bool:
    return is_metric(column.removesuffix(ERROR))


def _numbers(cells: pd.Series, used: Mask) -> tuple[Array, Mask]:
    """A column as float64, NaN where a cell is none; and the rows in use whose cells are neither numbers nor empty."""
    values: Array = pd.to_numeric(cells, errors="coerce").to_numpy(float)
    words = np.array([str(cell).strip().lower() in EMPTY for cell in cells], bool)
    empty = words | blank_cells(cells.to_numpy(object))
    return values, used & ~empty & ~np.isfinite(values)


def _cell(frame: pd.DataFrame, name: str, wrong: Mask, source: str) -> str:
    """The first of some cells of a column, and where it stands."""
    at = int(np.flatnonzero(wrong)[0])
    return f"{source}, row {at + 1}, column {name}: {shown(frame[name].iloc[at])}"


def _why_neither(values: Array, used: Mask, name: str, source: str) -> str:
    """Why accuracies are neither all in shares nor all in per cent; or nothing."""
    seen = used & np.isfinite(values)
    rows: Index = np.arange(1, len(values) + 1)
    if (outside := seen & ((values < 0) | (values > 100))).any():
        return (
            f"{source}, {rows_text(rows[outside])}, column {name}: {values[outside][0]:g} is no accuracy, which lies "
            "between 0 and 1, or 0 and 100 %"
        )
    high, low = seen & (values > MOST_SHARE), seen & (values < MOST_SHARE)
    if not high.any() or not (low.any() or values[high].max() <= PER_CENT):
        return ""
    beside = f" and {values[low][0]:g} in {rows_text(rows[low])}" if low.any() else ""
    return (
        f"{source}, column {name}: {values[high][0]:g} in {rows_text(rows[high])}{beside}: shares or per cent? "
        "Write all of them as shares, between 0 and 1"
    )
