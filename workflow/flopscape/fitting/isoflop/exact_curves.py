"""Approach2's curves in the exact shape, and the joint covariance of their lowest points.

Shared exponents tie the vertices together: where α is off, all of them are, so that their errors are correlated over
the budgets. The covariance is the delta method's, G·σ²(JᵀWJ)⁻¹·Gᵀ with the derivatives G of the vertices in all
budgets' parameters at once; an E on its bound, zero, and an exponent on its own are taken as known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from flopscape.fitting.isoflop import parabola
from flopscape.fitting.isoflop.curves import (
    NUMBERS,
    Budget,
    BudgetCurve,
    CurveFit,
    LowestPoints,
    budgets_of,
    by_used_budgets,
    compute_of,
    has_curve,
    no_curve,
    no_points,
    noise_floor,
)
from flopscape.fitting.isoflop.exact_shape import SharedDesign, SharedFit
from flopscape.fitting.surface.variable_projection import Solution
from flopscape.laws.law import Array, Compute, Index
from flopscape.runs.table import RunTable

OBJECTIVE = "least squares of E + P·exp(−α·ln N) + R·exp(−β·ln D) per budget, α and β shared"
FEWEST_SIZES = 3
SPARE_SIZES = 3
"""Sizes beyond three a budget, over all budgets: two for the shared exponents, and one to tell the noise."""
CONDITION_REFUSED = 1e10
"""Condition number of the scaled Jacobian: about 1e4 for 5 budgets × 7 sizes, 5e7 with sizes within ×1.2, 1e16 for
budgets of four sizes each in the same place about its optimum, whose curves agree for a line of exponents."""
STEEP = 1.0
"""Exponent above which a curve is far steeper than published surfaces: those of laws/named_surfaces.py end at 0.71."""
SHAPE = "shape_exponents"
"""Where a result's diagnostics keep the shared exponents."""
ONE_SIDED = "the loss does not fall and rise with size: no lowest point"


class SharedFits(NamedTuple):
    """Tables whose shared fits rest on the same budgets; `design` is None where these have too few sizes for one."""

    tables: Index
    """Shape (R,)."""
    entered: list[Budget]
    design: SharedDesign | None = None
    solution: Solution | None = None
    """The optima of the R tables."""


class LocatedVertices(NamedTuple):
    """Where the curves of R tables are lowest: (ln N, loss) at all m budgets (R, m, 2), with covariance and noise (R,).

    NaN for a table whose sizes do not tell the exponents apart.
    """

    fits: list[SharedFit]
    points: Array
    covariance: Array
    """Shape (R, m, 2, m, 2)."""
    variance: Array


def spare_sizes(budgets: Sequence[Budget]) -> int:
    """Sizes beyond the three that a budget's own E, P and R take up."""
    return sum(budget.n_sizes - FEWEST_SIZES for budget in budgets)


def shared_fits(
    table: RunTable, losses: Array, weights: Array, tables: Index, entered: list[Budget]
) -> Iterator[SharedFits]:
    """Fits of all curves of R tables together, `losses` (R, n) being those of the `tables`.

    A budget whose loss does not fall and rise has no lowest point and says nothing of both exponents: it leaves, and
    the tables concerned are fitted again without it.
    """
    if spare_sizes(entered) < SPARE_SIZES:
        yield SharedFits(tables, entered)
        return
    design = SharedDesign.of(table, entered, weights)
    solution = design.solve(losses)
    # The loss falls with N by P alone and rises with it by R alone: a curve without one of them has no lowest point.
    two_sided = (solution.coefficients[..., 1:] > 0).all(axis=2)
    # Tables that lose the same budgets stay together, so that thousands of resamples need a few searches.
    patterns, which = np.unique(two_sided, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == i)
        if pattern.all():
            yield SharedFits(tables[rows], entered, design, solution.take(rows))
        else:
            kept = [budget for budget, good in zip(entered, pattern, strict=True) if good]
            # Without the budgets that left, the exponents change, and another budget may become one-sided: each round
            # has fewer budgets, so that this ends.
            yield from shared_fits(table, losses[rows], weights, tables[rows], kept)


