"""The kernel of approach3: Σ w·Huber_δ(ln L̂ − ln L) of the surface, for thousands of weightings at once.

Huber_δ(r) is r²/2 inside ±δ and δ·(|r| − δ/2) outside (Huber 1964), so that δ = ∞ is least squares on the log loss and
δ → 0, over δ, least absolute deviations. The parameters are p = (E, ln A', ln B', α, β) with E ≥ 0; ln L̂ is
Hoffmann et al. 2022's logsumexp (equation 3).

With ψ(r) = clip(r, ±δ), the derivative of Huber_δ, with ψ' = 1 inside ±δ and 0 outside, and with J = ∂ln L̂/∂p, the
gradient is Σ w·ψ·J. Differentiating once more, ∂²ln L̂ = ∂²L̂/L̂ − J·Jᵀ gives the exact Hessian

    Σ w·[ψ'·J·Jᵀ + ψ·∂²ln L̂] = Σ w·[(ψ' − ψ)·J·Jᵀ + ψ·∂²L̂/L̂].

Newton's method on it is semismooth, ψ' having jumps (Qi & Sun 1993): it doubles its digits once the set of rows inside
±δ is right. Two things find that set. δ is lowered in steps, the optimum's path being followed by a predictor
(`follow`); and where the Hessian is not positive definite, or a step does not descend, one of iteratively reweighted
least squares is taken, with ψ(r)/r·J·Jᵀ in place of ψ'·J·Jᵀ, which is positive definite and so points downhill.

Resamples of a table start where its optimum would move to if ln L̂ were linear (`resample_starts`).
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from flopscape.fitting.common.linear import EXACT_LOG_SQUARE, ROUNDED_SUM, TINY, Optimum, Quadratic, solve_definite
from flopscape.fitting.surface.variable_projection import HIGHEST, LOWEST, blocks
from flopscape.laws.law import Array, Index, Mask

WIDEST, RATIO = 0.008, 2.0
"""δ, in log residuals, at which the continuation begins at the latest, and the factor between its steps."""
STEPS = 200
"""Most evaluations at one δ; 3 to 6 are usual."""
DECREMENT, LOOSE = 1e-17, 1e-2
"""Stop when gᵀH⁻¹g is below this part of the objective; the second on the way, before the last δ."""
OUTER = 0.03
"""Part of its reweighted curvature that a row outside ±δ lends to the fallback: the whole of it is a majoriser with
steps far too short, none of it is Newton's method. Chosen by timing resamples of Chinchilla 240."""
PIVOT = 1e-13
"""A pivot of the Hessian below this part of its diagonal entry: not positive definite."""
ABSENT = -25.0
"""ln of a term over the mean loss at which it counts as zero."""


class Data(NamedTuple):
    """n observations: centred logs u (2, n) and ln L, (n,), or (R, n) for problems with values of their own."""

    u: Array
    log_loss: Array

    def take(self, problems: Index | slice) -> "Data":
        """The observations of some of the problems."""
        return self if self.log_loss.ndim == 1 else Data(self.u, self.log_loss[problems])

    @property
    def typical(self) -> Array:
        """ln of a typical loss, shape (1,) or (R, 1)."""
        return np.asarray(self.log_loss.mean(axis=-1, keepdims=True))

    @property
    def lower(self) -> Array:
        """Least p, shape (5,) or (R, 5)."""
        return self.typical * [0.0, 1.0, 1.0, 0.0, 0.0] + [0.0, ABSENT, ABSENT, LOWEST, LOWEST]

    @property
    def upper(self) -> Array:
        """Highest p, shape (5,)."""
        return np.array([np.inf, np.inf, np.inf, HIGHEST, HIGHEST])


