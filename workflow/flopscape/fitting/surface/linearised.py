"""A surface fit around its optimum: residuals, derivatives, covariance, leverage, conditioning.

Everything is in p = (E, ln A', ln B', α, β) with A' and B' the amplitudes at the centre of the logs.

What each run does to a surface fit, and the covariances that follow without assuming equal or independent errors.

Leaving a run out moves p, to first order, by minus its influence R⁻¹(I − M_g)⁻¹z_g, where J = QR, z_g = Σ q_i r_i and
M_g = Σ q_i q_iᵀ over the run's rows. The influences' sum of squares is the jackknife sandwich: HC3 where every row is
a run of its own (MacKinnon & White 1985), CR3 where rows share runs (Cameron & Miller 2015, section VI.B).
"""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from scipy.stats import norm

from flopscape.fitting.common import linear
from flopscape.fitting.surface.variable_projection import Problem
from flopscape.laws.arrays import Array, Index, Mask


class Derivatives(Protocol):
    """What a least-squares objective gives at p (m, 5)."""

    def __call__(self, problem: Problem, p: Array, root: Array | float = 1.0) -> tuple[Array, Array, Array]:
        """Residuals (m, n) and J (m, 5, n), both times `root`, and the exact Hessian of ½RSS (m, 5, 5)."""


@dataclass(frozen=True)
class Local:
    """The fit around its optimum: p (5,), residuals, J (5, n), RSS, and n − 5 degrees of freedom.

    Residuals and J = ∂L̂/∂p are of the loss, or of its logarithm: as `derivatives` gives them. `raw` are the residuals
    of the loss in either case, in nats. With weighted rows, residuals and J are times `root`, the weights' root, so
    that RSS, covariance and leverage are those of weighted least squares; `raw` is not.
    """

    p: Array
    residual: Array
    jacobian: Array
    rss: float
    dof: int
    raw: Array
    derivatives: Derivatives
    root: Array | float = 1.0

    def weighted(self, weights: Array) -> Self:
        """The same point under weights (n,), from rows that weigh the same."""
        root = np.sqrt(weights)
        residual, jacobian = self.residual * root, self.jacobian * root
        return replace(self, residual=residual, jacobian=jacobian, rss=float(residual @ residual), root=root)

    def rows(self, kept: Mask) -> Self:
        """The same point with some of the rows."""
        residual, root = self.residual[kept], np.broadcast_to(self.root, kept.shape)[kept]
        rss, dof = float(residual @ residual), len(residual) - 5
        jacobian, raw = self.jacobian[:, kept], self.raw[kept]
        return replace(self, residual=residual, jacobian=jacobian, rss=rss, dof=dof, raw=raw, root=root)

    @property
    def variance(self) -> float:
        """Residual variance, with a floor at rounding for exact data."""
        return max(self.rss / max(self.dof, 1), 1e-26)

    @property
    def free(self) -> Mask:
        """Whether each parameter is off its bound: E may be zero."""
        return np.array([self.p[0] > 0, True, True, True, True])

    def covariance(self) -> Array:
        """s²(JᵀJ)⁻¹ over the free parameters, zero elsewhere."""
        scale = np.linalg.norm(self.jacobian, axis=1)[self.free]
        scaled = self.jacobian[self.free] / scale[:, None]
        inverse = linear.pseudo_inverse(scaled @ scaled.T)
        full = np.zeros((5, 5))
        full[np.ix_(self.free, self.free)] = self.variance * inverse / np.outer(scale, scale)
        return full

    def condition(self) -> float:
        """Condition number of J in (ln E, ln A', ln B', α, β) with columns scaled to unit length."""
        J = self.jacobian[self.free]
        return linear.condition((J / np.linalg.norm(J, axis=1)[:, None]).T)

    def leverage(self) -> Array:
        """Diagonal of the hat matrix, shape (n,)."""
        J = self.jacobian[self.free]
        Q = np.linalg.qr((J / np.linalg.norm(J, axis=1)[:, None]).T)[0]
        return np.asarray((Q**2).sum(axis=1))


def loss_derivatives(problem: Problem, p: Array, root: Array | float = 1.0) -> tuple[Array, Array, Array]:
    """`Derivatives` of the loss: residuals L − L̂ in nats."""
    x, y = _terms(problem, p)
    u, v = problem.u
    J = np.stack([np.ones_like(x), x, y, -u * x, -v * y], axis=1) * root
    residual = (problem.y - p[:, :1] - x - y) * root
    H = J @ J.swapaxes(1, 2)
    _add_curvature(H, -residual, J, problem)
    return residual, J, H