def locate(design: SharedDesign, solution: Solution, losses: Array, compute: Compute) -> LocatedVertices:
    """The vertices of every table with their errors; `losses` (R, n) are of all rows of the tables.

    How many parameters are off their bounds differs from table to table, so that the covariances are made one by one.
    """
    points, gradients = design.vertices(solution, compute)
    count, m = points.shape[:2]
    covariance, variance = np.full((count, m, 2, m, 2), np.nan), np.full(count, np.nan)
    fits = [SharedFit(design, loss[design.rows], solution.one(r)) for r, loss in enumerate(losses)]
    for r, (fitted, floor) in enumerate(zip(fits, noise_floor(losses), strict=True)):
        if fitted.condition > CONDITION_REFUSED:
            # Along a line of exponents that fit alike the search stops anywhere, and no vertex is better than another.
            points[r] = np.nan
            continue
        # Exact losses leave no residuals: the variance of their rounding stands in, and no error becomes zero.
        variance[r] = max(fitted.noise, floor)
        # G·σ·F: its product with itself is the covariance of the vertices, G·σ²F·Fᵀ·Gᵀ.
        moves = np.sqrt(variance[r]) * gradients[r] @ fitted.unit_factor
        covariance[r] = (moves @ moves.T).reshape(m, 2, m, 2)
    return LocatedVertices(fits, points, covariance, variance)


def fit_tables(table: RunTable, losses: Array) -> Iterator[LowestPoints]:
    """The vertices of the losses (R, n) of R tables of one design, in groups that use the same budgets."""
    every = np.arange(len(losses))
    for group in shared_fits(table, losses, np.ones(len(table)), every, budgets_of(table, FEWEST_SIZES)):
        compute = compute_of(table, group.entered)
        if group.design is None or group.solution is None:
            yield no_points(group.tables, compute)
        else:
            located = locate(group.design, group.solution, losses[group.tables], compute)
            yield from _used_points(group.tables, group.entered, located, compute)


def _used_points(
    tables: Index, entered: Sequence[Budget], located: LocatedVertices, compute: Compute
) -> Iterator[LowestPoints]:
    """The vertices without those beyond their budget's sizes, in groups of tables that use the same budgets."""
    # A vertex beyond its sizes is no point of the power laws, but its curve has helped to tell the shared exponents.
    for rows, kept in by_used_budgets(located.points, entered):
        # Budgets are the axes 1 and 3 of (R, m, 2, m, 2). One axis after the other, for two lists of indices at once
        # would be taken in pairs.
        covariance = located.covariance[rows][:, kept][:, :, :, kept]
        # The curves are one fit with one noise, the same in every budget.
        variance = np.tile(located.variance[rows, None], len(kept))
        used = [entered[i] for i in kept]
        yield LowestPoints(
            tables[rows], used, located.points[np.ix_(rows, kept)], covariance, variance, located.fits[0].dof, compute
        )


def fit_curves(table: RunTable, weights: Array | None) -> CurveFit:
    """The curves of one table's budgets together; those without a lowest point do not enter the shared exponents."""
    row_weights = np.ones(len(table)) if weights is None else weights
    losses = table.loss[None]
    # A single table has a single pattern of two-sided budgets in each round, and so ends in one group.
    (group,) = shared_fits(table, losses, row_weights, np.zeros(1, int), budgets_of(table, FEWEST_SIZES))
    if group.design is None or group.solution is None:
        return _without_curves(table, group.entered, row_weights, _why_too_few_sizes(group.entered))
    compute = compute_of(table, group.entered)
    located = locate(group.design, group.solution, losses, compute)
    if located.fits[0].condition > CONDITION_REFUSED:
        why = f"the sizes do not tell the shared exponents apart: condition number {located.fits[0].condition:.2g}"
        return _without_curves(table, group.entered, row_weights, why)
    (lowest,) = _used_points(group.tables, group.entered, located, compute)
    return _described(table, located, lowest, row_weights)


