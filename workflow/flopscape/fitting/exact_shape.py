"""The exact shape of a budget's curve: E + P·exp(−α·x) + R·exp(−β·z), with α and β shared by all budgets.

x = ln N and z = ln D, each less its mean over the budget. It is the slice that L = E + A·N^−α + B·D^−β (Hoffmann et al.
2022, equation 2) leaves at one compute: with D = C/(κ·N) and constant κ, z = −x and the last term is R·exp(β·x). With
each row's own D the shape stays exact where κ falls with N and where runs miss their budget. E, P and R are the
budget's own, and only where its curve is lowest is kept, under its compute and κ(N): unlike a parabola's, that vertex
has no bias when the sizes are off-centre or far apart. α and β are what the shapes need, and far less certain than
those of a fitted surface.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from flopscape.fitting import linear, shared_exponents, varpro
from flopscape.fitting.budget_curves import Budget
from flopscape.fitting.quantities import Quantities
from flopscape.fitting.shared_exponents import Blocks
from flopscape.fitting.table import RunTable
from flopscape.fitting.varpro import Solution
from flopscape.laws.arrays import Array, Index, Mask
from flopscape.laws.compute import Compute


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
        return np.asarray((exponents <= varpro.LOWEST) | (exponents >= varpro.HIGHEST))

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
        return self.loss - self.solution.coefficients[0, self.member, 0] - self.terms.sum(axis=0)

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
    solution = shared_exponents.solve(blocks, loss[None])
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
    quantities = Quantities((float(center[0]), float(center[1])), (flops,), compute)
    values, gradients = quantities.evaluate(parameters)
    return values[:, -2:], gradients[:, -2:]
