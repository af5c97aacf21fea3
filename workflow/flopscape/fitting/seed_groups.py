"""One row for all seeds of a point: a fit of their mean or median instead of each run."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.fitting.guards import design_index
from flopscape.fitting.table import RunTable
from flopscape.laws.arrays import Array

CENTERS: dict[str, Callable[[Array], Any]] = {"mean": np.mean, "median": np.median}
SEEDS = ("each", *CENTERS)


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
    first = np.unique(cell, return_index=True)[1]
    kept = np.sort(first)
    names = ("n_params", "n_tokens", "flops", "budget", "run_id", "seed", "row")
    loss = losses[cell[kept]]
    columns = table.columns.iloc[kept].reset_index(drop=True).assign(**{table.conventions["loss"]: loss})
    if len(kept) == len(table):
        note = f"seeds {seeds}: no size has two seeds, so that nothing was merged"
        return replace(table, warnings=[*table.warnings, note])
    return replace(table, loss=loss, columns=columns, **{name: getattr(table, name)[kept] for name in names})
