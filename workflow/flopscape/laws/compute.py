"""What a run costs: C = κ(N)·N·D, with κ constant (6 in the usual convention) or interpolated from the runs.

Counted FLOPs include attention and count N without embeddings, so that κ falls with size towards 6. Between the
sampled sizes ln κ is a monotone cubic in ln N (Fritsch & Carlson 1980); beyond them it keeps the end's value.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy.interpolate import PchipInterpolator

from flopscape.laws.arrays import Array, Index

CONSTANT_WITHIN = 0.005
"""Relative spread of κ below which it counts as constant: rounding, not architecture."""
KNOT_GAP = 0.2
"""Least distance of two knots in ln N, so that two nearly equal sizes do not make a steep slope."""


@dataclass(frozen=True)
class Compute:
    """Knots of ln κ over ln N; a single knot means constant κ.

    Examples
    --------
    What 7e16 FLOPs pay for at ten million parameters, where a run cost 7 FLOPs per parameter and token:

    >>> runs = np.array([1e6, 1e7, 1e8]), np.full(3, 1e9), np.array([9e15, 7e16, 6.2e17])
    >>> f"{np.exp(Compute.from_runs(*runs).tokens(np.log(1e7), 7e16)):.3g} tokens"
    '1e+09 tokens'
    """

    log_n: Array
    log_kappa: Array

    @classmethod
    def constant(cls, kappa: float = 6.0) -> Self:
        """C = κ·N·D with the same κ for every size."""
        return cls(np.zeros(1), np.array([np.log(kappa)]))

    @classmethod
    def from_runs(cls, n_params: Array, n_tokens: Array, flops: Array) -> Self:
        """κ(N) = C/(N·D) of the runs: sizes nearer than 0.2 in ln N share a knot.

        Constant where κ varies by less than 0.5 %, and where it scatters as much among runs of one size as between
        sizes: then C is imprecise, and κ no function of N.
        """
        log_n, log_kappa = np.log(n_params), np.log(flops) - np.log(n_params) - np.log(n_tokens)
        mean = log_kappa.mean()
        order = np.argsort(log_n, kind="stable")
        knot = _groups(log_n[order])
        count = np.bincount(knot)
        at = np.bincount(knot, log_n[order]) / count
        kappa = np.bincount(knot, log_kappa[order]) / count
        between, total = np.std(kappa[knot]), np.std(log_kappa)
        if np.ptp(log_kappa) < CONSTANT_WITHIN or len(at) < 2 or between < 0.8 * total:
            return cls(np.zeros(1), np.array([mean]))
        return cls(at, kappa)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        return cls(np.asarray(data["log_n"], float), np.asarray(data["log_kappa"], float))

    def to_json(self) -> dict[str, Any]:
        """Plain lists, to be kept among a fit's diagnostics."""
        return {"log_n": self.log_n.tolist(), "log_kappa": self.log_kappa.tolist()}

    @property
    def is_constant(self) -> bool:
        """Whether C = κ·N·D with one κ for all N, as where C is 6·N·D."""
        return len(self.log_n) == 1

    @cached_property
    def _cubic(self) -> PchipInterpolator:
        return PchipInterpolator(self.log_n, self.log_kappa)

    def curve(self, log_n: Array) -> tuple[Array, Array, Array]:
        """ln κ with its first and second derivatives in ln N; the derivatives are zero beyond the sampled sizes."""
        log_n = np.asarray(log_n, float)
        if self.is_constant:
            flat = np.zeros_like(log_n)
            return flat + self.log_kappa[0], flat, flat
        inside = np.clip(log_n, self.log_n[0], self.log_n[-1])
        slope, bend = (np.where(inside == log_n, self._cubic(inside, order), 0.0) for order in (1, 2))
        return self._cubic(inside), slope, bend

    def tokens(self, log_n: Array, flops: Array | float) -> Array:
        """ln D that the compute C pays for at ln N."""
        return np.asarray(np.log(flops) - self.curve(log_n)[0] - log_n)


def _groups(ordered: Array) -> Index:
    """Index of the knot of each ascending ln N: a new one where the distance to the knot's first exceeds the gap."""
    group, first = np.zeros(len(ordered), int), ordered[0]
    for i in range(1, len(ordered)):
        new = ordered[i] - first > KNOT_GAP
        group[i] = group[i - 1] + new
        first = ordered[i] if new else first
    return group
