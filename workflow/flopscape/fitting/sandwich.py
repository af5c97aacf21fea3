"""What each run does to a surface fit, and the covariances that follow without assuming equal or independent errors.

Leaving a run out moves p, to first order, by minus its influence R⁻¹(I − M_g)⁻¹z_g, where J = QR, z_g = Σ q_i r_i and
M_g = Σ q_i q_iᵀ over the run's rows. The influences' sum of squares is the jackknife sandwich: HC3 where every row is
a run of its own (MacKinnon & White 1985), CR3 where rows share runs (Cameron & Miller 2015, section VI.B).
"""

from dataclasses import replace

import numpy as np
from scipy.stats import norm

from flopscape.fitting import linear
from flopscape.fitting.local_fit import Local
from flopscape.laws.arrays import Array, Index

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
