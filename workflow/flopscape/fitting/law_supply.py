"""How many distinct tokens each run had, which only the data-constrained law asks."""

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.fitting.cells import positive_column
from flopscape.fitting.table import UNIQUE, RunTable
from flopscape.laws.arrays import Array
from flopscape.laws.law import Law


def unique_tokens_of(table: RunTable, law: Law, given: float | None) -> tuple[Array, float]:
    """U of each run, shape (n,), and U at the asked compute; infinite for a law that does not depend on it.

    The table's column `unique_tokens` comes first, its empty cells meaning fresh data; without it every run has the
    given number. The asked compute has the given number, or the largest of the column.

    Raises
    ------
    FlopscapeError
        The law depends on U and there is neither, U is not positive, or another law is given one.
    """
    if UNIQUE not in law.arguments:
        if given is not None:
            raise FlopscapeError(f"unique_tokens: the law {law.name} does not depend on it; constrained does")
        return np.full(len(table), np.inf), float("inf")
    if given is not None and not given > 0:
        raise FlopscapeError(f"unique_tokens: {given!r} is not a positive number of tokens")
    if UNIQUE in table.columns:
        cells = positive_column(table.columns, UNIQUE, table.path, table.row, blank=True)
        supply = np.where(np.isnan(cells), np.inf, cells)
        known = supply[np.isfinite(supply)]
        return supply, float(given or (known.max() if len(known) else np.inf))
    if given is None:
        raise FlopscapeError(f"{table.path}: no column unique_tokens, and no --unique-tokens for all runs")
    return np.full(len(table), float(given)), float(given)
