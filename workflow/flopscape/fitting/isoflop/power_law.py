"""Power laws through the lowest points of IsoFLOP curves: N*(C), D*(C) and L*(C), with errors from the points' own.

Each line is ordinary least squares, as in Hoffmann et al. 2022 and Grattafiori et al. 2024 (arXiv 2407.21783, section
3.2.1), so that published fits are reproduced; its covariance carries the covariance of the points, plus a scatter
between budgets where the points lie further from the line than their errors allow (method of moments, DerSimonian &
Laird 1986). Intervals use Student's t with the degrees of freedom of the noise, or of the scatter where there is some.
That of N* at a compute is of the optimum there, which scatters about the line as those of the budgets do.

Everything is of R tables of one design at once, as the points are; `PowerLaws.of_table` gives those of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import f as fisher
from scipy.stats import t as student

from flopscape.fitting.common import linear
from flopscape.fitting.common.linear import EXACT_LOG_SQUARE, ROUNDED_SUM
from flopscape.fitting.common.loss_law import fit_loss_law, loss_scatter, power_law_draws
from flopscape.fitting.isoflop.curves import CurveFit, LowestPoints
from flopscape.laws.law import Array, Mask
from flopscape.runs.table import RunTable

SCATTER_LEVEL = 0.9
"""Scatter is added where χ² exceeds this quantile. In simulations of 5 budgets × 7 sizes the interval of a then covers
0.97 without scatter, 0.96 with a scatter as large as the vertices' errors and 0.92 with four times that."""
COLLINEAR = 1e-14
"""Least variance of a combination of vertices, as a part of the greatest, that is not rounding error."""


@dataclass(frozen=True)
class Line:
    """ln y = intercept + slope·(ln C − center), of R tables: arrays of shape (R,), or numbers for one table.

    `covariance` (…, 2, 2) is of (intercept, slope); `scatter` the variance between budgets beyond the points' own;
    `dof` the degrees of freedom of the intervals.

    Examples
    --------
    >>> line = Line(0.5, 20.0, 45.0, np.eye(2), 0.0, 4)
    >>> line.at(47.0), round(float(line.t), 3)
    (21.0, 2.776)
    """

    slope: Any
    intercept: Any
    center: float
    covariance: Array
    scatter: Any
    dof: Any

    def at(self, log_flops: float) -> Any:
        """The line's ln y at ln C, of each table."""
        return self.intercept + self.slope * (log_flops - self.center)

    def error_at(self, log_flops: float) -> Any:
        """Standard error of ln y at ln C: of intercept + slope·x the variance is (1, x)·covariance·(1, x)ᵀ."""
        x = np.array([1.0, log_flops - self.center])
        return np.sqrt(x @ self.covariance @ x)

    def error_of_optimum_at(self, log_flops: float) -> Any:
        """Standard error of the optimum's ln y at ln C, whose own distance from the line is beside the line's error.

        Where budgets scatter about their line, so does the next one: this is the interval of a prediction, as in
        random-effects meta-analysis (Higgins, Thompson & Spiegelhalter 2009, section 3.2), and that of the line alone
        grows narrower with every budget while the optima stay as far from it. Of 200 tables of six budgets whose optima
        scatter by 0.03 to 0.12 it holds that of a seventh in 93 to 95 %, the line's own in 87 to 89 %.
        """
        return np.sqrt(self.error_at(log_flops) ** 2 + self.scatter)

    @property
    def slope_error(self) -> Any:
        """Standard error of the slope."""
        return np.sqrt(self.covariance[..., 1, 1])

    @property
    def t(self) -> Any:
        """97.5 % quantile of Student's t."""
        return student.ppf(0.975, self.dof)

    def of_table(self, i: int) -> "Line":
        """The line of one table, in numbers."""
        return Line(
            float(self.slope[i]), float(self.intercept[i]), self.center, self.covariance[i], float(self.scatter[i]),
            int(self.dof[i]),
        )  # fmt: skip


def projector(log_flops: Array) -> Array:
    """Rows that give (intercept at the centre, slope) of the least-squares line from the ordinates, shape (2, m).

    With z = ln C less its mean the columns (1, z) are orthogonal, so that the intercept is the mean of the ordinates
    and the slope Σ z·y/Σ z².

    Examples
    --------
    >>> (projector(np.array([1.0, 2.0, 3.0])) @ np.array([5.0, 7.0, 9.0])).round(9).tolist()
    [7.0, 2.0]
    """
    z = log_flops - log_flops.mean()
    return np.stack([np.full(len(z), 1 / len(z)), z / (z @ z)])


