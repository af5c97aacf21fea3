"""The hyper-parameters: where they are most likely, and points around there that stand for all of them.

Their logarithms h are few, and each probability of them, with the law summed out by Laplace's approximation, costs some
Gauss-Newton steps. So the mode is found by Newton's method on differences, and points are taken around it from a
Student's t of six degrees of freedom, whose tails are wider than those of what they stand for. What mode and curvature
are exactly decides nothing: the points are weighted by the probability over the proposal's density (draws.py). But
where Laplace's approximation puts the mode far from the mass, few points have a weight that counts; then the weights
say where to lay the next ones.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import LinAlgError, cholesky, inv, solve_triangular
from scipy.stats import chi2, norm, qmc

from flopscape.fitting.drifting_law.posterior import (
    PRIOR_MEAN,
    SCALE_PRIORS,
    Conditional,
    Data,
    Mode,
    Scales,
)
from flopscape.fitting.drifting_law.sampling import power
from flopscape.laws.law import Array

STEP = 0.1
"""Of the differences, in logarithms: about the least width that a scale of a long table has."""
LONGEST = 1.0
"""Most that a Newton step moves one of them by, a factor e."""
SETTLED = 0.02
"""In ln probability: a step that promises less ends the search."""
MOST_STEPS = 8
DOF = 6.0
LEAST_POINTS = 20
"""Points that others are laid by, at least: mean and covariance of four or five scales ask for some."""
LEAST_SPREAD = 0.05
"""Of the covariance before: a part of it stays, so that points that agree do not end on one place."""
STARTS = [(x, s) for x in (-1.0, 0.0, 1.0) for s in (-0.6, 0.0)]
"""x₀ and ln s from which the law is sought."""
STIFF, ROUGH = Scales(0.01, 0.005, 1e-3, 0.2, 0.005), Scales(0.008, 0.004, 0.1, 0.2, 0.004)
"""Scales under which the law is sought, first with hardly any drift."""


def first_law(data: Data) -> Array:
    """The most likely t of several starts at plausible scales."""
    stiff, rough = Conditional(data, STIFF), Conditional(data, ROUGH)
    found = [rough.mode(stiff.mode(start).t) for start in _starts()]
    return min(found, key=lambda mode: mode.cost).t


def _starts() -> list[Array]:
    starts = []
    for offset, log_stiffness in STARTS:
        start = PRIOR_MEAN.copy()
        start[2], start[4] = offset, log_stiffness
        starts.append(start)
    return starts


class Hyper:
    """The marginal probability of the logarithms h of the scales; each mode is sought from the one before."""

    def __init__(self, data: Data, t: Array) -> None:
        self.data, self.t = data, t
        self.free = 5 if data.cells.shared else 4
        self.middle = np.log(SCALE_PRIORS[0])[: self.free]

    def conditional(self, h: Array) -> Conditional:
        """Everything at h."""
        logs = np.concatenate([h, np.log(SCALE_PRIORS[0])[self.free :]])
        return Conditional(self.data, Scales(*np.exp(logs).tolist()))

    def mode(self, h: Array) -> Mode:
        """The most likely t at h."""
        return self.conditional(h).mode(self.t)

    def minus_log(self, h: Array) -> float:
        """Minus ln p(h, y) up to a constant."""
        conditional = self.conditional(h)
        value = -conditional.log_evidence(conditional.mode(self.t))
        return value if np.isfinite(value) else np.inf


@dataclass(frozen=True)
class Peak:
    """Where the scales are thought to be: a centre h (k,), and the lower root R of the precision R·Rᵀ around it."""

    h: Array
    root: Array

    def points(self, count: int, seed: int) -> Array:
        """Points h (count, k) of the Student's t around the centre.

        They fill the space evenly (Sobol 1967, scrambled by the seed), one coordinate more than h has deciding their
        distance, so that a few dozen do what hundreds of independent ones would.
        """
        k = len(self.h)
        even = qmc.Sobol(k + 1, rng=np.random.default_rng(seed)).random(count)
        even = np.clip(even, 1e-6, 1 - 1e-6)
        t = norm.ppf(even[:, :k]) / np.sqrt(chi2.ppf(even[:, k:], DOF) / DOF)
        return np.asarray(self.h + solve_triangular(self.root, t.T, lower=True, trans="T").T)

    def log_density(self, h: Array) -> Array:
        """Logarithm of the Student's t at each h (n, k), up to a constant that all centres have in common."""
        squares = (((h - self.h) @ self.root) ** 2).sum(axis=1)
        own = np.log(np.diag(self.root)).sum()
        return np.asarray(own - (DOF + len(self.h)) / 2 * np.log1p(squares / DOF))

    def moved(self, h: Array, gain: Array) -> Self:
        """The centre and spread that points h (n, k) of such ln weights have, for points to be taken there next.

        The weights are taken to the power that leaves `LEAST_POINTS` of the points effective, so that one point that is
        far likelier than its neighbours does not end the search where it happens to lie (adaptive importance sampling:
        Cappé, Guillin, Marin & Robert 2004, doi 10.1198/106186004X12803).
        """
        weights = np.exp(power(gain, 1.0, LEAST_POINTS / len(h)) * (gain - gain.max()))
        weights /= weights.sum()
        centre = weights @ h
        covariance = ((h - centre) * weights[:, None]).T @ (h - centre) + LEAST_SPREAD * inv(self.root @ self.root.T)
        return type(self)(centre, np.asarray(cholesky(inv(covariance), lower=True)))


def peak(hyper: Hyper) -> Peak:
    """Newton's method from the prior's middle, each step no longer than `LONGEST` and halved where it does not gain."""
    h = hyper.middle
    value = hyper.minus_log(h)
    for _ in range(MOST_STEPS):
        hyper.t = hyper.mode(h).t
        slope, root = _differences(hyper, h, value)
        half = solve_triangular(root, -slope, lower=True)
        step = solve_triangular(root, half, lower=True, trans="T")
        if half @ half / 2 < SETTLED:
            break
        step *= min(1.0, LONGEST / max(float(np.abs(step).max()), 1e-12))
        for _ in range(4):
            new = hyper.minus_log(h + step)
            if new < value:
                break
            step = step / 2
        if not new < value:
            break
        h, value = h + step, new
    return Peak(h, root)


def _differences(hyper: Hyper, h: Array, value: float) -> tuple[Array, Array]:
    """Gradient at h, and the root of a precision: the second differences, made positive by the prior's where needed."""
    k = len(h)
    steps = STEP * np.eye(k)
    up, down = (np.array([hyper.minus_log(h + sign * step) for step in steps]) for sign in (1, -1))
    curvature = np.diag((up + down - 2 * value) / STEP**2)
    for i in range(k):
        for j in range(i):
            both = hyper.minus_log(h + steps[i] + steps[j])
            curvature[i, j] = curvature[j, i] = (both - up[i] - up[j] + value) / STEP**2
    prior = np.diag(np.array(SCALE_PRIORS[1][:k]) ** -2.0)
    return (up - down) / (2 * STEP), _root(curvature, prior)


def _root(curvature: Array, prior: Array) -> Array:
    """Root of curvature + λ·prior for the least λ of a few that leaves it at least as sharp as half the prior."""
    for extra in (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0):
        try:
            cholesky(curvature + (extra - 0.5) * prior, lower=True)
            return np.asarray(cholesky(curvature + extra * prior, lower=True))
        except (LinAlgError, ValueError):
            continue
    return np.asarray(cholesky(prior, lower=True))
