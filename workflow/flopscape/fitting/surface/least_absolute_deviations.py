"""Least absolute deviations of the log loss, Σ w·|ln L̂ − ln L|, to rounding: Huber's δ lowered, then an exact step.

Like the median, an optimum passes through some of the rows: through a set Z of at most five, for five parameters. The
other rows pull with w·sign(r)·J each; a row of Z may pull with anything between −w and w. With λ_i for the rows of Z in
place of w_i·sign r_i an optimum therefore solves ten equations for p and λ at most,

    Σ_{i∉Z} w_i·sign(r_i)·J_i + Σ_{i∈Z} λ_i·J_i = 0    and    r_Z = 0,

and it is one where every |λ_i| ≤ w_i and the curvature of this Lagrangian is positive within r_Z = 0 (Fletcher 1987,
theorems 14.2.1 and 14.2.4). Huber's optimum at a small δ gives Z, its rows inside ±δ, and λ, w·r/δ there; Newton's
method does the rest, and the conditions are checked. Where that fails down to the smallest δ, linear programs go from
corner to corner of the linearised problem within a trust region (`through_corners`).
"""

from itertools import pairwise

import numpy as np
from scipy.optimize import linprog

from flopscape.fitting.common import linear
from flopscape.fitting.common.linear import ROUNDED_STEP, TINY, Optimum
from flopscape.fitting.surface import huber
from flopscape.fitting.surface.huber import Data
from flopscape.fitting.surface.variable_projection import RESAMPLE_DECREMENT, blocks
from flopscape.laws.law import Array, Index, Mask

SMALLEST = 2e-6
"""δ, in log residuals, down to which Huber's optima are followed while the exact step fails, as for a tenth."""
NEAR = (1e-4, 3e-5, 1e-5)
"""The same for a resample, whose optimum is close: the last is far below the noise of any loss."""
PATIENCE = 30
"""Most evaluations at one δ on the way; a problem that needs more is taken on where it is."""
REGION, PROGRAMS = 4e-3, 60
"""First reach of a linear program in each parameter, and the most of them; 1 to 6 are usual."""
STEPS = 6
"""Newton steps on the conditions; they double the digits, and start with two or more."""
THROUGH, BALANCE = 1e-12, 1e-10
"""What counts as zero in a residual of Z, and in the balance of pulls as a part of their sum."""
SIZE = 5
"""Parameters, and most rows that an optimum passes through."""


def minimise(data: Data, weights: Array, p: Array) -> Optimum:
    """Optima from given parameters (R, 5), under weights (R, n); converged where the conditions of an optimum hold."""
    p, levels = np.clip(p, data.lower, data.upper), huber.continuation(SMALLEST)
    converged = np.zeros(len(p), bool)
    for wider, narrower in pairwise([*levels, SMALLEST]):
        todo = np.flatnonzero(~converged)
        part, w = data.take(todo), weights[todo]
        p[todo] = huber.descend(part, w, p[todo], wider, huber.LOOSE, PATIENCE).p
        p[todo], converged[todo] = finish(part, w, p[todo], wider)
        rest = todo[~converged[todo]]
        p[rest] = huber.follow(data.take(rest), weights[rest], p[rest], wider, narrower)
    # Of exact data all residuals are rounding, and no five rows are the right ones.
    converged |= value(data, weights, p) <= THROUGH * weights.sum(axis=1)
    # What no δ has settled goes on one problem at a time, from corner to corner of linear programs.
    for i in np.flatnonzero(~converged):
        p[i], converged[i] = through_corners(data.take(slice(i, i + 1)), weights[i], p[i])
    return Optimum(p, value(data, weights, p), converged)


