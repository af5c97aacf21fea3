"""A law's fit around its optimum: residuals, covariance, conditioning, leverage, AICc."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from flopscape.fitting.any_law.problem import FLOOR, LawProblem
from flopscape.fitting.common import linear
from flopscape.laws.arrays import Array, Mask

ON_BOUND = 1e-6
"""Distance in ln, and in E over the loss, at which a parameter counts as on its bound."""
EXACT = 1e-26
"""Residual variance of exact data: rounding."""


@dataclass(frozen=True)
class LawLocal:
    """The problem at θ (k,)."""

    problem: LawProblem
    theta: Array

    @cached_property
    def _derivatives(self) -> tuple[Array, Array]:
        residual, J = self.problem.evaluate(self.theta[None])
        return residual[0], J[0]

    @property
    def residual(self) -> Array:
        """ln L − ln L̂, shape (n,)."""
        return -self._derivatives[0]

    @property
    def rss(self) -> float:
        """Sum of squared residuals, in nats²."""
        return float(self.residual @ self.residual)

    @property
    def dof(self) -> int:
        """Rows less parameters."""
        return len(self.residual) - len(self.theta)

    @property
    def variance(self) -> float:
        """Residual variance of the log loss."""
        return max(self.rss / max(self.dof, 1), EXACT)

    @property
    def on_bound(self) -> Mask:
        """Which parameters are on a bound, shape (k,)."""
        low, high = self.problem.bounds
        level = np.where(self.problem.logarithmic, 1.0, np.exp(self.problem.log_loss.min()))
        return np.asarray((self.theta - low < ON_BOUND * level) | (high - self.theta < ON_BOUND))

    @property
    def absent(self) -> bool:
        """Whether a term of the law has vanished: an amplitude or scale, which has a unit, is on its bound."""
        named = zip(self.problem.law.names, self.on_bound, strict=True)
        return any(on and name not in (FLOOR, *self.problem.law.bounds) for name, on in named)

    @property
    def jacobian(self) -> Array:
        """Derivatives of ln L̂ in the free parameters, shape (free, n)."""
        return self._derivatives[1][~self.on_bound]

    @cached_property
    def _scaled(self) -> tuple[Array, Array]:
        """J of the free parameters with rows of unit length, and the lengths."""
        J = self.jacobian
        length = np.linalg.norm(J, axis=1)
        return J / np.maximum(length, 1e-300)[:, None], length

    @property
    def unseen(self) -> list[str]:
        """Parameters on which no residual depends."""
        return [name for name, row in zip(self.problem.law.names, self._derivatives[1], strict=True) if not row.any()]

    @property
    def condition(self) -> float:
        """Condition number of the scaled J of the free parameters."""
        return linear.condition(self._scaled[0].T)

    @cached_property
    def covariance(self) -> Array:
        """s²(JᵀJ)⁻¹ of θ over the free parameters, zero elsewhere, shape (k, k)."""
        J, length = self._scaled
        inverse = linear.pseudo_inverse(J @ J.T) / np.outer(length, length)
        full = np.zeros((len(self.theta),) * 2)
        full[np.ix_(~self.on_bound, ~self.on_bound)] = self.variance * inverse
        return full

    @property
    def leverage(self) -> Array:
        """Diagonal of the hat matrix, shape (n,)."""
        return np.asarray((np.linalg.qr(self._scaled[0].T)[0] ** 2).sum(axis=1))

    @property
    def aicc(self) -> float | None:
        """Akaike's criterion for small samples (Hurvich & Tsai 1989), σ counted as a parameter; None for few rows."""
        n, k = len(self.residual), len(self.theta) + 1
        if n - k - 1 <= 0:
            return None
        return float(n * np.log(max(self.rss / n, EXACT)) + 2 * k + 2 * k * (k + 1) / (n - k - 1))
