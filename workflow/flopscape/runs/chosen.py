"""The rows of a table that a fit was told to use: without some, of one kind, the seeds of a point apart or as one."""

import textwrap
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.laws.law import Array
from flopscape.runs.meaning import with_one_meaning
from flopscape.runs.rows_where import rows_where
from flopscape.runs.table import RunTable, design_index
from flopscape.text import numbers

AT_LEAST = 0.99
"""Part of `min_flops` that is as much: a budget of nearly that compute is the one that was meant."""
CENTERS: dict[str, Callable[[Array], Any]] = {"mean": np.mean, "median": np.median}
SEEDS = ("each", *CENTERS)


def chosen_rows(table: RunTable, exclude: str | None, min_flops: float | None) -> RunTable:
    """The rows that a fit was told to use: see `without`, and no less compute than `min_flops` FLOPs.

    A budget is kept or left out whole, for the runs of one scatter around it: it goes by its own compute.

    Raises
    ------
    FlopscapeError
        A bad exclusion or bound, or rows of two kinds; see `with_one_meaning`.
    """
    if exclude:
        table = without(table, exclude)
    if min_flops is not None:
        table = _of_compute(table, min_flops)
    return with_one_meaning(table)


def _of_compute(table: RunTable, min_flops: float) -> RunTable:
    if not 0 < min_flops < np.inf:
        raise FlopscapeError(f"min_flops {min_flops!r}: must be positive and finite")
    whole = np.isfinite(table.budget)
    # A run that is in no budget goes by its own compute.
    enough = np.where(whole, table.budget >= AT_LEAST * min_flops, table.flops >= min_flops)
    if enough.all():
        return table.warned(f"min_flops {numbers.flops(min_flops)} leaves nothing out: no row has less compute")
    return table.keep(enough, f"less compute than {numbers.flops(min_flops)} FLOPs")


def without(table: RunTable, expression: str) -> RunTable:
    """Leave out the rows for which an expression over the table's columns is true; warn where there is none.

    Raises
    ------
    FlopscapeError
        The expression cannot be evaluated, or is not true or false for each row; see `rows_where`.
    """
    names = ("n_params", "n_tokens", "flops", "loss", "budget", "run_id")
    frame = table.columns.assign(**{name: getattr(table, name) for name in names})
    # An expression may always name the seed, whether or not the table has one.
    if "seed" not in frame:
        frame = frame.assign(seed=np.nan)
    try:
        excluded_rows = rows_where(frame, expression)
    except ValueError as error:
        raise FlopscapeError(f"{table.path}: --exclude {textwrap.shorten(expression, 200)!r}: {error}") from error
    if not excluded_rows.any():
        return table.warned(f"the exclusion {expression} is true for no row")
    return table.keep(~excluded_rows, f"excluded by {expression}")


def left_out(table: RunTable) -> str:
    """How many rows were left out, and why."""
    return "; ".join(f"{numbers.plural(len(out.rows), 'row')}: {out.reason}" for out in table.excluded)


def merged(table: RunTable, seeds: str | None) -> RunTable:
    """The table with the runs of each (N, D) as one row, whose loss is their mean or median; `each` changes nothing.

    A point keeps the name of its first run, and is one run to whatever resamples runs: the scatter between seeds is
    then in no interval but as it moves the points.

    Raises
    ------
    FlopscapeError
        A word that is not each, mean or median.
    """
    if seeds not in (None, *SEEDS):
        raise FlopscapeError(f"seeds {seeds!r}: there is only {', '.join(SEEDS)}")
    if seeds in (None, "each") or not len(table):
        return table
    cell = design_index(table)
    losses = np.array([CENTERS[str(seeds)](table.loss[cell == at]) for at in range(cell.max() + 1)])
    # The first row of each point; sorted, they stand in the order of the file.
    first = np.unique(cell, return_index=True)[1]
    kept = np.sort(first)
    names = ("n_params", "n_tokens", "flops", "budget", "run_id", "seed", "row")
    loss = losses[cell[kept]]
    columns = table.columns.iloc[kept].reset_index(drop=True).assign(**{table.conventions["loss"]: loss})
    if len(kept) == len(table):
        note = f"seeds {seeds}: no size has two seeds, so that nothing was merged"
        return replace(table, warnings=[*table.warnings, note])
    return replace(table, loss=loss, columns=columns, **{name: getattr(table, name)[kept] for name in names})
