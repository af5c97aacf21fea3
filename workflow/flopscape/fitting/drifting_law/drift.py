"""The drift of the optimum: what the path of ln N* in u may bend by, as numbers times fixed shapes.

A priori the slope of the drift wanders and is drawn back: on each side of the centre of the runs, u = 0, it starts at
zero and follows dg = −g·dt/ℓ + noise, an Ornstein-Uhlenbeck process (Uhlenbeck & Ornstein 1930). The drift is its
integral. So the path is smooth, free to bend, and goes on beyond the runs as it goes at their end at first, while its
slope returns to that of the law within a few ℓ: of what is far from all runs, one end of them says little. With s and t
the distances of two points of one side from the centre, the slope has the covariance

    S²·(e^(−|s−t|/ℓ) − e^(−(s+t)/ℓ)),

and the two sides are independent. S is chosen so that the drift's standard deviation at t = ℓ is τ, its scale. With
a = t/ℓ the drift's variance is S²ℓ²·[2(a + e^(−a) − 1) − (1 − e^(−a))²], and at a = 1 it is S²ℓ²·(2/e − (1 − 1/e)²).

On a side of length T the eigenfunctions of this covariance are known. It is the Green's function of g″ − g/ℓ² times
−ℓ/(2S²), with g(0) = 0 and g′(T) = −g(T)/ℓ. So they are sin ωt with tan ωT = −ωℓ, whose square has the integral
T/2 − sin(2ωT)/(4ω), with the eigenvalues 2S²ℓ/(1 + ω²ℓ²), and the drift has their integrals (1 − cos ωt)/ω: it is
Σ_j z_j·φ_j(t) with z_j ~ N(0, τ²). Beyond T, where nothing is left to learn, the slope goes down as e^(−(t−T)/ℓ).

In closed form the shapes are the same numbers on every machine; eigenvectors of a matrix are not where two eigenvalues
are nearly equal, as they are here where the two sides have nearly one length.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from flopscape.laws.law import Array

LENGTH = 4.0
"""ℓ in u, a factor e⁴ = 55 in compute: over it all that the law misses changes, the drift and the discrepancy alike."""
MODES_OF_SIDE = 5
"""They hold 99 % of the drift's variance at the end of a side, and 90 % of it one ℓ from the centre."""
MODES = 2 * MODES_OF_SIDE
BEFORE, AFTER = 4.0, 10.0
"""How far beyond the runs the sides reach, in u: a factor 55 below and 22,000 above."""
SHORTEST = (6.0, 10.0)
"""Least lengths of the two sides."""
ROUNDS = 60
"""Of the search for the roots: each is nearer by a factor three or more."""


class Reach(NamedTuple):
    """Lengths of the sides below and above the centre of the runs, in u."""

    below: float
    above: float


def reach_of(u: Array) -> Reach:
    """The sides for runs at u (n,)."""
    return Reach(max(BEFORE - float(u.min()), SHORTEST[0]), max(AFTER + float(u.max()), SHORTEST[1]))


def shapes(u: Array, reach: Reach) -> Array:
    """The scaled modes: an axis of ten more behind those of u, the five below the centre first.

    Examples
    --------
    At four units above the centre the drift's variance is one with τ = 1. The leading modes hold nearly all of it:

    >>> round(float((shapes(np.array([4.0]), Reach(8.0, 14.0)) ** 2).sum()), 2)
    0.99
    """
    u = np.asarray(u, float)
    return np.concatenate([_side(np.maximum(-u, 0.0), reach.below), _side(np.maximum(u, 0.0), reach.above)], axis=-1)


def _side(t: Array, length: float) -> Array:
    """The modes of one side at distances t from the centre."""
    omega = _roots(length)
    norm = np.sqrt(length / 2 - np.sin(2 * omega * length) / (4 * omega))
    slope_sd = 1 / (LENGTH * np.sqrt(2 / np.e - (1 - 1 / np.e) ** 2))
    scale = slope_sd * np.sqrt(2 * LENGTH / (1 + (omega * LENGTH) ** 2)) / norm
    inside = (1 - np.cos(omega * np.minimum(t, length)[..., None])) / omega
    beyond = LENGTH * (1 - np.exp(-np.maximum(t - length, 0.0) / LENGTH))[..., None]
    return np.asarray(scale * (inside + np.sin(omega * length) * beyond))


@lru_cache
def _roots(length: float) -> Array:
    """The leading ω with tan ωT = −ωℓ: the j-th ωT is jπ − arctan(ωℓ), which the search repeats.

    A round divides what is left by (1 + (ωℓ)²)·T/ℓ, which is over three for the shortest side. They are kept, for every
    point of a fit asks for those of the same two sides.
    """
    whole = np.pi * np.arange(1, MODES_OF_SIDE + 1)
    omega = whole / length
    for _ in range(ROUNDS):
        omega = (whole - np.arctan(omega * LENGTH)) / length
    return np.asarray(omega)
