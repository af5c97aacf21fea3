"""Draws for tables that leave much open, carried in small steps from the prior to the posterior.

Such a table has a posterior of long bent ridges, of which proposals around its mode know one. So draws of the prior,
which are everywhere, are moved through the densities prior·likelihood^λ as λ goes from 0 to 1 (Del Moral, Doucet &
Jasra 2006, doi 10.1111/j.1467-9868.2006.00553.x). At each λ they are weighted by likelihood^Δλ, as far as leaves most
of them effective, and resampled; then each walks some Metropolis steps of its own, as wide as the draws' own covariance
asks for: 2.38²/k of it in k dimensions (Roberts, Gelman & Gilks 1997).

Law, drift and scales are written as numbers v that are standard normal a priori, the drift's as multiples of τ. With
M_j the covariance of each part of a cell's error at scale one, the losses have the covariance K = Σ_j e^(2h_j)·M_j, so
that all draws are handled together, n × n each: there are few cells where this is needed. The numbers c of the
discrepancy follow from a draw c₀ of their prior and ε of the noise (Journel & Huijbregts 1978): with diag(d²) the
variances of the prior, c₀ + diag(d²)·Ψᵀ·K⁻¹·(y − f − Ψc₀ − ε) has the mean and the covariance of c given y.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from flopscape.fitting.drifting_law import law
from flopscape.fitting.drifting_law.posterior import LAW_SD, PARAMETERS, PRIOR_MEAN, SCALE_PRIORS, Data, Scales
from flopscape.fitting.drifting_law.sampling import LAW, power, resample
from flopscape.laws.law import Array, Index, Mask

FEWEST, MOST, AFFORDABLE = 384, 1024, 10_000
"""Draws at least and at most, and draws × cells: one or two CPU seconds."""
MOVES, LAST_MOVES = 16, 48
"""Metropolis steps after each weighting, and after the last."""
WIDTHS = (1.0, 0.3)
"""Of the steps, as parts of what is best for a normal distribution: on a thin bent ridge long steps seldom stay."""
KEPT = 0.8
"""Effective part of the draws that a step of λ leaves."""
IMPOSSIBLE = -1e30
MOST_STAGES = 60


@dataclass(frozen=True)
class Walkers:
    """R draws v (R, k), the inverse roots (R, n, n) of the losses' covariance, and ln of the likelihood (R,)."""

    v: Array
    whitening: Array
    log_likelihood: Array

    def at(self, index: Index) -> Self:
        """Some of them."""
        return type(self)(self.v[index], self.whitening[index], self.log_likelihood[index])

    def where(self, better: Mask, other: Self) -> Self:
        """The other's walkers where they are better."""
        return type(self)(
            np.where(better[:, None], other.v, self.v),
            np.where(better[:, None, None], other.whitening, self.whitening),
            np.where(better, other.log_likelihood, self.log_likelihood),
        )


