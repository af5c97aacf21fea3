"""The kernel: weighted least squares of c0 + Σ c_j·exp(−θ_j·u_j) with c ≥ 0, globally, for thousands of weightings.

For fixed exponents θ the problem is linear in c, so only θ is searched (variable projection: Golub & Pereyra 1973).
Every problem gets its own global start from a shared exponent grid, whose moments are matrix products, and is then
polished by Newton's method on the projected objective with its exact Hessian. u_j are centred logs, so no unit of
N or D enters. All sums are sums, never means; the stopping rule is relative to the objective.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from flopscape.fitting.faces import Entries, best_coefficients, best_gain
from flopscape.laws.arrays import Array, Index, Mask

LOWEST, HIGHEST = 0.005, 5.0
"""Bounds of the exponents: far outside what is published (0.03 to 1.3). A fit that ends there says so."""
GRID = np.geomspace(0.03, 2.5, 16)
"""Exponents of the shared grid."""
STEPS = 100
"""Most evaluations in one Newton search; 5 to 8 are usual."""
DECREMENT, FLOOR = 1e-18, 1e-26
"""Stop when gᵀH⁻¹g is below this part of the objective, or of Σ w y² where the fit is exact."""
ROUNDING = 1e-13
"""Error of the objective, which comes from a Gram matrix, as a part of Σ w y²."""
RESAMPLE_DECREMENT = 1e-12
"""For resamples: exponents within 2e-5 of their standard error, before the last step that squares it away."""
CHUNK_ELEMENTS = 60_000
"""Problems × runs worked on at once: the arrays then stay in the processor's cache."""


class Solution(NamedTuple):
    """Optima of R problems with k terms."""

    coefficients: Array
    """Shape (R, k + 1), first the constant, with amplitudes at the centre of the logs."""
    exponents: Array
    """Shape (R, k)."""
    objective: Array
    """Shape (R,): Σ w r²."""
    converged: Mask
    """Shape (R,), bool: Newton's decrement fell below the tolerance."""

    def one(self, index: int) -> "Solution":
        """A single problem, still with R = 1."""
        kept = slice(index, index + 1)
        return Solution(self.coefficients[kept], self.exponents[kept], self.objective[kept], self.converged[kept])


@dataclass(frozen=True)
class Problem:
    """n observations of k terms: `u` (k, n) are centred logs, `y` what to fit: (n,), or (R, n) for own values."""

    u: Array
    y: Array

    @property
    def terms(self) -> int:
        return len(self.u)


