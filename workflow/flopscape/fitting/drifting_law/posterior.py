"""How likely a law and a drift are after the runs, with the numbers of the discrepancy summed out exactly.

With θ the parameters of the law and the drift's numbers z (a vector t together), c the numbers of the discrepancy and
Ψ its shapes at the cells, the losses are y = f(t) + Ψ·c + noise. c enters linearly and is normal a priori with the
standard deviations d, and so is the noise with covariance σ²·V. So y is normal around f(t) for given t, with

    K = σ²·V + Ψ·diag(d²)·Ψᵀ.

With everything whitened, that is times V^(−1/2)/σ, and A = I + diag(d)·ΨᵀΨ·diag(d)/σ², Woodbury's identity gives

    rᵀK⁻¹r = (r·r − |R⁻¹·diag(d)·Ψᵀr/σ|²)/σ²,    ln|K| = n·ln σ² + ln|V| + ln|A|,    A = R·Rᵀ,

so that a table of any length costs one matrix of the size of c. c given t and y is normal as well, with the mean
diag(d)·A⁻¹·diag(d)·Ψᵀr/σ² and the covariance diag(d)·A⁻¹·diag(d).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from flopscape.fitting.drifting_law import drift, law
from flopscape.fitting.drifting_law.cells import Cells
from flopscape.fitting.drifting_law.discrepancy import Discrepancy
from flopscape.fitting.drifting_law.drift import Reach
from flopscape.laws.law import Array

PARAMETERS = len(law.PRIORS) + drift.MODES
PRIOR_MEAN = np.array([prior.mean for prior in law.PRIORS] + [0.0] * drift.MODES)
LAW_SD = np.array([prior.sd for prior in law.PRIORS])
TOLERANCE = 1e-5
"""In ln probability: the search ends where a step gains less."""
MOST_STEPS = 40
RIDGES = (0.0, 1e-12, 1e-9, 1e-6)
"""Parts of a precision's diagonal that are added where rounding has made it indefinite."""


class Scales(NamedTuple):
    """Hyper-parameters: σ, the noise of a run, and s₀ as parts of the median loss; τ in ln N; s₂ as a part of the rise.

    `own` is what a row has beside the error of its run, where rows share runs, as a part of the median loss.
    """

    noise: float
    level: float
    drift: float
    shape: float
    own: float

    @property
    def ratio(self) -> float:
        """η of `Cells.whiten`."""
        return self.own / self.noise


SCALE_PRIORS = Scales(0.004, 0.004, 0.15, 0.2, 0.002), Scales(0.8, 0.7, 0.7, 1.0, 1.0)
"""Medians and the standard deviations of the logarithms; calibrated on public tables, whose noise is 0.2 to 1 %."""


class Mode(NamedTuple):
    """The most likely t (p,) at given scales, minus its log probability, and the root R of its precision R·Rᵀ."""

    t: Array
    cost: float
    root: Array


@dataclass(frozen=True)
class Data:
    """Cells with the shapes of drift (n, 10) and discrepancy (n, m) at them."""

    cells: Cells
    reach: Reach
    drifts: Array
    shapes: Array
    sizes: tuple[int, int]

    @classmethod
    def of(cls, cells: Cells, discrepancy: Discrepancy) -> "Data":
        """The shapes at the cells."""
        drifts = drift.shapes(cells.u, discrepancy.reach)
        return cls(cells, discrepancy.reach, drifts, discrepancy.shapes(cells.x, cells.u), discrepancy.sizes)

    def mean(self, t: Array) -> Array:
        """The law with its drift at the cells, (..., n) for t (..., p)."""
        return law.mean(t[..., :6], self.cells.x - t[..., 6:] @ self.drifts.T, self.cells.u)

    def jacobian(self, t: Array) -> tuple[Array, Array]:
        """The same for t (p,), and its derivatives (n, p): the drift moves the path as x₀ does."""
        f, slopes = law.jacobian(t[:6], self.cells.x - self.drifts @ t[6:], self.cells.u)
        return f, np.concatenate([slopes, slopes[:, [law.OFFSET]] * self.drifts], axis=1)

    def whitened_shapes(self, ratio: float) -> tuple[Array, Array]:
        """Ψ whitened, and ΨᵀΨ of it: the same for all scales where no rows share runs."""
        if self.cells.shared:
            white = self.cells.whiten(self.shapes, ratio)
            return white, white.T @ white
        return self._fixed

    @cached_property
    def _fixed(self) -> tuple[Array, Array]:
        white = self.cells.whiten(self.shapes, 1.0)
        return white, white.T @ white


