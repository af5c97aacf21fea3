"""What every shape of approach2's curves gives: one curve of loss against size per budget, and where it is lowest.

Both shapes (parabola.py, exact_curves.py) work on the losses of R tables of one design at once, for a study's twin has
thousands of them; a fit of measured losses is the case R = 1. The numbers that the power laws are fitted to are the
`LowestPoints` of many tables; what a result tells of a single table's curves is its `CurveFit`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flopscape.fitting.judge.verdict import finite_or_none
from flopscape.laws.law import Array, Compute, Index
from flopscape.runs.table import RunTable
from flopscape.text import numbers


@dataclass(frozen=True)
class Budget:
    """The rows of one budget; `budget` is its name, `flops` the geometric mean of what its runs cost."""

    budget: float
    flops: float
    rows: Index
    log_n: Array

    @property
    def n_sizes(self) -> int:
        """How many different N its runs have."""
        return len(np.unique(self.log_n))

    def why_unused(self, vertex: float) -> str:
        """Why a lowest point at ln N = vertex, NaN for none, is no optimum; or nothing."""
        if not np.isfinite(vertex):
            return "the curvature is not positive: no lowest point"
        low, high = self.log_n.min(), self.log_n.max()
        if not low < vertex < high:
            side = "below" if vertex <= low else "above"
            sizes = " to ".join(numbers.count(float(np.exp(end))) for end in (low, high))
            return f"the lowest point lies {side} the sizes {sizes}"
        return ""


@dataclass(frozen=True)
class LowestPoints:
    """Where the curves of R tables of one design are lowest, at the m budgets that all of these tables use."""

    tables: Index
    """Shape (R,): which of the fitted tables these are."""
    budgets: Sequence[Budget]
    """The m used budgets, smallest first."""
    points: Array
    """Shape (R, m, 2): ln N and the loss in nats."""
    covariance: Array
    """Shape (R, m, 2, m, 2): of all points of a table together."""
    variance: Array
    """Shape (R, m): the noise of a row of weight one in each budget, in nats²."""
    dof: int
    """Degrees of freedom from which the noise is known; 0 where it is not."""
    compute: Compute
    """κ(N) of C = κ(N)·N·D, which gives D at each point."""

    @property
    def log_flops(self) -> Array:
        """ln C of each budget, shape (m,)."""
        return np.log([budget.flops for budget in self.budgets])

    @property
    def center(self) -> float:
        """Mean ln C, to which the power laws refer."""
        return float(self.log_flops.mean())

    @property
    def slope_of_tokens(self) -> Array:
        """d ln D/d ln N at each point for given C, shape (R, m): −(1 + d ln κ/d ln N), as ln D = ln C − ln κ − ln N."""
        return -(1 + self.compute.curve(self.points[:, :, 0])[1])

    @property
    def log_tokens(self) -> Array:
        """ln D of each point, shape (R, m)."""
        return self.compute.tokens(self.points[:, :, 0], np.exp(self.log_flops))


@dataclass(frozen=True)
class BudgetCurve:
    """One budget's curve in one table.

    `vertex` is (ln N, loss) at its lowest point and `covariance` (2, 2) the error of that, NaN where there is none.
    `shape` are the numbers that `predicted` needs, None where there is no curve; `residual` (nats) and `leverage` have
    one entry a row. `reason` says why the vertex is not used.
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
        """Whether its vertex is a point of the power laws."""
        return not self.reason

    @property
    def name(self) -> str:
        """The budget as sentences name it."""
        return f"budget {numbers.flops(self.budget.budget)}"

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
    """The curves of one table's budgets, smallest first, and the lowest points of the used ones (R = 1).

    `parameters` counts those of all curves; `weights` (n,) are the rows'. `refusal` says why there are no curves.
    """

    curves: list[BudgetCurve]
    lowest: LowestPoints
    parameters: int
    weights: Array
    diagnostics: dict[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    refusal: str = ""

    @property
    def used(self) -> list[BudgetCurve]:
        """The curves whose vertices are the points of the power laws."""
        return [curve for curve in self.curves if curve.used]


def budgets_of(table: RunTable, fewest_sizes: int = 1) -> list[Budget]:
    """The budgets of a table with so many sizes, smallest first; rows outside every budget are in none."""
    listed = []
    for budget in np.unique(table.budget[np.isfinite(table.budget)]):
        rows = np.flatnonzero(table.budget == budget)
        # The geometric mean, for C enters every law by its logarithm.
        flops = float(np.exp(np.log(table.flops[rows]).mean()))
        listed.append(Budget(float(budget), flops, rows, np.log(table.n_params[rows])))
    return [budget for budget in listed if budget.n_sizes >= fewest_sizes]


def by_used_budgets(points: Array, budgets: Sequence[Budget]) -> Iterator[tuple[Index, Index]]:
    """Tables that use the same budgets, those whose lowest point lies among the sizes.

    Parameters
    ----------
    points : array, shape (R, m, 2)
        (ln N, loss) of every budget, NaN where there is none.
    budgets : sequence of m budgets

    Yields
    ------
    Indices of the tables and of their used budgets; with R = 1 exactly one pair.
    """
    # Shape (m, 2), also where m = 0.
    ends = np.array([[budget.log_n.min(), budget.log_n.max()] for budget in budgets]).reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        # A comparison with NaN is false: a table does not use a budget that has no lowest point.
        inside = (points[..., 0] > ends[:, 0]) & (points[..., 0] < ends[:, 1])
    # Tables of one pattern have the same budgets, and so the same ln C and projector of their lines: thousands of
    # tables fall into a few patterns, and all of a pattern are fitted as one array.
    patterns, which = np.unique(inside, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        yield np.flatnonzero(which.ravel() == i), np.flatnonzero(pattern)


def no_curve(budget: Budget, shape: dict[str, Any], reason: str) -> BudgetCurve:
    """A budget without a curve; `shape` names the numbers that it lacks."""
    nothing = np.full(len(budget.rows), np.nan)
    return BudgetCurve(budget, np.full(2, np.nan), np.full((2, 2), np.nan), shape, nothing, nothing, reason)


def no_points(tables: Index, compute: Compute) -> LowestPoints:
    """The lowest points of tables that use no budget at all."""
    count = len(tables)
    empty = np.zeros((count, 0, 2)), np.zeros((count, 0, 2, 0, 2)), np.zeros((count, 0))
    return LowestPoints(tables, [], *empty, 0, compute)


def compute_of(table: RunTable, used: Sequence[Budget]) -> Compute:
    """κ(N) of some budgets' rows, or of the whole table where there are none."""
    rows = np.concatenate([budget.rows for budget in used]) if used else np.arange(len(table))
    return Compute.from_runs(table.n_params[rows], table.n_tokens[rows], table.flops[rows])


def noise_floor(losses: Array) -> Array:
    """Variance of rounding for the losses (R, n) of each table, which stands for the noise of exact data."""
    # 1e-12 of the mean loss: a double's 1e-16, and four digits that a solution may lose to the condition of a design.
    return np.asarray(np.square(1e-12 * losses.mean(axis=1)))


NUMBERS = {
    "parabola": ("center_log_n_params", "c0", "c1", "c2"),
    "exact": ("center_log_n_params", "center_log_n_tokens", "E", "P", "R", "alpha", "beta"),
}
"""What an entry keeps of each shape; an entry that names no shape is a parabola."""


def has_curve(optimum: Mapping[str, Any]) -> bool:
    """Whether an entry of `FitResult.optima` has every number of its shape."""
    return all(optimum.get(name) is not None for name in NUMBERS[_shape(optimum)])


def predicted(optimum: Mapping[str, Any], log_n: Array, log_tokens: Array) -> Array:
    """The loss in nats at ln N and ln D on the curve behind an entry of `FitResult.optima`.

    A parabola is c0 + c1·x + c2·x² in x = ln N − centre, whatever D; the exact shape E + P·exp(−α·x) + R·exp(−β·z) has
    z = ln D − centre, so that the compute of each run counts as it was.

    Examples
    --------
    >>> entry = {"shape": "parabola", "center_log_n_params": 16.0, "c0": 3.0, "c1": 0.0, "c2": 0.25}
    >>> float(predicted(entry, 18.0, 21.0))
    4.0
    """
    numbers = [optimum[name] for name in NUMBERS[_shape(optimum)]]
    if _shape(optimum) == "parabola":
        center, *coefficients = numbers
        return np.asarray(np.polynomial.polynomial.polyval(log_n - center, coefficients))
    u, v, E, P, R, alpha, beta = numbers
    return np.asarray(E + P * np.exp(-alpha * (log_n - u)) + R * np.exp(-beta * (log_tokens - v)))


def _shape(optimum: Mapping[str, Any]) -> str:
    return str(optimum.get("shape", "parabola"))
