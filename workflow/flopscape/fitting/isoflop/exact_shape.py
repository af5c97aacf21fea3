"""The exact shape of a budget's curve, E + P·exp(−α·x) + R·exp(−β·z), with α and β shared by all budgets.

x = ln N and z = ln D, each less its mean over the budget. The surface L = E + A·N^−α + B·D^−β (Hoffmann et al. 2022,
equation 2) leaves just this at one compute: with N = exp(ū + x) and D = exp(v̄ + z) the terms are
(A·exp(−α·ū))·exp(−α·x) and (B·exp(−β·v̄))·exp(−β·z), so that P and R are amplitudes at the budget's centre (ū, v̄). With
D = C/(κ·N) and constant κ, z = −x and the last term is R·exp(β·x). With each row's own D the shape stays exact where κ
falls with N and where runs miss their budget. E, P and R are the budget's own, and only where its curve is lowest is
kept, under its compute and κ(N): unlike a parabola's, that vertex has no bias when the sizes are off-centre or far
apart. α and β are what the shapes need, and far less certain than those of a fitted surface.

The block solve. For fixed (α, β) the sum of squares falls apart into one linear problem in (E_i ≥ 0, P_i ≥ 0, R_i ≥ 0)
per budget i, which the kernel (surface/variable_projection.py) solves with the gradient and Hessian in (α, β) of what
is left. A sum over budgets has the sum of the gradients and of the Hessians; so the search over all budgets is Newton's
method on two exponents alone, however many budgets there are, started from the lowest point of a grid of exponents, for
thousands of loss vectors of one design at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from flopscape.fitting.common import linear
from flopscape.fitting.isoflop.curves import Budget
from flopscape.fitting.surface import global_starts, variable_projection
from flopscape.fitting.surface.coordinates import surface_quantities
from flopscape.fitting.surface.variable_projection import Problem, Solution, State
from flopscape.laws.law import Array, Compute, Index, Mask
from flopscape.runs.table import RunTable

GRID = np.geomspace(0.01, 4.0, 32)
"""Exponents of the starts, wider than a surface's: one slice of a surface says little about either exponent alone."""


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
        # The first row of a budget is where the ones before it end; a short budget repeats its last row, without
        # weight.
        rows = (np.cumsum(count) - count)[:, None] + np.minimum(place, count[:, None] - 1)
        return cls(rows, u[:, rows], np.where(place < count[:, None], weights[rows], 0.0))

    @property
    def count(self) -> int:
        """How many budgets there are: m."""
        return len(self.weights)