def fit_lines(log_flops: Array, y: Array, own: Array, dof: int) -> Line:
    """Lines through m ≥ 3 ordinates of R tables.

    Parameters
    ----------
    log_flops : array, shape (m,)
        ln C.
    y : array, shape (R, m)
        ln N* or ln D*.
    own : array, shape (R, m, m)
        The ordinates' covariance V.
    dof : int
        Degrees of freedom from which it is known; 0 where it is not.

    Notes
    -----
    With the hat matrix H of the line and ordinates of covariance V + s²·I, the residuals r = (I − H)·y have the
    expected square tr((I − H)·V) + (m − 2)·s². The scatter s² is what solves this for the observed r·r, at least zero.
    """
    P, m, tables = projector(log_flops), len(log_flops), len(y)
    center = float(log_flops.mean())
    z = log_flops - center
    intercept, slope = (P @ y[:, :, None])[:, :, 0].T
    residual = y - intercept[:, None] - slope[:, None] * z
    # I − H, where H = (1, z)·P gives the fitted ordinates.
    rest = np.eye(m) - np.stack([np.ones(m), z], axis=1) @ P
    if dof:
        scattered = _scattered(z, y, own, dof)
    else:
        # Curves through as many rows as they have parameters leave no residuals and tell no noise: then all of the
        # points' distance from the line counts as scatter.
        own, scattered = np.zeros((tables, m, m)), np.ones(tables, bool)
    # r·r less its expectation without scatter. Both matrices are symmetric, so that the trace of their product is the
    # sum of the products of their entries.
    excess = (residual[:, None] @ residual[:, :, None])[:, 0, 0] - np.sum(rest * own, axis=(1, 2))
    # tr(I − H) = m − 2. `fmax` takes the zero where the excess is not a number.
    scatter = np.where(scattered, np.fmax(0.0, excess / (m - 2)), 0.0)
    covariance = P @ (own + scatter[:, None, None] * np.eye(m)) @ P.T
    # The scatter is known from the m − 2 residuals; without any, what limits the interval is the noise's own estimate.
    freedom = np.where((scatter > 0) | (dof == 0), m - 2, dof)
    return Line(slope, intercept, center, covariance, scatter, freedom)


def _scattered(z: Array, y: Array, own: Array, dof: int) -> Mask:
    """Which tables' ordinates lie further from their line than errors `own` allow, shape (R,)."""
    # χ²/(m − 2) is measured in units of a variance that is itself an estimate from `dof` degrees of freedom: a ratio of
    # two independent mean squares, which has Fisher's distribution with (m − 2, dof).
    limit = fisher.ppf(SCATTER_LEVEL, len(z) - 2, dof)
    return np.array([_misfit(z, *pair) > limit for pair in zip(y, own, strict=True)], bool)


def _misfit(z: Array, y: Array, covariance: Array) -> float:
    """χ² over its expectation of the generalised line: Fisher's F where the vertices' errors explain all scatter.

    With V = Q·Λ·Qᵀ the whitened ordinates Λ^−½·Qᵀ·y have unit covariance, and ordinary least squares of them on the
    whitened columns is the generalised line; its squares are χ² with m − 2 degrees of freedom.
    """
    values, vectors = linear.eigen(covariance)
    # The columns of Q are scaled, so that whiten.T is Λ^−½·Qᵀ; eigenvalues ascend, and the last is the greatest.
    whiten = vectors / np.sqrt(np.maximum(values, COLLINEAR * values[-1]))
    if not (np.isfinite(whiten).all() and np.isfinite(y).all()):
        return float("inf")
    _, squares, _, _ = np.linalg.lstsq(whiten.T @ np.stack([np.ones_like(z), z], axis=1), whiten.T @ y, rcond=None)
    # `lstsq` returns no squares where rounding has made the two whitened columns dependent.
    return float(squares[0]) / (len(z) - 2) if len(squares) else float("inf")


