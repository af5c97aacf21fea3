"""Approach 2 on thousands of simulated tables of one design at once.

Every vertex is used, wherever it lies, as the published experiments do; `outside` marks those beyond the sampled sizes,
which `flopscape fit` leaves out by name.
"""

from typing import NamedTuple

import numpy as np

from flopscape.bias.designs import Design
from flopscape.fitting.isoflop.power_law import projector
from flopscape.laws.arrays import Array, Mask


class PowerLaws(NamedTuple):
    """N*(C) of R tables: ln N* = log_n + a·(ln C − center)."""

    a: Array
    """Shape (R,); NaN where a budget's parabola has no lowest point."""
    log_n: Array
    """Shape (R,): ln N* at the mean of ln C."""
    center: float
    vertices: Array
    """Shape (R, B): ln N of each vertex."""
    outside: Mask
    """Shape (R, B): the vertex lies beyond the sampled sizes."""

    def n_params(self, flops: Array | float) -> Array:
        """N* (R,) at one compute, or (R, m) at m."""
        x = np.log(flops) - self.center
        return np.exp(self.log_n[:, None] + self.a[:, None] * np.atleast_1d(x)).reshape(len(self.a), *np.shape(flops))

    def n_tokens(self, flops: Array | float) -> Array:
        """D* = C/(6·N*), of the shape of `n_params`."""
        return np.asarray(flops / (6.0 * self.n_params(flops)))


def approach2(design: Design, losses: Array, degree: int = 2) -> PowerLaws:
    """Parabolas, or cubics, per budget and the power law through their lowest points.

    Parameters
    ----------
    losses : array, shape (R, B, n)
        In nats.
    degree : int
        2, or 3 for the cubic whose minimum nearest the centre is taken.
    """
    log_n = np.log(design.n_params)
    center = log_n.mean(axis=1)
    half = np.ptp(log_n, axis=1) / 2
    X = ((log_n - center[:, None]) / half[:, None])[..., None] ** np.arange(degree + 1)
    coefficients = np.einsum("bkn,rbn->rbk", np.linalg.pinv(X), losses - losses.mean(axis=2, keepdims=True))
    place = _lowest(coefficients)
    vertices = center + half * place
    log_flops = np.log(design.flops)
    intercept, a = projector(log_flops) @ vertices.T
    return PowerLaws(a, intercept, float(log_flops.mean()), vertices, np.abs(place) > 1)


@np.errstate(all="ignore")
def _lowest(c: Array) -> Array:
    """Where c1·x + c2·x² (+ c3·x³) is lowest, (R, B); NaN where it has no minimum."""
    if c.shape[-1] == 3:
        return np.where(c[..., 2] > 0, -c[..., 1] / (2 * c[..., 2]), np.nan)
    root = np.sqrt(c[..., 2] ** 2 - 3 * c[..., 3] * c[..., 1])
    return np.asarray(-c[..., 1] / (c[..., 2] + root))
