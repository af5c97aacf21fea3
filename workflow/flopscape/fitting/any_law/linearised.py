"""A fit around its optimum, of any law and any objective: residuals, derivatives, errors, and what is reported of it.

To first order the prediction is ŷ(p + d) = ŷ(p) + Jᵀd, so that near its optimum every fit is a linear regression on the
columns of J, and what is known of regressions holds: s²(JᵀJ)⁻¹ is the covariance of p where errors are equal and
independent (Bates & Watts 1988, section 2.3), the diagonal of J(JᵀJ)⁻¹Jᵀ is the leverage of each row.

Columns of J differ by many orders (an exponent moves all losses, an absent term none), so that all is computed from
columns of unit length, J = J₁·diag(s): (JᵀJ)⁻¹ = (J₁ᵀJ₁)⁻¹/(s·sᵀ), and the condition number is that of J₁.

What each run does to p follows without assuming equal or independent errors. Leaving run g out moves p by minus its
influence R⁻¹(I − M_g)⁻¹z_g, where J = QR, z_g = Σ q_i r_i and M_g = Σ q_i q_iᵀ over the run's rows: without them the
normal equations are Rᵀ(I − M_g)R·d = −Rᵀz_g. The influences' sum of squares is the jackknife sandwich: HC3 where every
row is a run of its own (MacKinnon & White 1985), CR3 where rows share runs (Cameron & Miller 2015, section VI.B).

Reported are `Quantities` q(p), whose variance is ∇q'Σ∇q to the same order: the law's parameters, a of N* ∝ C^a where
the law has one, and N* and L* at every asked compute. D*, D*/N* and b follow from these: C = κ(N)·N·D gives D, and b =
1 − a. Quantities that are positive are handled as logarithms, in which their likelihood is closest to symmetric, so
that an interval of value ± t·SE has a meaning.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.stats import norm

from flopscape.fitting.common import linear
from flopscape.fitting.common.linear import EXACT_SQUARE, TINY
from flopscape.fitting.judge.verdict import ASKED, column
from flopscape.laws.law import Array, Compute, Index, Law, Mask

DETERMINED = 1e-6
"""Added to I − M_g: a run that alone determines some direction has infinite influence along it."""
DIFFERENCE = 1e-5
"""Step in p of the central differences, which have an error of its square."""
Values = tuple[Array, Array]
"""Values (m, Q), logarithmic ones in logs, and their gradients (m, Q, k)."""


@dataclass(frozen=True)
class Linearised:
    """n rows around k parameters.

    Parameters
    ----------
    p : array, shape (k,)
        The parameters as they are searched, mostly logarithms.
    residual : array, shape (n,)
        Measured less predicted: of the loss in nats or of its logarithm, whichever the objective is of, times `root`.
    jacobian : array, shape (k, n)
        Derivatives of the prediction, times `root`.
    free : array of bool, shape (k,)
        Which parameters are off their bounds: the others are taken as known.
    raw : array, shape (n,)
        Residuals of the loss in nats, whatever the objective, not weighted.
    root : array, shape (n,), or float
        Root of each row's weight: residuals, covariance and leverage are then those of weighted least squares.

    Examples
    --------
    Two rows, one parameter, the mean:

    >>> fit = Linearised(np.zeros(1), np.array([1.0, -1.0]), np.ones((1, 2)), np.ones(1, bool), np.array([1.0, -1.0]))
    >>> fit.rss, fit.dof, fit.covariance.tolist(), fit.leverage.round(9).tolist()
    (2.0, 1, [[1.0]], [0.5, 0.5])
    """

    p: Array
    residual: Array
    jacobian: Array
    free: Mask
    raw: Array
    root: Array | float = 1.0

    @cached_property
    def rss(self) -> float:
        """Σ r² of the weighted residuals."""
        return float(self.residual @ self.residual)

    @property
    def dof(self) -> int:
        """Rows beyond the parameters."""
        return len(self.residual) - len(self.p)

    @property
    def variance(self) -> float:
        """Residual variance s², with a floor at rounding for exact data."""
        return max(self.rss / max(self.dof, 1), EXACT_SQUARE)

    def weighted(self, weights: Array) -> Self:
        """The same point under weights (n,), from rows that weigh the same."""
        root = np.sqrt(weights)
        return replace(self, residual=self.residual * root, jacobian=self.jacobian * root, root=root)

    def rows(self, kept: Mask) -> Self:
        """The same point with some of the rows."""
        residual, root = self.residual[kept], np.broadcast_to(self.root, kept.shape)[kept]
        return replace(self, residual=residual, jacobian=self.jacobian[:, kept], raw=self.raw[kept], root=root)

    @cached_property
    def _scaled(self) -> tuple[Array, Array]:
        """J of the free parameters with rows of unit length, and the lengths."""
        length = np.maximum(np.linalg.norm(self.jacobian, axis=1)[self.free], TINY)
        return self.jacobian[self.free] / length[:, None], length

    @cached_property
    def covariance(self) -> Array:
        """s²(JᵀJ)⁻¹ over the free parameters, zero elsewhere, shape (k, k)."""
        J, length = self._scaled
        full = np.zeros((len(self.p),) * 2)
        inverse = linear.pseudo_inverse(J @ J.T)
        full[np.ix_(self.free, self.free)] = self.variance * inverse / np.outer(length, length)
        return full

    @property
    def condition(self) -> float:
        """Condition number of J with columns of unit length."""
        return linear.condition(self._scaled[0].T)

    @cached_property
    def leverage(self) -> Array:
        """Diagonal of the hat matrix, shape (n,)."""
        return np.asarray((np.linalg.qr(self._scaled[0].T)[0] ** 2).sum(axis=1))

    @property
    def aicc(self) -> float | None:
        """Akaike's criterion for small samples (Hurvich & Tsai 1989), σ counted as a parameter; None for few rows."""
        n, k = len(self.residual), len(self.p) + 1
        if n - k - 1 <= 0:
            return None
        return float(n * np.log(max(self.rss / n, EXACT_SQUARE)) + 2 * k + 2 * k * (k + 1) / (n - k - 1))


