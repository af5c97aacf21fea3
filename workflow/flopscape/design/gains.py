"""What a run would do to the intervals of N* and L*, before it is bought, and which runs to buy with so much.

Around its typical draw the answer is a normal distribution of all numbers of its law, drift and discrepancy
(fitting/drifting_law/shares.py): S = (P + F)⁻¹. With the gradients h of a candidate's loss and g of a target, and σ the
noise of a run,

    c = hᵀSg,    C = hᵀSh,    V = gᵀSg,

and when the run is finished, whatever its loss, the target's variance is V − c²/(C + σ²): the linear model's posterior
covariance does not depend on the losses. So it can be told before the run, and of many runs one after the other, since
S − S·h·hᵀS/(C + σ²) takes the place of S. The law alone is the same with the blocks of drift and discrepancy held at
zero, that is with the block of the law's numbers of P + F in place of the whole.

Runs are taken one by one, each the one of largest

    score = −Σ_j ln(1 − c_j²/((C + σ²)·V_j)) / cost^0.7,

which is twice what the logarithms of the targets' standard deviations fall by, over a cost whose power lies between
zero, where the largest runs win, and one, where the cheapest do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from flopscape.fitting.drifting_law.shares import BLOCKS, Shares
from flopscape.laws.law import Array

POWER = 0.7
LEAST_GAIN = 0.002
"""Twice what the logarithms of the targets' standard deviations fall by: a run of less moves no interval by more than a
thousandth of its width, and is not bought, however cheap it is."""


@dataclass(frozen=True)
class Known:
    """Targets (k, p) and losses of candidates (n, p) in numbers that are independent with a variance of one.

    So products of rows are covariances: `targets` with itself holds V on its diagonal, with `losses` c, and `losses`
    with itself C. `noise` is σ, in the unit of the losses. Candidates that are several runs bought together have
    losses of shape (n, runs, p), with errors that are independent.
    """

    targets: Array
    losses: Array
    noise: float

    @property
    def runs(self) -> Array:
        """The losses as (n, runs, p), also where each candidate is one run."""
        return self.losses[:, None] if self.losses.ndim == 2 else self.losses

    @property
    def sd(self) -> Array:
        """Standard deviations of the targets, shape (k,)."""
        return np.asarray(np.sqrt((self.targets**2).sum(axis=1)))

    @property
    def left(self) -> Array:
        """Part of each target's variance that is left after each candidate alone, shape (n, k).

        Of several runs c is a vector and C + σ² a matrix, and cᵀ(C + σ²)⁻¹c stands for c²/(C + σ²).
        """
        covariance = self.runs @ self.targets.T
        seen = self.runs @ self.runs.swapaxes(1, 2) + self.noise**2 * np.eye(self.runs.shape[1])
        told = (covariance * np.linalg.solve(seen, covariance)).sum(axis=1)
        return np.asarray(1 - told / (self.targets**2).sum(axis=1))

    def after(self, candidate: int) -> "Known":
        """When this candidate is finished.

        Notes
        -----
        With b its row, the covariance I of the numbers becomes I − b·bᵀ/(b·b + σ²) = (I − γ·b·bᵀ)² for
        γ·(2 − γ·b·b) = 1/(b·b + σ²), whose smaller solution is γ = (1 − √(σ²/(b·b + σ²)))/b·b. Rows times I − γ·b·bᵀ
        are again rows of numbers that are independent with a variance of one.
        """
        one = self
        for run in range(self.runs.shape[1]):
            b = one.runs[candidate, run]
            size = float(b @ b)
            part = (1 - np.sqrt(self.noise**2 / (size + self.noise**2))) / max(size, np.finfo(float).tiny)
            targets, losses = (rows - part * (rows @ b)[..., None] * b for rows in (one.targets, one.losses))
            one = Known(targets, losses, self.noise)
        return one


def known(shares: Shares, targets: Sequence[Array], losses: Array, noise: float, blocks: Sequence[str]) -> Known:
    """What the runs say of targets and losses, by their gradients (p + m,) and (n, p + m), with these blocks free."""
    free = np.concatenate([np.arange(losses.shape[1])[BLOCKS[name]] for name in blocks])
    return of_precision(shares.precision[np.ix_(free, free)], np.stack(targets)[:, free], losses[:, free], noise)


def of_precision(precision: Array, targets: Array, losses: Array, noise: float) -> Known:
    """The same of numbers with this precision (p, p), by gradients (k, p) and (n, p) or (n, runs, p)."""
    root = cholesky(precision, lower=True)
    white = (solve_triangular(root, rows.reshape(-1, len(root)).T, lower=True).T for rows in (targets, losses))
    of_targets, of_losses = white
    return Known(of_targets, of_losses.reshape(losses.shape), noise)


class Choice(NamedTuple):
    """A candidate that was taken, and its score then."""

    candidate: int
    score: float


def gains(beliefs: Sequence[Known]) -> Array:
    """Of each candidate (n,): −Σ ln(1 − c²/((C + σ²)·V)) over beliefs and targets."""
    return np.asarray(sum(-np.log(one.left).sum(axis=1) for one in beliefs))


def chosen(beliefs: Sequence[Known], cost: Array, spend: float, power: float = POWER) -> list[Choice]:
    """The runs that are bought with so much, in order.

    Each candidate is bought once, and none that gains nothing, so that money may be left.
    """
    taken: list[Choice] = []
    free, left = np.ones(len(cost), bool), spend
    while True:
        gain = gains(beliefs)
        usable = free & (cost <= left) & ((gain > LEAST_GAIN) | (len(taken) == 0))
        if not usable.any():
            return taken
        score = np.where(usable, gain / cost**power, -np.inf)
        best = int(score.argmax())
        taken.append(Choice(best, float(score[best])))
        beliefs = [one.after(best) for one in beliefs]
        free[best] = False
        left -= float(cost[best])