def solve(problem: Problem, weights: Array, grid: Array = GRID, chunk: int | None = None) -> Solution:
    """Global optimum for every row of weights.

    Parameters
    ----------
    problem : Problem
    weights : array, shape (R, n)
        Non-negative; the multiplicities of a resample.
    grid : array, shape (G,) or (k, G)
        Exponents of the shared grid of starts, the same for every term or each its own.
    chunk : int, optional
        Problems worked on at once; the answer does not depend on it.
    """
    size = chunk or max(1, CHUNK_ELEMENTS // weights.shape[1])
    features = grid_features(problem, grid)
    y = np.broadcast_to(problem.y, weights.shape)
    parts = []
    for first in range(0, len(weights), size):
        part, values = weights[first : first + size], Problem(problem.u, y[first : first + size])
        parts.append(newton(values, part, grid_starts(values, part, grid, features)))
    return Solution(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def grid_features(problem: Problem, grid: Array) -> list[Array]:
    """exp(−θ·u_j) for all θ of the grid, (G,) or (k, G): k arrays of shape (G, n)."""
    own = np.broadcast_to(grid, (problem.terms, np.shape(grid)[-1]))
    return [np.exp(-theta[:, None] * u) for theta, u in zip(own, problem.u, strict=True)]


def grid_objective(problem: Problem, weights: Array, features: list[Array]) -> Array:
    """Projected objective on the whole exponent grid, shape (R, G, …, G): every moment is one matrix product."""
    k, weighted = problem.terms, weights * problem.y
    R, G = len(weights), len(features[0])

    def along(values: Array, *axes: int) -> Array:
        shape = [R] + [G if axis in axes else 1 for axis in range(k)]
        return values.reshape(shape)

    gram: Entries = [[np.empty(0)] * (k + 1) for _ in range(k + 1)]
    gram[0][0] = along(weights.sum(axis=1))
    target = [along(weighted.sum(axis=1))]
    for j, x in enumerate(features):
        gram[0][j + 1] = gram[j + 1][0] = along(weights @ x.T, j)
        gram[j + 1][j + 1] = along(weights @ (x * x).T, j)
        target.append(along(weighted @ x.T, j))
    for i, j in combinations(range(k), 2):
        pairs = np.stack([(features[j] * row) @ weights.T for row in features[i]])
        gram[i + 1][j + 1] = gram[j + 1][i + 1] = along(np.moveaxis(pairs, 2, 0), i, j)
    return along((weighted * problem.y).sum(axis=1)) - best_gain(gram, target)


def grid_starts(problem: Problem, weights: Array, grid: Array, features: list[Array]) -> Array:
    """Exponents of each problem's lowest grid point, shape (R, k)."""
    values = grid_objective(problem, weights, features)
    best = values.reshape(len(weights), -1).argmin(axis=1)
    own = np.broadcast_to(grid, (problem.terms, np.shape(grid)[-1]))
    indices = np.unravel_index(best, values.shape[1:])
    return np.stack([theta[index] for theta, index in zip(own, indices, strict=True)], axis=1)


def many_starts(problem: Problem, weights: Array, grid: Array) -> Array:
    """Starts for one weighting: every local minimum of the projected objective on the grid, then a coarse lattice."""
    values = grid_objective(problem, weights[None], grid_features(problem, grid))[0]
    lowest = np.ones(values.shape, bool)
    padded = np.pad(values, 1, constant_values=np.inf)
    for shift in np.ndindex(*(3,) * problem.terms):
        window = tuple(slice(s, s + len(grid)) for s in shift)
        lowest &= values <= padded[window]
    coarse = np.stack(np.meshgrid(*[grid[2 :: len(grid) // 4]] * problem.terms, indexing="ij"), -1)
    return np.concatenate([grid[np.argwhere(lowest)][:32], coarse.reshape(-1, problem.terms)])


class State(NamedTuple):
    """The projected problem at given exponents, for R problems; gradient and Hessian are of half the objective."""

    coefficients: Array
    objective: Array
    gradient: Array
    hessian: Array


def evaluate(u: Array, y: Array, root: Array, theta: Array) -> State:
    """Coefficients, objective, and the exact gradient and Hessian of half the projected objective.

    `u` is (k, n), or (k, R, n) where each problem has its own; `root` are the weights' roots, (R, n) as y.

    All of it comes from one Gram matrix of (1, x_j, u_j·x_j, u_j²·x_j, y): with r = y − Σ c_i φ_i and the Hessian
    blocks of ½ Σ w r² in (θ, c), the projected Hessian is the Schur complement H_θθ − H_θc H_cc⁻¹ H_cθ.
    """
    k = len(u)
    columns = np.empty((len(theta), 3 * k + 2, u.shape[-1]))
    columns[:, 0] = root
    columns[:, -1] = root * y
    for j, logs in enumerate(u):
        np.exp(-theta[:, j, None] * logs, out=columns[:, 1 + j])
        columns[:, 1 + j] *= root
        np.multiply(columns[:, 1 + j], logs, out=columns[:, 1 + k + j])
        np.multiply(columns[:, 1 + k + j], logs, out=columns[:, 1 + 2 * k + j])
    gram = columns @ columns.swapaxes(1, 2)
    linear, slope, curve = slice(0, k + 1), slice(k + 1, 2 * k + 1), slice(2 * k + 1, 3 * k + 1)
    c = best_coefficients(gram[:, linear, linear], gram[:, linear, -1])
    residual = np.concatenate([-c, np.zeros((len(c), 2 * k)), np.ones((len(c), 1))], axis=1)
    with_residual = np.einsum("rij,rj->ri", gram, residual)
    objective = np.einsum("ri,ri->r", with_residual, residual)
    amplitude, diagonal = c[:, 1:], np.arange(k)
    gradient = amplitude * with_residual[:, slope]
    h_tt = amplitude[:, :, None] * amplitude[:, None] * gram[:, slope, slope]
    h_tt[:, diagonal, diagonal] -= amplitude * with_residual[:, curve]
    h_tc = -amplitude[:, :, None] * gram[:, slope, linear]
    h_tc[:, diagonal, diagonal + 1] += with_residual[:, slope]
    return State(c, objective, gradient, _schur(h_tt, h_tc, gram[:, linear, linear], c > 0))


def _schur(h_tt: Array, h_tc: Array, h_cc: Array, free: Mask) -> Array:
    """H_θθ − H_θc H_cc⁻¹ H_cθ over the free coefficients; zero in the exponents of absent terms."""
    h_tc = np.where(free[:, None] & free[:, 1:, None], h_tc, 0.0)
    both = free[:, :, None] & free[:, None]
    h_cc = np.where(both, h_cc, np.eye(free.shape[1]))
    scale = 1 / np.sqrt(np.einsum("rii->ri", h_cc))
    inner = np.linalg.solve(
        h_cc * scale[:, :, None] * scale[:, None] + 1e-15 * np.eye(free.shape[1]),
        scale[:, :, None] * h_tc.swapaxes(1, 2),
    )
    return np.asarray(h_tt - h_tc @ (scale[:, :, None] * inner))


def coefficients_at(problem: Problem, weights: Array, theta: Array) -> Array:
    """Non-negative least-squares coefficients (R, k + 1) at given exponents (R, k)."""
    y = np.broadcast_to(problem.y, weights.shape)
    return evaluate(problem.u, y, np.sqrt(weights), theta).coefficients


def newton(problem: Problem, weights: Array, theta: Array, tolerance: float = DECREMENT) -> Solution:
    """Minimise from given exponents (R, k)."""
    root, y = np.sqrt(weights), np.broadcast_to(problem.y, weights.shape)
    squares = (weights * y**2).sum(axis=1)
    return descend(lambda at, theta: evaluate(problem.u, y[at], root[at], theta), theta, squares, tolerance)


def descend(
    state_at: Callable[[Index, Array], State], theta: Array, squares: Array, tolerance: float = DECREMENT
) -> Solution:
    """Damped Newton within the bounds from exponents (R, k), problem by problem until all stop.

    `state_at(at, theta)` evaluates the problems of the indices `at`; `squares` (R,) are Σ w y², the objective's scale.
    """
    theta = np.clip(theta, LOWEST, HIGHEST)
    floor = FLOOR * squares
    state = state_at(np.arange(len(theta)), theta)
    step, decrement = _newton_step(state, theta)
    converged = decrement <= tolerance * state.objective + floor
    for _ in range(STEPS):
        todo = np.flatnonzero(~converged)
        if not len(todo):
            break
        trial = np.clip(theta[todo] + step[todo], LOWEST, HIGHEST)
        new = state_at(todo, trial)
        accepted = new.objective <= state.objective[todo] + ROUNDING * squares[todo]
        rejected, moved = todo[~accepted], todo[accepted]
        step[rejected] *= 0.25
        converged[rejected] = np.abs(step[rejected]).max(axis=1, initial=0.0) < 1e-12
        theta[moved] = trial[accepted]
        for old, fresh in zip(state, new, strict=True):
            old[moved] = fresh[accepted]
        fresh_state = State(*(part[moved] for part in state))
        step[moved], decrement = _newton_step(fresh_state, theta[moved])
        converged[moved] = decrement <= tolerance * fresh_state.objective + floor[moved]
    return Solution(state.coefficients, theta, state.objective, converged)


def _newton_step(state: State, theta: Array) -> tuple[Array, Array]:
    """Newton step with the Hessian's eigenvalues made positive, at most halving or doubling an exponent.

    Exponents of absent terms, and on a bound that the gradient pushes outwards, stay. Also returns gᵀH⁻¹g.
    """
    stuck = ((theta <= LOWEST) & (state.gradient > 0)) | ((theta >= HIGHEST) & (state.gradient < 0))
    stuck |= np.einsum("rii->ri", state.hessian) == 0
    gradient = np.where(stuck, 0.0, state.gradient)
    hessian = np.where(stuck[:, :, None] | stuck[:, None], np.eye(theta.shape[1]), state.hessian)
    values, vectors = np.linalg.eigh(hessian)
    values = np.maximum(np.abs(values), 1e-12 * np.abs(values).max(axis=1, keepdims=True) + 1e-300)
    along = np.einsum("rji,rj->ri", vectors, gradient)
    step = -np.einsum("rij,rj->ri", vectors, along / values)
    size = np.abs(step / theta).max(axis=1, keepdims=True)
    return step * np.minimum(1.0, 0.5 / np.maximum(size, 1e-300)), (along**2 / values).sum(axis=1)
