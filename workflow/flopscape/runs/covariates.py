"""What a law with covariates reads of a table: a positive number for each row, from a column or an expression.

A study's own table has the parts of its sizes as `size_depth` and `size_width`; a law may call them depth and width.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError, joined, listed
from flopscape.laws.law import Array
from flopscape.runs.cells import blank_cells
from flopscape.runs.rows_where import evaluated
from flopscape.runs.table import RunTable
from flopscape.text import numbers

SIZE = "size_"
"""What the columns of a study's table begin with that hold the parts of a size."""
OF_ONE = 1e-3
"""How far the sum of a row's shares may be from one: tables round them."""


def values_of(frame: pd.DataFrame, term: str) -> Array:
    """A column, or an expression over columns, as numbers; NaN where a cell is blank.

    >>> values_of(pd.DataFrame({"sparsity": [0.5, 0.75]}), "1 - sparsity").tolist()
    [0.5, 0.25]

    Raises
    ------
    ValueError
        There is no such column, the expression cannot be evaluated, or its values are no numbers.
    """
    # A column may have a name that is no expression, or another one: it goes first.
    found = frame[term] if term in frame else evaluated(_with_plain_sizes(frame), term)
    if not isinstance(found, pd.Series):
        raise ValueError("has one value for all rows")
    if pd.api.types.is_bool_dtype(found) or not pd.api.types.is_numeric_dtype(found):
        raise ValueError("is not a number in each row")
    return found.to_numpy(float, na_value=np.nan)


def with_covariates(table: RunTable, terms: Iterable[str], shares: bool = False) -> RunTable:
    """The table with its covariates, each of shape (rows,); shares may be zero, and are one in sum.

    Raises
    ------
    FlopscapeError
        A term that the table does not have, or that is not positive in some row; shares that are not one in sum.
    """
    found = {term: _positive(table, term, shares) for term in terms}
    total = np.sum([*found.values()], axis=0) if shares else np.ones(len(table))
    if (wrong := np.flatnonzero(np.abs(total - 1) > OF_ONE)).size:
        raise FlopscapeError(
            f"{table.path}: {joined(found)} are {total[wrong[0]]:g} in sum in row {table.row[wrong[0]]}"
            f" ({numbers.plural(len(wrong), 'row')}: {listed(table.run_id[wrong], 5)}); shares must add up to 1"
        )
    return replace(table, covariates=found)


def covariates_in(frame: pd.DataFrame, terms: Iterable[str], path: str = "the table") -> dict[str, Array]:
    """The covariates of a table's rows, NaN where one has none; FlopscapeError for a term the table does not have."""
    return {term: _known(frame, term, path) for term in terms}


def one_value(term: str, at: Mapping[str, float]) -> float | None:
    """A term's value at given values of its columns, or of the term itself; None where they do not tell it.

    >>> one_value("1 - sparsity", {"sparsity": 0.75}), one_value("experts", {})
    (0.25, None)
    """
    if term in at:
        return float(at[term])
    try:
        return float(values_of(pd.DataFrame({name: [float(value)] for name, value in at.items()}), term)[0])
    except ValueError:
        return None


def _with_plain_sizes(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with each `size_depth` also as `depth`, where no column has that name."""
    plain = {str(name).removeprefix(SIZE): values for name, values in frame.items() if str(name).startswith(SIZE)}
    return frame.assign(**{name: values for name, values in plain.items() if name not in frame})


def _known(frame: pd.DataFrame, term: str, path: str) -> Array:
    try:
        return values_of(frame, term)
    except ValueError as error:
        raise FlopscapeError(f"{path}: the term {term!r} of the law: {error}") from error


def _positive(table: RunTable, term: str, or_zero: bool) -> Array:
    values = _known(table.columns, term, table.path)
    wrong = ~(np.isfinite(values) & ((values >= 0) if or_zero else (values > 0)))
    if wrong.any():
        at = np.flatnonzero(wrong)
        kind = "empty" if blank_cells(values[at[:1]].astype(object))[0] else f"{values[at[0]]:g}"
        must = "a share must not be below zero" if or_zero else "a term must be positive and finite in every row"
        raise FlopscapeError(
            f"{table.path}: {term} is {kind} in row {table.row[at[0]]} ({numbers.plural(len(at), 'row')}:"
            f" {listed(table.run_id[at], 5)}); {must}"
        )
    return values
