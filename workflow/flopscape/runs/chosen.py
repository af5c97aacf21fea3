"""The rows of a table that a fit was told to use, of one kind, and what to doubt about them."""

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.runs.meaning import with_one_meaning
from flopscape.runs.table import RunTable

AT_LEAST = 0.99
"""Part of `min_flops` that is as much: a budget of nearly that compute is the one that was meant."""


def chosen_rows(table: RunTable, exclude: str | None, min_flops: float | None) -> RunTable:
    """The rows that a fit was told to use: see `RunTable.without`, and no less compute than `min_flops` FLOPs.

    A budget is kept or left out whole, for the runs of one scatter around it: it goes by its own compute.

    Raises
    ------
    FlopscapeError
        A bad exclusion or bound, or rows of two kinds; see `with_one_meaning`.
    """
    if exclude:
        table = table.without(exclude)
    if min_flops is not None:
        table = _of_compute(table, min_flops)
    return with_one_meaning(table)


def _of_compute(table: RunTable, min_flops: float) -> RunTable:
    if not 0 < min_flops < np.inf:
        raise FlopscapeError(f"min_flops {min_flops!r}: must be positive and finite")
    whole = np.isfinite(table.budget)
    enough = np.where(whole, table.budget >= AT_LEAST * min_flops, table.flops >= min_flops)
    if enough.all():
        return table.warned(f"min_flops {min_flops:g} leaves nothing out: no row has less compute")
    return table.keep(enough, f"less compute than {min_flops:g} FLOPs")
