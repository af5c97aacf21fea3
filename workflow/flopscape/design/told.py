"""What the finished runs tell of the targets, and what candidates would add: gains.py for the answer's two beliefs.

The intervals of the answer are those of everything that it believes the law may miss. Of the law alone nearly any run
tells more. Both are kept, for a run may be worth a lot if the law holds and nothing if it does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from flopscape.design.gains import Known, known
from flopscape.fitting.drifting_law.fit import Posterior
from flopscape.fitting.drifting_law.shares import BLOCKS, Shares
from flopscape.laws.law import Array, Index

BELIEFS = {"all": tuple(BLOCKS), "law": ("law",)}
"""With everything that the law may miss, and the law alone."""
RANKED_BY = ("all", "law")
"""Gains under both are added up, so that nothing is bought that only tells of a law that may be wrong.

What else was tried is printed by `python benchmarks/design.py --only next --variants --tables 15 --starts 2`. First,
as much again is spent after simulated sweeps of ten truths: errors at ×100 of the least-squares surface over all
runs, of ln N*/L*, beside those before, on surfaces and then on other truths; two such figures differ by chance by up
to 0.1. Both beliefs do .50/.47, 1.02/1.23, the law alone .40/.48, 1.02/1.27. Sizes to ±1 decade in place of ±0.6 do
.26/.47, 1.07/1.64, so they pay where a surface is true and mislead about L* where none is. Without a budget below the
sweep's it is .47/.57, .92/1.21, and with the cost to the power 0.5, which buys larger runs, .60/.67, 1.05/1.11.

A Gaussian process around a surface, with its Jacobian and a squared exponential in ln N and ln C in place of the
answer's numbers, does .80/.71, .97/1.07 with the cost to the power 0.3, for it buys few runs that are large, and
.54/.58, 1.01/1.27 with 0.7, half the process and a budget below.

Then published tables are pools. With 15 and 40 % of the FLOPs spent the errors of L*/N* beside those of the whole pool
are 1.21/1.17, 1.06/.88 with both beliefs, 1.22/1.30, 1.13/1.03 with sizes to ±1 decade, 1.15/1.14, 1.03/.87 with the
power 0.5, and 1.44/.97, 1.20/.85 with the process. With sizes to ±0.25 decades the process does .96/.88 at 40 %; no
other score is then better at L* than random runs are, with 1.03/1.26. Wide sizes tell where the optimum is, and a
surface that is fitted to them seems to be off in L*.
"""
QUANTITIES = ("n_params", "loss")
"""The width of D*'s interval is that of N*'s: ln D* = ln C − ln κ − ln N*."""


@dataclass(frozen=True)
class Told:
    """Under each belief what is known; `known_at` are the places of its targets among (targets, quantities).

    `today` are the targets' standard deviations as the finished runs leave them.
    """

    beliefs: dict[str, Known]
    known_at: Array
    today: dict[str, Array]

    @classmethod
    def of(cls, found: Posterior, targets: Sequence[float], log_n: Array, log_d: Array) -> Self:
        """Of targets C and of losses at points (n,).

        A target whose optimum the typical draw has not, far from the runs, is not told of; one whose losses hardly bend
        there, of its loss alone.
        """
        shares = Shares(found.typical, found.at)
        asked = [shares.of_optimum(float(c)) for c in targets]
        known_at = np.array([[name in one for name in QUANTITIES] for one in asked])
        gradients = [one[name] for one in asked for name in QUANTITIES if name in one]
        losses = shares.gradients(log_n, log_d)
        noise = float(np.hypot(found.at.scales.noise, found.at.scales.own if found.cells.shared else 0.0))
        beliefs = {name: known(shares, gradients, losses, noise, blocks) for name, blocks in BELIEFS.items()}
        return cls(beliefs, known_at, {name: one.sd for name, one in beliefs.items()})

    @property
    def ranking(self) -> list[Known]:
        """What the score adds up over."""
        return [self.beliefs[name] for name in RANKED_BY]

    def finished(self, points: Sequence[int]) -> Self:
        """When the runs at these points are finished as well."""
        beliefs = dict(self.beliefs)
        for at in points:
            beliefs = {name: one.after(at) for name, one in beliefs.items()}
        return replace(self, beliefs=beliefs)

    def take(self, points: Index) -> Self:
        """With these points alone."""
        return replace(
            self, beliefs={name: replace(one, losses=one.losses[points]) for name, one in self.beliefs.items()}
        )

    def left(self, points: Sequence[int]) -> dict[str, Array]:
        """Parts of today's standard deviations after none, one, two … of these, (points + 1, targets, quantities)."""
        steps = [self]
        for at in points:
            steps.append(steps[-1].finished([at]))
        return {
            name: np.stack([self._placed(one.beliefs[name].sd / self.today[name]) for one in steps]) for name in BELIEFS
        }

    def alone(self, points: Sequence[int]) -> dict[str, Array]:
        """Parts of the standard deviations that each of these leaves by itself, (points, targets, quantities)."""
        left = {name: np.sqrt(one.left[list(points)]) for name, one in self.beliefs.items()}
        return {name: np.stack([self._placed(row) for row in rows]) for name, rows in left.items()}

    def _placed(self, values: Array) -> Array:
        """Values of the known targets at their places, NaN at the others."""
        placed = np.full(self.known_at.shape, np.nan)
        placed[self.known_at] = values
        return placed
