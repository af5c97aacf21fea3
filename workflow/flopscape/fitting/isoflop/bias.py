"""How far a parabola's lowest point lies from the optimum it looks for: Approach 2's bias in closed form.

At one budget C = κ·N·D with constant κ let w = ln N − ln N*. Then D = D*·e^−w, and since α·A·N*^−α = β·B·D*^−β at the
optimum (the derivative of L along C = const vanishes), the surface E + A·N^−α + B·D^−β is

    L = E + α·A·N*^−α · g(w),    g(w) = e^(−αw)/α + e^(βw)/β.

A least-squares parabola is linear in the losses and blind to their offset and scale, so its vertex depends on α, β and
the sampled w alone. Centred grids of one width shift every budget's vertex by the same w: the exponents are exact, and
N* is off by the factor e^w. Grids whose centre moves with C shift each vertex by its own w, and the power law through
them is the true line plus the line through the shifts.

The leading order follows from g = const + (α + β)·w²/2 + (β² − α²)·w³/6 + … On a centred grid the parabola sees the
cubic as the line of slope (β² − α²)/6 · Σw⁴/Σw², and its vertex is minus that over twice the quadratic coefficient:
(α − β)/6 · Σw⁴/Σw². For n equally spaced sizes in [−W, W], Σw⁴/Σw² = W²·(3n² − 7)/(5·(n − 1)²). Off-centre by c, as
W → 0, the vertex is one step of Newton's method from c.

Because α, β and the sizes decide the bias, exponents that are some way off still remove most of it: `corrected` takes
it off the vertices of a table with exponents from least squares on the losses of the same table.
"""

from dataclasses import replace

import numpy as np

from flopscape.fitting.isoflop.curves import LowestPoints
from flopscape.fitting.isoflop.power_law import PowerLaws
from flopscape.fitting.judge.verdict import Verdict, why_too_little
from flopscape.fitting.surface import global_starts
from flopscape.fitting.surface.global_starts import centred_problem, on_bound
from flopscape.laws.law import Array
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import RunTable

SETTLED = 1e-13
"""Change of ln N below which a corrected vertex has settled."""
ITERATIONS = 100
"""Most corrections; 5 to 15 are usual, and each is cheap."""


