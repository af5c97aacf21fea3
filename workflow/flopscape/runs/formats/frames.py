"""A DataFrame that someone has in memory, as a table that was read: distinct names, plain cells, rows counted anew.

The checks of a table are those of a file (runs/read.py), so that a notebook is told what a command line is told.
"""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flopscape.runs.formats.shape import distinct_names, plain, refuse_too_much

NAME = "DataFrame"
"""What a sentence calls a table that has no file."""


def read_frame(frame: pd.DataFrame, name: str = NAME) -> pd.DataFrame:
    """A copy of a DataFrame as `read_any` gives that of a file; a named index is a column like any other.

    Raises
    ------
    FlopscapeError
        Two columns of one name, or more rows than are read.

    Examples
    --------
    >>> read_frame(pd.DataFrame({" loss ": [2.0, 2.1], "n": [1, None]}, index=[7, 9])).to_dict("list")
    {'loss': [2.0, 2.1], 'n': [1.0, nan]}
    """
    named = [label for label in frame.index.names if label is not None]
    levels = [frame.index.get_level_values(at) for at, label in enumerate(frame.index.names) if label is not None]
    labels: list[Hashable] = [*named, *frame.columns]
    place = Path(name)
    names = distinct_names([_label(label) for label in labels], place)
    refuse_too_much(len(frame), len(names), place)
    columns = [*map(pd.Series, levels), *(frame.iloc[:, at] for at in range(frame.shape[1]))]
    cells = {number: _column(column) for number, column in enumerate(columns)}
    read = pd.DataFrame(cells, index=range(len(frame)))
    read.columns = pd.Index(names, dtype=object)
    return read


def _label(label: Hashable) -> str:
    """The name of a column; of several levels, with blanks between them."""
    return " ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _column(column: "pd.Series[Any]") -> Any:
    """NumPy's numbers and truth values as they are; of every other type the cells one by one."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        return column.to_numpy().astype(float) if column.dtype.kind == "f" else column.to_numpy()
    return pd.Series([_cell(cell) for cell in column.array], dtype=object)


def _cell(cell: Any) -> Any:
    if isinstance(cell, np.generic):
        cell = cell.item()
    # Of a list or an array `isna` gives an array.
    return None if pd.api.types.is_scalar(cell) and pd.isna(cell) else plain(cell)