def influence(fit: Linearised, run: Index) -> Array:
    """Influence of each run on p, shape (runs, k).

    Parameters
    ----------
    fit : Linearised
        From `pseudo_residuals` where the objective is not least squares.
    run : array, shape (n,)
        Index of each row's run.
    """
    J, scale = fit._scaled
    runs, size = int(run.max()) + 1, len(scale)
    if not size:  # every parameter is on a bound, where no run moves it
        return np.zeros((runs, len(fit.p)))
    Q, R = np.linalg.qr(J.T)
    # Sums over the rows of each run, a column of Q at a time: z_g here, and M_g below an entry at a time.
    z = np.stack([np.bincount(run, q * fit.residual, runs) for q in Q.T], axis=1)
    rest = np.empty((runs, size, size))
    for i, j in np.ndindex(size, size):
        rest[:, i, j] = (1 + DETERMINED) * (i == j) - np.bincount(run, Q[:, i] * Q[:, j], runs)
    moves = np.zeros((runs, len(fit.p)))
    # From right to left: (I − M_g)⁻¹z_g for each run, then R⁻¹ of all of them, then the columns' own lengths.
    pulled = linear.solve(rest, np.asarray(z, float)[:, :, None])[:, :, 0]
    moves[:, fit.free] = linear.solve(R[None], pulled.T[None])[0].T / scale
    return moves


def clustered(moves: Array) -> Array:
    """Covariance (k, k) of the sum of independent influences (runs, k), with the jackknife's factor (G − 1)/G."""
    runs = len(moves)
    return np.asarray((runs - 1) / runs * moves.T @ moves)


def pseudo_residuals(fit: Linearised, delta: float) -> Linearised:
    """A fit by Huber's objective as least squares on its pseudo-residuals K·ψ(r)/m, as far as errors go.

    Huber 1981, section 7.6: the covariance is K²·[Σψ²/(n − p)]/m²·(JᵀJ)⁻¹ with m the mean of ψ′ and
    K = 1 + (p/n)·var ψ′/m². Least squares has δ infinite, ψ(r) = r and m = 1. Below the bandwidth h of Hall & Sheather
    1988 for the density at the median, too few residuals lie within ±δ to count them: there m = (δ/h)·share(|r| ≤ h),
    the limit being the sparsity estimate of least absolute deviations (Koenker 2005, section 3.4).
    """
    if np.isinf(delta):
        return fit
    r, n = fit.residual / fit.root, len(fit.residual)
    # The share within the wider of δ and the bandwidth, not within δ: m = (δ/width)·share serves both cases.
    width = max(delta, _bandwidth(r))
    share = max(float(np.mean(np.abs(r) <= width)), 1 / n)
    # ψ′ is 1 inside ±δ and 0 outside, so that var ψ′/m² = (1 − m)/m.
    correction = 1 + len(fit.p) / n * (1 - share) / share
    score = np.clip(r / delta, -1.0, 1.0) if delta else np.sign(r)
    return replace(fit, residual=fit.root * correction * score * width / share)


