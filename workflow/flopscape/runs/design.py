"""One row for all seeds of a point: a fit of their mean or median instead of each run.

When to trust a fit: statuses, the sentences that explain them, and the checks that several methods share.

Thresholds come from simulations on designs like Besiroglu et al. 2024's; see each constant.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.laws.arrays import Array, Index, Mask
from flopscape.runs.table import RunTable
from flopscape.text.written import listed

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


def describe_rows(table: RunTable, rows: Mask | Index, most: int = 5) -> str:
    """Names of flagged rows for a sentence."""
    return listed(table.run_id[rows], most)


def seed_scatter(table: RunTable) -> tuple[float, int]:
    """Standard deviation of the loss among runs of one N and D, pooled, with its degrees of freedom."""
    design = design_index(table)
    count = np.bincount(design)
    mean = np.bincount(design, table.loss) / count
    dof = int((count - 1).sum())
    squares = float(((table.loss - mean[design]) ** 2).sum())
    return (float(np.sqrt(squares / dof)), dof) if dof else (float("nan"), 0)


def design_index(table: RunTable) -> Index:
    """Index of each row's N, D and distinct tokens: repeats differ only in seed."""
    keys = np.stack([table.n_params, table.n_tokens, table.distinct_tokens])
    return np.unique(keys, axis=1, return_inverse=True)[1].ravel()


class Ends(NamedTuple):
    """Masks of the rows of least and of most compute, and what each is in words."""

    smallest: Mask
    largest: Mask
    low: str
    high: str


def ends_of_compute(table: RunTable) -> Ends:
    """The rows at the smallest and at the largest budget; the outer fifths of C where budgets are few."""
    inside = np.isfinite(table.budget)
    budgets = np.unique(table.budget[inside])
    if len(budgets) < 3 or inside.mean() < 0.5:
        low, high = np.quantile(table.flops, [0.2, 0.8])
        fifths = "the lowest fifth of compute", "the highest fifth of compute"
        return Ends(table.flops <= low, table.flops >= high, *fifths)
    size = np.where(inside, table.budget, table.flops)
    return Ends(size <= budgets[0], size >= budgets[-1], "the smallest budget", "the largest budget")
