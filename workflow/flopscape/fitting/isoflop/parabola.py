"""One parabola of the loss in ln N per compute budget, and its vertex (Hoffmann et al. 2022, section 3.2).

Rows weigh the same unless weights are given. The noise is pooled over the budgets, or each budget's own where every
one has enough repeated runs to tell.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from flopscape.fitting.common.linear import ROUNDED_DIFFERENCE
from flopscape.fitting.isoflop.curves import (
    Budget,
    BudgetCurve,
    CurveFit,
    LowestPoints,
    budgets_of,
    by_used_budgets,
    compute_of,
    has_curve,
    no_curve,
    noise_floor,
)
from flopscape.fitting.judge.verdict import finite_or_none
from flopscape.laws.law import Array, Index
from flopscape.runs.table import RunTable, design_index

OBJECTIVE = "least squares of a parabola in ln N per budget"
FEWEST_SIZES = 3
OWN_NOISE_DOF = 6
"""Repeats (runs beyond the first of a size) that every budget needs to use its own noise."""


class Parabolas(NamedTuple):
    """The parabolas c0 + c1·x + c2·x² of R tables at one budget of n rows, in x = ln N less the budget's mean."""

    budget: Budget
    center: float
    """Mean ln N."""
    coefficients: Array
    """Shape (R, 3)."""
    points: Array
    """Shape (R, 2): (ln N, loss) at the vertex, NaN where the curvature is not positive."""
    unit: Array
    """Shape (R, 2, 2): covariance of the point for noise of variance one."""
    bend_error: float
    """Standard error of c2 for noise of variance one."""
    residual: Array
    """Shape (R, n), in nats."""
    leverage: Array
    """Shape (n,)."""


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

    Examples
    --------
    >>> c, _, _ = coefficients(np.array([-1.0, 0.0, 1.0]), np.array([[4.0, 3.0, 4.0]]), np.ones(3))
    >>> np.abs(c.round(12)).tolist()
    [[3.0, 0.0, 1.0]]
    """
    root = np.sqrt(weights)
    # With √w·X = Q·U, orthonormal Q and triangular U: U·c = Qᵀ·√w·L, the covariance (XᵀWX)⁻¹ is U⁻¹·U⁻ᵀ, and the
    # leverage of a row is the squared length of its row of Q. No normal equations, whose condition would be squared.
    Q, upper = np.linalg.qr(np.stack([root, root * x, root * x**2], axis=1))
    c = np.linalg.solve(upper, Q.T @ (root * losses).T).T
    # A curvature of rounding alone would put the vertex anywhere: it counts as none.
    c[np.abs(c[:, 2]) * np.ptp(x) ** 2 < ROUNDED_DIFFERENCE * np.abs(c[:, 0]), 2] = 0.0
    inverse = np.linalg.inv(upper)
    return c, inverse @ inverse.T, (Q**2).sum(axis=1)


def vertices(c: Array) -> Array:
    """(x, loss) of the lowest point of each parabola (R, 3), NaN where the curvature is not positive; shape (R, 2).

    The slope c1 + 2·c2·x vanishes at x = −c1/(2·c2), where the loss is c0 − c1²/(4·c2).

    Examples
    --------
    >>> vertices(np.array([[3.0, -2.0, 1.0]])).tolist()
    [[1.0, 2.0]]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        points = np.stack([-c[:, 1] / (2 * c[:, 2]), c[:, 0] - c[:, 1] ** 2 / (4 * c[:, 2])], axis=1)
    return np.where(c[:, 2:] > 0, points, np.nan)


def fit_parabolas(budget: Budget, losses: Array, weights: Array) -> Parabolas:
    """The parabolas of one budget; `losses` (R, n) and `weights` (n,) are of all rows of the tables."""
    center, own = float(budget.log_n.mean()), losses[:, budget.rows]
    # About the mean 1 and x are orthogonal, and the columns 1, x and x² least alike.
    x = budget.log_n - center
    c, unit, leverage = coefficients(x, own, weights[budget.rows])
    points = vertices(c) + np.array([center, 0.0])
    # c.T[:, :, None] has shape (3, R, 1) and broadcasts, with tensor=False, against x (n,): a row of losses for each
    # table.
    residual = own - np.polynomial.polynomial.polyval(x, c.T[:, :, None], tensor=False)
    bend_error = float(np.sqrt(unit[2, 2]))
    return Parabolas(budget, center, c, points, _vertex_covariance(c, unit), bend_error, residual, leverage)


@np.errstate(divide="ignore", invalid="ignore")
def _vertex_covariance(c: Array, unit: Array) -> Array:
    """Covariance (R, 2, 2) of (x, loss) at each vertex for unit noise, by the delta method; NaN without a vertex.

    With x = −c1/(2·c2) the derivatives of x in c are (0, −1/(2·c2), −x/c2); those of the loss are (1, x, x²), for at
    the vertex the loss does not change with x.
    """
    bend = np.where(c[:, 2] > 0, c[:, 2], np.nan)
    x = -c[:, 1] / (2 * bend)
    J = np.empty((len(c), 2, 3))
    # ∂x/∂c2 = c1/(2·c2²), which is −x/c2 at the vertex.
    J[:, 0] = np.stack([np.zeros_like(x), -1 / (2 * bend), -x / bend], axis=1)
    J[:, 1] = np.stack([np.ones_like(x), x, x**2], axis=1)
    covariance = J @ unit @ J.swapaxes(1, 2)
    return np.where(~np.isnan(bend)[:, None, None], covariance, np.nan)


