"""Least squares of E_i + P_i·exp(−α·u) + R_i·exp(−β·v) with E_i, P_i, R_i ≥ 0 per budget i and α, β common to all.

For fixed (α, β) every budget is a problem of the kernel, varpro.py; the objectives, their gradients and their Hessians
add up over the budgets. So the search is the kernel's: a global start from the exponent grid, then Newton's method on
two exponents, for thousands of loss vectors on one design.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from flopscape.fitting import varpro
from flopscape.fitting.varpro import Problem, Solution, State
from flopscape.laws.arrays import Array, Index

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
        return len(self.weights)


def solve(blocks: Blocks, losses: Array, grid: Array = GRID) -> Solution:
    """Global optimum for every row of `losses` (R, n): coefficients (E, P, R) of shape (R, m, 3), exponents (R, 2)."""
    size = max(1, varpro.BLOCK_ELEMENTS * 4 // blocks.weights.size)
    parts = []
    for first in range(0, len(losses), size):
        part = losses[first : first + size]
        parts.append(newton(blocks, part, _starts(blocks, part, grid)))
    return Solution(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def newton(blocks: Blocks, losses: Array, exponents: Array) -> Solution:
    """Minimise from given exponents (R, 2)."""
    squares = np.einsum("rmw,mw->r", losses[:, blocks.rows] ** 2, blocks.weights)
    return varpro.descend(objective(blocks, losses), exponents, squares)


def objective(blocks: Blocks, losses: Array) -> Callable[[Index, Array], State]:
    """The projected problem of the loss vectors `at` at exponents (len(at), 2), summed over the budgets."""
    y, m = losses[:, blocks.rows], blocks.count

    def state_at(at: Index, theta: Array) -> State:
        R, w = len(at), blocks.weights.shape[1]
        u, weights = np.tile(blocks.u, (1, R, 1)), np.tile(blocks.weights, (R, 1))
        each = varpro.evaluate(u, y[at].reshape(R * m, w), weights, np.repeat(theta, m, axis=0))
        c, value, gradient, hessian = (part.reshape(R, m, *part.shape[1:]) for part in each)
        return State(c, value.sum(axis=1), gradient.sum(axis=1), hessian.sum(axis=1))

    return state_at


def _starts(blocks: Blocks, losses: Array, grid: Array) -> Array:
    """Exponents of the lowest point of each loss vector on the grid, shape (R, 2)."""
    total = np.zeros((len(losses), len(grid), len(grid)))
    for u, weights, rows in zip(blocks.u.swapaxes(0, 1), blocks.weights, blocks.rows, strict=True):
        problem = Problem(u, losses[:, rows])
        total += varpro.grid_objective(problem, np.tile(weights, (len(losses), 1)), varpro.grid_features(problem, grid))
    lowest = np.unravel_index(total.reshape(len(losses), -1).argmin(axis=1), total.shape[1:])
    return np.stack([grid[index] for index in lowest], axis=1)
