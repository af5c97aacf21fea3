"""The hyper-parameters: where they are most likely, and points around there that stand for all of them.

Their logarithms h are few, and each probability of them, with the law summed out by Laplace's approximation, costs some
Gauss-Newton steps. So the mode is found by Newton's method on differences, and points are taken around it from a
Student's t of six degrees of freedom, whose tails are wider than those of what they stand for. What mode and curvature
are exactly decides nothing: the points are weighted by the probability over the proposal's density (draws.py).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.stats import chi2, norm, qmc

from flopscape.fitting.drifting_law.posterior import (
    PRIOR_MEAN,
    SCALE_PRIORS,
    Conditional,
    Data,
    Mode,
    Scales,
)
from flopscape.laws.law import Array

STEP = 0.1
"""Of the differences, in logarithms: about the least width that a scale of a long table has."""
LONGEST = 1.0
"""Most that a Newton step moves one of them by, a factor e."""
SETTLED = 0.02
"""In ln probability: a step that promises less ends the search."""
MOST_STEPS = 8
DOF = 6.0
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
    """The mode h of the scales, and the root R of the precision R·Rᵀ there."""

    h: Array
    root: Array


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


def points(peak: Peak, count: int, seed: int) -> tuple[Array, Array]:
    """Points h (count, k) of the Student's t, and minus the logarithms of its density there up to a constant.

    They fill the space evenly (Sobol 1967, scrambled by the seed), one coordinate more than h has deciding their
    distance, so that a few dozen do what hundreds of independent ones would.
    """
    k = len(peak.h)
    even = qmc.Sobol(k + 1, rng=np.random.default_rng(seed)).random(count)
    even = np.clip(even, 1e-6, 1 - 1e-6)
    t = norm.ppf(even[:, :k]) / np.sqrt(chi2.ppf(even[:, k:], DOF) / DOF)
    h = peak.h + solve_triangular(peak.root, t.T, lower=True, trans="T").T
    return h, (DOF + k) / 2 * np.log1p((t**2).sum(axis=1) / DOF)
