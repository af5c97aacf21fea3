"""The compute multiplier m(C): how many times B's compute A needs for the loss that B reaches with C.

L*_R(C) is the lowest loss along recipe R's own compute, and m solves L*_A(m·C) = L*_B(C); B is better where m > 1. The
interval is the set of m that the runs do not contradict: those for which the difference of the two losses is within t
standard errors of zero, the standard error being that of the difference at this very m (Fieller 1954 does so for a
ratio). Where floors differ the curve of A may flatten out above what B reaches: then no m is large enough, and the
set has no upper end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from flopscape.comparison.joint_fit import JointFit
from flopscape.comparison.model import Best, Center, best
from flopscape.comparison.results import FARTHEST
from flopscape.laws.inference import increasing_root
from flopscape.laws.law import Array, Compute

OFFSETS = np.concatenate([[0.0], np.geomspace(0.004, 2 * FARTHEST, 90)])
"""Distances in ln m from the estimate at which an end of the interval is looked for: steps of a tenth."""


@dataclass(frozen=True)
class Curves:
    """Both recipes' lowest losses along compute, by one fit."""

    fit: JointFit
    center: Center
    compute: tuple[Compute, Compute]

    def best(self, flops: Array, is_b: bool) -> Best:
        """The optimum of A or of B at each compute."""
        return best(self.fit.theta, self.center, self.compute[is_b], flops, is_b)


class Difference(NamedTuple):
    """L*_A(m·C) − L*_B(C) in nats and its standard error; any shape."""

    value: Array
    error: Array


class Multiplier(NamedTuple):
    """ln m at k computes, shape (k,) each; infinite where no m within a factor of a million does."""

    estimate: Array
    low: Array
    high: Array


def difference(curves: Curves, flops: Array, log_m: Array) -> Difference:
    """The difference at each C and ln m, whose shapes broadcast.

    Its standard error is √(gᵀΣg) with g = ∂L*_A/∂θ − ∂L*_B/∂θ.
    """
    scaled = np.exp(log_m) * flops
    of_a, of_b = curves.best(scaled.ravel(), False), curves.best(flops.ravel(), True)
    g = of_a.gradient.reshape(*scaled.shape, -1) - of_b.gradient.reshape(*flops.shape, -1)
    value = of_a.loss.reshape(scaled.shape) - of_b.loss.reshape(flops.shape)
    return Difference(value, curves.fit.error_of(g))


def quantile(fit: JointFit, level: float = 0.95) -> float:
    """Student's t of a two-sided interval."""
    return float(student.ppf(0.5 + level / 2, max(fit.dof, 1)))


def multiplier(curves: Curves, flops: Array, level: float = 0.95) -> Multiplier:
    """ln m at each compute, with the ends of the connected set around it that is not contradicted."""
    t = quantile(curves.fit, level)

    def excess(log_m: Array) -> Array:
        # L*_A falls with its compute: negated, it rises through zero.
        return -difference(curves, flops, log_m).value

    edge = np.full(len(flops), FARTHEST)
    estimate = np.where(
        excess(edge) < 0, np.inf, np.where(excess(-edge) > 0, -np.inf, increasing_root(excess, -edge, edge))
    )
    start = np.clip(estimate, -FARTHEST, FARTHEST)

    def beyond(log_m: Array) -> Array:
        at = difference(curves, flops, log_m)
        return np.abs(at.value) - t * at.error

    low, high = (_end(beyond, start, side) for side in (-1.0, 1.0))
    return Multiplier(estimate, low, high)


def _end(beyond: Callable[[Array], Array], start: Array, side: float) -> Array:
    """Where the set ends on one side of each start (k,); infinite where it goes on as far as is told.

    Steps grow outwards, and the end lies between the first that is outside and the one before it.
    """
    steps = np.clip(start + side * OFFSETS[:, None], -FARTHEST, FARTHEST)
    outside = beyond(steps) > 0
    first = outside.argmax(axis=0)
    columns = np.arange(len(start))
    inner, outer = steps[np.maximum(first - 1, 0), columns], steps[first, columns]
    ends = (inner, outer) if side > 0 else (outer, inner)
    found = increasing_root(lambda x: side * beyond(x), *ends)
    # A start at the edge of what is told goes on beyond it; and on its other side it may be outside itself.
    goes_on = ~outside.any(axis=0) | (side * start >= FARTHEST)
    return np.where(goes_on, side * np.inf, np.where(first == 0, start, found))
