"""Draws from the posterior: importance sampling over laws and scales, then the discrepancy, normal beside them.

At each of the scales' points (scales.py) laws and drifts are proposed from a Student's t of five degrees of freedom
around the most likely one. Every proposal weighs its probability over the density that it was proposed with, exactly:
no approximation is left but that the draws are finite. How many they are worth is the weights' (Σw)²/Σw². Where that is
too little, the proposals of fewer points are carried to the posterior in small steps instead (sampling.py).
"""

from dataclasses import dataclass

import numpy as np

from flopscape.fitting.drifting_law.posterior import Conditional
from flopscape.fitting.drifting_law.sampling import Proposal, annealed, effective, resample
from flopscape.fitting.drifting_law.scales import Hyper, Peak, points
from flopscape.laws.law import Array

POINTS = 128
PROPOSALS = 96
"""At each point."""
FEWEST_POINTS, AFFORDABLE = 12, 5000
"""Points that are annealed at least, and cells × points at most: one or two CPU seconds."""
ENOUGH = 0.04
"""Effective part of the proposals from which on they are used as they are."""


@dataclass(frozen=True)
class Draws:
    """R draws: t (R, p), c (R, m) and the logarithms h (R, k) of the scales; `effective` is a part of the proposals."""

    t: Array
    c: Array
    h: Array
    effective: float


@dataclass(frozen=True)
class Weighted:
    """Proposals t (points, proposals, p) with their weights (points, proposals)."""

    t: Array
    weights: Array
    effective: float


def draw(hyper: Hyper, peak: Peak, count: int, seed: int) -> Draws:
    """So many draws; the same for one seed whatever else runs on the machine."""
    generator = np.random.default_rng(seed)
    h, log_thin = points(peak, POINTS, seed)
    conditionals = [hyper.conditional(at) for at in h]
    found = _proposed(hyper, conditionals, log_thin, generator)
    if found.effective < ENOUGH:
        # Sobol's points are even in any first part of them. Each costs some thirty times what proposing alone does.
        used = int(np.clip(AFFORDABLE // len(hyper.data.cells), FEWEST_POINTS, 3 * POINTS // 8))
        found = _annealed(hyper, conditionals[:used], log_thin[:used], generator)
    chosen = resample(found.weights.ravel(), count, float(generator.random()))
    place, inside = np.divmod(chosen, found.weights.shape[1])
    t = found.t[place, inside]
    normal = generator.standard_normal((count, len(conditionals[0].sd)))
    c = np.empty_like(normal)
    for i in np.unique(place):
        here = place == i
        c[here] = conditionals[i].coefficients(t[here], normal[here])
    return Draws(t, c, h[place], found.effective)


def _proposed(
    hyper: Hyper, conditionals: list[Conditional], log_thin: Array, generator: np.random.Generator
) -> Weighted:
    """Proposals around the mode at each point, by probability over density."""
    t, logs = [], []
    for conditional, thin in zip(conditionals, log_thin, strict=True):
        proposal = Proposal(conditional.mode(hyper.t))
        t.append(proposal.draw(PROPOSALS, generator))
        logs.append(conditional.log_scales - conditional.costs(t[-1]) - proposal.log_density(t[-1]) + thin)
    weights = np.exp(np.array(logs) - np.max(logs))
    return Weighted(np.array(t), weights, effective(weights) / weights.size)


def _annealed(
    hyper: Hyper, conditionals: list[Conditional], log_thin: Array, generator: np.random.Generator
) -> Weighted:
    """Draws at each point, equally likely there, each point by the probability that it gives the losses."""
    found = [annealed(one, one.mode(hyper.t), PROPOSALS, generator) for one in conditionals]
    logs = np.array([log_evidence for _, log_evidence in found]) + log_thin
    weights = np.exp(logs - logs.max())
    of_each = np.repeat(weights[:, None], PROPOSALS, axis=1)
    return Weighted(np.array([t for t, _ in found]), of_each, effective(weights) / len(weights))
