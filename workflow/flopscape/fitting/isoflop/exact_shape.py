"""Least squares of E_i + P_i·exp(−α·u) + R_i·exp(−β·v) with E_i, P_i, R_i ≥ 0 per budget i and α, β common to all.

For fixed (α, β) every budget is a problem of the kernel, varpro.py; the objectives, their gradients and their Hessians
add up over the budgets. So the search is the kernel's: a global start from the exponent grid, then Newton's method on
two exponents, for thousands of loss vectors on one design.

The exact shape of a budget's curve: E + P·exp(−α·x) + R·exp(−β·z), with α and β shared by all budgets.

x = ln N and z = ln D, each less its mean over the budget. It is the slice that L = E + A·N^−α + B·D^−β (Hoffmann et al.
2022, equation 2) leaves at one compute: with D = C/(κ·N) and constant κ, z = −x and the last term is R·exp(β·x). With
each row's own D the shape stays exact where κ falls with N and where runs miss their budget. E, P and R are the
budget's own, and only where its curve is lowest is kept, under its compute and κ(N): unlike a parabola's, that vertex
has no bias when the sizes are off-centre or far apart. α and β are what the shapes need, and far less certain than
those of a fitted surface.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from flopscape.fitting.common import linear
from flopscape.fitting.isoflop.curves import Budget
from flopscape.fitting.surface import global_starts, variable_projection
from flopscape.fitting.surface.coordinates import surface_quantities
from flopscape.fitting.surface.variable_projection import Problem, Solution, State
from flopscape.laws.arrays import Array, Index, Mask
from flopscape.laws.compute import Compute
from flopscape.runs.table import RunTable

GRID = np.geomspace(0.01, 4.0, 32)
"""Exponents of the starts, wider than varpro's: one slice of a surface says little about either exponent alone."""


@dataclass(frozen=True)
class Blocks:
    """n rows in m budgets of at most w rows, padded with rows of weight zero.

    `rows` (m, w) are positions among the n; `u` (2, m, w) are ln N and ln D centred at their budget's means; `weights`
    (m, w) are the rows'.
    """

    rows: Index
    u: Array
    weights: Array

    @classmethod
    def of(cls, u: Array, weights: Array, member: Index) -> Self:
        """Blocks of logs (2, n) and weights (n,), where `member` (n,) counts up through the budgets."""
        count = np.bincount(member)
        place = np.arange(count.max())
        rows = (np.cumsum(count) - count)[:, None] + np.minimum(place, count[:, None] - 1)
        return cls(rows, u[:, rows], np.where(place < count[:, None], weights[rows], 0.0))

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.weights)


