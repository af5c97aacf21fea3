"""One parabola of the loss in ln N per compute budget, and its vertex (Hoffmann et al. 2022, section 3.2).

Rows weigh the same unless weights are given. The noise is pooled over the budgets, or each budget's own where every
one has enough repeated runs to tell.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from flopscape.fitting.common.results import finite_or_none
from flopscape.fitting.isoflop.curves import (
    Budget,
    BudgetCurve,
    CurveFit,
    budgets,
    compute_of,
    has_curve,
    no_curve,
    noise_floor,
)
from flopscape.laws.arrays import Array
from flopscape.runs.table import RunTable, design_index

OBJECTIVE = "least squares of a parabola in ln N per budget"
FEWEST_SIZES = 3
OWN_NOISE_DOF = 6
"""Repeats (runs beyond the first of a size) that every budget needs to use its own noise."""
ROUNDING = 1e-9
"""Curvature across the sizes, as a part of the loss, that is rounding error of a flat or straight curve."""


def coefficients(x: Array, losses: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Weighted least squares of c0 + c1·x + c2·x² on every loss vector of one budget's rows.

    Parameters
    ----------
    x, weights : array, shape (n,)
        ln N − centre, at least three distinct; weights of the rows.
    losses : array, shape (R, n)

    Returns
    -------
    coefficients (R, 3), their covariance for unit noise (3, 3), and the rows' leverage (n,).
    """
    root = np.sqrt(weights)
    Q, upper = np.linalg.qr(np.stack([root, root * x, root * x**2], axis=1))
    c = np.linalg.solve(upper, Q.T @ (root * losses).T).T
    c[np.abs(c[:, 2]) * np.ptp(x) ** 2 < ROUNDING * np.abs(c[:, 0]), 2] = 0.0
    inverse = np.linalg.inv(upper)
    return c, inverse @ inverse.T, (Q**2).sum(axis=1)


def vertices(c: Array) -> Array:
    """(x, loss) of the lowest point of each parabola (R, 3), NaN where the curvature is not positive; shape (R, 2)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        points = np.stack([-c[:, 1] / (2 * c[:, 2]), c[:, 0] - c[:, 1] ** 2 / (4 * c[:, 2])], axis=1)
    return np.where(c[:, 2:] > 0, points, np.nan)


def fit_curves(table: RunTable, weights: Array | None) -> CurveFit:
    """The parabola of every budget; those with under three sizes have none."""
    row_weights = np.ones(len(table)) if weights is None else weights
    curves = [fit_curve(table, budget, row_weights) for budget in budgets(table)]
    used = [curve for curve in curves if curve.used]
    variance, dof = _noise(table, used, row_weights, own=weights is None)
    covariance = np.zeros((len(used), 2, len(used), 2))
    for i, curve in enumerate(used):
        covariance[i, :, i] = variance[i] * curve.covariance
    known = iter(variance)
    pooled = variance[0] if used else np.nan
    scaled = [_scaled(curve, next(known) if curve.used else pooled) for curve in curves]
    compute = compute_of(table, [curve.budget for curve in used])
    parameters = 3 * sum(has_curve(curve.shape) for curve in curves)
    return CurveFit(scaled, compute, covariance, variance, dof, parameters, row_weights)


def fit_curve(table: RunTable, budget: Budget, weights: Array) -> BudgetCurve:
    """One budget's parabola, with the vertex's covariance for unit noise."""
    center = float(budget.log_n.mean())
    if budget.n_sizes < FEWEST_SIZES:
        reason = f"{budget.n_sizes} distinct sizes; a parabola needs {FEWEST_SIZES}"
        return no_curve(budget, _shape(center, np.full(3, np.nan)), reason)
    x, loss = budget.log_n - center, table.loss[budget.rows]
    many, unit, leverage = coefficients(x, loss[None], weights[budget.rows])
    c, vertex = many[0], vertices(many)[0] + [center, 0.0]
    residual = loss - np.polynomial.polynomial.polyval(x, c)
    covariance = _vertex_covariance(c, unit)
    return BudgetCurve(
        budget, vertex, covariance, _shape(center, c), residual, leverage, budget.why_unused(float(vertex[0]))
    )


def _vertex_covariance(c: Array, unit: Array) -> Array:
    """Of (ln N, loss) at the vertex for unit noise, by the delta method, shape (2, 2)."""
    if not c[2] > 0:
        return np.full((2, 2), np.nan)
    x = -c[1] / (2 * c[2])
    J = np.array([[0.0, -1 / (2 * c[2]), -x / c[2]], [1.0, x, x**2]])
    return np.asarray(J @ unit @ J.T)


def _scaled(curve: BudgetCurve, variance: float) -> BudgetCurve:
    return replace(curve, covariance=curve.covariance * variance)


def _shape(center: float, c: Array) -> dict[str, Any]:
    """What `optima` keeps of a parabola."""
    numbers = {"center_log_n_params": center, **{f"c{i}": value for i, value in enumerate(c)}, "curvature": 2 * c[2]}
    return {"shape": "parabola"} | {name: finite_or_none(value) for name, value in numbers.items()}


def _noise(table: RunTable, used: list[BudgetCurve], weights: Array, own: bool) -> tuple[Array, int]:
    """Noise variance of a row of weight one in each budget, and its degrees of freedom (0: unknown).

    Pooled over the parabolas' residuals; with `own`, the budget's own where each budget has at least 6 repeats.
    """
    squares = np.array([weights[curve.budget.rows] @ curve.residual**2 for curve in used])
    dof = np.array([max(len(curve.residual) - 3, 0) for curve in used], int)
    design = design_index(table)
    repeats = [len(curve.residual) - len(np.unique(design[curve.budget.rows])) for curve in used]
    total = int(dof.sum())
    if own and min(repeats, default=0) >= OWN_NOISE_DOF:
        return np.maximum(squares / dof, noise_floor(table)), total
    pooled = squares.sum() / total if total else 0.0
    return np.full(len(used), max(float(pooled), noise_floor(table))), total
