"""What a table must not say of its hidden runs: that all are hidden, that one is fitted as well, or nothing clear.

A hidden run scores predictions that were made without it. One that a fit has seen under the same name, or as a copy
under another, would be predicted well for that alone.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.laws.law import Mask, Names
from flopscape.runs.cells import text_column
from flopscape.runs.repeated_rows import is_precise
from flopscape.runs.statuses import VALIDATE, completed, set_aside
from flopscape.runs.table import REQUIRED


def refuse_hidden(frame: pd.DataFrame, path: str | Path, names: Mapping[str, str] | None = None) -> None:
    """Raise FlopscapeError for marks that leave nothing to fit or nothing to score, or that are neither true nor false.

    Parameters
    ----------
    frame : DataFrame
        A table of runs as it was read.
    path : path
        What it is called in the sentence.
    names : mapping, optional
        Our names of N, D and the loss → the table's, where those are others.

    Examples
    --------
    >>> refuse_hidden(pd.DataFrame({"run_id": ["a", "a"], "validate": [True, False], "loss": [2.0, 2.1]}), "runs.csv")
    Traceback (most recent call last):
        ...
    flopscape.errors.FlopscapeError: runs.csv, row 1: run a is hidden (validate), and in row 2 it is fitted: it can \
score no prediction; unmark it, or take one of the two out
    """
    try:
        is_hidden = set_aside(frame) == VALIDATE
    except FlopscapeError as error:
        raise FlopscapeError(f"{path}, {error}") from None
    if not is_hidden.any():
        return
    if is_hidden.all():
        raise FlopscapeError(
            f"{path}: all {len(frame)} rows are planned to stay hidden (validate), so that there is nothing to fit;"
            " unmark those that a fit may see"
        )
    runs = text_column(frame, "run_id", [""] * len(frame))
    _refuse_shared(runs, runs != "", is_hidden, frame, path)
    columns = [(names or {}).get(name, name) for name in REQUIRED]
    if all(name in frame for name in columns):
        numbers = frame[columns].apply(pd.to_numeric, errors="coerce")
        points = np.array([" ".join(map(repr, row)) for row in numbers.to_numpy(float).tolist()])
        _refuse_shared(points, _is_telling(numbers, is_hidden), is_hidden, frame, path)


def _is_telling(numbers: pd.DataFrame, is_hidden: Mask) -> Mask:
    """Rows with N, D and a loss; of hidden ones those whose loss has more digits than two runs share by chance."""
    values = numbers.to_numpy(float)
    is_known, loss = np.all(np.isfinite(values) & (values > 0), axis=1), values[:, -1]
    for row in np.flatnonzero(is_known & is_hidden):
        is_known[row] = is_precise(loss[row : row + 1])
    return np.asarray(is_known)


def _refuse_shared(what: Names, is_known: Mask, is_hidden: Mask, frame: pd.DataFrame, path: str | Path) -> None:
    """Refuse a hidden row that shares what names it with a row that is fitted."""
    is_fitted = completed(frame) & is_known
    shared = np.flatnonzero(is_hidden & is_known & np.isin(what, what[is_fitted]))
    if not len(shared):
        return
    at = int(shared[0])
    other = int(np.flatnonzero(is_fitted & (what == what[at]))[0])
    rows = frame.index.to_numpy() + 1
    run = text_column(frame, "run_id", [""] * len(frame))[at]
    raise FlopscapeError(
        f"{path}, row {rows[at]}: {f'run {run}' if run else 'this run'} is hidden (validate), and in row {rows[other]}"
        " it is fitted: it can score no prediction; unmark it, or take one of the two out"
    )
