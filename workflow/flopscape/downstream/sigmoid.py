"""Accuracy as a sigmoid of the loss (Bhagia et al. 2024, arXiv 2412.04403, equation 3), fitted by least squares.

    acc(L) = floor + (ceiling − floor)·s,   s = 1/(1 + exp(k·(L − L₀)))

At L₀, the bend's middle, the accuracy is halfway between floor and ceiling and falls by (ceiling − floor)·k/4 a unit of
loss; far below L₀ it is the ceiling and far above it the floor.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from flopscape.fitting.any_law.levenberg_marquardt import LOOSE, TIGHT, minimise
from flopscape.laws.law import Array

MIDDLES, SLOPES = 12, 8
"""Starting points of L₀ and of k."""
REACH = 3.0
"""L₀ is sought within so many spans of the runs' losses beyond them."""
STEEPNESS = (0.05, 500.0)
"""Least and greatest k, by the span of the runs' losses."""


class Sigmoid(NamedTuple):
    """The four numbers, single ones or arrays of shape (R,); `steepness` is k, one over the unit of the loss.

    Examples
    --------
    >>> curve = Sigmoid(0.25, 0.95, 2.5, 4.0)
    >>> f"{accuracy(curve, 2.5):.3f}"
    '0.600'
    """

    floor: Array | float
    ceiling: Array | float
    middle: Array | float
    steepness: Array | float

    @property
    def columns(self) -> "Sigmoid":
        """The numbers of R curves as columns (R, 1), which broadcast with losses (n,) to (R, n)."""
        return Sigmoid(*(np.atleast_1d(np.asarray(number, float))[:, None] for number in self))


def accuracy(curve: Sigmoid, loss: Array | float) -> Array:
    """acc(L), of the shape that the curve's numbers and the losses broadcast to."""
    rise = expit(-curve.steepness * (np.asarray(loss, float) - curve.middle))
    return np.asarray(curve.floor + (curve.ceiling - curve.floor) * rise)


def gradient(curve: Sigmoid, loss: Array | float) -> Array:
    """∂acc/∂(floor, ceiling, L₀, k), the four on a first axis.

    ds/dL₀ = k·s·(1 − s) and ds/dk = −(L − L₀)·s·(1 − s).
    """
    above = np.asarray(loss, float) - curve.middle
    rise = expit(-curve.steepness * above)
    slope = (curve.ceiling - curve.floor) * rise * (1 - rise)
    return np.stack(np.broadcast_arrays(1 - rise, rise, slope * curve.steepness, -slope * above))


@dataclass(frozen=True)
class SigmoidProblem:
    """Runs to fit: θ is floor, ceiling, L₀ and ln k, between `low` and `high`, each of shape (4,).

    `error` is the standard deviation of each accuracy (n,), up to a common factor. A number whose ends are equal is
    given.
    """

    loss: Array
    accuracy: Array
    error: Array
    low: Array
    high: Array

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest θ."""
        return self.low, self.high

    @property
    def n_free(self) -> int:
        """How many of the four are fitted."""
        return int((self.low < self.high).sum())

    def evaluate(self, theta: Array) -> tuple[Array, Array]:
        """Residuals (acc(L) − accuracy)/error, shape (R, n), and their derivatives by θ, shape (R, 4, n)."""
        curve = curve_of(theta).columns
        J = gradient(curve, self.loss)
        # ∂/∂ln k = k·∂/∂k.
        J[3] *= curve.steepness
        return (accuracy(curve, self.loss) - self.accuracy) / self.error, J.swapaxes(0, 1) / self.error


def curve_of(theta: Array) -> Sigmoid:
    """The curves of θ (R, 4)."""
    return Sigmoid(theta[:, 0], theta[:, 1], theta[:, 2], np.exp(theta[:, 3]))


def problem_of(
    loss: Array, shares: Array, error: Array, floor: tuple[float, float], ceiling: tuple[float, float]
) -> SigmoidProblem:
    """The problem with these ranges of floor and ceiling; L₀ and k have those of the runs' losses."""
    least, span = float(loss.min()), float(np.ptp(loss))
    low, high = np.log(np.array(STEEPNESS) / span)
    ranges = (floor, ceiling, (least - REACH * span, least + (1 + REACH) * span), (low, high))
    return SigmoidProblem(loss, shares, error, *np.array(ranges, float).T)


@np.errstate(all="ignore")  # a curve that has become a step has derivatives of zero: its lane gains nothing and ends
def best_fit(problem: SigmoidProblem, starts: Array | None = None) -> tuple[Array, float]:
    """θ (4,) of the least weighted sum of squares, and that sum, from starting points (R, 4) or from a grid of them."""
    starts = _grid(problem) if starts is None else starts
    found = minimise(problem, np.ones((len(starts), len(problem.loss))), starts, TIGHT)
    best = int(np.argmin(found.objective))
    return found.p[best], float(found.objective[best])


def _grid(problem: SigmoidProblem) -> Array:
    least, span = float(problem.loss.min()), float(np.ptp(problem.loss))
    middles = np.linspace(least - span / 2, least + 1.5 * span, MIDDLES)
    slopes = np.log(np.geomspace(1.0, 60.0, SLOPES) / span)
    floor = np.clip(problem.accuracy.min(), problem.low[0], problem.high[0])
    # Halfway from the best run to certainty: a ceiling below the best run would start on a flat of the objective.
    ceiling = np.clip((problem.accuracy.max() + 1) / 2, problem.low[1], problem.high[1])
    return np.array([[floor, ceiling, middle, slope] for middle in middles for slope in slopes])


@np.errstate(all="ignore")
def refits(problem: SigmoidProblem, weights: Array, theta: Array) -> Array:
    """θ (R, 4) of resamples with weights (R, n), each started from the whole table's θ (4,)."""
    return minimise(problem, weights, np.tile(theta, (len(weights), 1)), LOOSE).p
