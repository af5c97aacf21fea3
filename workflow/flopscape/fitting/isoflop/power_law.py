"""A power law through per-budget optima: a line in logs whose errors come from the optima's own.

The line is ordinary least squares, as in Hoffmann et al. 2022 and Grattafiori et al. 2024 (arXiv 2407.21783, section
3.2.1), so that published fits are reproduced; its covariance carries the covariance of the vertices, plus a scatter
between budgets where the vertices lie further from the line than their errors allow (method of moments, DerSimonian &
Laird 1986). Intervals use Student's t with the degrees of freedom of the noise, or of the scatter where there is some.

From vertices to power laws: N*(C), D*(C) and L*(C), and what they do when the vertices move by their errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import f as fisher
from scipy.stats import t as student

from flopscape.fitting.common import linear
from flopscape.fitting.common.loss_law import fit_loss_law, loss_scatter, power_law_draws
from flopscape.fitting.isoflop.curves import CurveFit
from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute

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
        """Standard error of the slope."""
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


ROUNDING = 1e-14
"""Part of the vertices' variances that is added, so that rounding does not make their covariance indefinite."""


@dataclass(frozen=True)
class LowestPoints:
    """The used budgets: ln C (m,), vertices (m, 2) in (ln N, loss), their covariance (m, 2, m, 2), the noise's dof."""

    log_flops: Array
    points: Array
    covariance: Array
    dof: int
    compute: Compute

    @classmethod
    def of(cls, fitted: CurveFit) -> "LowestPoints":
        """The lowest points of the used curves."""
        log_flops = np.log([curve.budget.flops for curve in fitted.used])
        points = np.array([curve.vertex for curve in fitted.used])
        return cls(log_flops, points, fitted.covariance, fitted.dof, fitted.compute)

    @property
    def center(self) -> float:
        """Mean ln C."""
        return float(self.log_flops.mean())

    @property
    def own_covariance(self) -> Array:
        """Of all (ln N, loss), shape (2m, 2m); zero where the noise is not known."""
        m = len(self.log_flops)
        return self.covariance.reshape(2 * m, 2 * m) * (self.dof > 0)

    @property
    def slope_of_tokens(self) -> Array:
        """d ln D/d ln N at each vertex for given C: −(1 + d ln κ/d ln N)."""
        return -(1 + self.compute.curve(self.points[:, 0])[1])

    @property
    def log_tokens(self) -> Array:
        """Natural logarithm of D at each lowest point, through C = κ(N)·N·D."""
        return self.compute.tokens(self.points[:, 0], np.exp(self.log_flops))


def power_laws(vertices: LowestPoints) -> tuple[Line, Line]:
    """Power laws of N* and of D*."""
    covariance, slope = vertices.covariance[:, 0, :, 0], vertices.slope_of_tokens
    n_line = fit_line(vertices.log_flops, vertices.points[:, 0], covariance, vertices.dof)
    d_line = fit_line(vertices.log_flops, vertices.log_tokens, covariance * np.outer(slope, slope), vertices.dof)
    return n_line, d_line


def loss_law(vertices: LowestPoints) -> dict[str, Array]:
    """L*(C) through the vertices' losses, about their centre; each of shape (1,)."""
    return fit_loss_law(vertices.log_flops - vertices.center, vertices.points[None, :, 1])


@np.errstate(all="ignore")
def simulate(vertices: LowestPoints, line: Line, flops: Sequence[float], replicates: int, seed: int) -> pd.DataFrame:
    """Draw the vertices from a multivariate t with the line's degrees of freedom, and refit all laws to each set."""
    moved = _moves(vertices, line, replicates, seed)
    points = vertices.points + moved
    P = projector(vertices.log_flops)
    intercept, a = P @ points[:, :, 0].T
    b = P[1] @ (vertices.log_tokens + vertices.slope_of_tokens * moved[:, :, 0]).T
    law = fit_loss_law(vertices.log_flops - vertices.center, points[:, :, 1])
    laws = {"log_n_params": intercept, "a": a, "b": b, "degenerate": np.zeros(replicates, bool)} | law
    return power_law_draws(laws, vertices.center, vertices.compute, flops)


def _moves(vertices: LowestPoints, line: Line, replicates: int, seed: int) -> Array:
    """Errors of the vertices, shape (replicates, m, 2): their own, and the scatter between budgets."""
    generator = np.random.default_rng(seed)
    m = len(vertices.log_flops)
    own = vertices.own_covariance
    about_law = loss_scatter(vertices.log_flops - vertices.center, vertices.points[:, 1], np.diag(own)[1::2])
    extra = np.tile([line.scatter, about_law], m) + ROUNDING * np.diag(own) + 1e-30
    spread = linear.root(own + np.diag(extra))
    normal = generator.standard_normal((replicates, 2 * m))
    scale = np.sqrt(line.dof / generator.chisquare(line.dof, replicates))
    return (normal @ spread.T * scale[:, None]).reshape(replicates, m, 2)
