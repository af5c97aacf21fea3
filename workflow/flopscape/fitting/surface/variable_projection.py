"""Weighted least squares of c₀ + Σ c_j·exp(−θ_j·u_j) with c ≥ 0, for thousands of weightings at once.

For fixed exponents θ the problem is linear in c, with one solution c(θ) ≥ 0, so that only θ is searched: variable
projection (Golub & Pereyra 1973). Let φ = (1, e^(−θ₁u₁), …), r = y − Σ c_i φ_i, and ½f(θ) = ½ Σ w r² at c(θ).

- Gradient. c(θ) makes ∂f/∂c zero for every free coefficient, and those at zero do not move, so that the derivative of
  ½f is that of ½ Σ w r² with c held fixed: ∂(½f)/∂θ_j = Σ w r·c_j·u_j·e^(−θ_j u_j).
- Hessian. c moves with θ so that its gradient stays zero: dc/dθ = −H_cc⁻¹·H_cθ, which leaves the Schur complement
  H_θθ − H_θc·H_cc⁻¹·H_cθ of the Hessian of ½ Σ w r² in (θ, c). It is exact. Gauss–Newton's, with or without Kaufman's
  simpler derivative of the projector (1975), drops terms with r; here they come from the same products anyway.

All of it comes from one Gram matrix per problem. The walk is Newton's with the Hessian's eigenvalues made positive, so
that it descends, and its stopping rule, the decrement g'H⁻¹g, is relative to the objective: it is what a step would
still gain of Σ w r². All sums are sums, never means. u_j are centred logs, so no unit of N or D enters; the starts are
in global_starts.py. A term may be any size that the loss falls with (depth, resolution).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flopscape.fitting.common import linear
from flopscape.fitting.common.linear import EXACT_SQUARE, ROUNDED_GRAM, TINY, best_coefficients
from flopscape.laws.law import Array, Index, Mask

LOWEST, HIGHEST = 0.005, 5.0
"""Bounds of the exponents: far outside what is published (0.03 to 1.3). A fit that ends there says so."""
STEPS = 100
"""Most evaluations in one Newton search; 5 to 8 are usual."""
DECREMENT = 1e-18
"""Stop when gᵀH⁻¹g is below this part of the objective, or EXACT_SQUARE of Σ w y² where the fit is exact."""
RESAMPLE_DECREMENT = 1e-12
"""For resamples: exponents within 2e-5 of their standard error, before the last step that squares it away."""
SAME, SAME_DECREMENT = 1e-2, 1e-6
"""Relative distance of exponents that are one optimum, and the decrement to which they are followed to tell."""
CHUNK_ELEMENTS, BLOCK_ELEMENTS = 1_000_000, 15_000
"""Problems × runs that are held at once, and that the kernels work on at once: these arrays stay in the cache."""


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
        return self.take(slice(index, index + 1))

    def take(self, which: Index | slice) -> "Solution":
        """Some of the problems."""
        return Solution(self.coefficients[which], self.exponents[which], self.objective[which], self.converged[which])


@dataclass(frozen=True)
class Problem:
    """n observations of k terms: `u` (k, n) are centred logs, `y` what to fit: (n,), or (R, n) for own values."""

    u: Array
    y: Array

    @property
    def terms(self) -> int:
        """How many power laws are summed."""
        return len(self.u)


def parameters(solution: Solution) -> Array:
    """(E, ln A', ln B', α, β) of each solution, −inf for an absent term."""
    with np.errstate(divide="ignore"):
        logs = np.log(solution.coefficients[:, 1:])
    return np.concatenate([solution.coefficients[:, :1], logs, solution.exponents], axis=1)


def same_basin(problem: Problem, weights: Array, first: Array, second: Array) -> Mask:
    """Whether exponents (R, k) lead to the same optimum as others, which broadcast to them, problem by problem."""
    starts = np.concatenate([first, np.broadcast_to(second, first.shape)])
    ends = newton(problem, np.tile(weights, (2, 1)), starts, SAME_DECREMENT).exponents
    one, other = np.split(ends, 2)
    return np.asarray((np.abs(one - other) < SAME * one).all(axis=1))


class State(NamedTuple):
    """The projected problem at given exponents, for R problems; gradient and Hessian are of half the objective."""

    coefficients: Array
    objective: Array
    gradient: Array
    hessian: Array


def evaluate(u: Array, y: Array, weights: Array, theta: Array, at: Index | None = None) -> State:
    """Coefficients, objective, and the exact gradient and Hessian of half the projected objective, block by block.

    `u` is (k, n), or (k, R, n) where each problem has its own; y and the weights are (R, n). `at` says which of the
    problems the exponents are of, if not all: only a block of them is ever copied.

    All of it comes from one Gram matrix of (1, x_j, u_j·x_j, y, u_j²·x_j): with r = y − Σ c_i φ_i and the Hessian
    blocks of ½ Σ w r² in (θ, c), the projected Hessian is the Schur complement H_θθ − H_θc H_cc⁻¹ H_cθ.
    """
    k = len(u)
    gram = np.empty((len(theta), 3 * k + 2, 2 * k + 2))
    for block in blocks(len(theta), u.shape[-1]):
        rows = block if at is None else at[block]
        gram[block] = _gram(u if u.ndim == 2 else u[:, rows], y[rows], weights[rows], theta[block])
    linear, slope, curve = slice(0, k + 1), slice(k + 1, 2 * k + 1), slice(2 * k + 2, 3 * k + 2)
    # The matrix has all that a residual needs: with r = y − Σ c_i φ_i its product with the column of −c, 0 and 1 is
    # the products of every column with r.
    h_cc = gram[:, linear, linear]
    c = best_coefficients(h_cc, gram[:, linear, -1])
    residual = np.concatenate([-c, np.zeros((len(c), k)), np.ones((len(c), 1))], axis=1)
    with_residual = np.einsum("rij,rj->ri", gram, residual)
    objective = np.einsum("ri,ri->r", with_residual[:, : 2 * k + 2], residual)
    # ∂φ_j/∂θ_j = −u_j·x_j and ∂²φ_j/∂θ_j² = u_j²·x_j, so that ∂r/∂θ_j = c_j·u_j·x_j and ∂²r/∂θ_j² = −c_j·u_j²·x_j.
    amplitude, diagonal = c[:, 1:], np.arange(k)
    gradient = amplitude * with_residual[:, slope]
    h_tt = amplitude[:, :, None] * amplitude[:, None] * gram[:, slope, slope]
    h_tt[:, diagonal, diagonal] -= amplitude * with_residual[:, curve]
    # ∂r/∂c_i = −φ_i; only a term's own coefficient changes its slope.
    h_tc = -amplitude[:, :, None] * gram[:, slope, linear]
    h_tc[:, diagonal, diagonal + 1] += with_residual[:, slope]
    return State(c, objective, gradient, _schur(h_tt, h_tc, h_cc, c > 0))


def _gram(u: Array, y: Array, weights: Array, theta: Array) -> Array:
    """Weighted products of (1, x_j, u_j·x_j, y, u_j²·x_j) with all but the last k of them: (R, 3k + 2, 2k + 2)."""
    k = len(u)
    columns = np.empty((len(theta), 3 * k + 2, u.shape[-1]))
    columns[:, 0] = 1.0
    columns[:, 2 * k + 1] = y
    for j, logs in enumerate(u):
        x = columns[:, 1 + j]
        np.exp(np.multiply(-theta[:, j, None], logs, out=x), out=x)
        np.multiply(x, logs, out=columns[:, 1 + k + j])
        np.multiply(columns[:, 1 + k + j], logs, out=columns[:, 2 + 2 * k + j])
    weighted = columns[:, : 2 * k + 2] * weights[:, None]
    return np.asarray(columns @ weighted.swapaxes(1, 2))


def blocks(problems: int, rows: int) -> Iterator[slice]:
    """Slices of the problems whose arrays fit the processor's cache together; one empty slice where there are none."""
    size = max(1, BLOCK_ELEMENTS // rows)
    for first in range(0, max(problems, 1), size):
        yield slice(first, first + size)


def _schur(h_tt: Array, h_tc: Array, h_cc: Array, free: Mask) -> Array:
    """H_θθ − H_θc H_cc⁻¹ H_cθ over the free coefficients; zero in the exponents of absent terms."""
    h_tc = np.where(free[:, None] & free[:, 1:, None], h_tc, 0.0)
    both = free[:, :, None] & free[:, None]
    h_cc = np.where(both, h_cc, np.eye(free.shape[1]))
    # Columns of unit length, for a steep term is smaller by orders of magnitude than a flat one.
    scale = 1 / np.sqrt(np.einsum("rii->ri", h_cc))
    inner = linear.solve(
        h_cc * scale[:, :, None] * scale[:, None] + 1e-15 * np.eye(free.shape[1]),
        scale[:, :, None] * h_tc.swapaxes(1, 2),
    )
    return np.asarray(h_tt - h_tc @ (scale[:, :, None] * inner))


def coefficients_at(problem: Problem, weights: Array, theta: Array) -> Array:
    """Non-negative least-squares coefficients (R, k + 1) at given exponents (R, k)."""
    y = np.broadcast_to(problem.y, weights.shape)
    return evaluate(problem.u, y, weights, theta).coefficients


def predicted(problem: Problem, solution: Solution) -> Array:
    """Values of each solution at the observations, shape (R, n)."""
    terms = np.exp(-solution.exponents[:, :, None] * problem.u)
    return np.asarray(solution.coefficients[:, :1] + np.einsum("rk,rkn->rn", solution.coefficients[:, 1:], terms))


def newton(problem: Problem, weights: Array, theta: Array, tolerance: float = DECREMENT) -> Solution:
    """Minimise from given exponents (R, k)."""
    y = np.broadcast_to(problem.y, weights.shape)
    squares = (weights * y**2).sum(axis=1)
    return descend(lambda at, theta: evaluate(problem.u, y, weights, theta, at), theta, squares, tolerance)


def descend(
    state_at: Callable[[Index, Array], State], theta: Array, squares: Array, tolerance: float = DECREMENT
) -> Solution:
    """Damped Newton within the bounds from exponents (R, k), problem by problem until all stop.

    `state_at(at, theta)` evaluates the problems of the indices `at`; `squares` (R,) are Σ w y², the objective's scale.
    """
    theta = np.clip(theta, LOWEST, HIGHEST)
    floor = EXACT_SQUARE * squares
    state = state_at(np.arange(len(theta)), theta)
    step, decrement = _newton_step(state, theta)
    converged = decrement <= tolerance * state.objective + floor
    for _ in range(STEPS):
        todo = np.flatnonzero(~converged)
        if not len(todo):
            break
        trial = np.clip(theta[todo] + step[todo], LOWEST, HIGHEST)
        new = state_at(todo, trial)
        # Near the optimum a step gains less than rounding: it is taken, and judged by the decrement.
        accepted = new.objective <= state.objective[todo] + ROUNDED_GRAM * squares[todo]
        rejected, moved = todo[~accepted], todo[accepted]
        step[rejected] *= 0.25  # the same direction, shorter: it descends
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
    # Where f is not convex a plain step would climb: |λ| in place of λ keeps its length and turns it downhill.
    values, vectors = linear.eigen(hessian)
    values = np.maximum(np.abs(values), 1e-12 * np.abs(values).max(axis=1, keepdims=True) + TINY)
    along = np.einsum("rji,rj->ri", vectors, gradient)
    step = -np.einsum("rij,rj->ri", vectors, along / values)
    size = np.abs(step / theta).max(axis=1, keepdims=True)
    return step * np.minimum(1.0, 0.5 / np.maximum(size, TINY)), (along**2 / values).sum(axis=1)
