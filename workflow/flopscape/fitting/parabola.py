"""One parabola of the loss in ln N per compute budget, and its vertex (Hoffmann et al. 2022, section 3.2).

Rows of a budget weigh the same: the variance of three seeds is too noisy to weight single sizes by. The noise is
pooled over the budgets, or each budget's own where every one has enough repeated runs to tell.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from flopscape.fitting.guards import design_index
from flopscape.fitting.table import RunTable
from flopscape.laws.arrays import Array, Index

OWN_NOISE_DOF = 6
"""Repeats (runs beyond the first of a size) that every budget needs to use its own noise."""


ROUNDING = 1e-9
"""Curvature across the sizes, as a part of the loss, that is rounding error of a flat or straight curve."""


@dataclass(frozen=True)
class Parabola:
    """loss = c0 + c1·x + c2·x², x = ln N − center, of one budget; `reason` says why it is not used."""

    budget: float
    flops: float
    rows: Index
    center: float
    coefficients: Array
    unit_covariance: Array
    leverage: Array
    rss: float
    n_sizes: int
    reason: str = ""

    @property
    def dof(self) -> int:
        return max(len(self.rows) - 3, 0)

    @property
    def vertex(self) -> tuple[float, float]:
        """ln N and the loss at the lowest point."""
        c0, c1, c2 = self.coefficients
        return float(self.center - c1 / (2 * c2)), float(c0 - c1**2 / (4 * c2))

    @property
    def vertex_covariance(self) -> Array:
        """Of (ln N, loss) at the vertex for unit noise, by the delta method, shape (2, 2)."""
        _, c1, c2 = self.coefficients
        x = -c1 / (2 * c2)
        J = np.array([[0.0, -1 / (2 * c2), -x / c2], [1.0, x, x**2]])
        return np.asarray(J @ self.unit_covariance @ J.T)


def fit_parabolas(table: RunTable) -> list[Parabola]:
    """The parabola of every budget, smallest first; budgets with under three sizes have no coefficients."""
    budgets = np.unique(table.budget[np.isfinite(table.budget)])
    return [_parabola(table, float(budget)) for budget in budgets]


def _parabola(table: RunTable, budget: float) -> Parabola:
    rows = np.flatnonzero(table.budget == budget)
    log_n, flops = np.log(table.n_params[rows]), float(np.exp(np.log(table.flops[rows]).mean()))
    center, n_sizes = float(log_n.mean()), len(np.unique(table.n_params[rows]))
    if n_sizes < 3:
        nothing = np.full(3, np.nan), np.full((3, 3), np.nan), np.zeros(len(rows)), 0.0
        return Parabola(budget, flops, rows, center, *nothing, n_sizes, f"{n_sizes} distinct sizes; a parabola needs 3")
    X = np.stack([np.ones_like(log_n), log_n - center, (log_n - center) ** 2], axis=1)
    Q, R = np.linalg.qr(X)
    c = np.linalg.solve(R, Q.T @ table.loss[rows])
    inverse = np.linalg.inv(R)
    if abs(c[2]) * np.ptp(log_n) ** 2 < ROUNDING * abs(c[0]):
        c[2] = 0.0
    residual = table.loss[rows] - X @ c
    vertex = center - c[1] / (2 * c[2]) if c[2] > 0 else np.nan
    return Parabola(
        budget, flops, rows, center, c, inverse @ inverse.T, (Q**2).sum(1), float(residual @ residual), n_sizes,
        _why_not(c[2], vertex, log_n),
    )  # fmt: skip


def _why_not(curvature: float, vertex: float, log_n: Array) -> str:
    """Why a budget's vertex is no optimum, or nothing."""
    if not curvature > 0:
        return "the curvature is not positive: no lowest point"
    low, high = log_n.min(), log_n.max()
    if not low < vertex < high:
        side = "below" if vertex <= low else "above"
        return f"the lowest point lies {side} the sizes {np.exp(low):.3g} to {np.exp(high):.3g}"
    return ""


def noise(table: RunTable, parabolas: list[Parabola]) -> tuple[Array, int]:
    """Noise variance of each budget and its degrees of freedom (0: unknown).

    Pooled over the parabolas' residuals; the budget's own where each budget has at least 6 repeats.
    """
    dof = sum(p.dof for p in parabolas)
    repeats = [len(p.rows) - len(np.unique(design_index(table)[p.rows])) for p in parabolas]
    floor = (1e-12 * float(table.loss.mean())) ** 2
    if min(repeats, default=0) >= OWN_NOISE_DOF:
        own = np.array([p.rss / p.dof for p in parabolas])
        return np.maximum(own, floor), dof
    pooled = sum(p.rss for p in parabolas) / dof if dof else 0.0
    return np.full(len(parabolas), max(pooled, floor)), dof


def describe(parabola: Parabola, n_tokens: float, variance: float) -> dict[str, Any]:
    """One entry of `FitResult.optima`; None where the budget has no vertex."""
    known = np.isfinite(parabola.coefficients).all() and parabola.coefficients[2] > 0
    log_n, loss = parabola.vertex if known else (np.nan, np.nan)
    spread = np.sqrt(np.diag(parabola.vertex_covariance) * variance) if known else np.full(2, np.nan)
    numbers = {
        "n_params": np.exp(log_n), "n_tokens": n_tokens, "loss": loss,
        "se_log_n_params": spread[0], "se_loss": spread[1],
        "center_log_n_params": parabola.center,
        **{f"c{i}": c for i, c in enumerate(parabola.coefficients)},
        "curvature": 2 * parabola.coefficients[2],
    }  # fmt: skip
    entry: dict[str, Any] = {"budget": parabola.budget, "flops": parabola.flops}
    entry |= {name: float(value) if np.isfinite(value) else None for name, value in numbers.items()}
    return entry | {
        "n_runs": len(parabola.rows), "n_sizes": parabola.n_sizes,
        "used": not parabola.reason, "reason": parabola.reason,
    }  # fmt: skip
