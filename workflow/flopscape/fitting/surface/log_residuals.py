"""Objectives of the log residuals, huber, lad and log_lsq of approach3: the search of each, and all of them by name.

None is linear in (E, A, B) for fixed exponents, so that their own searches have five parameters to walk in (huber.py,
least_absolute_deviations.py). But ln L̂ − ln L is (L̂ − L)/L to first order, whose squares are: variable projection with
the weights w/L² gives the starts on the whole grid of exponents, takes them down to where they meet, and tells which
resamples change basin. What is reported is always the objective's own optimum.
"""

from dataclasses import dataclass

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.fitting.any_law.linearised import Linearised
from flopscape.fitting.common.linear import Optimum
from flopscape.fitting.judge.verdict import why_too_little
from flopscape.fitting.surface import huber, least_absolute_deviations, variable_projection
from flopscape.fitting.surface.coordinates import Derivatives, log_derivatives
from flopscape.fitting.surface.global_starts import OBJECTIVE, LeastSquares, Search, centred_problem, global_fit
from flopscape.fitting.surface.huber import Data
from flopscape.fitting.surface.variable_projection import RESAMPLE_DECREMENT, Problem, Solution
from flopscape.laws.law import Array, Index
from flopscape.runs.table import RunTable

DELTA = 1e-3
"""Hoffmann et al. 2022's δ, in log residuals."""
OBJECTIVES = ("huber", "lad", "log_lsq", "lsq")
LEAST_DELTA = 1e-9
"""The least δ, in log residuals, that is scaled to the residuals: those of exact data are zero."""
SCALED = "scaled"
"""The word for a δ that follows the residuals."""
MEETING_DIGITS = 4
"""Decimals in which the exponents of starts agree that go on as one."""
START = 1e-3
"""Least share of the mean loss that a term starts with, so that it can grow again."""
BEST_TUNING, NARROW = 1.345, 0.5
"""δ/σ that keeps 95 % efficiency on Gaussian noise (Huber 1981, section 4.5), and the δ/σ below which a fit says so."""


def search_of(objective: str, delta: float | str | None = None) -> tuple[Search, str]:
    """How to minimise an objective, and its name in words.

    Raises
    ------
    FlopscapeError
        An unknown objective, or a δ that is not positive or not of `huber`.
    """
    if objective not in OBJECTIVES:
        raise FlopscapeError(f"objective {objective!r}: there are {', '.join(OBJECTIVES)}")
    if delta is not None and objective != "huber":
        raise FlopscapeError(f"delta: the objective {objective} has none; only huber has")
    if objective == "huber":
        width = DELTA if delta is None else _width(delta)
        return LogResiduals(width), f"Huber, δ = {width:g}, of the log loss"
    if objective == "lad":
        return LogResiduals(0.0), "least absolute deviations of the log loss"
    if objective == "log_lsq":
        return LogResiduals(np.inf), "least squares on the log loss"
    return LeastSquares(), OBJECTIVE


def scaled_delta(table: RunTable) -> float:
    """1.345 × the residuals' robust scale, from a fit with the default δ and once more from one with the δ so found.

    The first fit alone passes through too many of a few rows: of 35 it finds 0.77 σ, the second 0.83 σ. The default
    where no fit is possible.
    """
    if why_too_little(table):
        return DELTA
    problem, _ = centred_problem(table)
    delta = DELTA
    for _ in range(2):
        best, _, _ = global_fit(LogResiduals(delta), problem)
        residual = np.log(variable_projection.predicted(problem, best)[0] / problem.y)
        delta = max(BEST_TUNING * robust_scale(residual), LEAST_DELTA)
    return delta


def _width(delta: float | str) -> float:
    """A δ that was given as a number."""
    try:
        width = float(delta)
    except (TypeError, ValueError):
        width = np.nan
    if not 0 < width < np.inf:
        raise FlopscapeError(f"delta: {delta!r} is not a positive number, nor {SCALED!r}")
    return width


