"""Levenberg–Marquardt within bounds, for thousands of weightings or starting points at once.

Of ½ Σ w r² the gradient is g = Σ w r·J, with J = ∂r/∂θ, and the Hessian JWJᵀ + S with S = Σ w r·∂²r, which small
residuals make small: without it no second derivatives of a law are needed. Where runs say little of some direction JWJᵀ
is small along it too, and steps without S go to and fro across the valley; a search that has not ended soon learns S
from the gradients that it has seen (`_secant`). The step solves
(JWJᵀ + λ·diag(JWJᵀ))·d = −g (Marquardt 1963): a Gauss–Newton step for λ → 0, one down the scaled gradient for large
λ, which falls tenfold after a step that descends and rises fourfold after one that does not. In variables scaled by the
root of that diagonal the matrix has 1 + λ there, which is how it is solved.

A parameter on its bound is held there while the gradient pushes it outwards (Bertsekas 1982, section 2). A lane, one of
the problems worked on together, stops on the Gauss–Newton decrement g'(JWJᵀ)⁻¹g relative to the objective.
"""

from typing import Protocol

import numpy as np

from flopscape.fitting.common import linear
from flopscape.fitting.common.linear import EXACT_LOG_SQUARE, TINY, Optimum, Quadratic
from flopscape.laws.law import Array, Index, Mask

STEPS = 400
"""Most trial steps; 10 to 40 are usual, a resample takes 3 to 6."""
PATIENCE = 10
"""Trial steps after which the curvature of the rows counts: where it is small, they are enough without it."""
TIGHT, LOOSE = 1e-16, 1e-10
"""Decrement, as a part of the objective, at which a fit and a resample stop."""
SETTLED = 1e-9
"""Decrement below which a lane that rounding stopped still counts as converged."""
DAMPING, EASE, TIGHTEN, MOST_DAMPING = 1e-3, 0.1, 4.0, 1e12
"""λ at the start, its factors after a step that descends and after one that does not, and where a lane gives up."""
SINGULAR = 1e-14
"""Damping of the undamped step, so that no system is singular."""
LONGEST = 3.0
"""Longest step of any logarithm: a factor of 20."""


