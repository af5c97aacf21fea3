"""A power law through per-budget optima: a line in logs whose errors come from the optima's own.

The line is ordinary least squares, as in Hoffmann et al. 2022 and Grattafiori et al. 2024 (arXiv 2407.21783, section
3.2.1), so that published fits are reproduced; its covariance carries the covariance of the vertices, plus a scatter
between budgets where the vertices lie further from the line than their errors allow (method of moments, DerSimonian &
Laird 1986). Intervals use Student's t with the degrees of freedom of the noise, or of the scatter where there is some.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import f as fisher
from scipy.stats import t as student

from flopscape.fitting import linear
from flopscape.laws.arrays import Array

SCATTER_LEVEL = 0.9
"""Scatter is added where χ² exceeds this quantile. In simulations of 5 budgets × 7 sizes the interval of a then covers
0.97 without scatter, 0.96 with a scatter as large as the vertices' errors and 0.92 with four times that."""

COLLINEAR = 1e-14
"""Least variance of a combination of vertices, as a part of the greatest, that is not rounding error."""


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


def fit_line(log_flops: Array, y: Array, own: Array, dof: int) -> Line:
    """Line through m ≥ 3 ordinates whose covariance `own` (m, m) is known from `dof` degrees of freedom (0: not known).

    The residuals' expected square is tr((I − H)·V), which gives the scatter.
    """
    P, m = projector(log_flops), len(y)
    intercept, slope = P @ y
    center = float(log_flops.mean())
    z = log_flops - center
    residual = y - intercept - slope * z
    rest = np.eye(m) - np.stack([np.ones(m), z], axis=1) @ P
    own = own if dof else np.zeros((m, m))
    scatter = 0.0
    if not dof or _misfit(z, y, own) > fisher.ppf(SCATTER_LEVEL, m - 2, dof):
        scatter = max(0.0, float(residual @ residual - np.sum(rest * own)) / (m - 2))
    covariance = P @ (own + scatter * np.eye(m)) @ P.T
    freedom = m - 2 if scatter > 0 or not dof else dof
    return Line(float(slope), float(intercept), center, covariance, scatter, freedom)


def _misfit(z: Array, y: Array, covariance: Array) -> float:
    """χ² over its expectation of the generalised line: Fisher's F where the vertices' errors explain all scatter."""
    values, vectors = linear.eigen(covariance)
    whiten = vectors / np.sqrt(np.maximum(values, COLLINEAR * values[-1]))
    if not (np.isfinite(whiten).all() and np.isfinite(y).all()):
        return float("inf")
    _, squares, _, _ = np.linalg.lstsq(whiten.T @ np.stack([np.ones_like(z), z], axis=1), whiten.T @ y, rcond=None)
    return float(squares[0]) / (len(z) - 2) if len(squares) else float("inf")