def refine(data: Data, weights: Array, p: Array) -> Optimum:
    """`minimise` from parameters that are close already, to the precision that a resample needs.

    Where the exact step fails, Huber's optimum at the last δ of `NEAR` stands.
    """
    p, exact = np.clip(p, data.lower, data.upper), np.zeros(len(p), bool)
    for delta in NEAR:
        todo = np.flatnonzero(~exact)
        part, w = data.take(todo), weights[todo]
        near = huber.descend(part, w, p[todo], delta, huber.LOOSE, PATIENCE).p
        p[todo], exact[todo] = finish(part, w, near, delta)
    rest = np.flatnonzero(~exact)
    last = huber.descend(data.take(rest), weights[rest], p[rest], NEAR[-1], RESAMPLE_DECREMENT, PATIENCE)
    p[rest], exact[rest] = last.p, last.converged
    return Optimum(p, value(data, weights, p), exact)


def finish(data: Data, weights: Array, p: Array, delta: float) -> tuple[Array, Mask]:
    """The exact optima next to Huber's at δ, which stay where they are if there is none, and whether there is one."""
    blocked = blocks(len(p), data.u.shape[1])
    parts = [_finish_block(data.take(block), weights[block], p[block], delta) for block in blocked]
    ends, done = (np.concatenate(column) for column in zip(*parts, strict=True))
    return ends, done


def _finish_block(data: Data, weights: Array, p: Array, delta: float) -> tuple[Array, Mask]:
    r = np.where(weights > 0, huber.residuals(data, p), np.inf)
    # As δ falls the rows inside ±δ become those that the optimum passes through: at most as many as there are
    # parameters.
    done = (np.abs(r) < delta).sum(axis=1) <= SIZE
    done &= ((p > data.lower) & (p < data.upper)).all(axis=1)
    ends, todo = p.copy(), np.flatnonzero(done)
    if len(todo):
        zero = np.argsort(np.abs(r[todo]), axis=1, kind="stable")[:, :SIZE]
        nearest = np.take_along_axis(r[todo], zero, 1)
        inside = np.abs(nearest) < delta
        # Inside ±δ Huber pulls with w·r/δ, which tends to the multipliers λ, |λ| ≤ w, of the rows that it passes
        # through.
        pull = np.where(inside, np.take_along_axis(weights[todo], zero, 1) * nearest / delta, 0.0)
        solution, good = solve_conditions(data.take(todo), weights[todo], p[todo], zero, inside, pull)
        ends[todo[good]], done[todo] = solution[good], good
    return ends, done


def through_corners(data: Data, weights: Array, p: Array) -> tuple[Array, bool]:
    """The optimum downhill of p (5,), by linear programs in a trust region (Osborne & Watson 1971), for one problem.

    A program has only the rows whose residual can change sign within the region. Its corner gives Z and λ.
    """
    region, w = REGION, weights[None]
    for _ in range(PROGRAMS):
        before = float(value(data, w, p[None])[0])
        step, zero, inside, pull = _program(data, weights, p, region)
        trial = np.clip(p + step, data.lower[..., :], data.upper).reshape(SIZE)
        end, good = solve_conditions(data, w, trial[None], zero[None], inside[None], pull[None])
        if good[0] and value(data, w, end)[0] <= before * (1 + ROUNDED_STEP):
            return end[0], True
        # The program leaves out all curvature: after a success it may reach further, after a failure less far.
        if value(data, w, trial[None])[0] < before:
            p, region = trial, 2 * region
        else:
            region /= 4
    return p, False


def _program(data: Data, weights: Array, p: Array, region: float) -> tuple[Array, Index, Mask, Array]:
    """Step (5,) to the best corner of the linearised problem.

    With the rows nearest to it (5,), whether it passes through them, and their pulls (5,).
    """
    r, J = (part[0] for part in huber.terms(data, p[None]))
    near = np.flatnonzero((np.abs(r) <= region * np.abs(J).sum(axis=0)) & (weights > 0))
    far = weights * np.sign(r)
    far[near] = 0.0
    m, w, rows = len(near), weights[near], J[:, near].T
    # |r + Jd| of a near row is s⁺ + s⁻ with s⁺ − s⁻ = r + Jd, each at a cost of w; a far row keeps its sign, so that
    # it is linear in d.
    cost = np.concatenate([J @ far, w, w])
    equal = np.hstack([rows, -np.eye(m), np.eye(m)])
    # In units of the region, because the solver's tolerances are absolute.
    solved = linprog(cost, A_eq=equal, b_eq=-r[near] / region, bounds=[(-1, 1)] * SIZE + [(0, None)] * (2 * m))
    if solved.x is None:
        return np.zeros(SIZE), np.arange(SIZE), np.zeros(SIZE, bool), np.zeros(SIZE)
    step = region * solved.x[:SIZE]
    after, pulls = np.abs(r + step @ J), far
    pulls[near] = -solved.eqlin.marginals
    zero = np.argsort(np.where(weights > 0, after, np.inf), kind="stable")[:SIZE]
    return step, zero, after[zero] < THROUGH, pulls[zero]