class Problem(Protocol):
    """Rows with residuals, as any_law/problem.py's of a law's logarithms."""

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest θ, each of shape (k,)."""

    def evaluate(self, theta: Array) -> tuple[Array, Array]:
        """Residuals (R, n) at θ (R, k), and their derivatives by θ (R, k, n)."""


def minimise(problem: Problem, weights: Array, theta: Array, tolerance: float = TIGHT) -> Optimum:
    """Optima of Σ w·r² from given θ; of a law r is ln L̂ − ln L.

    Parameters
    ----------
    problem : Problem
    weights : array, shape (R, n)
    theta : array, shape (R, k)
    tolerance : float
        Decrement to stop at, as a part of the objective.
    """
    theta = np.clip(theta, *problem.bounds)
    state = _evaluate(problem, weights, theta)
    damping, decrement = np.full(len(theta), DAMPING), np.full(len(theta), np.inf)
    floor = EXACT_LOG_SQUARE * weights.sum(axis=1)
    lanes, bend = np.arange(len(theta)), np.zeros_like(state.hessian)
    for trials in range(STEPS):
        current = _take(state, lanes)
        free = _free(problem, theta[lanes], current.gradient)
        # Of the undamped step: λ shortens steps as much as it likes, and must not make a lane look as if it had
        # arrived.
        decrement[lanes] = -(current.gradient * _step(current, free, np.full(len(lanes), SINGULAR))).sum(axis=1)
        going = decrement[lanes] > tolerance * current.objective + floor[lanes]
        # A step so much shortened gains nothing that rounding would show: the lane gives up.
        going &= damping[lanes] < MOST_DAMPING
        lanes, current, free = lanes[going], _take(current, going), free[going]
        if not len(lanes):
            break
        step = _step(current, free, damping[lanes])
        if trials >= PATIENCE:
            step = _bent_step(current, bend[lanes], free, damping[lanes], step)
        trial = np.clip(theta[lanes] + step, *problem.bounds)
        new = _evaluate(problem, weights[lanes], trial)
        # Strictly: a lane that gains nothing more raises λ until it gives up, and ends.
        better = new.objective < current.objective
        usable = np.isfinite(new.objective)
        bend[lanes[usable]] = _secant(
            bend[lanes[usable]], _take(current, usable), _take(new, usable), (trial - theta[lanes])[usable]
        )
        _accept(lanes[better], theta, state, trial[better], _take(new, better))
        damping[lanes] = np.where(better, np.maximum(damping[lanes] * EASE, SINGULAR), damping[lanes] * TIGHTEN)
    settled = np.isfinite(state.objective) & (decrement <= SETTLED * state.objective + floor)
    return Optimum(theta, state.objective, settled)


def _bent_step(state: Quadratic, bend: Array, free: Mask, damping: Array, plain: Array) -> Array:
    """The step with the curvature of the rows, where that leads down; with it the matrix may not be definite."""
    step = _step(state._replace(hessian=state.hessian + bend), free, damping)
    descends = (step * state.gradient).sum(axis=1) < 0
    return np.where(descends[:, None], step, plain)


@np.errstate(all="ignore")
def _secant(bend: Array, old: Quadratic, new: Quadratic, step: Array) -> Array:
    """Σ w r·∂²r, learnt from how the gradient changed over a step (Dennis, Gay & Welsch 1981).

    y = g₊ − g is (JWJᵀ + S)·s to first order, so that S·s should be y − J₊WJ₊ᵀ·s: the least change of S that makes it
    so, in the metric that takes s to y, after S was made no larger than what was seen along s.
    """

    def times(matrix: Array) -> Array:
        return np.asarray((matrix @ step[:, :, None])[:, :, 0])

    y = new.gradient - old.gradient
    seen = y - times(new.hessian)
    along, now = (step * y).sum(axis=1)[:, None, None], (step * times(bend)).sum(axis=1)
    size = np.minimum(1.0, np.abs((step * seen).sum(axis=1)) / np.maximum(np.abs(now), TINY))
    bend = bend * size[:, None, None]
    rest = seen - times(bend)
    cross = rest[:, :, None] * y[:, None]
    change = (cross + cross.swapaxes(1, 2)) / along
    change = change - (step * rest).sum(axis=1)[:, None, None] * (y[:, :, None] * y[:, None]) / along**2
    usable = (along > 0) & np.isfinite(change).all((1, 2), keepdims=True)
    return np.where(usable, bend + np.where(usable, change, 0.0), bend)


def _take(state: Quadratic, lanes: Index | Mask) -> Quadratic:
    return Quadratic(*(part[lanes] for part in state))


def _accept(lanes: Index, theta: Array, state: Quadratic, trial: Array, new: Quadratic) -> None:
    theta[lanes] = trial
    for mine, value in zip(state, new, strict=True):
        mine[lanes] = value


@np.errstate(all="ignore")
def _evaluate(problem: Problem, weights: Array, theta: Array) -> Quadratic:
    residual, J = problem.evaluate(theta)
    weighted = J * weights[:, None, :]
    objective = (weights * residual**2).sum(axis=1)
    gradient, hessian = (weighted @ residual[:, :, None])[:, :, 0], weighted @ J.swapaxes(1, 2)
    # A law may overflow far from the runs: infinite, such a trial is refused, and its step shortened.
    usable = np.isfinite(objective) & np.isfinite(gradient).all(1) & np.isfinite(hessian).all((1, 2))
    objective = np.where(usable, objective, np.inf)
    return Quadratic(objective, np.where(usable[:, None], gradient, 0.0), np.where(usable[:, None, None], hessian, 0.0))


def _free(problem: Problem, theta: Array, gradient: Array) -> Mask:
    """Parameters that are off their bounds, or pulled away from them."""
    low, high = problem.bounds
    return np.asarray(~(((theta <= low) & (gradient > 0)) | ((theta >= high) & (gradient < 0))))


def _step(state: Quadratic, free: Mask, damping: Array) -> Array:
    """−(JᵀWJ + λ·diag)⁻¹g over the free parameters, no longer than allowed."""
    k = free.shape[1]
    scale = np.sqrt(np.maximum(np.diagonal(state.hessian, axis1=1, axis2=2), TINY))
    # A parameter that is held has a row and a column of zeros but for the diagonal, so that its step is zero.
    both = free[:, :, None] & free[:, None, :]
    system = np.where(both, state.hessian / scale[:, :, None] / scale[:, None, :], 0.0)
    system[:, np.arange(k), np.arange(k)] = 1.0 + damping[:, None]
    right = np.where(free, -state.gradient / scale, 0.0)
    step = linear.solve(system, right[:, :, None])[:, :, 0] / scale
    longest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, LONGEST / np.maximum(longest, TINY)))