def _bandwidth(residual: Array) -> float:
    """Half-width around the median in residuals: Hall & Sheather's in probability, on the normal scale of the MAD."""
    share = len(residual) ** (-1 / 3) * norm.ppf(0.975) ** (2 / 3) * (1.5 * norm.pdf(0) ** 2) ** (1 / 3)
    scale = np.median(np.abs(residual)) / norm.ppf(0.75)
    return float(scale * norm.ppf(0.5 + min(share, 0.45)))


@dataclass(frozen=True)
class Quantities:
    """Of a law under a compute.

    Parameters
    ----------
    law : Law
    flops : tuple of float
        The asked compute, in FLOPs.
    compute : Compute
    parameters : callable
        The law's own tuple of parameters, each of shape (m,), for p of shape (m, k).
    unique_tokens : float
        Distinct tokens at each asked C; infinite for fresh data.
    exact : callable, optional
        `Values` of (quantities, p) with exact gradients; central differences where there is none.
    linear : tuple of str
        What is handled as it is besides E, a and L*.
    fixed : mapping
        Parameters that were given, by name: they are no quantities.
    """

    law: Law
    flops: tuple[float, ...]
    compute: Compute
    parameters: Callable[[Array], Any]
    unique_tokens: float = np.inf
    exact: "Callable[[Quantities, Array], Values] | None" = None
    linear: tuple[str, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)

    @property
    def asked(self) -> tuple[str, ...]:
        """What the law says at a compute: nothing, the loss, or N* and the loss."""
        if not self.law.optimum:
            return ()
        return ("n_params", "loss") if "n_params" in self.law.arguments else ("loss",)

    @property
    def names(self) -> list[str]:
        """Order of the values; `n_params@C` and `loss@C` for each asked C."""
        exponent = ["a"] if self.law.exponents else []
        return [*self._found, *exponent, *(column(name, c) for c in self.flops for name in self.asked)]

    @property
    def _found(self) -> list[str]:
        return [name for name in self.law.names if name not in self.fixed]

    @property
    def logarithmic(self) -> Mask:
        """Which of the values are logarithms, shape (Q,)."""
        plain = ("E", "a", "loss", *self.linear)
        return np.array([name.partition("@")[0] not in plain for name in self.names])

    @np.errstate(all="ignore")
    def values(self, p: Array) -> Array:
        """Values (m, Q) for p (m, k)."""
        parameters = self.parameters(p)
        rows = [getattr(parameters, name) for name in self._found]
        rows += [self.law.exponents(parameters)[0]] if self.law.exponents else []
        for flops in self.flops if self.law.optimum else ():
            best = self.law.optimum(parameters, flops, self.compute, self.unique_tokens)  # type: ignore[misc]
            rows += [getattr(best, name) for name in self.asked]
        values = np.stack(np.broadcast_arrays(*map(np.asarray, rows)), axis=1)
        return np.where(self.logarithmic, np.log(np.where(self.logarithmic, values, 1.0)), values)

    def evaluate(self, p: Array) -> Values:
        """Values and gradients for p (m, k)."""
        if self.exact is not None:
            return self.exact(self, p)
        m, k = p.shape
        steps = DIFFERENCE * np.concatenate([np.zeros((1, k)), np.eye(k), -np.eye(k)])
        # All points at once: an optimum without a closed form costs as much for one model as for many.
        around = self.values((p + steps[:, None]).reshape(-1, k)).reshape(2 * k + 1, m, -1)
        up, down = around[1 : k + 1], around[k + 1 :]
        return around[0], np.moveaxis((up - down) / (2 * DIFFERENCE), 0, 2)

    @np.errstate(all="ignore")
    def errors(self, p: Array, covariance: Array) -> tuple[Array, Array]:
        """Values and standard errors (Q,) at p (k,) by the delta method: g'Σg with the gradient g of each."""
        values, gradients = self.evaluate(p[None])
        variance = np.einsum("qi,ij,qj->q", gradients[0], covariance, gradients[0])
        return values[0], np.sqrt(np.maximum(variance, 0))

    @np.errstate(all="ignore")
    def draws(self, p: Array, degenerate: Mask) -> pd.DataFrame:
        """Table of resamples p (R, k), one row each: parameters, a and b, and the optimum at each asked compute."""
        parameters = self.parameters(p)
        columns: dict[str, Any] = {"replicate": np.arange(len(p))}
        columns |= {name: getattr(parameters, name) for name in self.law.names}
        if self.law.exponents:
            columns |= dict(zip(("a", "b"), self.law.exponents(parameters), strict=True))
        columns["degenerate"] = degenerate
        for flops in self.flops if self.law.optimum else ():
            best = self.law.optimum(parameters, flops, self.compute, self.unique_tokens)  # type: ignore[misc]
            columns |= {column(name, flops): value for name, value in zip(ASKED, best, strict=True)}
        return pd.DataFrame(columns)
