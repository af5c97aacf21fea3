"""Draws from the posterior: importance sampling over laws and scales, then the discrepancy, normal beside them.

At each of the scales' points (scales.py) laws and drifts are proposed from a Student's t of five degrees of freedom
around the most likely one. Every proposal weighs its probability over the density that it was proposed with, exactly:
no approximation is left but that the draws are finite. How many they are worth is the weights' (Σw)²/Σw². Where that is
too little, as it is where runs leave much open, draws are carried from the prior in small steps instead (tempered.py).
Of a long table each of those would cost much. There, what is too little is mostly one of the scales' points that has
all the weight, for their mode was found far from where they are probable; so more points are laid where the weights
say, and every proposal is then weighed over the density that all the layings together gave its point.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import logsumexp

from flopscape.fitting.drifting_law.posterior import Conditional
from flopscape.fitting.drifting_law.sampling import Proposal, effective, resample
from flopscape.fitting.drifting_law.scales import Hyper, Peak
from flopscape.fitting.drifting_law.tempered import KEPT, Tempered, walked
from flopscape.laws.law import Array

POINTS = 128
PROPOSALS = 96
"""At each point."""
FEW, MANY = 8, 20
"""Cells that leave so much open that proposals around one mode are not tried; and more than are carried in steps."""
ROUNDS = 4
"""Times that points of the scales are laid, at most."""
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
class Proposed:
    """Laws proposed at points of the scales, of which each peak has laid equally many.

    h (points, k); t (points, proposals, p); and of each proposal the logarithm of its probability over the density that
    it has at its point, `logs` (points, proposals).
    """

    peaks: list[Peak]
    h: Array
    conditionals: list[Conditional]
    t: Array
    logs: Array

    @classmethod
    def around(cls, peak: Peak, hyper: Hyper, seed: int, generator: np.random.Generator) -> Self:
        """At points around one peak, `PROPOSALS` at each."""
        h = peak.points(POINTS, seed)
        conditionals, t, logs = [hyper.conditional(at) for at in h], [], []
        for conditional in conditionals:
            proposal = Proposal(conditional.mode(hyper.t))
            t.append(proposal.draw(PROPOSALS, generator))
            logs.append(conditional.log_scales - conditional.costs(t[-1]) - proposal.log_density(t[-1]))
        return cls([peak], h, conditionals, np.array(t), np.array(logs))

    def __add__(self, later: Self) -> Self:
        """Both together."""
        joined = (np.concatenate(both) for both in ((self.t, later.t), (self.logs, later.logs)))
        h, conditionals = np.concatenate([self.h, later.h]), self.conditionals + later.conditionals
        return type(self)(self.peaks + later.peaks, h, conditionals, *joined)

    def log_weights(self) -> Array:
        """Logarithms of probability over density (points, proposals), the highest being 0."""
        thin = -logsumexp([peak.log_density(self.h) for peak in self.peaks], axis=0)
        logs = self.logs + thin[:, None]
        return np.asarray(logs - np.max(logs))

    def effective(self) -> float:
        """The part of the proposals that they are worth."""
        return effective(np.exp(self.log_weights())) / self.logs.size

    def next_peak(self) -> Peak:
        """Where the scales are by what is known so far: a point weighs what all its proposals weigh together."""
        return self.peaks[0].moved(self.h, logsumexp(self.log_weights(), axis=1))

    def drawn(self, count: int, generator: np.random.Generator) -> Draws:
        """So many draws of the proposals by their weights, each with a discrepancy of its own."""
        chosen = resample(np.exp(self.log_weights()).ravel(), count, float(generator.random()))
        place, inside = np.divmod(chosen, self.logs.shape[1])
        t = self.t[place, inside]
        normal = generator.standard_normal((count, len(self.conditionals[0].sd)))
        c = np.empty_like(normal)
        for i in np.unique(place):
            here = place == i
            c[here] = self.conditionals[i].coefficients(t[here], normal[here])
        return Draws(t, c, self.h[place], self.effective())


def draw(hyper: Hyper, peak: Peak, count: int, seed: int) -> Draws:
    """So many draws; the same for one seed whatever else runs on the machine."""
    generator = np.random.default_rng(seed)
    if len(hyper.data.cells) <= FEW:
        return _tempered(hyper, count, generator)
    found = Proposed.around(peak, hyper, seed, generator)
    if found.effective() < ENOUGH and len(hyper.data.cells) <= MANY:
        return _tempered(hyper, count, generator)
    while found.effective() < ENOUGH and len(found.peaks) < ROUNDS:
        found += Proposed.around(found.next_peak(), hyper, seed + len(found.peaks), generator)
    return found.drawn(count, generator)


def _tempered(hyper: Hyper, count: int, generator: np.random.Generator) -> Draws:
    """So many of the draws that have come from the prior, each as often as the others or once more."""
    tempered = Tempered(hyper.data)
    walkers = walked(tempered, generator)
    walkers = walkers.at(resample(np.ones(len(walkers.v)), count, 0.5))
    c = tempered.coefficients(walkers, generator)
    return Draws(tempered.t(walkers.v), c, tempered.h(walkers.v)[:, : hyper.free], KEPT)
