"""Columns of metrics in other people's tables: losses on other sets, bits a byte, accuracies, as numbers of one unit.

They are called as in our own tables: `loss@web`, `accuracy@hellaswag`, `bits_per_byte`. An accuracy is a share. One in
per cent is divided by 100, and said so, where all its numbers can only be per cent; where they could be either, nothing
is guessed.
"""

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.laws.law import Array, Index, Mask
from flopscape.records.metrics import ERROR, is_accuracy, is_metric
from flopscape.runs.cells import blank_cells
from flopscape.runs.import_rows import EMPTY
from flopscape.runs.meaning import rows_text
from flopscape.text.written import shown

MOST_SHARE = 1.0
PER_CENT = 1.5
"""From here on a number is no share that was rounded or summed up wrongly."""


def with_metrics(frame: pd.DataFrame, used: Mask, source: str) -> tuple[pd.DataFrame, list[str]]:
    """The table with its metrics as float64, accuracies as shares; and a sentence for each that was in per cent.

    Parameters
    ----------
    frame : DataFrame
        Under our names.
    used : array of bool, shape (rows,)
        The rows that are looked at: what is left out need not be right.
    source : str
        The table's name, for sentences.

    Raises
    ------
    FlopscapeError
        A cell is no number, an accuracy is below 0 or above 100, or shares and per cent stand in one column.
    """
    columns, notes = {}, []
    for name in filter(_is_number_of_metric, map(str, frame.columns)):
        columns[name] = _numbers(frame[name], used, name, source)
    for name in filter(is_accuracy, filter(is_metric, list(columns))):
        if _is_per_cent(columns[name], used, name, source):
            for column in (name, f"{name}{ERROR}"):
                if column in columns:
                    columns[column] = columns[column] / 100
            notes.append(f"{name} is in per cent and was divided by 100")
    return frame.assign(**columns), notes


def _is_number_of_metric(column: str) -> bool:
    return is_metric(column.removesuffix(ERROR))


def _numbers(cells: pd.Series, used: Mask, name: str, source: str) -> Array:
    """A column as float64: NaN where a cell is empty, or a row is not used and holds no number."""
    values: Array = pd.to_numeric(cells, errors="coerce").to_numpy(float)
    words = np.array([str(cell).strip().lower() in EMPTY for cell in cells]) | blank_cells(cells.to_numpy(object))
    if (wrong := used & ~words & ~np.isfinite(values)).any():
        at = int(np.flatnonzero(wrong)[0])
        raise FlopscapeError(
            f"{source}, row {at + 1}, column {name}: {shown(cells.iloc[at])} is not a finite number; correct it, or "
            "leave the cell empty"
        )
    return values


def _is_per_cent(values: Array, used: Mask, name: str, source: str) -> bool:
    """Whether accuracies are in per cent and not in shares, where all of them are the one or the other."""
    seen = used & np.isfinite(values)
    rows: Index = np.arange(1, len(values) + 1)
    if (outside := seen & ((values < 0) | (values > 100))).any():
        raise FlopscapeError(
            f"{source}, {rows_text(rows[outside])}, column {name}: {values[outside][0]:g} is no accuracy, which lies "
            "between 0 and 1, or 0 and 100 %"
        )
    high, low = seen & (values > MOST_SHARE), seen & (values < MOST_SHARE)
    if not high.any():
        return False
    if low.any() or values[high].max() <= PER_CENT:
        beside = f" and {values[low][0]:g} in {rows_text(rows[low])}" if low.any() else ""
        raise FlopscapeError(
            f"{source}, column {name}: {values[high][0]:g} in {rows_text(rows[high])}{beside}: shares or per cent? "
            "Write all of them as shares, between 0 and 1"
        )
    return True
