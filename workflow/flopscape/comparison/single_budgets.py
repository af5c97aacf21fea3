"""Would one budget alone have decided the same?

Ranking recipes by small runs of one size is hard to beat (Magnusson et al. 2025, arXiv 2504.11393): a law over many
scales must earn its runs. So each budget that both recipes have is asked alone: the lowest points of two parabolas
through its runs, or where a recipe has too few sizes there, the mean difference of paired runs.
"""

from collections.abc import Iterator

import numpy as np
from scipy.stats import t as student

from flopscape.comparison.causes import with_ends
from flopscape.comparison.pairs import paired_runs
from flopscape.comparison.results import Range, SingleBudget, Verdict
from flopscape.fitting.isoflop.curves import BudgetCurve
from flopscape.fitting.isoflop.parabola import fit_curves
from flopscape.laws.law import Array
from flopscape.runs.budgets import nearest_budget
from flopscape.runs.table import RunTable

FEWEST_PAIRS = 3
"""Paired runs of a budget whose differences say how much they scatter."""


def verdict_of(difference: Range) -> Verdict:
    """Of B by A's loss less B's."""
    if difference.low is None or difference.high is None:
        return "undecided"
    return "better" if difference.low > 0 else "worse" if difference.high < 0 else "undecided"


def single_budgets(a: RunTable, b: RunTable, level: float) -> list[SingleBudget]:
    """Each common budget's own answer, the smallest first; a budget that has none is left out."""
    found = {**dict(_by_pairs(a, b, level)), **dict(_by_parabolas(a, b, level))}
    return [found[budget] for budget in sorted(found)]


def _by_parabolas(a: RunTable, b: RunTable, level: float) -> Iterator[tuple[float, SingleBudget]]:
    """Differences of lowest losses, their noise pooled over each recipe's budgets."""
    fits = [fit_curves(table, None) for table in (a, b)]
    dof = sum(fit.lowest.dof for fit in fits)
    if min(fit.lowest.dof for fit in fits) < 1:
        return
    t = float(student.ppf(0.5 + level / 2, dof))
    mine, theirs = ({curve.budget.budget: curve for curve in fit.used} for fit in fits)
    for budget, at in zip(mine, nearest_budget([*theirs], np.array([*mine])), strict=True):
        if at >= 0:
            (loss_a, error_a), (loss_b, error_b) = map(_lowest, (mine[budget], [*theirs.values()][at]))
            difference = with_ends(loss_a - loss_b, float(np.hypot(error_a, error_b)), t)
            own = with_ends(loss_a, error_a, t), with_ends(loss_b, error_b, t)
            yield budget, SingleBudget(budget, difference, "parabolas", verdict_of(difference), *own)


def _lowest(curve: BudgetCurve) -> tuple[float, float]:
    """The loss at a parabola's lowest point, and its standard error."""
    return float(curve.vertex[1]), float(np.sqrt(curve.covariance[1, 1]))


def _by_pairs(a: RunTable, b: RunTable, level: float) -> Iterator[tuple[float, SingleBudget]]:
    """Mean differences of paired runs, with the error that their own scatter gives."""
    pairs = paired_runs(a, b)
    if not len(pairs):
        return
    at, differences = a.budget[pairs[:, 0]], a.loss[pairs[:, 0]] - b.loss[pairs[:, 1]]
    for budget in np.unique(at[np.isfinite(at)]):
        own: Array = differences[at == budget]
        if len(own) >= FEWEST_PAIRS:
            t = float(student.ppf(0.5 + level / 2, len(own) - 1))
            difference = with_ends(float(own.mean()), float(own.std(ddof=1) / np.sqrt(len(own))), t)
            yield float(budget), SingleBudget(float(budget), difference, "paired runs", verdict_of(difference))
