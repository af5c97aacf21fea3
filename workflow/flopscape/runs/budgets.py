"""Which runs share a compute budget: by the planned budget where there is one, else by gaps in ln C.

Exact equality breaks on C computed as 6·N·D, which differs in the last digits from run to run. So a table's budgets are
made here once, by `group_budgets`, and are equal from then on; `nearest_budget` finds the same budgets in another file.
"""

from collections.abc import Sequence

import numpy as np

from flopscape.laws.law import Array, Index

PLANNED_GAP = np.log(1.001)
"""Planned budgets this near are one: they differ by rounding."""
FLOPS_GAP = np.log(1.1)
"""Runs whose C is nearer than 10 % belong together."""
WIDEST = np.log(1.35)
"""A chain of runs wider than this is a continuum of C, not a budget."""
SMALLEST = 3
"""Runs that make a budget when nothing says it was planned."""
MEMBER = WIDEST / 2
"""Largest distance in ln C of a run from the budget it is of: a group as wide as may be lies so about its mean."""


def group_budgets(flops: Array, planned: Array | None) -> Array:
    """Budget of each run in FLOPs: the geometric mean of its group, NaN outside every budget.

    Parameters
    ----------
    flops : array, shape (n,)
        Compute of each run.
    planned : array, shape (n,), optional
        Budgets as planned, NaN where a run had none. Without any, groups are found in `flops`.

    Examples
    --------
    >>> group_budgets(np.array([1.00e18, 1.02e18, 0.99e18, 5e18]), None).round(-16).tolist()
    [1e+18, 1e+18, 1e+18, nan]
    """
    if planned is not None and np.isfinite(planned).any():
        return _chains(planned, PLANNED_GAP, np.inf, 1)
    return _chains(flops, FLOPS_GAP, WIDEST, SMALLEST)


def _chains(values: Array, gap: float, widest: float, smallest: int) -> Array:
    """Geometric mean of each chain of values without a gap; NaN for chains too wide or too short."""
    logs = np.log(values)
    order = np.argsort(logs, kind="stable")
    order = order[np.isfinite(logs[order])]
    budget = np.full(len(values), np.nan)
    # Sorted values are cut wherever the step to the next exceeds the gap, so that neighbours in a chain are near and
    # its ends need not be: a grid of N and D makes one long chain of all its C, which `widest` says is no budget.
    for chain in np.split(order, np.flatnonzero(np.diff(logs[order]) > gap) + 1):
        # exp(mean(ln C)) of equal numbers may differ from them in the last digit, by which budgets are compared later.
        same = len(chain) and np.ptp(values[chain]) == 0
        if len(chain) >= smallest and np.ptp(logs[chain]) <= widest:
            budget[chain] = values[chain[0]] if same else np.exp(logs[chain].mean())
    return budget


def nearest_budget(budgets: Sequence[float], flops: Array) -> Index:
    """Which of the budgets each compute (n,) is of: the nearest, and −1 where none is within `MEMBER`.

    What a fit's file calls a budget and what a table does differ where one is as planned and the other as computed or
    rounded, by less than the runs of one budget do.

    Examples
    --------
    >>> nearest_budget([1e18, 1e19], np.array([9.9e18, 3e18, np.nan])).tolist()
    [1, -1, -1]
    """
    if not budgets:
        return np.full(len(flops), -1)
    distance = np.abs(np.log(flops[:, None] / np.array(budgets)))
    distance = np.where(np.isnan(distance), np.inf, distance)  # a run of no budget is far from all of them
    return np.where(distance.min(axis=1) < MEMBER, distance.argmin(axis=1), -1)