@dataclass(frozen=True)
class LogResiduals:
    """The `Search` of Σ w·Huber_δ(ln L̂ − ln L); δ is infinite for least squares and zero for absolute deviations."""

    delta: float

    @property
    def smooth(self) -> bool:
        """Whether the objective is a plain sum of squares."""
        return bool(np.isinf(self.delta))

    def polish(self, problem: Problem, weights: Array, starts: Array) -> Solution:
        """Many starts of one problem first go down the least squares that has only exponents to search."""
        if len(weights) == len(starts):
            return self._minimise(problem, weights, starts, huber.DECREMENT)
        weights = np.broadcast_to(weights, (len(starts), weights.shape[1]))
        ends = variable_projection.newton(
            problem, self.weighted(problem, weights), starts, variable_projection.SAME_DECREMENT
        ).exponents
        # Starts that have met are one: what follows costs as much as all before.
        _, one, back = np.unique(np.round(ends, MEETING_DIGITS), axis=0, return_index=True, return_inverse=True)
        return self._minimise(problem, weights[one], ends[one], huber.DECREMENT).take(back)

    def resample(self, problem: Problem, weights: Array, starts: Array, best: Array) -> Solution:
        """From where the whole table's optimum moves to; from `starts` too where they lie in another basin."""
        data, moved = Data(problem.u, np.log(problem.y)), np.flatnonzero((starts != best[3:]).any(axis=1))
        if self.smooth:
            p = huber.resample_starts(data, weights, best, self.delta)
            p[moved] = self._start(problem, weights[moved], starts[moved])
            return self._solution(data, weights, huber.refine(data, weights, p, self.delta, RESAMPLE_DECREMENT))
        near = self.nearby(data, weights, best)
        solution = self._solution(data, weights, near)
        # A start in the same basin leads to the same end. One in another is followed too, and the lower end kept; so is
        # the start of a resample that did not settle.
        same = variable_projection.same_basin(problem, self.weighted(problem, weights[moved]), starts[moved], best[3:])
        doubt = np.union1d(np.flatnonzero(~near.converged), moved[~same])
        _keep_lower(solution, doubt, self._minimise(problem, weights[doubt], starts[doubt], RESAMPLE_DECREMENT))
        return solution

    def weighted(self, problem: Problem, weights: Array) -> Array:
        """Least squares on the relative residual, which is the log residual's first order."""
        return np.asarray(weights / problem.y**2)

    @property
    def derivatives(self) -> Derivatives:
        """Of the log loss."""
        return log_derivatives

    def diagnostics(self, fit: Linearised) -> dict[str, object]:
        """The objective's value, δ, and δ in units of the residuals' robust scale."""
        value = {"objective": float(self._value(fit.residual[None], np.ones((1, len(fit.residual))))[0])}
        if self.smooth or not self.delta:
            return dict(value)
        scale = robust_scale(fit.residual)
        return value | {"delta": self.delta, "delta_over_sigma": self.delta / scale if scale > 0 else None}

    def warnings(self, fit: Linearised) -> list[str]:
        """When δ is far below the noise."""
        scale = robust_scale(fit.residual)
        if self.smooth or not self.delta or self.delta >= NARROW * scale:
            return []
        return [
            f"δ = {self.delta:g} is {self.delta / scale:.2g} of the residuals' scale σ = {scale:.2g}: close to least"
            f" absolute deviations, with wide intervals; δ = {BEST_TUNING * scale:.2g} would lose least"
        ]

    def _minimise(self, problem: Problem, weights: Array, starts: Array, tolerance: float) -> Solution:
        data, p = Data(problem.u, np.log(problem.y)), self._start(problem, weights, starts)
        if not self.delta:
            return self._solution(data, weights, least_absolute_deviations.minimise(data, weights, p))
        return self._solution(data, weights, huber.minimise(data, weights, p, self.delta, tolerance))

    def nearby(self, data: Data, weights: Array, best: Array) -> Optimum:
        """The optimum of each resample next to where that of the whole table, p (5,), moves to."""
        delta = self.delta or least_absolute_deviations.first_delta(data, best)
        p = huber.resample_starts(data, weights, best, delta)
        if self.delta:
            return huber.refine(data, weights, p, delta, RESAMPLE_DECREMENT)
        return least_absolute_deviations.refine(data, weights, p, delta)

    def nearby_of_each(self, data: Data, weights: Array, best: Array) -> Optimum:
        """`nearby` for the optima (T, 5) of several tables; data and weights have the resamples of each in turn."""
        replicates = len(weights) // len(best)
        tables = [slice(i * replicates, (i + 1) * replicates) for i in range(len(best))]
        alone = [Data(data.u, data.log_loss[rows.start]) for rows in tables]
        moved = [np.maximum(p, one.lower) for p, one in zip(best, alone, strict=True)]
        own = list(zip(alone, [weights[rows] for rows in tables], moved, strict=True))
        if not self.delta:  # δ → 0 begins with a δ of each table's own
            ends = [self.nearby(*each) for each in own]
            return Optimum(*(np.concatenate(column) for column in zip(*ends, strict=True)))
        starts = np.concatenate([huber.resample_starts(*each, self.delta) for each in own])
        return huber.refine(data, weights, starts, self.delta, RESAMPLE_DECREMENT)

    def _solution(self, data: Data, weights: Array, optimum: Optimum) -> Solution:
        # A term at its lower bound, e⁻²⁵ of the mean loss, is absent: an exact zero, by which `on_bound` knows it.
        terms = np.where(optimum.p[:, 1:3] > data.lower[..., 1:3], np.exp(optimum.p[:, 1:3]), 0.0)
        coefficients = np.concatenate([optimum.p[:, :1], terms], axis=1)
        value = self._value(huber.residuals(data, optimum.p), weights)
        return Solution(coefficients, optimum.p[:, 3:], value, optimum.converged)

    def _start(self, problem: Problem, weights: Array, starts: Array) -> Array:
        """p (R, 5): the coefficients at given exponents by relative least squares."""
        c = variable_projection.coefficients_at(problem, self.weighted(problem, weights), starts)
        terms = np.log(np.maximum(c[:, 1:], START * problem.y.mean(axis=-1, keepdims=True)))
        return np.concatenate([c[:, :1], terms, starts], axis=1)

    def _value(self, residual: Array, weights: Array) -> Array:
        """Σ w·Huber, Σ w·|r| or Σ w·r², as each is published."""
        if self.smooth:
            return np.asarray((weights * residual**2).sum(axis=1))
        if not self.delta:
            return np.asarray((weights * np.abs(residual)).sum(axis=1))
        psi = np.clip(residual, -self.delta, self.delta)
        return np.asarray((weights * psi * (residual - psi / 2)).sum(axis=1))


def _keep_lower(best: Solution, which: Index, other: Solution) -> None:
    """Replace those of some problems' optima that others lie below."""
    lower = other.objective < best.objective[which]
    for ours, theirs in zip(best, other, strict=True):
        ours[which[lower]] = theirs[lower]


def robust_scale(residual: Array) -> float:
    """1.4826 × the median absolute deviation from the median: σ of Gaussian noise."""
    return float(1.4826 * np.median(np.abs(residual - np.median(residual))))