def vertex_shift(alpha: float, beta: float, offsets: Array) -> Array:
    """ln N of the parabola's vertex minus ln N*.

    Parameters
    ----------
    alpha, beta : float
        Exponents of the surface.
    offsets : array, shape (…, n)
        w = ln N − ln N* of the sampled sizes of each budget.

    Returns
    -------
    array, shape (…)
        NaN where the parabola has no lowest point.
    """
    offsets = np.asarray(offsets, float)
    # g only matters up to its offset and scale, so that E, A, B and C never enter. Both moments are about the grid's
    # mean, where a constant and a line have no part in the quadratic.
    center = offsets.mean(axis=-1, keepdims=True)
    x = offsets - center
    g = np.exp(-alpha * offsets) / alpha + np.exp(beta * offsets) / beta
    slope, bend = _quadratic(x, g - g.mean(axis=-1, keepdims=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bend > 0, center[..., 0] - slope / (2 * bend), np.nan)


@np.errstate(all="ignore")
def corrected_vertices(alpha: float, beta: float, log_sizes: Array, vertices: Array) -> Array:
    """Fitted vertices without the bias that a surface with these exponents gives them.

    The shift depends on where the sizes lie about the optimum, so that the optimum is the fixed point
    v = vertex − vertex_shift(α, β, ln N − v). Exact for noise-free losses, the true exponents and constant κ; with
    approximate exponents what remains is the difference of two shifts, much smaller than the shift itself.

    Parameters
    ----------
    alpha, beta : float
        Exponents of the surface, approximately.
    log_sizes : array, shape (…, n)
        ln N of the sampled sizes of each budget.
    vertices : array, shape (…)
        ln N of the fitted vertices.

    Returns
    -------
    array, shape (…)
        NaN where there is no vertex or the correction does not settle.
    """
    vertices = np.asarray(vertices, float)
    at = vertices.copy()
    # v = vertex − shift(v): a contraction, for the shift changes much more slowly than where the optimum is put.
    for _ in range(ITERATIONS):
        before, at = at, vertices - vertex_shift(alpha, beta, log_sizes - at[..., None])
        if not (np.abs(at - before) > SETTLED * np.maximum(1, np.abs(at))).any():
            break
    # Looser than SETTLED, for a vertex that still moves by its last digits after all rounds is as good as settled.
    return np.where(np.abs(at - before) <= 1e-9 * np.maximum(1, np.abs(at)), at, np.nan)


def _quadratic(x: Array, y: Array) -> tuple[Array, Array]:
    """Coefficients of x and x² of the least-squares parabola through centred x and y, by its normal equations."""
    # x² less its mean, so that the constant drops out and two normal equations in (slope, bend) are left.
    square = x**2 - (x**2).mean(axis=-1, keepdims=True)
    xx, xs, ss = (np.sum(p, axis=-1) for p in (x * x, x * square, square * square))
    xy, sy = np.sum(x * y, axis=-1), np.sum(square * y, axis=-1)
    # Cramer's rule for [xx, xs; xs, ss]·(slope, bend) = (xy, sy), of all budgets at once.
    determinant = xx * ss - xs**2
    return (xy * ss - sy * xs) / determinant, (sy * xx - xy * xs) / determinant


def power_law_shift(log_flops: Array, shifts: Array) -> tuple[float, float]:
    """What the vertices' shifts add to the exponent a, and to ln N* at the mean of ln C.

    Parameters
    ----------
    log_flops, shifts : array, shape (m,)
        ln C and `vertex_shift` of each budget.
    """
    # Least squares is linear in the ordinates: the line through true optima plus shifts is the sum of the two lines.
    z = log_flops - log_flops.mean()
    return float(z @ shifts / (z @ z)), float(shifts.mean())


def leading_order(alpha: float, beta: float, half_width: float, points: int) -> float:
    """The shift of a centred grid of `points` sizes within ±half_width of ln N, to second order in the width."""
    # (α − β)/6 · Σw⁴/Σw² with the sums of equally spaced sizes, as the top of this file derives it.
    return (alpha - beta) * half_width**2 * (3 * points**2 - 7) / (30 * (points - 1) ** 2)


def corrected(verdict: Verdict, result: FitResult, table: RunTable, lowest: LowestPoints) -> LowestPoints:
    """The vertices of one table's parabolas less their bias; as they are, with a warning, where it cannot be had.

    The diagnostics get `bias_correction`: α and β, and the exponent and ln N* of the line through the raw vertices.
    """
    exponents = _exponents(table)
    if exponents is None:
        verdict.warn("the parabolas' bias is not corrected: least squares of the surface does not give its exponents")
        return lowest
    log_n = [
        corrected_vertices(*exponents, budget.log_n, np.asarray(vertex[0]))
        for budget, vertex in zip(lowest.budgets, lowest.points[0], strict=True)
    ]
    if not np.isfinite(log_n).all():
        verdict.warn("the parabolas' bias is not corrected: the correction does not settle on this grid")
        return lowest
    # What the vertices said before stays in the diagnostics, so that a reader sees how far the correction moves the
    # answer.
    raw = PowerLaws.through(lowest).of_table(0).n_params
    before = {"a": raw.slope, "log_n_params": raw.intercept, "center_log_flops": raw.center}
    result.diagnostics["bias_correction"] = {"alpha": exponents[0], "beta": exponents[1], "raw": before}
    return replace(lowest, points=np.stack([np.array(log_n), lowest.points[0, :, 1]], axis=1)[None])


def _exponents(table: RunTable) -> tuple[float, float] | None:
    """α and β of the surface by least squares on the loss, None where they are at a bound or not to be had."""
    if why_too_little(table):
        return None
    problem, _ = centred_problem(table)
    surface = global_starts.solve(problem, np.ones((1, len(table))))
    if on_bound(surface)[0] or not surface.converged[0]:
        return None
    return float(surface.exponents[0, 0]), float(surface.exponents[0, 1])