def fit_tables(table: RunTable, losses: Array) -> Iterator[LowestPoints]:
    """The vertices of the losses (R, n) of R tables of one design, in groups that use the same budgets."""
    weights = np.ones(len(table))
    every = [fit_parabolas(budget, losses, weights) for budget in budgets_of(table, FEWEST_SIZES)]
    yield from _lowest_points(table, losses, every, weights, own=True)


def _lowest_points(
    table: RunTable, losses: Array, every: Sequence[Parabolas], weights: Array, own: bool
) -> Iterator[LowestPoints]:
    """Vertices with their errors, in groups of tables that use the same budgets; `own` as in `_noise`."""
    # From (budgets, R, 2) to (R, budgets, 2); without any budget the reshape still gives three axes.
    points = np.array([fitted.points for fitted in every]).reshape(-1, len(losses), 2).swapaxes(0, 1)
    for tables, kept in by_used_budgets(points, [fitted.budget for fitted in every]):
        used = [every[i] for i in kept]
        variance, dof = _noise(table, used, tables, weights, noise_floor(losses[tables]), own)
        # Parabolas of two budgets share no row, so that their vertices err independently: only blocks of 2 × 2 are
        # filled.
        covariance = np.zeros((len(tables), len(used), 2, len(used), 2))
        for i, fitted in enumerate(used):
            covariance[:, i, :, i] = variance[:, i, None, None] * fitted.unit[tables]
        budgets = [fitted.budget for fitted in used]
        yield LowestPoints(
            tables, budgets, points[np.ix_(tables, kept)], covariance, variance, dof, compute_of(table, budgets)
        )


def _noise(
    table: RunTable, used: Sequence[Parabolas], tables: Index, weights: Array, floor: Array, own: bool
) -> tuple[Array, int]:
    """Noise variance (R, m) of a row of weight one in each budget, and its degrees of freedom (0: unknown).

    Pooled over the parabolas' residuals; with `own`, the budget's own where each budget has at least 6 repeats.
    """
    squares = np.empty((len(tables), len(used)))
    for i, fitted in enumerate(used):
        squares[:, i] = fitted.residual[tables] ** 2 @ weights[fitted.budget.rows]
    # Three coefficients a budget: its residuals have n − 3 degrees of freedom left.
    dof = np.array([len(fitted.budget.rows) - 3 for fitted in used], int)
    design, total = design_index(table), int(dof.sum())
    # Runs beyond the first of a size: the residuals of these are noise whatever the curve's true shape is.
    repeats = [len(fitted.budget.rows) - len(np.unique(design[fitted.budget.rows])) for fitted in used]
    # From six degrees of freedom a standard deviation is known to 1/√12, 29 %. With fewer, one noise for all errs less
    # than budgets that each have a badly known one.
    if own and min(repeats, default=0) >= OWN_NOISE_DOF:
        return np.maximum(squares / dof, floor[:, None]), total
    # Squares over degrees of freedom of all budgets together, and not a mean over budgets: one of many runs says more.
    pooled = squares.sum(axis=1) / total if total else np.zeros(len(tables))
    return np.tile(np.maximum(pooled, floor)[:, None], len(used)), total


def fit_curves(table: RunTable, weights: Array | None) -> CurveFit:
    """The parabola of every budget of one table; budgets with under three sizes have none."""
    row_weights = np.ones(len(table)) if weights is None else weights
    losses, every = table.loss[None], budgets_of(table)
    fitted = {
        budget.budget: fit_parabolas(budget, losses, row_weights) for budget in every if budget.n_sizes >= FEWEST_SIZES
    }
    (lowest,) = _lowest_points(table, losses, list(fitted.values()), row_weights, own=weights is None)
    noise = {budget.budget: float(value) for budget, value in zip(lowest.budgets, lowest.variance[0], strict=True)}
    # Budgets that are left out are told with the noise of the used ones, which have nearly always one in common.
    elsewhere = next(iter(noise.values()), np.nan)
    curves = [
        curve_of(fitted[budget.budget], noise.get(budget.budget, elsewhere))
        if budget.budget in fitted
        else no_curve(budget, _shape(float(budget.log_n.mean()), np.full(3, np.nan)), _why_too_few(budget))
        for budget in every
    ]
    return CurveFit(curves, lowest, 3 * sum(has_curve(curve.shape) for curve in curves), row_weights)


def curve_of(fitted: Parabolas, variance: float) -> BudgetCurve:
    """What a result tells of the first table's parabola at one budget, whose rows have this noise."""
    vertex = fitted.points[0]
    return BudgetCurve(
        fitted.budget, vertex, fitted.unit[0] * variance, _shape(fitted.center, fitted.coefficients[0]),
        fitted.residual[0], fitted.leverage, fitted.budget.why_unused(float(vertex[0])),
    )  # fmt: skip


def _why_too_few(budget: Budget) -> str:
    return f"{budget.n_sizes} distinct sizes; a parabola needs {FEWEST_SIZES}"


def _shape(center: float, c: Array) -> dict[str, Any]:
    """What `optima` keeps of a parabola."""
    numbers = {"center_log_n_params": center, **{f"c{i}": value for i, value in enumerate(c)}, "curvature": 2 * c[2]}
    return {"shape": "parabola"} | {name: finite_or_none(value) for name, value in numbers.items()}