def _described(table: RunTable, located: LocatedVertices, lowest: LowestPoints, weights: Array) -> CurveFit:
    """What a result tells of the curves of one table (R = 1)."""
    (fitted,) = located.fits
    member, leverage, residual = fitted.design.member, fitted.leverage, fitted.residual
    curve_of = {
        budget.budget: BudgetCurve(
            budget, located.points[0, i], located.covariance[0, i, :, i], _shape(fitted, i), residual[member == i],
            leverage[member == i], budget.why_unused(float(located.points[0, i, 0])),
        )
        for i, budget in enumerate(fitted.design.budgets)
    }  # fmt: skip
    # All budgets of the table and not only those that entered, so that a result names each with its reason.
    curves = [curve_of.get(budget.budget) or _left_out(table, budget, weights) for budget in budgets_of(table)]
    # E, P and R of each curve, and the two exponents once.
    parameters = 3 * sum(has_curve(curve.shape) for curve in curves) + 2
    # The last two rows of σ·F, those of α and β: their products with one another are the exponents' covariance.
    factor = np.sqrt(located.variance[0]) * fitted.unit_factor[-2:]
    diagnostics, warnings = _diagnostics(fitted, factor), _warnings(fitted, factor)
    return CurveFit(curves, lowest, parameters, weights, diagnostics, warnings)


def _shape(fitted: SharedFit, i: int) -> dict[str, Any]:
    """What `optima` keeps of one budget's curve."""
    values = [*fitted.design.center[i], *fitted.solution.coefficients[0, i], *fitted.solution.exponents[0]]
    return {"shape": "exact"} | {name: float(v) for name, v in zip(NUMBERS["exact"], values, strict=True)}


def _left_out(table: RunTable, budget: Budget, weights: Array, reason: str = ONE_SIDED) -> BudgetCurve:
    """A budget that has no part in the shared fit: its parabola shows why, and which row may be to blame."""
    if budget.n_sizes < FEWEST_SIZES:
        reason = f"{budget.n_sizes} distinct sizes; the exact shape needs {FEWEST_SIZES}"
        return no_curve(budget, {"shape": "exact"} | dict.fromkeys(NUMBERS["exact"]), reason)
    # With a noise of one, for the vertex and its error are taken out again: only residuals and leverages are of use.
    curve = parabola.curve_of(parabola.fit_parabolas(budget, table.loss[None], weights), 1.0)
    return replace(curve, vertex=np.full(2, np.nan), covariance=np.full((2, 2), np.nan), reason=reason)


def _why_too_few_sizes(entered: Sequence[Budget]) -> str:
    beyond = f"{spare_sizes(entered)} sizes beyond {FEWEST_SIZES} a budget"
    return f"{beyond} in the {len(entered)} budgets whose loss falls and rises; the shared exponents need {SPARE_SIZES}"


def _without_curves(table: RunTable, entered: Sequence[Budget], weights: Array, why: str) -> CurveFit:
    """No shared fit, for a reason that holds for all budgets that could have entered."""
    names = {budget.budget for budget in entered}
    curves = [
        _left_out(table, budget, weights, why if budget.budget in names else ONE_SIDED) for budget in budgets_of(table)
    ]
    return CurveFit(curves, no_points(np.zeros(1, int), compute_of(table, entered)), 0, weights, refusal=why)


def _diagnostics(fitted: SharedFit, factor: Array) -> dict[str, object]:
    """The shared exponents and their covariance, F·Fᵀ."""
    alpha, beta = (float(value) for value in fitted.solution.exponents[0])
    return {SHAPE: {"alpha": alpha, "beta": beta, "covariance": (factor @ factor.T).tolist()}}


def _warnings(fitted: SharedFit, factor: Array) -> list[str]:
    """When the shapes ask for exponents beyond the bounds of the search, or beyond what published surfaces have."""
    # The squared length of a row of the factor is that exponent's variance, the diagonal of F·Fᵀ.
    errors = np.linalg.norm(factor, axis=1)
    named = list(zip(("α", "β"), fitted.solution.exponents[0], errors, fitted.on_bound, strict=True))
    bound = [name for name, _, _, at_bound in named if at_bound]
    steep = [f"{name} = {x:.3g} ± {error:.2g}" for name, x, error, at_bound in named if x > STEEP and not at_bound]
    texts = [f"the curves' shared {' and '.join(bound)} at the bound of the search: their shape is not determined"]
    texts += [
        f"the curves' shared {' and '.join(steep)}: above {STEEP:g}, where published surfaces have 0.2 to 0.7; their"
        " shape, and the loss at the optimum, are in doubt"
    ]
    return [text for text, names in zip(texts, (bound, steep), strict=True) if names]
