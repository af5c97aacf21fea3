"""When a point is an optimum of the least absolute deviations Σ w·|ln L̂ − ln L|, and Newton's method on that.

Like the median, an optimum passes through some of the rows: through a set Z of at most five, for five parameters. The
other rows pull with w·sign(r)·J each; a row of Z may pull with anything between −w and w. With λ_i for the rows of Z in
place of w_i·sign r_i an optimum therefore solves ten equations for p and λ at most,

    Σ_{i∉Z} w_i·sign(r_i)·J_i + Σ_{i∈Z} λ_i·J_i = 0    and    r_Z = 0,

and it is one where every |λ_i| ≤ w_i and the curvature of this Lagrangian is positive within r_Z = 0 (Fletcher 1987,
theorems 14.2.1 and 14.2.4). A bound c(p) ≥ 0 is a row too: above zero it costs nothing and below it anything, so that
its pull lies between −∞ and 0. Bounds are numbered after the n rows.
"""

import numpy as np

from flopscape.fitting.common import linear
from flopscape.fitting.common.linear import TINY
from flopscape.fitting.surface import huber
from flopscape.fitting.surface.huber import Data
from flopscape.laws.law import Array, Index, Mask

SIZE = 5
"""Parameters, and most rows that an optimum passes through."""
STEPS = 6
"""Newton steps on the conditions; they double the digits, and start with two or more."""
THROUGH, BALANCE = 1e-12, 1e-10
"""What counts as zero in a residual of Z, and in the balance of pulls as a part of their sum."""
BOUNDS = np.concatenate([np.eye(SIZE), -np.eye(SIZE)[3:]]).T
"""∂c/∂p (5, 7) of the bounds: p − lower of all parameters, and upper − p of the two exponents."""


def slack(data: Data, p: Array) -> Array:
    """How far p is off each bound, shape (R, 7)."""
    return np.concatenate([p - data.lower, (data.upper - p)[:, 3:]], axis=1)


def own_rows(data: Data, p: Array, zero: Index) -> tuple[Array, Array]:
    """Residuals (R, 5) and J (R, 5, 5) of each problem's own five rows or bounds."""
    n = data.u.shape[1]
    row, bound = np.minimum(zero, n - 1), np.maximum(zero - n, 0)
    log_loss = data.log_loss[row] if data.log_loss.ndim == 1 else np.take_along_axis(data.log_loss, row, 1)
    r, J = huber.terms(Data(data.u[:, row], log_loss), p)
    if (zero < n).all():
        return r, J
    r = np.where(zero < n, r, np.take_along_axis(slack(data, p), bound, 1))
    return r, np.where((zero < n)[:, None], J, BOUNDS[:, bound].swapaxes(0, 1))


def limits(weights: Array, zero: Index) -> tuple[Array, Array]:
    """Least and greatest pull (R, 5) of rows or bounds."""
    n = weights.shape[1]
    weight = np.take_along_axis(weights, np.minimum(zero, n - 1), 1)
    return np.where(zero < n, -weight, -np.inf), np.where(zero < n, weight, 0.0)


def value(data: Data, weights: Array, p: Array) -> Array:
    """Σ w·|r|, shape (R,)."""
    return np.asarray((weights * np.abs(huber.residuals(data, p))).sum(axis=1))


def solve_conditions(
    data: Data, weights: Array, p: Array, zero: Index, inside: Mask, pull: Array
) -> tuple[Array, Array, Mask]:
    """Newton's method on the conditions from p (R, 5).

    The pulls λ (R, 5) are those of the rows `zero` (R, 5) that are `inside`; the other places are empty.

    Returns
    -------
    p, by how much pulls are beyond their limits (R, 5), and whether all other conditions hold (R,).
    """
    for _ in range(STEPS):
        matrix, right = _conditions(data, weights, p, zero, inside, pull)
        step = linear.solve(matrix, -right[:, :, None])[:, :, 0]
        step *= np.minimum(1.0, 1.0 / np.maximum(np.abs(step[:, :SIZE]).max(axis=1, keepdims=True), TINY))
        p, pull = np.clip(p + step[:, :SIZE], data.lower, data.upper), pull + step[:, SIZE:]
    matrix, right = _conditions(data, weights, p, zero, inside, pull)
    low, high = limits(weights, zero)
    total = weights.sum(axis=1, keepdims=True)
    good = (np.abs(right[:, SIZE:]) < THROUGH).all(axis=1)
    good &= (np.abs(right[:, :SIZE]) < BALANCE * total).all(axis=1)
    # Within r_Z = 0 the curvature is positive where the matrix has as many negative eigenvalues as Z has rows.
    good &= (linear.eigen(matrix)[0] < 0).sum(axis=1) == inside.sum(axis=1)
    excess = np.where(inside, np.maximum(pull - high, low - pull), 0.0)
    return p, np.where(excess > BALANCE * total, excess, 0.0), good


def _conditions(data: Data, weights: Array, p: Array, zero: Index, inside: Mask, pull: Array) -> tuple[Array, Array]:
    """Newton's matrix (R, 10, 10) and what should vanish (R, 10): the balance of pulls, and the residuals of Z."""
    r, J = huber.terms(data, p)
    own, rows = own_rows(data, p, zero)
    rows, pull = np.where(inside[:, None], rows, 0.0), np.where(inside, pull, 0.0)
    problem, place = np.nonzero(inside & (zero < r.shape[1]))
    pulls = weights * np.sign(r)
    # Bounds are linear: they pull, but add no curvature.
    pulls[problem, zero[problem, place]] = pull[problem, place]
    matrix = np.zeros((len(p), 2 * SIZE, 2 * SIZE))
    # The Hessian of Σ pull·r in p, for ∂²r = ∂²L̂/L̂ − J·Jᵀ; bordered by the rows of J that have to stay at zero.
    matrix[:, :SIZE, :SIZE] = (J * -pulls[:, None]) @ J.swapaxes(1, 2)
    huber.add_curvature(matrix, data, J, pulls)
    matrix[:, :SIZE, SIZE:], matrix[:, SIZE:, :SIZE] = rows, rows.swapaxes(1, 2)
    places = np.arange(SIZE, 2 * SIZE)
    # An empty place has the equation dλ = 0, so that one shape of matrix serves any number of rows in Z.
    matrix[:, places, places] = np.where(inside, 0.0, 1.0)
    bounds = np.where(inside & (zero >= r.shape[1]), pull, 0.0)
    balance = (J @ pulls[:, :, None] + rows @ bounds[:, :, None])[:, :, 0]
    return matrix, np.concatenate([balance, np.where(inside, own, 0.0)], axis=1)