def solve(blocks: Blocks, losses: Array, grid: Array = GRID) -> Solution:
    """Global optimum for every row of `losses` (R, n): coefficients (E, P, R) of shape (R, m, 3), exponents (R, 2)."""
    size = max(1, variable_projection.BLOCK_ELEMENTS * 4 // blocks.weights.size)
    parts = []
    for first in range(0, len(losses), size):
        part = losses[first : first + size]
        parts.append(newton(blocks, part, _starts(blocks, part, grid)))
    return Solution(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def newton(blocks: Blocks, losses: Array, exponents: Array) -> Solution:
    """Minimise from given exponents (R, 2)."""
    squares = np.einsum("rmw,mw->r", losses[:, blocks.rows] ** 2, blocks.weights)
    return variable_projection.descend(objective(blocks, losses), exponents, squares)


def objective(blocks: Blocks, losses: Array) -> Callable[[Index, Array], State]:
    """The projected problem of the loss vectors `at` at exponents (len(at), 2), summed over the budgets."""
    y, m = losses[:, blocks.rows], blocks.count

    def state_at(at: Index, theta: Array) -> State:
        R, w = len(at), blocks.weights.shape[1]
        u, weights = np.tile(blocks.u, (1, R, 1)), np.tile(blocks.weights, (R, 1))
        each = variable_projection.evaluate(u, y[at].reshape(R * m, w), weights, np.repeat(theta, m, axis=0))
        c, value, gradient, hessian = (part.reshape(R, m, *part.shape[1:]) for part in each)
        return State(c, value.sum(axis=1), gradient.sum(axis=1), hessian.sum(axis=1))

    return state_at


def _starts(blocks: Blocks, losses: Array, grid: Array) -> Array:
    """Exponents of the lowest point of each loss vector on the grid, shape (R, 2)."""
    total = np.zeros((len(losses), len(grid), len(grid)))
    for u, weights, rows in zip(blocks.u.swapaxes(0, 1), blocks.weights, blocks.rows, strict=True):
        problem = Problem(u, losses[:, rows])
        total += global_starts.objective(problem, np.tile(weights, (len(losses), 1)), grid)
    lowest = np.unravel_index(total.reshape(len(losses), -1).argmin(axis=1), total.shape[1:])
    return np.stack([grid[index] for index in lowest], axis=1)


@dataclass(frozen=True)
class SharedFit:
    """The shared fit of m budgets: their n rows, `member` (n,) the budget of each, and the optimum (R = 1).

    `u` (2, n) are ln N and ln D less the budget's `center` (m, 2); `blocks` holds both for the search. All
    parameters together are (E, ln P, ln R) of one budget after the other, then α and β: 3m + 2.
    """

    budgets: list[Budget]
    member: Index
    center: Array
    u: Array
    weights: Array
    loss: Array
    blocks: Blocks
    solution: Solution

    @property
    def two_sided(self) -> Mask:
        """Which budgets' curves fall and rise: the others have no lowest point."""
        return np.asarray((self.solution.coefficients[0, :, 1:] > 0).all(axis=1))

    @property
    def on_bound(self) -> Mask:
        """Whether α and β are on a bound of the search."""
        exponents = self.solution.exponents[0]
        return np.asarray((exponents <= variable_projection.LOWEST) | (exponents >= variable_projection.HIGHEST))

    @property
    def parameters(self) -> Array:
        """(E, ln P, ln R, α, β) of each budget, shape (m, 5)."""
        c = self.solution.coefficients[0]
        return np.column_stack([c[:, 0], np.log(c[:, 1:]), np.tile(self.solution.exponents, (len(c), 1))])

    @property
    def free(self) -> Mask:
        """Which of all parameters are off their bounds, shape (3m + 2,)."""
        own = self.solution.coefficients[0] > 0
        return np.concatenate([own.ravel(), ~self.on_bound])

    @cached_property
    def terms(self) -> Array:
        """P·exp(−α·x) and R·exp(−β·z) of each row, shape (2, n)."""
        amplitudes = self.solution.coefficients[0, self.member, 1:].T
        return np.asarray(amplitudes * np.exp(-self.solution.exponents[0][:, None] * self.u))

    @property
    def residual(self) -> Array:
        """Measured less predicted loss of each row."""
        return np.asarray(self.loss - self.solution.coefficients[0, self.member, 0] - self.terms.sum(axis=0))

    @property
    def jacobian(self) -> Array:
        """Derivatives of the predicted losses in all parameters, shape (n, 3m + 2)."""
        n, m = len(self.loss), len(self.budgets)
        rows, own = np.arange(n), 3 * self.member
        J = np.zeros((n, 3 * m + 2))
        J[rows, own] = 1.0
        J[rows, own + 1], J[rows, own + 2] = self.terms
        J[:, -2:] = -(self.u * self.terms).T
        return J

    @cached_property
    def scaled_jacobian(self) -> tuple[Array, Array]:
        """The weighted derivatives in the free parameters with columns of unit length (n, free), and those lengths."""
        J = self.jacobian[:, self.free]
        J *= np.sqrt(self.weights)[:, None]
        lengths = np.linalg.norm(J, axis=0)
        J /= lengths
        return J, lengths

    @cached_property
    def triangle(self) -> Array:
        """R of the scaled Jacobian's QR decomposition."""
        return np.asarray(np.linalg.qr(self.scaled_jacobian[0], mode="r"))

    @property
    def condition(self) -> float:
        """Condition number of the scaled Jacobian."""
        return linear.condition(self.triangle)


def fit_shared(table: RunTable, budgets: list[Budget], weights: Array) -> SharedFit:
    """Global optimum over the rows of some budgets; `weights` are of the table's rows."""
    rows = np.concatenate([budget.rows for budget in budgets])
    member = np.repeat(np.arange(len(budgets)), [len(budget.rows) for budget in budgets])
    logs = np.log(np.stack([table.n_params[rows], table.n_tokens[rows]]))
    center = np.stack([np.bincount(member, values) for values in logs], axis=1) / np.bincount(member)[:, None]
    u, loss = logs - center[member].T, table.loss[rows]
    blocks = Blocks.of(u, weights[rows], member)
    solution = solve(blocks, loss[None])
    return SharedFit(budgets, member, center, u, weights[rows], loss, blocks, solution)


def vertices(parameters: Array, center: Array, flops: float, compute: Compute) -> tuple[Array, Array]:
    """(ln N, loss) where curves of one budget are lowest, and its derivatives.

    Parameters
    ----------
    parameters : array, shape (R, 5)
        (E, ln P, ln R, α, β), with P and R at the centre (ln N, ln D).
    center : array, shape (2,)
    flops : float
        The budget's compute C.
    compute : Compute
        κ(N): the minimum is searched along D = C/(κ(N)·N).

    Returns
    -------
    points (R, 2) and gradients (R, 2, 5).
    """
    quantities = surface_quantities((float(center[0]), float(center[1])), (flops,), compute)
    values, gradients = quantities.evaluate(parameters)
    return values[:, -2:], gradients[:, -2:]
