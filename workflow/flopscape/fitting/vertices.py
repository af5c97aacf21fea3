"""From vertices to power laws: N*(C), D*(C) and L*(C), and what they do when the vertices move by their errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flopscape.fitting import vertex_loss
from flopscape.fitting.budget_curves import CurveFit
from flopscape.fitting.powerlaw import Line, fit_line, projector
from flopscape.fitting.quantities import column
from flopscape.fitting.results import DRAW_COLUMNS
from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute

ROUNDING = 1e-14
"""Part of the vertices' variances that is added, so that rounding does not make their covariance indefinite."""


@dataclass(frozen=True)
class Vertices:
    """The used budgets: ln C (m,), vertices (m, 2) in (ln N, loss), their covariance (m, 2, m, 2), the noise's dof."""

    log_flops: Array
    points: Array
    covariance: Array
    dof: int
    compute: Compute

    @classmethod
    def of(cls, fitted: CurveFit) -> "Vertices":
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
        return self.compute.tokens(self.points[:, 0], np.exp(self.log_flops))


def power_laws(vertices: Vertices) -> tuple[Line, Line]:
    """Power laws of N* and of D*."""
    covariance, slope = vertices.covariance[:, 0, :, 0], vertices.slope_of_tokens
    n_line = fit_line(vertices.log_flops, vertices.points[:, 0], covariance, vertices.dof)
    d_line = fit_line(vertices.log_flops, vertices.log_tokens, covariance * np.outer(slope, slope), vertices.dof)
    return n_line, d_line


def loss_law(vertices: Vertices) -> vertex_loss.Law:
    return vertex_loss.fit_law(vertices.log_flops, vertices.points[None, :, 1])


@np.errstate(all="ignore")
def simulate(vertices: Vertices, line: Line, flops: Sequence[float], replicates: int, seed: int) -> pd.DataFrame:
    """Draw the vertices from a multivariate t with the line's degrees of freedom, and refit all laws to each set."""
    moved = _moves(vertices, line, replicates, seed)
    points = vertices.points + moved
    P = projector(vertices.log_flops)
    intercept, a = P @ points[:, :, 0].T
    b = P[1] @ (vertices.log_tokens + vertices.slope_of_tokens * moved[:, :, 0]).T
    law = vertex_loss.fit_law(vertices.log_flops, points[:, :, 1])
    columns: dict[str, Any] = {name: np.full(replicates, np.nan) for name in DRAW_COLUMNS}
    columns |= {"replicate": np.arange(replicates), "a": a, "b": b, "degenerate": np.zeros(replicates, bool)}
    columns |= {"log_n_params": intercept} | law
    for c in flops:
        log_n = intercept + a * (np.log(c) - line.center)
        loss = vertex_loss.loss_at(law, vertices.center, np.log(c))
        values = (np.exp(log_n), np.exp(vertices.compute.tokens(log_n, c)), loss)
        columns |= {column(name, c): v for name, v in zip(("n_params", "n_tokens", "loss"), values, strict=True)}
    return pd.DataFrame(columns)


def _moves(vertices: Vertices, line: Line, replicates: int, seed: int) -> Array:
    """Errors of the vertices, shape (replicates, m, 2): their own, and the scatter between budgets."""
    generator = np.random.default_rng(seed)
    m = len(vertices.log_flops)
    own = vertices.own_covariance
    loss_scatter = vertex_loss.scatter(vertices.log_flops, vertices.points[:, 1], np.diag(own)[1::2])
    extra = np.tile([line.scatter, loss_scatter], m) + ROUNDING * np.diag(own) + 1e-30
    spread = np.linalg.cholesky(own + np.diag(extra))
    normal = generator.standard_normal((replicates, 2 * m))
    scale = np.sqrt(line.dof / generator.chisquare(line.dof, replicates))
    return (normal @ spread.T * scale[:, None]).reshape(replicates, m, 2)
