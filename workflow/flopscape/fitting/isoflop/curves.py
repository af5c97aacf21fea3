"""What every shape of approach2 gives: one curve of loss against size per budget, and where it is lowest.

The curve of loss against size that stands behind an entry of `FitResult.optima`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flopscape.fitting.common.results import finite_or_none
from flopscape.laws.arrays import Array, Index
from flopscape.laws.compute import Compute
from flopscape.runs.table import RunTable


@dataclass(frozen=True)
class Budget:
    """The rows of one budget; `budget` is its name, `flops` the geometric mean of what its runs cost."""

    budget: float
    flops: float
    rows: Index
    log_n: Array

    @property
    def n_sizes(self) -> int:
        """How many sizes the budget has."""
        return len(np.unique(self.log_n))

    def why_unused(self, vertex: float) -> str:
        """Why a lowest point at ln N = vertex, NaN for none, is no optimum; or nothing."""
        if not np.isfinite(vertex):
            return "the curvature is not positive: no lowest point"
        low, high = self.log_n.min(), self.log_n.max()
        if not low < vertex < high:
            side = "below" if vertex <= low else "above"
            return f"the lowest point lies {side} the sizes {np.exp(low):.3g} to {np.exp(high):.3g}"
        return ""


@dataclass(frozen=True)
class BudgetCurve:
    """One budget's curve.

    `vertex` is (ln N, loss) at its lowest point and `covariance` (2, 2) the error of that, NaN where there is none.
    `shape` are the numbers that `optimum_curve.predicted` needs, None where there is no curve; `residual` (nats) and
    `leverage` have one entry a row. `reason` says why the vertex is not used.
    """

    budget: Budget
    vertex: Array
    covariance: Array
    shape: dict[str, Any]
    residual: Array
    leverage: Array
    reason: str

    @property
    def used(self) -> bool:
        """Whether the curve counts in the power law."""
        return not self.reason

    @property
    def name(self) -> str:
        """For sentences: budget 1e+18."""
        return f"budget {self.budget.budget:.4g}"

    def to_json(self, compute: Compute) -> dict[str, Any]:
        """One entry of `FitResult.optima`; None where the budget has no lowest point."""
        log_n, loss = self.vertex
        errors = np.sqrt(np.diag(self.covariance))
        numbers = {
            "n_params": np.exp(log_n), "n_tokens": np.exp(compute.tokens(log_n, self.budget.flops)), "loss": loss,
            "se_log_n_params": errors[0], "se_loss": errors[1],
        }  # fmt: skip
        entry: dict[str, Any] = {"budget": self.budget.budget, "flops": self.budget.flops}
        entry |= {name: finite_or_none(value) for name, value in numbers.items()}
        counts = {"n_runs": len(self.budget.rows), "n_sizes": self.budget.n_sizes}
        return entry | self.shape | counts | {"used": self.used, "reason": self.reason}


@dataclass(frozen=True)
class CurveFit:
    """The curves of all budgets, smallest first.

    `covariance` (k, 2, k, 2) is of the k used vertices, together; `variance` (k,) is the noise of a row of weight one
    in each used budget, known from `dof` degrees of freedom (0: unknown). `parameters` counts those of all curves;
    `weights` are the rows'. `refusal` says why there are no curves.
    """

    curves: list[BudgetCurve]
    compute: Compute
    covariance: Array
    variance: Array
    dof: int
    parameters: int
    weights: Array
    diagnostics: dict[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    refusal: str = ""

    @property
    def used(self) -> list[BudgetCurve]:
        """The curves that count in the power law."""
        return [curve for curve in self.curves if curve.used]


def budgets(table: RunTable) -> list[Budget]:
    """The budgets of a table, smallest first; rows outside every budget are in none."""
    found = []
    for budget in np.unique(table.budget[np.isfinite(table.budget)]):
        rows = np.flatnonzero(table.budget == budget)
        flops = float(np.exp(np.log(table.flops[rows]).mean()))
        found.append(Budget(float(budget), flops, rows, np.log(table.n_params[rows])))
    return found


def no_curve(budget: Budget, shape: dict[str, Any], reason: str) -> BudgetCurve:
    """A budget without a curve; `shape` names the numbers that it lacks."""
    nothing = np.full(len(budget.rows), np.nan)
    return BudgetCurve(budget, np.full(2, np.nan), np.full((2, 2), np.nan), shape, nothing, nothing, reason)


def compute_of(table: RunTable, used: list[Budget]) -> Compute:
    """κ(N) of some budgets' rows, or of the whole table where there are none."""
    rows = np.concatenate([budget.rows for budget in used]) if used else np.arange(len(table))
    return Compute.from_runs(table.n_params[rows], table.n_tokens[rows], table.flops[rows])


def noise_floor(table: RunTable) -> float:
    """Variance of rounding, which stands for the noise of exact data."""
    return float(np.square(1e-12 * table.loss.mean()))


NUMBERS = {
    "parabola": ("center_log_n_params", "c0", "c1", "c2"),
    "exact": ("center_log_n_params", "center_log_n_tokens", "E", "P", "R", "alpha", "beta"),
}
"""What an entry keeps of each shape; an entry that names no shape is a parabola."""


def has_curve(optimum: Mapping[str, Any]) -> bool:
    """Whether an entry has every number of its shape."""
    return all(optimum.get(name) is not None for name in NUMBERS[_shape(optimum)])


def predicted(optimum: Mapping[str, Any], log_n: Array, log_tokens: Array) -> Array:
    """The curve's loss in nats at ln N and ln D.

    A parabola is c0 + c1·x + c2·x² in x = ln N − centre, whatever D; the exact shape E + P·exp(−α·x) + R·exp(−β·z) has
    z = ln D − centre, so that the compute of each run counts as it was.
    """
    numbers = [optimum[name] for name in NUMBERS[_shape(optimum)]]
    if _shape(optimum) == "parabola":
        center, *coefficients = numbers
        return np.asarray(np.polynomial.polynomial.polyval(log_n - center, coefficients))
    u, v, E, P, R, alpha, beta = numbers
    return np.asarray(E + P * np.exp(-alpha * (log_n - u)) + R * np.exp(-beta * (log_tokens - v)))


def _shape(optimum: Mapping[str, Any]) -> str:
    return str(optimum.get("shape", "parabola"))