def minimise(data: Data, weights: Array, p: Array, delta: float, tolerance: float = DECREMENT) -> Optimum:
    """Optima from given parameters.

    Parameters
    ----------
    data : Data
    weights : array, shape (R, n)
        Non-negative; the multiplicities of a resample.
    p : array, shape (R, 5)
        Where to start, at the widest δ.
    delta : float
        Huber's δ in log residuals; infinite for least squares.
    tolerance : float
        Part of the objective below which Newton's decrement ends the search.
    """
    # At a wide δ the objective is nearly least squares, whose optimum Newton finds from afar. With δ far below the
    # noise his step is right only close by: so each δ starts where the wider one before it ended.
    levels = continuation(delta)
    p = np.clip(p, data.lower, data.upper)
    for wider, narrower in pairwise(levels):
        p = follow(data, weights, descend(data, weights, p, wider, LOOSE).p, wider, narrower)
    return descend(data, weights, p, levels[-1], tolerance)


def refine(data: Data, weights: Array, p: Array, delta: float, tolerance: float = DECREMENT) -> Optimum:
    """`minimise` from parameters that are close already, at the δ that is asked for."""
    return descend(data, weights, np.clip(p, data.lower, data.upper), delta, tolerance)


def continuation(delta: float) -> list[float]:
    """Values of δ from the widest down to the one that is asked for."""
    if not np.isfinite(delta):
        return [delta]
    steps = max(0, int(np.ceil(np.log(WIDEST / delta) / np.log(RATIO))))
    return [delta * RATIO**k for k in range(steps, -1, -1)]


def residuals(data: Data, p: Array) -> Array:
    """ln L̂ − ln L, shape (R, n)."""
    u, v = data.u
    x, y = np.exp(p[:, 1, None] - p[:, 3, None] * u), np.exp(p[:, 2, None] - p[:, 4, None] * v)
    return np.asarray(np.log(p[:, :1] + x + y) - data.log_loss)


def terms(data: Data, p: Array) -> tuple[Array, Array]:
    """Residuals (R, n) and J = ∂ln L̂/∂p (R, 5, n)."""
    u, v = data.u
    J = np.empty((len(p), 5, u.shape[-1]))
    np.exp(p[:, 1, None] - p[:, 3, None] * u, out=J[:, 1])
    np.exp(p[:, 2, None] - p[:, 4, None] * v, out=J[:, 2])
    predicted = p[:, :1] + J[:, 1] + J[:, 2]
    # ∂ln L̂ = ∂L̂/L̂ with ∂L̂ = (1, x, y, −u·x, −v·y): all five rows come from x and y, and in place, for every step of
    # every resample passes here.
    np.divide(1.0, predicted, out=J[:, 0])
    J[:, 1:3] *= J[:, :1]
    np.multiply(J[:, 1], -u, out=J[:, 3])
    np.multiply(J[:, 2], -v, out=J[:, 4])
    return np.log(predicted) - data.log_loss, J