def log_derivatives(problem: Problem, p: Array, root: Array | float = 1.0) -> tuple[Array, Array, Array]:
    """`Derivatives` of the log loss: residuals ln L − ln L̂; ∂²ln L̂ = ∂²L̂/L̂ − J·Jᵀ."""
    x, y = _terms(problem, p)
    u, v = problem.u
    predicted = p[:, :1] + x + y
    J = np.stack([np.ones_like(x), x, y, -u * x, -v * y], axis=1) / predicted[:, None] * root
    residual = np.log(problem.y) - np.log(predicted)
    H = (J * (1 + residual)[:, None]) @ J.swapaxes(1, 2)
    residual = residual * root
    _add_curvature(H, -residual, J, problem)
    return residual, J, H


def _terms(problem: Problem, p: Array) -> tuple[Array, Array]:
    """A'·exp(−α·u) and B'·exp(−β·v), each of shape (m, n)."""
    u, v = problem.u
    return np.exp(p[:, 1, None] - p[:, 3, None] * u), np.exp(p[:, 2, None] - p[:, 4, None] * v)


def _add_curvature(H: Array, factor: Array, J: Array, problem: Problem) -> None:
    """Add Σ factor·∂²L̂ in place: each term's block is its column of J times (1, −u; −u, u²)."""
    for amplitude, exponent, logs in ((1, 3, problem.u[0]), (2, 4, problem.u[1])):
        column = factor * J[:, amplitude]
        cross = (column * -logs).sum(1)
        H[:, amplitude, amplitude] += column.sum(1)
        H[:, amplitude, exponent] += cross
        H[:, exponent, amplitude] += cross
        H[:, exponent, exponent] += (column * logs**2).sum(1)


def local(problem: Problem, p: Array, derivatives: Derivatives = loss_derivatives) -> Local:
    """Residuals and derivatives at p."""
    residual, jacobian, _ = derivatives(problem, p[None])
    raw = loss_derivatives(problem, p[None])[0][0]
    rss = float(residual[0] @ residual[0])
    return Local(p, residual[0], jacobian[0], rss, residual.shape[1] - 5, raw, derivatives)


DETERMINED = 1e-6
"""Added to I − M_g: a run that alone determines some direction has infinite influence along it."""


def influence(fit: Local, run: Index) -> Array:
    """Influence of each run on p, shape (runs, 5).

    Parameters
    ----------
    fit : Local
        From `pseudo_residuals` where the objective is not least squares.
    run : array, shape (n,)
        Index of each row's run.
    """
    J = fit.jacobian[fit.free]
    scale = np.linalg.norm(J, axis=1)
    Q, R = np.linalg.qr((J / scale[:, None]).T)
    runs, size = int(run.max()) + 1, len(scale)
    z = np.stack([np.bincount(run, q * fit.residual, runs) for q in Q.T], axis=1)
    rest = np.empty((runs, size, size))
    for i, j in np.ndindex(size, size):
        rest[:, i, j] = (1 + DETERMINED) * (i == j) - np.bincount(run, Q[:, i] * Q[:, j], runs)
    moves = np.zeros((runs, 5))
    pulled = linear.solve(rest, np.asarray(z, float)[:, :, None])[:, :, 0]
    moves[:, fit.free] = linear.solve(R[None], pulled.T[None])[0].T / scale
    return moves


def clustered(moves: Array) -> Array:
    """Covariance (5, 5) of the sum of independent influences (runs, 5), with the jackknife's factor (G − 1)/G."""
    runs = len(moves)
    return np.asarray((runs - 1) / runs * moves.T @ moves)


def pseudo_residuals(fit: Local, delta: float) -> Local:
    """A fit by Huber's objective as least squares on its pseudo-residuals K·ψ(r)/m, as far as errors go.

    Huber 1981, section 7.6: the covariance is K²·[Σψ²/(n − p)]/m²·(JᵀJ)⁻¹ with m the mean of ψ′ and
    K = 1 + (p/n)·var ψ′/m². Least squares has δ infinite, ψ(r) = r and m = 1. Below the bandwidth h of Hall & Sheather
    1988 for the density at the median, too few residuals lie within ±δ to count them: there m = (δ/h)·share(|r| ≤ h),
    the limit being the sparsity estimate of least absolute deviations (Koenker 2005, section 3.4).
    """
    if np.isinf(delta):
        return fit
    r, n = fit.residual / fit.root, len(fit.residual)
    width = max(delta, _bandwidth(r))
    share = max(float(np.mean(np.abs(r) <= width)), 1 / n)
    correction = 1 + len(fit.p) / n * (1 - share) / share
    score = np.clip(r / delta, -1.0, 1.0) if delta else np.sign(r)
    residual = fit.root * correction * score * width / share
    return replace(fit, residual=residual, rss=float(residual @ residual))


def _bandwidth(residual: Array) -> float:
    """Half-width around the median in residuals: Hall & Sheather's in probability, on the normal scale of the MAD."""
    share = len(residual) ** (-1 / 3) * norm.ppf(0.975) ** (2 / 3) * (1.5 * norm.pdf(0) ** 2) ** (1 / 3)
    scale = np.median(np.abs(residual)) / norm.ppf(0.75)
    return float(scale * norm.ppf(0.5 + min(share, 0.45)))