def solve(blocks: Blocks, losses: Array, grid: Array = GRID) -> Solution:
    """Global optimum for every row of `losses` (R, n): coefficients (E, P, R) of shape (R, m, 3), exponents (R, 2)."""
    # A table is m·w rows, padding included: as many tables at a time as make four of the kernel's blocks, so that
    # memory does not grow with their number.
    size = max(1, variable_projection.BLOCK_ELEMENTS * 4 // blocks.weights.size)
    parts = []
    for first in range(0, len(losses), size):
        part = losses[first : first + size]
        parts.append(newton(blocks, part, _starts(blocks, part, grid)))
    return Solution(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def newton(blocks: Blocks, losses: Array, exponents: Array) -> Solution:
    """Minimise from given exponents (R, 2)."""
    # Σ w·y² of each table, against which the search tells an exact fit; padded rows weigh nothing in it.
    squares = np.einsum("rmw,mw->r", losses[:, blocks.rows] ** 2, blocks.weights)
    return variable_projection.descend(objective(blocks, losses), exponents, squares)


def objective(blocks: Blocks, losses: Array) -> Callable[[Index, Array], State]:
    """The projected problem of the loss vectors `at` at exponents (len(at), 2), summed over the budgets."""
    y, m = losses[:, blocks.rows], blocks.count

    def state_at(at: Index, theta: Array) -> State:
        R, w = len(at), blocks.weights.shape[1]
        # Problem r·m + i of the kernel is budget i of table r: the design is repeated table by table, and the exponents
        # of a table once for each of its budgets.
        u, weights = np.tile(blocks.u, (1, R, 1)), np.tile(blocks.weights, (R, 1))
        each = variable_projection.evaluate(u, y[at].reshape(R * m, w), weights, np.repeat(theta, m, axis=0))
        c, value, gradient, hessian = (part.reshape(R, m, *part.shape[1:]) for part in each)
        return State(c, value.sum(axis=1), gradient.sum(axis=1), hessian.sum(axis=1))

    return state_at


def _starts(blocks: Blocks, losses: Array, grid: Array) -> Array:
    """Exponents of the lowest point of each loss vector on the grid, shape (R, 2)."""
    # One budget after the other: its terms e^(−θ·u) on the grid are the same for all tables, and what the budgets leave
    # over at each of the G × G pairs (α, β) adds up.
    total = np.zeros((len(losses), len(grid), len(grid)))
    for u, weights, rows in zip(blocks.u.swapaxes(0, 1), blocks.weights, blocks.rows, strict=True):
        problem = Problem(u, losses[:, rows])
        total += global_starts.objective(problem, np.tile(weights, (len(losses), 1)), grid)
    lowest = np.unravel_index(total.reshape(len(losses), -1).argmin(axis=1), total.shape[1:])
    return np.stack([grid[index] for index in lowest], axis=1)


@dataclass(frozen=True)
class SharedDesign:
    """n rows of m budgets whose curves share α and β; the same for all tables of a design.

    `rows` (n,) are places among the table's rows, `member` (n,) the budget of each. `u` (2, n) are ln N and ln D less
    the budget's `center` (m, 2); `weights` (n,) are the rows'; `blocks` holds all that for the search.
    """

    budgets: Sequence[Budget]
    rows: Index
    member: Index
    center: Array
    u: Array
    weights: Array
    blocks: Blocks

    @classmethod
    def of(cls, table: RunTable, budgets: Sequence[Budget], weights: Array) -> Self:
        """The rows of some budgets of a table; `weights` are of all the table's rows."""
        rows = np.concatenate([budget.rows for budget in budgets])
        member = np.repeat(np.arange(len(budgets)), [len(budget.rows) for budget in budgets])
        logs = np.log(np.stack([table.n_params[rows], table.n_tokens[rows]]))
        # `bincount` with weights sums a column within each budget; over the counts of rows it is the mean.
        center = np.stack([np.bincount(member, values) for values in logs], axis=1) / np.bincount(member)[:, None]
        u = logs - center[member].T
        return cls(budgets, rows, member, center, u, weights[rows], Blocks.of(u, weights[rows], member))

    def solve(self, losses: Array) -> Solution:
        """Global optima for the losses (R, rows of the table) of R tables."""
        return solve(self.blocks, losses[:, self.rows])

    def vertices(self, solution: Solution, compute: Compute) -> tuple[Array, Array]:
        """(ln N, loss) where each curve is lowest, (R, m, 2), and its derivatives in all parameters, (R, 2m, 3m + 2).

        A curve's lowest point depends on its own E, P and R and on the shared exponents, so that all other derivatives
        are zero; through the last two columns an error of α or β moves all budgets' points together.
        """
        parameters, m = budget_parameters(solution), len(self.budgets)
        points, J = np.zeros((len(parameters), m, 2)), np.zeros((len(parameters), m, 2, 3 * m + 2))
        for i, budget in enumerate(self.budgets):
            points[:, i], gradient = vertices(parameters[:, i], self.center[i], budget.flops, compute)
            # J[:, i] is a view of the two rows of budget i, so that this writes into J: its own three columns and the
            # last two.
            J[:, i][:, :, [3 * i, 3 * i + 1, 3 * i + 2, -2, -1]] = gradient
        return points, J.reshape(len(parameters), 2 * m, -1)


def budget_parameters(solution: Solution) -> Array:
    """(E, ln P, ln R, α, β) of every table and budget, shape (R, m, 5)."""
    c = solution.coefficients
    shared = np.broadcast_to(solution.exponents[:, None], (*c.shape[:2], 2))
    # An amplitude of zero has the logarithm −∞; `shared_fits` asks for no vertex of such a budget.
    with np.errstate(divide="ignore"):
        return np.concatenate([c[..., :1], np.log(c[..., 1:]), shared], axis=2)


@dataclass(frozen=True)
class SharedFit:
    """The shared fit of one table: its losses (n,) at the design's rows, and the optimum (R = 1).

    All parameters together are (E, ln P, ln R) of one budget after the other, then α and β: 3m + 2.
    """

    design: SharedDesign
    loss: Array
    solution: Solution

    @property
    def on_bound(self) -> Mask:
        """Whether α and β are on a bound of the search."""
        exponents = self.solution.exponents[0]
        return np.asarray((exponents <= variable_projection.LOWEST) | (exponents >= variable_projection.HIGHEST))

    @property
    def free(self) -> Mask:
        """Which of all parameters are off their bounds, shape (3m + 2,)."""
        # What non-negativity or a bound holds in its place does not move with the noise of the losses.
        own = self.solution.coefficients[0] > 0
        return np.concatenate([own.ravel(), ~self.on_bound])

    @cached_property
    def terms(self) -> Array:
        """P·exp(−α·x) and R·exp(−β·z) of each row, shape (2, n)."""
        amplitudes = self.solution.coefficients[0, self.design.member, 1:].T
        return np.asarray(amplitudes * np.exp(-self.solution.exponents[0][:, None] * self.design.u))

    @property
    def residual(self) -> Array:
        """Measured less predicted loss of each row."""
        return np.asarray(self.loss - self.solution.coefficients[0, self.design.member, 0] - self.terms.sum(axis=0))

    @property
    def jacobian(self) -> Array:
        """Derivatives of the predicted losses in all parameters, shape (n, 3m + 2)."""
        n, m = len(self.loss), len(self.design.budgets)
        rows, own = np.arange(n), 3 * self.design.member
        J = np.zeros((n, 3 * m + 2))
        # Of E + P·exp(−α·x) + R·exp(−β·z): 1 in E, the terms themselves in ln P and ln R, and −x and −z times them in
        # α, β.
        J[rows, own] = 1.0
        J[rows, own + 1], J[rows, own + 2] = self.terms
        J[:, -2:] = -(self.design.u * self.terms).T
        return J

    @cached_property
    def scaled_jacobian(self) -> tuple[Array, Array]:
        """The weighted derivatives in the free parameters with columns of unit length (n, free), and those lengths."""
        J = self.jacobian[:, self.free]
        J *= np.sqrt(self.design.weights)[:, None]
        lengths = np.linalg.norm(J, axis=0)
        # Columns of unit length, so that the condition number says what the design tells apart, and not units.
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

    @property
    def dof(self) -> int:
        """Degrees of freedom of the noise: how many rows there are beyond the parameters."""
        # Those on a bound count as well, for where they end is the noise's doing; the variance is then rather too large
        # than too small.
        return len(self.loss) - 3 * len(self.design.budgets) - 2

    @property
    def noise(self) -> float:
        """Variance of a row of weight one, in nats²: the weighted squares over their degrees of freedom."""
        return float(self.design.weights @ self.residual**2) / self.dof

    @cached_property
    def unit_factor(self) -> Array:
        """F (3m + 2, free) with F·Fᵀ the covariance of all parameters for unit noise, zero for those on a bound.

        With the scaled Jacobian Q·U and its column lengths ℓ, √W·J = Q·U·diag(ℓ): so (JᵀWJ)⁻¹ = F·Fᵀ for
        F = diag(1/ℓ)·U⁻¹. The factor and not the product is kept, for products of it stay positive definite.
        """
        inverse = linear.inverse(self.triangle)
        factor = np.zeros((len(self.free), len(inverse)))
        factor[self.free] = inverse / self.scaled_jacobian[1][:, None]
        return factor

    @property
    def leverage(self) -> Array:
        """Leverage of each row, shape (n,): the squared length of its row of Q = J·U⁻¹."""
        # The diagonal of the hat matrix Q·Qᵀ: the part of a row's own noise that its fitted loss takes up.
        return np.asarray(((self.scaled_jacobian[0] @ linear.inverse(self.triangle)) ** 2).sum(axis=1))


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
    # A budget's curve is a surface along the budget's C, with amplitudes at the centre: it is lowest at the optimum of
    # that surface, and the last two of a surface's quantities are ln N* and L* at the asked C.
    values, gradients = quantities.evaluate(parameters)
    return values[:, -2:], gradients[:, -2:]