def solve_conditions(
    data: Data, weights: Array, p: Array, zero: Index, inside: Mask, pull: Array
) -> tuple[Array, Mask]:
    """Newton's method on the conditions from p (R, 5).

    The pulls λ (R, 5) are those of the rows `zero` (R, 5) that are `inside`; the other places are empty.
    """
    start = value(data, weights, p)
    for _ in range(STEPS):
        matrix, right = _conditions(data, weights, p, zero, inside, pull)
        step = linear.solve(matrix, -right[:, :, None])[:, :, 0]
        step *= np.minimum(1.0, 1.0 / np.maximum(np.abs(step[:, :SIZE]).max(axis=1, keepdims=True), TINY))
        p, pull = np.clip(p + step[:, :SIZE], data.lower, data.upper), pull + step[:, SIZE:]
    matrix, right = _conditions(data, weights, p, zero, inside, pull)
    limit = np.take_along_axis(weights, zero, 1) * (1 + BALANCE)
    good = (np.abs(right[:, SIZE:]) < THROUGH).all(axis=1) & (np.abs(pull) <= limit).all(axis=1)
    good &= (np.abs(right[:, :SIZE]) < BALANCE * weights.sum(axis=1, keepdims=True)).all(axis=1)
    # Within r_Z = 0 the curvature is positive where the matrix has as many negative eigenvalues as Z has rows.
    good &= (linear.eigen(matrix)[0] < 0).sum(axis=1) == inside.sum(axis=1)
    return p, good & (value(data, weights, p) <= start * (1 + ROUNDED_STEP))


def _conditions(data: Data, weights: Array, p: Array, zero: Index, inside: Mask, pull: Array) -> tuple[Array, Array]:
    """Newton's matrix (R, 10, 10) and what should vanish (R, 10): the balance of pulls, and the residuals of Z."""
    r, J = huber.terms(data, p)
    through, problems = np.where(inside, np.take_along_axis(r, zero, 1), 0.0), np.arange(len(p))[:, None]
    pulls = weights * np.sign(r)
    pulls[problems, zero] = np.where(inside, pull, pulls[problems, zero])
    matrix = np.zeros((len(p), 2 * SIZE, 2 * SIZE))
    # The Hessian of Σ pull·r in p, for ∂²r = ∂²L̂/L̂ − J·Jᵀ; bordered by the rows of J that have to stay at zero.
    matrix[:, :SIZE, :SIZE] = (J * -pulls[:, None]) @ J.swapaxes(1, 2)
    huber.add_curvature(matrix, data, J, pulls)
    rows = np.where(inside[:, None], np.take_along_axis(J, zero[:, None], 2), 0.0)
    matrix[:, :SIZE, SIZE:], matrix[:, SIZE:, :SIZE] = rows, rows.swapaxes(1, 2)
    places = np.arange(SIZE, 2 * SIZE)
    # An empty place has the equation dλ = 0, so that one shape of matrix serves any number of rows in Z.
    matrix[:, places, places] = np.where(inside, 0.0, 1.0)
    return matrix, np.concatenate([(J @ pulls[:, :, None])[:, :, 0], through], axis=1)


def value(data: Data, weights: Array, p: Array) -> Array:
    """Σ w·|r|, shape (R,)."""
    return np.asarray((weights * np.abs(huber.residuals(data, p))).sum(axis=1))
