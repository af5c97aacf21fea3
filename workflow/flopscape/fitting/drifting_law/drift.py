"""The drift of the optimum: what the path of ln N* in u may bend by, as numbers times fixed shapes.

A priori the drift is an integrated Wiener process on each side of the centre of the runs, u = 0, where it starts with
the value and the slope zero: its curvature is white noise, so that it is smooth, goes on straight where nothing is
known, and the farther from the runs the freer. Its covariance at two points of one side, m nearer to the centre than M,
is

    τ²·m²·(3M − m)/(2·4³):

τ is its standard deviation at four units of u, a factor e⁴ = 55 in compute. The sides are independent.

On a side of length T the eigenfunctions of this covariance are known. k(s, t) = m²(3M − m)/6 is the Green's function
of a bar that is clamped at 0 and loaded: φ'''' = φ/λ with φ(0) = φ'(0) = 0 and φ''(T) = φ'''(T) = 0. So the
eigenfunctions are the vibrations of a cantilever (Rayleigh 1894, §172), with β the roots of cosh β·cos β = −1,

    φ(ζ) = cosh βζ − cos βζ − σ·(sinh βζ − sin βζ),    σ = (cosh β + cos β)/(sinh β + sin β),    ζ = t/T,

whose square has the integral T over the side, with the eigenvalue T⁴/β⁴. The drift is Σ_j z_j·φ_j with z_j ~ N(0, τ²)
and φ_j scaled by the root of its eigenvalue. Three a side keep 99.9 % of the variance at the end, and since a free end
has no curvature, going on as a straight line beyond it is smooth.

In closed form the shapes are the same numbers on every machine; eigenvectors of a matrix are not where two eigenvalues
are nearly equal, as they are here where the two sides have nearly one length.
"""

from typing import NamedTuple

import numpy as np

from flopscape.laws.law import Array

ROOTS = np.array([1.8751040687119611, 4.694091132974175, 7.854757438237613])
"""The first roots of cosh β·cos β = −1."""
MODES = 2 * len(ROOTS)
UNIT = 4.0
"""Units of u after which the drift's standard deviation is τ."""
BEFORE, AFTER = 4.0, 10.0
"""How far beyond the runs the sides reach, in u: a factor 55 below and 22,000 above."""
SHORTEST = (6.0, 10.0)
"""Least lengths of the two sides."""


class Reach(NamedTuple):
    """Lengths of the sides below and above the centre of the runs, in u."""

    below: float
    above: float


def reach_of(u: Array) -> Reach:
    """The sides for runs at u (n,)."""
    return Reach(max(BEFORE - float(u.min()), SHORTEST[0]), max(AFTER + float(u.max()), SHORTEST[1]))


def shapes(u: Array, reach: Reach) -> Array:
    """The scaled modes: an axis of six more behind those of u, the three below the centre first.

    Examples
    --------
    At four units above the centre the kernel is 4²·(3·4 − 4)/(2·4³) = 1 with τ = 1. The leading modes hold nearly all:

    >>> round(float((shapes(np.array([4.0]), Reach(8.0, 16.0)) ** 2).sum()), 2)
    0.97
    """
    u = np.asarray(u, float)
    return np.concatenate([_side(np.maximum(-u, 0.0), reach.below), _side(np.maximum(u, 0.0), reach.above)], axis=-1)


def _side(t: Array, length: float) -> Array:
    """The modes of one side at distances t from the centre, continued as straight lines beyond its length."""
    sigma = (np.cosh(ROOTS) + np.cos(ROOTS)) / (np.sinh(ROOTS) + np.sin(ROOTS))
    # The eigenvalue of m²(3M − m)/(2·4³) is three times that of m²(3M − m)/6, over 4³; 1/√T makes the mode's norm one.
    scale = np.sqrt(3 / UNIT**3) * length**1.5 / ROOTS**2
    angle = ROOTS * np.minimum(t / length, 1.0)[..., None]
    mode = np.cosh(angle) - np.cos(angle) - sigma * (np.sinh(angle) - np.sin(angle))
    slope = ROOTS * (np.sinh(ROOTS) + np.sin(ROOTS) - sigma * (np.cosh(ROOTS) - np.cos(ROOTS)))
    beyond = np.maximum(t / length - 1.0, 0.0)[..., None]
    return np.asarray(scale * (mode + slope * beyond))