class Tempered:
    """The likelihood of a table's losses for many draws at once."""

    def __init__(self, data: Data) -> None:
        self.data, cells = data, data.cells
        level = data.sizes[0]
        self.middle, self.sd = (np.log(SCALE_PRIORS[0]), np.array(SCALE_PRIORS[1]))
        self.scales = len(Scales._fields) if cells.shared else len(Scales._fields) - 1
        # What the errors of the cells are sums of, by scale: a root of each M_j, whose columns are independent.
        noise = np.diag(cells.count**-0.5)
        runs = (cells.run[:, None] == np.unique(cells.run)).astype(float) if cells.shared else noise
        self.roots = {"noise": runs, "level": data.shapes[:, :level], "shape": data.shapes[:, level:]}
        if cells.shared:
            self.roots["own"] = noise
        self.parts = {name: root @ root.T for name, root in self.roots.items()}

    def h(self, v: Array) -> Array:
        """Logarithms of the scales (R, 5); one that the table does not have stays at its prior's middle."""
        h = np.tile(self.middle, (len(v), 1))
        h[:, : self.scales] += self.sd[: self.scales] * v[:, PARAMETERS:]
        return h

    def t(self, v: Array) -> Array:
        """Law and drift (R, p)."""
        law_numbers = PRIOR_MEAN[:LAW] + LAW_SD * v[:, :LAW]
        return np.concatenate([law_numbers, np.exp(self._h_of(v, "drift")) * v[:, LAW:PARAMETERS]], axis=1)

    def _h_of(self, v: Array, name: str) -> Array:
        return self.h(v)[:, [Scales._fields.index(name)]]

    def whitening(self, v: Array) -> Array:
        """Inverse roots of K: W·K·Wᵀ = 1."""
        covariance = sum(np.exp(2 * self._h_of(v, name))[:, :, None] * part for name, part in self.parts.items())
        return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))

    def walkers(self, v: Array) -> Walkers:
        """Draws with their likelihood."""
        whitening, t = self.whitening(v), self.t(v)
        with np.errstate(all="ignore"):  # a draw far out may overflow: it is impossible then
            residual = self.data.cells.loss - self.data.mean(t)
            white = np.matmul(whitening, residual[:, :, None])[:, :, 0]
            own = np.log(np.diagonal(whitening, axis1=1, axis2=2)).sum(axis=1)
            log_noise, cells = self._h_of(v, "noise")[:, 0], self.data.cells
            seeds = cells.dof * log_noise + cells.squares * np.exp(-2 * log_noise) / 2
            found = own - 0.5 * (white**2).sum(axis=1) - seeds
        slope = t[:, law.SLOPE]
        inside = (np.minimum(slope, 1 - slope) > law.SMALLEST_SLOPE) & (t[:, 0] > 0) & np.isfinite(found)
        return Walkers(v, whitening, np.where(inside, found, IMPOSSIBLE))

    def coefficients(self, walkers: Walkers, generator: np.random.Generator) -> Array:
        """Draws of the discrepancy's numbers c (R, m), one for each walker."""
        v, errors, c = walkers.v, np.zeros((len(walkers.v), len(self.data.cells))), []
        for name, root in self.roots.items():
            drawn = np.exp(self._h_of(v, name)) * generator.standard_normal((len(v), root.shape[1]))
            errors += drawn @ root.T
            if name in ("level", "shape"):
                c.append(drawn)
        residual = (self.data.cells.loss - self.data.mean(self.t(v)) - errors)[:, :, None]
        solved = np.matmul(walkers.whitening.transpose(0, 2, 1), np.matmul(walkers.whitening, residual))[:, :, 0]
        level, shape = (
            drawn + np.exp(2 * self._h_of(v, name)) * (solved @ self.roots[name])
            for drawn, name in zip(c, ("level", "shape"), strict=True)
        )
        return np.concatenate([level, shape], axis=1)


def walked(tempered: Tempered, generator: np.random.Generator) -> Walkers:
    """Draws of the posterior, equally likely."""
    count = int(np.clip(AFFORDABLE // len(tempered.data.cells), FEWEST, MOST))
    walkers, at = tempered.walkers(generator.standard_normal((count, PARAMETERS + tempered.scales))), 0.0
    for _ in range(MOST_STAGES):
        gain = walkers.log_likelihood - walkers.log_likelihood.max()
        step = power(gain, 1 - at, KEPT)
        weights, at = np.exp(step * gain), min(at + step, 1.0)
        root = _root(walkers.v, weights)
        walkers = walkers.at(resample(weights, count, float(generator.random())))
        for _ in range(MOVES if at < 1 else LAST_MOVES):
            walkers = _moved(tempered, walkers, root, at, generator)
        if at >= 1:
            break
    return walkers


def _moved(tempered: Tempered, walkers: Walkers, root: Array, at: float, generator: np.random.Generator) -> Walkers:
    """One Metropolis step of each walker."""
    count, k = walkers.v.shape
    width = 2.38 / np.sqrt(k) * generator.choice(WIDTHS, (count, 1))
    new = tempered.walkers(walkers.v + width * generator.standard_normal((count, k)) @ root.T)
    gain = at * (new.log_likelihood - walkers.log_likelihood) - 0.5 * (new.v**2 - walkers.v**2).sum(axis=1)
    return walkers.where(np.log(generator.random(count)) < gain, new)


def _root(v: Array, weights: Array) -> Array:
    """Root of the weighted draws' covariance."""
    part = weights / weights.sum()
    centred = v - part @ v
    covariance = (centred * part[:, None]).T @ centred
    covariance[np.diag_indices(len(covariance))] += 1e-6
    return np.asarray(np.linalg.cholesky(covariance))