def _evaluate(data: Data, weights: Array, p: Array, delta: float, reweighted: bool = False) -> Quadratic:
    """Objective and derivatives, block by block."""
    parts = [
        _evaluate_block(data.take(block), weights[block], p[block], delta, reweighted)
        for block in blocks(len(p), data.u.shape[1])
    ]
    return parts[0] if len(parts) == 1 else Quadratic(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _evaluate_block(data: Data, weights: Array, p: Array, delta: float, reweighted: bool) -> Quadratic:
    """Objective and derivatives; with `reweighted` a positive definite Hessian, J·Jᵀ weighted by ψ/r."""
    r, J = terms(data, p)
    # ψ is the derivative of Huber_δ: r within ±δ and ±δ outside. The objective, ½r² inside and δ·(|r| − δ/2) outside,
    # is ψ·(r − ψ/2) in both.
    psi = np.clip(r, -delta, delta)
    inside = psi == r
    pull = weights * psi
    gradient = (J @ pull[:, :, None])[:, :, 0]
    objective = np.einsum("rn,rn->r", pull, r - psi / 2)
    if reweighted:
        # ψ/r is the curvature of the parabola that touches Huber_δ at r and lies above it: 1 inside, δ/|r| outside.
        bend = weights * np.where(inside, 1.0, OUTER * delta / np.maximum(np.abs(r), TINY))
        return Quadratic(objective, gradient, (J * bend[:, None]) @ J.swapaxes(1, 2))
    # With ψ′ = 1 inside and 0 outside, and ∂²ln L̂ = ∂²L̂/L̂ − J·Jᵀ, the Hessian is Σ w·(ψ′ − ψ)·J·Jᵀ + Σ w·ψ·∂²L̂/L̂.
    hessian = (J * (weights * inside - pull)[:, None]) @ J.swapaxes(1, 2)
    add_curvature(hessian, data, J, pull)
    return Quadratic(objective, gradient, hessian)


def add_curvature(hessian: Array, data: Data, J: Array, pull: Array) -> None:
    """Add Σ pull·∂²L̂/L̂ in place: each term's block is its column of J times (1, −u; −u, u²)."""
    for amplitude, exponent, logs in ((1, 3, data.u[0]), (2, 4, data.u[1])):
        # The exponent's row of J is −u·x/L̂ already: the mixed entry is its sum, and Σ pull·u²·x/L̂ minus its product
        # with u.
        column = pull * J[:, exponent]
        cross = column.sum(axis=1)
        hessian[:, amplitude, amplitude] += (pull * J[:, amplitude]).sum(axis=1)
        hessian[:, amplitude, exponent] += cross
        hessian[:, exponent, amplitude] += cross
        hessian[:, exponent, exponent] -= column @ logs


def descend(data: Data, weights: Array, p: Array, delta: float, tolerance: float, most: int = STEPS) -> Optimum:
    """Newton's method at one δ, problem by problem until all stop; a step that does not descend is reweighted."""
    p, floor = p.copy(), EXACT_LOG_SQUARE * weights.sum(axis=1)
    state = _evaluate(data, weights, p, delta)
    step, decrement, whole = _newton_step(data, state, p)
    # Where H is not positive definite Newton's step may climb: those problems take a reweighted step, which descends.
    reweighted = ~whole
    converged = whole & (decrement <= tolerance * state.objective + floor)
    fallen = np.flatnonzero(reweighted)
    step[fallen] = _reweighted_step(data.take(fallen), weights[fallen], p[fallen], delta)
    for _ in range(most):
        todo = np.flatnonzero(~converged)
        if not len(todo):
            break
        part = data.take(todo)
        trial = np.clip(p[todo] + step[todo], part.lower, part.upper)
        new = _evaluate(part, weights[todo], trial, delta)
        # At the optimum rounding may raise the objective: such a step is taken, and the decrement ends the search.
        accepted = new.objective <= state.objective[todo] * (1 + ROUNDED_SUM)
        rejected, moved = todo[~accepted], todo[accepted]
        fallen, shrunk = rejected[~reweighted[rejected]], rejected[reweighted[rejected]]
        # A reweighted step that does not descend is too long; one of Newton's is replaced by a reweighted one below.
        step[shrunk] *= 0.25
        converged[shrunk] = np.abs(step[shrunk]).max(axis=1, initial=0.0) < 1e-13
        p[moved] = trial[accepted]
        for old, fresh in zip(state, new, strict=True):
            old[moved] = fresh[accepted]
        step[moved], decrement, whole = _newton_step(data.take(moved), Quadratic(*(x[moved] for x in state)), p[moved])
        converged[moved] = whole & (decrement <= tolerance * state.objective[moved] + floor[moved])
        reweighted[moved] = ~whole
        fallen = np.concatenate([fallen, moved[~whole]])
        reweighted[fallen] = True
        step[fallen] = _reweighted_step(data.take(fallen), weights[fallen], p[fallen], delta)
    return Optimum(p, state.objective, converged)


def follow(data: Data, weights: Array, p: Array, wider: float, narrower: float) -> Array:
    """Where the optimum moves when δ falls and no residual crosses it.

    A Newton step with the pull of the outer rows lowered from δ to the next one. Problems whose Hessian does not allow
    it stay put.
    """
    state = _evaluate(data, weights, p, wider)
    r, J = terms(data, p)
    outer = np.einsum("rin,rn->ri", J, weights * np.sign(r) * (np.abs(r) > wider))
    # Rows outside pull with w·δ·sign r: their part of the gradient changes in proportion to δ, the others' does not.
    moved = Quadratic(state.objective, state.gradient + (narrower - wider) * outer, state.hessian)
    step, _, whole = _newton_step(data, moved, p)
    return np.clip(p + np.where(whole[:, None], step, 0.0), data.lower, data.upper)


def _newton_step(data: Data, state: Quadratic, p: Array) -> tuple[Array, Array, Mask]:
    """Newton's step, its decrement gᵀH⁻¹g, and whether the Hessian is positive definite.

    Parameters on a bound that the gradient pushes outwards stay there; a step is cut where it would change a term by
    more than e-fold, an exponent by half, or E by half the mean loss.
    """
    stuck = ((p <= data.lower) & (state.gradient > 0)) | ((p >= data.upper) & (state.gradient < 0))
    gradient = np.where(stuck, 0.0, state.gradient)
    # The identity's row and column for a parameter that is stuck: its step is zero, the others' as if it were known.
    hessian = np.where(stuck[:, :, None] | stuck[:, None], np.eye(5), state.hessian)
    step, whole = solve_definite(hessian, -gradient, PIVOT)
    most = np.empty_like(p)
    most[:, :1] = 0.5 * np.exp(data.typical)
    most[:, 1:3], most[:, 3:] = 1.0, 0.5 * p[:, 3:]
    cut = np.minimum(1.0, 1.0 / np.maximum(np.abs(step / most).max(axis=1), TINY))
    return step * cut[:, None], -(gradient * step).sum(axis=1), whole


def _reweighted_step(data: Data, weights: Array, p: Array, delta: float) -> Array:
    """Step of iteratively reweighted least squares: always downhill, first order near the optimum."""
    if not len(p):
        return p
    state = _evaluate(data, weights, p, delta, reweighted=True)
    diagonal = np.einsum("rii->ri", state.hessian)
    diagonal += 1e-12 * diagonal + TINY
    return _newton_step(data, state, p)[0]


LEVELS = (2.0, 1.0, 1.0, 1.0)
"""δ of each Newton step, in units of the one asked for: what is left after them takes 3 to 5 exact steps."""
FURTHEST = 0.2
"""Most that a step changes E, α or β, relatively, and five times less than it changes ln A' or ln B'."""
RIDGE = 0.02
"""Curvature that rows outside ±δ lend, as a part of that of the rows inside, so that few rows inside do no harm."""
DIGITS = 9
"""Decimals kept: the last bits of a matrix product depend on how many problems share it, and no draw may."""


def resample_starts(data: Data, weights: Array, p: Array, delta: float) -> Array:
    """Approximate optima (R, 5) of every row of weights, from the optimum p (5,) of the whole table."""
    residual, J = (part[0] for part in terms(data, p[None]))
    rows, columns = np.triu_indices(5)
    products = J[rows] * J[columns]
    most = FURTHEST * np.array([max(p[0], 1e-3), 5.0, 5.0, p[3], p[4]])
    starts = np.empty((len(weights), 5))
    for block in blocks(len(weights), weights.shape[1]):
        starts[block] = p + _shift(residual, J, products, weights[block], delta, most)
    return np.round(starts, DIGITS)


def _shift(residual: Array, J: Array, products: Array, weights: Array, delta: float, most: Array) -> Array:
    """d (R, 5) after the Newton steps; a step is cut at `most`."""
    rows, columns = np.triu_indices(5)
    hessian = np.empty((len(weights), 5, 5))
    d = np.zeros((len(weights), 5))
    for level in LEVELS if np.isfinite(delta) else LEVELS[:1]:
        # ln L̂ is taken as linear in d, with the whole table's J: a resample then costs a matrix product, and no
        # exponential.
        r = residual + d @ J
        psi = np.clip(r, -level * delta, level * delta)
        curvature = (weights * ((psi == r) + RIDGE)) @ products.T
        hessian[:, rows, columns] = hessian[:, columns, rows] = curvature
        step, _ = solve_definite(hessian, -((weights * psi) @ J.T), PIVOT)
        d += step * np.minimum(1.0, 1.0 / np.maximum(np.abs(step / most).max(axis=1, keepdims=True), TINY))
    return d
