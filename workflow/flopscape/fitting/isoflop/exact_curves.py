"""Approach2's curves in the exact shape, and the joint covariance of their lowest points.

Shared exponents tie the vertices together: where α is off, all of them are, so that their errors are correlated over
the budgets. The covariance is the delta method's, σ²(JᵀWJ)⁻¹ over all budgets' parameters at once; an E on its bound,
zero, and an exponent on its own are taken as known.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from flopscape.fitting.common import linear
from flopscape.fitting.isoflop import parabola
from flopscape.fitting.isoflop.curves import (
    NUMBERS,
    Budget,
    BudgetCurve,
    CurveFit,
    budgets,
    compute_of,
    has_curve,
    no_curve,
    noise_floor,
)
from flopscape.fitting.isoflop.exact_shape import SharedFit, fit_shared, vertices
from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute
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


def fit_curves(table: RunTable, weights: Array | None) -> CurveFit:
    """The curves of all budgets together; those without a lowest point do not enter the shared exponents."""
    row_weights = np.ones(len(table)) if weights is None else weights
    every = budgets(table)
    entered = [budget for budget in every if budget.n_sizes >= FEWEST_SIZES]
    while (spare := sum(budget.n_sizes - FEWEST_SIZES for budget in entered)) >= SPARE_SIZES:
        fitted = fit_shared(table, entered, row_weights)
        if fitted.two_sided.all() and fitted.condition > CONDITION_REFUSED:
            why = f"the sizes do not tell the shared exponents apart: condition number {fitted.condition:.2g}"
            return _without_curves(table, every, entered, row_weights, why)
        if fitted.two_sided.all():
            return _with_errors(table, every, fitted, row_weights)
        entered = [budget for budget, kept in zip(entered, fitted.two_sided, strict=True) if kept]
    beyond = f"{spare} sizes beyond {FEWEST_SIZES} a budget in the {len(entered)} budgets whose loss falls and rises"
    why = f"{beyond}; the shared exponents need {SPARE_SIZES}"
    return _without_curves(table, every, entered, row_weights, why)


def _with_errors(table: RunTable, every: list[Budget], fitted: SharedFit, weights: Array) -> CurveFit:
    """Vertices, their joint covariance, and what else the result lists."""
    m, n = len(fitted.budgets), len(fitted.loss)
    dof = n - 3 * m - 2
    variance = max(float(fitted.weights @ fitted.residual**2) / dof, noise_floor(table))
    factor, leverage = unit_errors(fitted)
    compute = compute_of(table, fitted.budgets)
    points, gradients = all_vertices(fitted, compute)
    moves = np.sqrt(variance) * gradients @ factor
    joint = (moves @ moves.T).reshape(m, 2, m, 2)
    made = {
        budget.budget: BudgetCurve(
            budget, points[i], joint[i, :, i], _shape(fitted, i), fitted.residual[fitted.member == i],
            leverage[fitted.member == i], budget.why_unused(float(points[i, 0])),
        )
        for i, budget in enumerate(fitted.budgets)
    }  # fmt: skip
    curves = [made.get(budget.budget) or _left_out(table, budget, weights) for budget in every]
    parameters = 3 * sum(has_curve(curve.shape) for curve in curves) + 2
    used = np.array([curve.used for curve in made.values()])
    return CurveFit(
        curves, compute, joint[used][:, :, used], np.full(int(used.sum()), variance), dof, parameters, weights,
        _diagnostics(fitted, np.sqrt(variance) * factor[-2:]), _warnings(fitted, np.sqrt(variance) * factor[-2:]),
    )  # fmt: skip


def unit_errors(fitted: SharedFit) -> tuple[Array, Array]:
    """F (3m + 2, free) with F·Fᵀ the covariance of all parameters for unit noise, and the leverage of the rows (n,)."""
    J, lengths = fitted.scaled_jacobian
    inverse = linear.inverse(fitted.triangle)
    factor = np.zeros((len(fitted.free), len(inverse)))
    factor[fitted.free] = inverse / lengths[:, None]
    return factor, ((J @ inverse) ** 2).sum(axis=1)


def all_vertices(fitted: SharedFit, compute: Compute) -> tuple[Array, Array]:
    """(ln N, loss) of every vertex, shape (m, 2), and the derivatives in all parameters, (2m, 3m + 2)."""
    m = len(fitted.budgets)
    points, J = np.zeros((m, 2)), np.zeros((m, 2, 3 * m + 2))
    for i, budget in enumerate(fitted.budgets):
        point, gradient = vertices(fitted.parameters[i : i + 1], fitted.center[i], budget.flops, compute)
        points[i] = point[0]
        J[i][:, [3 * i, 3 * i + 1, 3 * i + 2, -2, -1]] = gradient[0]
    return points, J.reshape(2 * m, -1)


def _shape(fitted: SharedFit, i: int) -> dict[str, Any]:
    """What `optima` keeps of one budget's curve."""
    values = [*fitted.center[i], *fitted.solution.coefficients[0, i], *fitted.solution.exponents[0]]
    return {"shape": "exact"} | {name: float(v) for name, v in zip(NUMBERS["exact"], values, strict=True)}


def _left_out(table: RunTable, budget: Budget, weights: Array, reason: str = ONE_SIDED) -> BudgetCurve:
    """A budget that has no part in the shared fit: its parabola shows why, and which row may be to blame."""
    if budget.n_sizes < FEWEST_SIZES:
        reason = f"{budget.n_sizes} distinct sizes; the exact shape needs {FEWEST_SIZES}"
        return no_curve(budget, {"shape": "exact"} | dict.fromkeys(NUMBERS["exact"]), reason)
    curve = parabola.fit_curve(table, budget, weights)
    return replace(curve, vertex=np.full(2, np.nan), covariance=np.full((2, 2), np.nan), reason=reason)


def _without_curves(table: RunTable, every: list[Budget], entered: list[Budget], weights: Array, why: str) -> CurveFit:
    """No shared fit, for a reason that holds for all budgets that could have entered."""
    names = {budget.budget for budget in entered}
    reasons = [why if budget.budget in names else ONE_SIDED for budget in every]
    curves = [_left_out(table, budget, weights, reason) for budget, reason in zip(every, reasons, strict=True)]
    nothing = np.zeros((0, 2, 0, 2)), np.zeros(0)
    return CurveFit(curves, compute_of(table, entered), *nothing, 0, 0, weights, refusal=why)


def _diagnostics(fitted: SharedFit, factor: Array) -> dict[str, object]:
    """The shared exponents and their covariance, F·Fᵀ."""
    alpha, beta = (float(value) for value in fitted.solution.exponents[0])
    return {SHAPE: {"alpha": alpha, "beta": beta, "covariance": (factor @ factor.T).tolist()}}


def _warnings(fitted: SharedFit, factor: Array) -> list[str]:
    """When the shapes ask for exponents beyond the bounds of the search, or beyond what published surfaces have."""
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
