"""Draws from the posterior: importance sampling over laws and scales, then the discrepancy, normal beside them.

At each of the scales' points (scales.py) laws and drifts are proposed from a Student's t of five degrees of freedom
around the most likely one. Every proposal weighs its probability over the density that it was proposed with, exactly:
no approximation is left but that the draws are finite. How many they are worth is the weights' (Σw)²/Σw². Where that is
too little, as it is where runs leave much open, draws are carried from the prior in small steps instead (tempered.py);
of a long table, where each of those would cost much, there are more proposals instead.
"""

from dataclasses import dataclass

import numpy as np

from flopscape.fitting.drifting_law.posterior import Conditional
from flopscape.fitting.drifting_law.sampling import Proposal, effective, resample
from flopscape.fitting.drifting_law.scales import Hyper, Peak, points
from flopscape.fitting.drifting_law.tempered import KEPT, Tempered, walked
from flopscape.laws.law import Array

POINTS = 128
PROPOSALS = 96
"""At each point."""
FEW, MANY = 8, 20
"""Cells that leave so much open that proposals around one mode are not tried; and more than are carried in steps."""
MORE = 4
"""Times as many proposals for a long table whose first ones are not worth enough."""
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
    if len(hyper.data.cells) <= FEW:
        return _tempered(hyper, count, generator)
    h, log_thin = points(peak, POINTS, seed)
    conditionals = [hyper.conditional(at) for at in h]
    found = _proposed(hyper, conditionals, log_thin, PROPOSALS, generator)
    if found.effective < ENOUGH and len(hyper.data.cells) <= MANY:
        return _tempered(hyper, count, generator)
    if found.effective < ENOUGH:
        found = _proposed(hyper, conditionals, log_thin, MORE * PROPOSALS, generator)
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
    hyper: Hyper, conditionals: list[Conditional], log_thin: Array, count: int, generator: np.random.Generator
) -> Weighted:
    """So many proposals around the mode at each point, by probability over density."""
    t, logs = [], []
    for conditional, thin in zip(conditionals, log_thin, strict=True):
        proposal = Proposal(conditional.mode(hyper.t))
        t.append(proposal.draw(count, generator))
        logs.append(conditional.log_scales - conditional.costs(t[-1]) - proposal.log_density(t[-1]) + thin)
    weights = np.exp(np.array(logs) - np.max(logs))
    return Weighted(np.array(t), weights, effective(weights) / weights.size)


def _tempered(hyper: Hyper, count: int, generator: np.random.Generator) -> Draws:
    """So many of the draws that have come from the prior, each as often as the others or once more."""
    tempered = Tempered(hyper.data)
    walkers = walked(tempered, generator)
    walkers = walkers.at(resample(np.ones(len(walkers.v)), count, 0.5))
    c = tempered.coefficients(walkers, generator)
    return Draws(tempered.t(walkers.v), c, tempered.h(walkers.v)[:, : hyper.free], KEPT)
