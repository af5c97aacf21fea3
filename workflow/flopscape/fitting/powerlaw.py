"""A power law through per-budget optima: a line in logs whose errors come from the optima's own.

The line is ordinary least squares, as in Hoffmann et al. 2022 and Grattafiori et al. 2024 (arXiv 2407.21783, section
3.2.1), so that published fits are reproduced; its covariance carries the variance of every vertex, plus a scatter
between budgets where the vertices lie further from the line than their errors allow (method of moments, DerSimonian &
Laird 1986). Intervals use Student's t with the degrees of freedom of the noise, or of the scatter where there is some.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import f as fisher
from scipy.stats import t as student

from flopscape.laws.arrays import Array

SCATTER_LEVEL = 0.9
"""Scatter is added where χ² exceeds this quantile. In simulations of 5 budgets × 7 sizes the interval of a then covers
0.97 without scatter, 0.96 with a scatter as large as the vertices' errors and 0.92 with four times that."""


@dataclass(frozen=True)
class Line:
    """ln y = intercept + slope·(ln C − center); `scatter` is the variance between budgets beyond the vertices' own."""

    slope: float
    intercept: float
    center: float
    covariance: Array
    scatter: float
    dof: int

    def at(self, log_flops: float) -> float:
        """ln y at ln C."""
        return self.intercept + self.slope * (log_flops - self.center)

    def error_at(self, log_flops: float) -> float:
        """Standard error of ln y at ln C."""
        x = np.array([1.0, log_flops - self.center])
        return float(np.sqrt(x @ self.covariance @ x))

    @property
    def slope_error(self) -> float:
        return float(np.sqrt(self.covariance[1, 1]))

    @property
    def t(self) -> float:
        """97.5 % quantile of Student's t."""
        return float(student.ppf(0.975, self.dof))


def projector(log_flops: Array) -> Array:
    """Rows that give (intercept at the centre, slope) from the ordinates, shape (2, m)."""
    z = log_flops - log_flops.mean()
    return np.stack([np.full(len(z), 1 / len(z)), z / (z @ z)])


def fit_line(log_flops: Array, y: Array, variance: Array, dof: int) -> Line:
    """Line through m ≥ 3 ordinates with variances known from `dof` degrees of freedom (0: not known)."""
    P, m = projector(log_flops), len(y)
    intercept, slope = P @ y
    center = float(log_flops.mean())
    z = log_flops - center
    residual = y - intercept - slope * z
    hat = 1 / m + z**2 / (z @ z)
    own = variance if dof else np.zeros(m)
    scatter = 0.0
    if not dof or _misfit(z, y, own) > fisher.ppf(SCATTER_LEVEL, m - 2, dof):
        scatter = max(0.0, float(residual @ residual - (1 - hat) @ own) / (m - 2))
    covariance = (P * (own + scatter)) @ P.T
    freedom = m - 2 if scatter > 0 or not dof else dof
    return Line(float(slope), float(intercept), center, covariance, scatter, freedom)


def _misfit(z: Array, y: Array, variance: Array) -> float:
    """χ² over its expectation of the weighted line: Fisher's F where the vertices' errors explain all scatter."""
    weight = 1 / np.sqrt(variance)
    _, squares, _, _ = np.linalg.lstsq(np.stack([weight, weight * z], axis=1), weight * y, rcond=None)
    return float(squares[0]) / (len(z) - 2)
