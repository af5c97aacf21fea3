"""What runs would do to a comparison, before they are bought.

The least-squares fit of both recipes (comparison/joint_fit.py) is normal to first order around its optimum: with J the
derivatives of its whitened residuals, in units of σ, its precision is JᵀJ, and a run at N and D, whatever its loss,
adds h·hᵀ with h the derivatives of that loss. So the fit that is to be expected is known before the runs are. Two runs
of the two recipes that see their data in one order add the rows of their sum and of their difference
(comparison/pairs.py), and the latter has the smaller noise.

What decides is Δ = L*_A(C) − L*_B(C): the interval of m holds one where that of Δ holds zero. Runs are ranked by what
they narrow Δ by under the two beliefs of design/told.py: that the law is exact, here the joint surface, and that the
losses differ from it by all that the answers of both recipes believe that a law may miss. Most of the latter is common
to both recipes, and leaves Δ as it is.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from flopscape.comparison.joint_fit import JointFit, Observed
from flopscape.comparison.model import jacobian
from flopscape.comparison.multiplier import Curves, Difference
from flopscape.comparison.pairs import whitened
from flopscape.design.gains import of_precision
from flopscape.design.told import Told
from flopscape.fitting.common.linear import inverse
from flopscape.fitting.drifting_law.fit import Posterior
from flopscape.fitting.drifting_law.shares import BLOCKS, Shares
from flopscape.laws.law import Array, Index, Mask

COMMON = 0.9
"""Part of the variance of what a law misses that both recipes have in common; a half was tried, and is no better."""


class Points(NamedTuple):
    """Runs of both recipes, arrays of shape (n,): N, D and C, and whether a run is of B."""

    n_params: Array
    n_tokens: Array
    flops: Array
    is_b: Mask


@dataclass(frozen=True)
class Standing:
    """Two recipes as their finished runs leave them: the joint fit, and the answer of each."""

    data: Observed
    curves: Curves
    answers: tuple[Posterior, Posterior]

    @property
    def fit(self) -> JointFit:
        """The joint fit."""
        return self.curves.fit

    @cached_property
    def sigma(self) -> Array:
        """Standard deviation of a run of A and of B, in nats, as the residuals of the joint fit say."""
        is_b = self.data.runs.is_b
        scale = np.sqrt(self.fit.objective / max(self.fit.dof, 1))
        return np.asarray(np.array([self.data.sigma[~is_b][0], self.data.sigma[is_b][0]]) * scale)

    @cached_property
    def _shares(self) -> tuple[Shares, Shares]:
        first, second = (Shares(one.typical, one.at) for one in self.answers)
        return first, second

    def gradients(self, points: Points) -> Array:
        """Derivatives of losses (n,) in nats by all numbers.

        They are the free ones of θ, those of what the law misses of both recipes, of A and of B. All but θ have a
        variance of one before any run.
        """
        runs = self.data.center.runs(*points)
        of_theta = jacobian(self.fit.theta, runs)[:, self.fit.kind.free]
        own = [self._missed(recipe, points) * (points.is_b == recipe)[:, None] for recipe in (0, 1)]
        return np.hstack([of_theta, np.sqrt(COMMON) * self._missed(0, points), *(np.sqrt(1 - COMMON) * x for x in own)])

    def _missed(self, recipe: int, points: Points) -> Array:
        answer = self.answers[recipe]
        by_all = self._shares[recipe].gradients(np.log(points.n_params), np.log(points.n_tokens))
        sd = np.concatenate([answer.at.prior_sd, answer.at.sd])[BLOCKS["drift"].start :]
        return np.asarray(by_all[:, BLOCKS["drift"].start :] * sd * answer.typical.center.loss)

    @cached_property
    def precision(self) -> Array:
        """Of all numbers, by what is believed before the runs and by the finished ones."""
        runs, center = self.data.runs, self.data.center
        n, d, c = (
            np.exp(column + middle)
            for column, middle in zip(runs[:3], (center.log_n, center.log_d, center.log_c), strict=True)
        )
        rows = self.gradients(Points(n, d, c, runs.is_b)) / self.sigma[runs.is_b.astype(int)][:, None]
        rows = whitened(rows, self.data.pairs, self.fit.rho)
        before = np.ones(rows.shape[1])
        before[: len(self.fit.kind.names)] = 0.0
        return np.asarray(rows.T @ rows + np.diag(before))

    def difference_at(self, flops: Array) -> Array:
        """Derivatives of Δ at each compute by all numbers, (k, numbers)."""
        of = []
        for is_b in (False, True):
            best = self.curves.best(flops, is_b)
            of.append(self.gradients(Points(best.n_params, best.n_tokens, flops, np.full(len(flops), is_b))))
        return of[0] - of[1]

    def rows(self, points: Points, offers: Index) -> Array:
        """Rows (n, 2, numbers) of offers (n, 2) with errors of variance one.

        An offer is two places among the points, of runs that are a pair, or one place and −1.
        """
        rows = self.gradients(points) / self.sigma[points.is_b.astype(int)][:, None]
        rows = np.vstack([rows, np.zeros_like(rows[:1])])[offers]
        flat, places = rows.reshape(-1, rows.shape[-1]), np.arange(2 * len(offers)).reshape(-1, 2)
        return whitened(flat, places[(offers >= 0).all(axis=1)], self.fit.rho).reshape(rows.shape)

    def told(self, flops: Array, rows: Array) -> Told:
        """What is known of Δ at each compute, and what offers of these rows tell of it, under each belief."""
        asked, theta = self.difference_at(flops), slice(0, len(self.fit.kind.names))
        beliefs = {
            "all": of_precision(self.precision, asked, rows, 1.0),
            "law": of_precision(inverse(self._free(self.fit.covariance)), asked[:, theta], rows[..., theta], 1.0),
        }
        return Told(beliefs, np.ones((len(flops), 1), bool), {name: one.sd for name, one in beliefs.items()})

    def _free(self, matrix: Array) -> Array:
        return np.asarray(matrix[np.ix_(self.fit.kind.free, self.fit.kind.free)])

    def expected(self, finished: Array, bought: Array, times: float = 1.0) -> Curves:
        """The curves when offers of these rows (n, 2, numbers) are finished, those that are bought so many times over.

        Every run is expected to scatter as those before it do. In units of σ the usual covariance is U = (JᵀJ)⁻¹ and
        the one that holds whatever the scatter is U·M·U, and a run adds h·hᵀ to JᵀJ and to M.
        """
        rows = np.concatenate([finished, np.sqrt(times) * bought])[..., : len(self.fit.kind.names)]
        rows = rows.reshape(-1, rows.shape[-1])
        before, new = inverse(self._free(self.fit.covariance)), rows.T @ rows
        unit, middle = inverse(before + new), before @ self._free(self.fit.robust) @ before + new
        free = np.ix_(self.fit.kind.free, self.fit.kind.free)
        covariance, robust = np.zeros_like(self.fit.covariance), np.zeros_like(self.fit.covariance)
        covariance[free], robust[free] = unit, unit @ middle @ unit
        dof = self.fit.dof + round(_runs(finished) + times * _runs(bought))
        return replace(self.curves, fit=replace(self.fit, covariance=covariance, robust=robust, dof=dof))


def _runs(rows: Array) -> int:
    """How many runs offers of these rows are; a single run has a second row of zeros."""
    return int(np.any(rows != 0, axis=-1).sum())


def probability_of_deciding(now: Difference, then: Array, t: float, is_true: bool) -> Array:
    """That Δ will lie t of its standard errors `then` from zero, at each compute (k,).

    With V₀ and V₁ its variance now and then, Δ as it will be estimated lies about the present estimate with the
    variance V₀ − V₁, over all that the runs leave possible. Were the present estimate the truth, it would be
    V₁·(1 − V₁/V₀): the new runs alone scatter by V₀V₁/(V₀ − V₁), and have the weight 1 − V₁/V₀.
    """
    left = np.minimum((then / now.error) ** 2, 1.0)
    variance = np.where(is_true, left, 1.0) * (1 - left) * now.error**2
    sd = np.maximum(np.sqrt(variance), np.finfo(float).tiny)
    return np.asarray(norm.sf((t * then - now.value) / sd) + norm.cdf((-t * then - now.value) / sd))