class Conditional:
    """Everything at given scales."""

    def __init__(self, data: Data, scales: Scales) -> None:
        self.data, self.scales = data, scales
        level, shape = data.sizes
        self.sd = np.repeat([scales.level, scales.shape], [level, shape])
        """d, the prior standard deviations of c."""
        self.prior_sd = np.concatenate([LAW_SD, np.full(drift.MODES, scales.drift)])

    @cached_property
    def scaled(self) -> Array:
        """Ψ whitened, times diag(d)/σ."""
        return self.data.whitened_shapes(self.scales.ratio)[0] * (self.sd / self.scales.noise)

    @cached_property
    def root(self) -> Array:
        """R of A = R·Rᵀ."""
        gram = self.data.whitened_shapes(self.scales.ratio)[1]
        precision = gram * (self.sd[:, None] * self.sd / self.scales.noise**2)
        precision[np.diag_indices(len(self.sd))] += 1.0
        return np.asarray(cholesky(precision, lower=True, check_finite=False))

    @property
    def log_determinant(self) -> float:
        """ln|K|."""
        cells, noise = self.data.cells, self.scales.noise
        own = 2 * len(cells) * np.log(noise) + cells.log_determinant(self.scales.ratio)
        return float(own + 2 * np.log(np.diag(self.root)).sum())

    def white(self, values: Array) -> tuple[Array, Array]:
        """Values (n, k) whitened over σ, and R⁻¹·diag(d)·Ψᵀ of them over σ, (m, k)."""
        white = self.data.cells.whiten(values, self.scales.ratio) / self.scales.noise
        return white, solve_triangular(self.root, self.scaled.T @ white, lower=True, check_finite=False)

    def squares(self, residuals: Array) -> Array:
        """rᵀK⁻¹r of residuals (k, n), shape (k,)."""
        white, explained = self.white(residuals.T)
        return np.asarray((white**2).sum(axis=0) - (explained**2).sum(axis=0))

    @np.errstate(all="ignore")  # a proposal far out may overflow: it is impossible then
    def costs(self, t: Array) -> Array:
        """Minus the log probability of t (k, p) up to what does not depend on t; infinite outside the law's bounds."""
        lost = self.squares(self.data.cells.loss - self.data.mean(t))
        cost = 0.5 * lost + 0.5 * (((t - PRIOR_MEAN) / self.prior_sd) ** 2).sum(axis=1)
        slope = t[:, law.SLOPE]
        inside = (np.minimum(slope, 1 - slope) > law.SMALLEST_SLOPE) & (t[:, 0] > 0) & np.isfinite(cost)
        return np.where(inside, cost, np.inf)

    def mode(self, start: Array) -> Mode:
        """The most likely t downhill of a start: Gauss-Newton steps, damped where they do not gain (Marquardt 1963)."""
        t, damping, gain = start, 0.0, np.inf
        cost = float(self.costs(t[None])[0])
        for _ in range(MOST_STEPS):
            precision, slope = self._normal(t)
            if gain < TOLERANCE:
                break
            gain = 0.0
            for _ in range(8):
                step = _solve(precision + damping * np.diag(np.diag(precision)), slope)
                new = float(self.costs((t + step)[None])[0])
                if new <= cost:
                    t, gain, cost = t + step, (cost - new if np.isfinite(cost) else np.inf), new
                    damping = damping / 10 if damping > 1e-6 else 0.0
                    break
                damping = max(10 * damping, 1e-3)
        return Mode(t, cost, self._root_of(precision))

    def _normal(self, t: Array) -> tuple[Array, Array]:
        """The Gauss-Newton precision of t, and minus the gradient of the cost."""
        f, slopes = self.data.jacobian(t)
        white, explained = self.white(np.concatenate([slopes, (self.data.cells.loss - f)[:, None]], axis=1))
        gram = white.T @ white - explained.T @ explained
        precision = gram[:-1, :-1] + np.diag(self.prior_sd**-2.0)
        return precision, gram[:-1, -1] - (t - PRIOR_MEAN) / self.prior_sd**2

    def _root_of(self, precision: Array) -> Array:
        """R of R·Rᵀ, or of the prior's precision where runs over dozens of decades leave nothing that is positive.

        It is what laws are proposed by: a rough one makes for few effective draws, and not for wrong ones.
        """
        for ridge in RIDGES:
            try:
                return np.asarray(cholesky(precision + ridge * np.diag(np.diag(precision)), lower=True))
            except (LinAlgError, ValueError):
                continue
        return np.diag(1 / self.prior_sd)

    def log_evidence(self, mode: Mode) -> float:
        """ln of the probability of losses and scales, t summed out by Laplace's approximation around its mode."""
        return self.log_scales - mode.cost - float(np.log(np.diag(mode.root)).sum())

    @property
    def log_scales(self) -> float:
        """What of ln p(y, t, scales) does not depend on t: determinants, the seeds' scatter, the scales' priors.

        A sum of squares S of d degrees of freedom has the density σ^−d·exp(−S/(2σ²)) up to a constant.
        """
        cells = self.data.cells
        own = 0.5 * self.log_determinant + float(np.log(self.prior_sd[6:]).sum())
        seeds = cells.dof * np.log(self.scales.noise) + cells.squares / (2 * self.scales.noise**2)
        middle, sd = SCALE_PRIORS
        prior = 0.5 * ((np.log(self.scales) - np.log(middle)) / sd) ** 2
        return -float(own + seeds + prior.sum())

    def coefficients(self, t: Array, normal: Array) -> Array:
        """Draws of c for t (k, p) from its conditional distribution, by standard normal numbers (k, m)."""
        residual = self.data.cells.loss - self.data.mean(t)
        explained = self.white(residual.T)[1]
        drawn = solve_triangular(self.root, explained + normal.T, lower=True, trans="T", check_finite=False)
        return np.asarray(drawn.T * self.sd)


def _solve(precision: Array, slope: Array) -> Array:
    """A step of zero where the precision is not positive: its cost is then not finite either."""
    try:
        root = cholesky(precision, lower=True, check_finite=False)
    except (LinAlgError, ValueError):
        return np.zeros_like(slope)
    half = solve_triangular(root, slope, lower=True, check_finite=False)
    return np.asarray(solve_triangular(root, half, lower=True, trans="T", check_finite=False))
