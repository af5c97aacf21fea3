"""From vertices to power laws: N*(C), D*(C) and L*(C), and what they do when the vertices move by their errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flopscape.fitting import linear
from flopscape.fitting.budget_curves import CurveFit
from flopscape.fitting.loss_law import fit_loss_law, loss_scatter
from flopscape.fitting.power_law_draws import power_law_draws
from flopscape.fitting.powerlaw import Line, fit_line, projector
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


def loss_law(vertices: Vertices) -> dict[str, Array]:
    """L*(C) through the vertices' losses, about their centre; each of shape (1,)."""
    return fit_loss_law(vertices.log_flops - vertices.center, vertices.points[None, :, 1])


@np.errstate(all="ignore")
def simulate(vertices: Vertices, line: Line, flops: Sequence[float], replicates: int, seed: int) -> pd.DataFrame:
    """Draw the vertices from a multivariate t with the line's degrees of freedom, and refit all laws to each set."""
    moved = _moves(vertices, line, replicates, seed)
    points = vertices.points + moved
    P = projector(vertices.log_flops)
    intercept, a = P @ points[:, :, 0].T
    b = P[1] @ (vertices.log_tokens + vertices.slope_of_tokens * moved[:, :, 0]).T
    law = fit_loss_law(vertices.log_flops - vertices.center, points[:, :, 1])
    laws = {"log_n_params": intercept, "a": a, "b": b, "degenerate": np.zeros(replicates, bool)} | law
    return power_law_draws(laws, vertices.center, vertices.compute, flops)


def _moves(vertices: Vertices, line: Line, replicates: int, seed: int) -> Array:
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
