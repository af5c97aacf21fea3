"""Runs of two recipes that saw their data in the same order, and what the noise they share takes off a difference.

The order of a run's data is a function of its seed and the step alone (plugins/windows.py), so that a run of A and one
of B with the same seed, batch and number of tokens are trained on the same batches one after the other: part of what
makes the one better or worse than its law makes the other so. Their errors e_A, e_B, in units of each recipe's σ, then
have a correlation ρ > 0. Sum and difference are uncorrelated, with variances 1 + ρ and 1 − ρ, so that

    s = (e_A + e_B)/√(2(1 + ρ)),   d = (e_A − e_B)/√(2(1 − ρ))

have the covariance of single runs again: least squares on these rows is generalised least squares (Aitken 1935). All
that tells B from A comes from differences, whose error falls by the factor √(1 − ρ).

A residual is what chance did to a run and what the surface misses at its N and D, and two recipes of one kind are
missed alike: ρ is of both. Both leave a difference, and only one is noise, so that they are told apart where sizes have
several seeds. With the mean ē of a cell, the pairs of one N and D of each recipe,

    Σ e_A·e_B = Σ (e_A − ē_A)·(e_B − ē_B) + Σ ē_A·ē_B,

of which the first sum holds what seeds share, and the second what cells do: what is missed of both, and the rest of
the noise that the seeds' mean leaves.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from flopscape.comparison.results import Range
from flopscape.laws.law import Array, Index
from flopscape.runs.budgets import nearest_budget
from flopscape.runs.cells import as_word
from flopscape.runs.table import RunTable, design_index

FEWEST = 8
"""Pairs below which ρ is not estimated: its logit-like atanh would have a standard error near a half."""
PRIOR = 0.7
"""Standard deviation of atanh ρ over comparisons, about zero: most have ρ below .6, and none is ruled out."""
MOST = 0.95
"""Largest ρ that is believed: beyond it the difference of two runs would be next to exact."""
SAME = 1e-3
"""Relative difference of N and of D below which two runs are of one point."""


def paired_runs(a: RunTable, b: RunTable) -> Index:
    """Rows of A and of B that share seed and budget, or seed, N and D; shape (pairs, 2).

    Sizes of two recipes differ, and a budget's runs are paired in the order of their sizes where both recipes have as
    many of a seed there. Runs without a seed are in no pair.
    """
    budgets = sorted({*a.budget[np.isfinite(a.budget)].tolist()})
    keys = [_keys(table, budgets) for table in (a, b)]
    pairs: list[tuple[int, int]] = []
    for key in sorted({*keys[0]} & {*keys[1]}):
        mine, theirs = keys[0][key], keys[1][key]
        if len(mine) == len(theirs):
            pairs += zip(mine, theirs, strict=True)
    return np.array(pairs, int).reshape(-1, 2)


def _keys(table: RunTable, budgets: list[float]) -> dict[tuple[str, str], list[int]]:
    """Rows by seed and budget, or by seed, N and D for a run of no budget, in the order of N and D."""
    at = nearest_budget(budgets, table.budget)
    rows: dict[tuple[str, str], list[int]] = {}
    for i in np.lexsort([table.n_tokens, table.n_params]):
        point = f"{np.log(table.n_params[i]) / SAME:.0f} {np.log(table.n_tokens[i]) / SAME:.0f}"
        if table.seed[i]:
            rows.setdefault((as_word(table.seed[i]), f"budget {at[i]}" if at[i] >= 0 else point), []).append(int(i))
    return rows


def correlation(residual: Array, pairs: Index) -> float:
    """ρ of the pairs' residuals (n,), in units of each recipe's σ, drawn towards zero; zero for too few pairs.

    atanh r has the standard error 1/√(k − 3) for k pairs (Fisher 1921), beside which ρ = 0 has `PRIOR`: the estimate is
    the posterior mean of atanh ρ. What is negative counts as zero, for shared data do not make runs differ more.
    """
    if len(pairs) < FEWEST:
        return 0.0
    a, b = residual[pairs].T
    r = float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))
    believed = PRIOR**2 / (PRIOR**2 + 1 / (len(pairs) - 3))
    return float(np.clip(np.tanh(believed * np.arctanh(np.clip(r, -MOST, MOST))), 0.0, MOST))


class CorrelationParts(NamedTuple):
    """ρ of the seeds about their cell's mean, and ρ of the cells' means, with 95 % intervals."""

    seeds: Range | None
    cells: Range | None


def correlation_parts(residual: Array, a: RunTable, b: RunTable, pairs: Index) -> CorrelationParts:
    """The two parts of ρ from residuals (n,), A's rows before B's as in `pairs`; None where too little tells a part.

    A cell of c pairs has c − 1 degrees of freedom about its mean, and the fit's mean of all cells is zero.
    """
    points = np.concatenate([design_index(a), design_index(b)])
    cell = np.unique(points[pairs], axis=0, return_inverse=True)[1].ravel()
    count = np.bincount(cell)
    # Of shape (2, cells): the means of A's residuals and of B's.
    means = np.stack([np.bincount(cell, side) for side in residual[pairs].T]) / count
    about = residual[pairs].T - means[:, cell]
    between = means * np.sqrt(count)
    return CorrelationParts(
        _with_interval(about[0], about[1], len(pairs) - len(count) + 1),
        _with_interval(between[0], between[1], len(count)),
    )


def _with_interval(first: Array, second: Array, count: int) -> Range | None:
    """The correlation about zero of what `count` pairs tell, by Fisher's atanh; None of fewer than `FEWEST`."""
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    if count < FEWEST or not size:
        return None
    found = np.arctanh(np.clip((first * second).sum() / size, -MOST, MOST))
    half = norm.ppf(0.975) / np.sqrt(count - 3)
    return Range(*(float(np.tanh(z)) for z in (found, found - half, found + half)))


def whitened(rows: Array, pairs: Index, rho: float) -> Array:
    """Rows (n, …) in units of their σ, those of pairs as sum and difference of variance one."""
    if not (len(pairs) and rho):
        return rows
    first, second = rows[pairs[:, 0]], rows[pairs[:, 1]]
    new = rows.copy()
    new[pairs[:, 0]] = (first + second) / np.sqrt(2 * (1 + rho))
    new[pairs[:, 1]] = (first - second) / np.sqrt(2 * (1 - rho))
    return new
