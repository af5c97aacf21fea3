"""What the law misses: a smooth function of compute and size, as numbers times fixed shapes.

Two Gaussian processes, independent a priori (Kennedy & O'Hagan 2001 call this the discrepancy of a model):

- the level, s₀²·M(Δu/4) with Matérn's covariance of order 3/2, the same for all sizes at one compute;
- the shape, s₂²·M(Δu/4)·M(Δw/1.5)·q(w, u)·q(w′, u′) of order 5/2, where q is what a reference law, the most likely one,
  rises by from its optimum to w at u. So the law is trusted at its own optimum, w = 0, and elsewhere it is off by the
  part s₂ of its rise, which falls with compute as the rise itself does.

Each is written by its values at knots. With the knots' covariance K = R·Rᵀ (Cholesky) and k(t) the covariances of a
point with the knots, k(t)ᵀ·K⁻¹·k(t′) is the covariance of the process that passes through the knots' values and lies
between them where the process is most likely to lie. So the process is Σ_j c_j·ψ_j(t) with ψ(t) = R⁻¹·k(t) and c_j
independent of standard deviation s₀, or s₂. Knots a third of the level's length apart, and half of the shape's, lack
less than 1 % of the variance between them (tests/fitting/drifting_law/test_discrepancy.py). Beyond the outermost knots
the process keeps the value that it has there.

A draw is then a list of numbers, and a loss anywhere a plain function of them; nothing of the runs has to be kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from flopscape.fitting.drifting_law import law
from flopscape.fitting.drifting_law.drift import LENGTH, Reach
from flopscape.laws.law import Array

WIDTH = 1.5
"""Length in w of the shape."""
LEVEL_STEP, SHAPE_STEP, WIDTH_STEP = 4 / 3, 2.0, 0.75
"""Distances of the knots."""
WIDEST, MARGIN = 3.75, 0.75
"""The knots in w reach as far on both sides, and this far beyond the runs."""
MOST_KNOTS = 40
"""On one axis: runs over more than some 30 units of ln N or ln D get knots farther apart."""
JITTER = 1e-10
"""Added to the knots' variance of one, so that rounding leaves their covariance positive."""


def matern32(t: Array) -> Array:
    """Matérn's covariance of order 3/2 at distances in units of the length."""
    r = np.sqrt(3.0) * np.abs(t)
    return np.asarray((1 + r) * np.exp(-r))


def matern52(t: Array) -> Array:
    """Matérn's covariance of order 5/2 at distances in units of the length."""
    r = np.sqrt(5.0) * np.abs(t)
    return np.asarray((1 + r + r * r / 3) * np.exp(-r))


@dataclass(frozen=True)
class Axis:
    """Knots along one coordinate, under one covariance."""

    kernel: Callable[[Array], Array]
    length: float
    low: float
    high: float
    step: float

    @cached_property
    def knots(self) -> Array:
        """From end to end, evenly, no farther apart than the step."""
        count = int(np.ceil((self.high - self.low) / self.step - 1e-9)) + 1
        return np.linspace(self.low, self.high, min(max(count, 2), MOST_KNOTS))

    def inside(self, t: Array) -> Array:
        """The nearest places that are not beyond the outermost knots."""
        return np.clip(t, self.low, self.high)

    def shapes(self, t: Array) -> Array:
        """ψ at t (n,), shape (n, knots)."""
        inside = self.kernel((self.inside(t)[:, None] - self.knots) / self.length)
        return np.asarray(solve_triangular(_root(self), inside.T, lower=True).T)


@lru_cache
def _root(axis: Axis) -> Array:
    """R of the knots' covariance; kept, for every point of a fit asks for that of the same three axes."""
    distances = (axis.knots[:, None] - axis.knots) / axis.length
    return np.asarray(cholesky(axis.kernel(distances) + JITTER * np.eye(len(distances)), lower=True))


@dataclass(frozen=True)
class Discrepancy:
    """The shapes for runs that reach so far, around a reference law of the parameters θ (6,).

    `narrow` and `wide` are the ends of the knots in w.
    """

    reach: Reach
    theta: tuple[float, ...]
    narrow: float
    wide: float

    @classmethod
    def around(cls, x: Array, u: Array, reach: Reach, theta: Array) -> Self:
        """The shapes for runs at (x, u)."""
        w = x - theta[law.OFFSET] - theta[law.SLOPE] * u
        ends = min(float(w.min()) - MARGIN, -WIDEST), max(float(w.max()) + MARGIN, WIDEST)
        return cls(reach, tuple(theta.tolist()), *ends)

    @classmethod
    def from_json(cls, data: Mapping[str, float]) -> Self:
        """Rebuild from `to_json`."""
        reach = Reach(data["below"], data["above"])
        return cls(reach, tuple(data[name] for name in law.NAMES), data["narrow"], data["wide"])

    @cached_property
    def _axes(self) -> tuple[Axis, Axis, Axis]:
        low, high = -self.reach.below, self.reach.above
        return (
            Axis(matern32, LENGTH, low, high, LEVEL_STEP),
            Axis(matern52, LENGTH, low, high, SHAPE_STEP),
            Axis(matern52, WIDTH, self.narrow, self.wide, WIDTH_STEP),
        )

    @property
    def sizes(self) -> tuple[int, int]:
        """How many numbers the level has, and the shape."""
        level, along, across = (len(axis.knots) for axis in self._axes)
        return level, along * across

    def shapes(self, x: Array, u: Array) -> Array:
        """ψ at points (n,), shape (n, level + shape)."""
        level, along, across = self._axes
        offset, slope = self.theta[law.OFFSET], self.theta[law.SLOPE]
        w = x - offset - slope * u
        u, w = along.inside(u), across.inside(w)
        _, rise = law.lowest_and_rise(np.array(self.theta), offset + slope * u + w, u)
        product = along.shapes(u)[:, :, None] * (rise[:, None] * across.shapes(w))[:, None, :]
        return np.concatenate([level.shapes(u), product.reshape(len(w), -1)], axis=1)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, to be kept among a fit's diagnostics."""
        ends = {"narrow": self.narrow, "wide": self.wide} | self.reach._asdict()
        return ends | dict(zip(law.NAMES, self.theta, strict=True))