class PowerLaws(NamedTuple):
    """Power laws of N* and D*, and L*(C) = E + K·(C/C₀)^−γ about the mean of ln C, of R tables or of one."""

    n_params: Line
    n_tokens: Line
    loss: dict[str, Array]
    """`loss_E`, `loss_K` and `loss_gamma`, each of shape (R,); see common/loss_law.py."""

    @classmethod
    def through(cls, lowest: LowestPoints) -> "PowerLaws":
        """Fitted to the lowest points of R tables.

        D* = C/(κ(N*)·N*) moves with N* by `slope_of_tokens`, which carries the covariance of ln N to that of ln D.
        """
        covariance, slope = lowest.covariance[:, :, 0, :, 0], lowest.slope_of_tokens
        of_tokens = covariance * (slope[:, :, None] * slope[:, None])
        return cls(
            fit_lines(lowest.log_flops, lowest.points[:, :, 0], covariance, lowest.dof),
            fit_lines(lowest.log_flops, lowest.log_tokens, of_tokens, lowest.dof),
            fit_loss_law(lowest.log_flops - lowest.center, lowest.points[:, :, 1]),
        )

    def of_table(self, i: int) -> "PowerLaws":
        """The power laws of one table: lines in numbers, and the law of the losses with R = 1."""
        loss = {name: values[i : i + 1] for name, values in self.loss.items()}
        return PowerLaws(self.n_params.of_table(i), self.n_tokens.of_table(i), loss)


@dataclass(frozen=True)
class IsoflopFit:
    """All that approach2 has fitted to one table: its curves, their lowest points (R = 1), and power laws through them.

    The lowest points are those of the curves, or what a correction of their bias has made of them.
    """

    table: RunTable
    curves: CurveFit
    lowest: LowestPoints
    laws: PowerLaws


@np.errstate(all="ignore")
def simulate(fit: IsoflopFit, flops: Sequence[float], replicates: int, seed: int) -> pd.DataFrame:
    """Draw the lowest points of one table from a multivariate t, and refit all laws to each set.

    Student's t and not the normal distribution, because the noise is itself known from few degrees of freedom: a normal
    vector over √(χ²/dof), one χ² for all points of a set. The slopes of these sets then reach as far as the line's own
    interval does.

    Returns
    -------
    One row for each set: see `power_law_draws`.
    """
    lowest = fit.lowest
    moved, off_line = _moves(lowest, fit.laws.n_params, replicates, seed)
    points = lowest.points[0] + moved
    P = projector(lowest.log_flops)
    intercept, a = P @ points[:, :, 0].T
    intercept = intercept + off_line
    # D moves with N along its budget's C, to first order: d ln D = slope_of_tokens · d ln N.
    b = P[1] @ (lowest.log_tokens[0] + lowest.slope_of_tokens[0] * moved[:, :, 0]).T
    law = fit_loss_law(lowest.log_flops - lowest.center, points[:, :, 1])
    laws = {"log_n_params": intercept, "a": a, "b": b, "degenerate": np.zeros(replicates, bool)} | law
    return power_law_draws(laws, lowest.center, lowest.compute, flops)


def _moves(lowest: LowestPoints, line: Line, replicates: int, seed: int) -> tuple[Array, Array]:
    """Errors of the points, shape (replicates, m, 2): their own, and the scatter between budgets.

    And how far ln N* of another budget lies from the line, shape (replicates,).
    """
    generator = np.random.default_rng(seed)
    m = len(lowest.budgets)
    # A noise that is not known counts as none: the line's scatter, which then has all of the distances, stands for it.
    own = lowest.covariance[0].reshape(2 * m, 2 * m) * (lowest.dof > 0)
    variance = np.diag(own)[1::2]
    about_law = loss_scatter(lowest.log_flops - lowest.center, lowest.points[:, :, 1], variance[None])
    # The order is (ln N, loss) of one budget after the other, so that each pair of scatters repeats m times.
    extra = np.tile([line.scatter, float(about_law[0])], m) + ROUNDED_SUM * np.diag(own) + EXACT_LOG_SQUARE
    # What ROUNDED_SUM adds to the diagonal keeps the root from failing where vertices move exactly together.
    spread = linear.root(own + np.diag(extra))
    normal = generator.standard_normal((replicates, 2 * m))
    scale = np.sqrt(line.dof / generator.chisquare(line.dof, replicates))
    moved = (normal @ spread.T * scale[:, None]).reshape(replicates, m, 2)
    return moved, np.sqrt(line.scatter) * scale * generator.standard_normal(replicates)
