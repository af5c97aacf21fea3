"""Least squares of E_i + P_i·exp(−α·u) + R_i·exp(−β·v) with E_i, P_i, R_i ≥ 0 per budget i and α, β common to all.

For fixed (α, β) every budget is a problem of the kernel, varpro.py, in which the other budgets' rows weigh nothing; the
objectives, their gradients and their Hessians add up over the budgets. So the search is the kernel's: a global start
from the exponent grid, then Newton's method on two exponents, for thousands of loss vectors on one design.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from flopscape.fitting import varpro
from flopscape.fitting.varpro import Problem, Solution, State
from flopscape.laws.arrays import Array, Index

GRID = np.geomspace(0.01, 4.0, 32)
"""Exponents of the starts, wider than varpro's: one slice of a surface says little about either exponent alone."""


@dataclass(frozen=True)
class Blocks:
    """n rows in m budgets.

    `u` (2, n) are ln N and ln D centred at their budget's means; `weights` (m, n) are each budget's own rows' weights,
    zero for the rows of the others.
    """

    u: Array
    weights: Array

    @property
    def count(self) -> int:
        return len(self.weights)

    def without(self, budgets: Index) -> "Blocks":
        """The same rows, those of some budgets without weight."""
        weights = self.weights.copy()
        weights[budgets] = 0.0
        return Blocks(self.u, weights)


def solve(blocks: Blocks, losses: Array, grid: Array = GRID) -> Solution:
    """Global optimum for every row of `losses` (R, n): coefficients (E, P, R) of shape (R, m, 3), exponents (R, 2)."""
    size = max(1, varpro.CHUNK_ELEMENTS // blocks.weights.size)
    features = varpro.grid_features(Problem(blocks.u, losses), grid)
    parts = [_solve(blocks, losses[first : first + size], grid, features) for first in range(0, len(losses), size)]
    return Solution(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def newton(blocks: Blocks, losses: Array, exponents: Array) -> Solution:
    """Minimise from given exponents (R, 2)."""
    squares = losses**2 @ blocks.weights.sum(axis=0)
    return varpro.descend(objective(blocks, losses), exponents, squares)


def objective(blocks: Blocks, losses: Array) -> Callable[[Index, Array], State]:
    """The projected problem of the loss vectors `at` at exponents (len(at), 2), summed over the budgets."""
    root, m = np.sqrt(blocks.weights), blocks.count

    def state_at(at: Index, theta: Array) -> State:
        R = len(at)
        each = varpro.evaluate(
            blocks.u, np.repeat(losses[at], m, axis=0), np.tile(root, (R, 1)), np.repeat(theta, m, axis=0)
        )
        c, value, gradient, hessian = (part.reshape(R, m, *part.shape[1:]) for part in each)
        return State(c, value.sum(axis=1), gradient.sum(axis=1), hessian.sum(axis=1))

    return state_at


def _solve(blocks: Blocks, losses: Array, grid: Array, features: list[Array]) -> Solution:
    R, m = len(losses), blocks.count
    problem = Problem(blocks.u, np.repeat(losses, m, axis=0))
    values = varpro.grid_objective(problem, np.tile(blocks.weights, (R, 1)), features)
    lowest = values.reshape(R, m, -1).sum(axis=1).argmin(axis=1)
    starts = np.stack([grid[index] for index in np.unravel_index(lowest, values.shape[1:])], axis=1)
    return newton(blocks, losses, starts)
