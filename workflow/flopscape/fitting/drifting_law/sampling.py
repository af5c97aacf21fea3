"""Draws around a mode, and how they are carried to the posterior where that bell shape is no likeness of it.

A table that leaves much open has a posterior of long bent ridges, and of the proposals around its mode hardly any lies
on them. So the proposals, with the density q, are moved through the densities q^(1−λ)·p^λ as λ goes from 0 to 1 (Del
Moral, Doucet & Jasra 2006, doi 10.1111/j.1467-9868.2006.00553.x). At each λ the draws are weighted by (p/q)^Δλ, as far
as leaves half of them effective, and resampled; then each walks some Metropolis steps of its own, as wide as the draws'
own covariance asks for: 2.38²/k of it in k dimensions (Roberts, Gelman & Gilks 1997). The product of the mean
weights is the probability of the losses at these scales, without an approximation.
"""

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from flopscape.fitting.drifting_law.posterior import PARAMETERS, Conditional, Mode
from flopscape.laws.law import Array, Index

DOF = 5.0
"""Of the Student's t that proposes: its tails are wider than those of what it stands for."""
MOVES, LAST_MOVES = 4, 8
"""Metropolis steps after each weighting, and after the last."""
KEPT = 0.5
"""Effective part of the draws that a step of λ leaves."""
WIDER = 1.5
"""Width of the first draws, as a multiple of the mode's: what a ridge reaches beyond the bell must be among them."""
IMPOSSIBLE = 1e30
HALVINGS = 30
MOST_STAGES = 60


class Proposal:
    """Student's t around a mode, as wide as the mode's curvature says or some times wider."""

    def __init__(self, mode: Mode, width: float = 1.0) -> None:
        self.t, self.root = mode.t, mode.root / width

    def draw(self, count: int, generator: np.random.Generator) -> Array:
        """So many t (count, p)."""
        normal = generator.standard_normal((count, PARAMETERS))
        student = normal / np.sqrt(generator.chisquare(DOF, count) / DOF)[:, None]
        return np.asarray(self.t + solve_triangular(self.root, student.T, lower=True, trans="T").T)

    def log_density(self, t: Array) -> Array:
        """Of t (k, p), up to a constant that is the same for all modes."""
        squares = (((t - self.t) @ self.root) ** 2).sum(axis=1)
        own = np.log(np.diag(self.root)).sum()
        return np.asarray(own - (DOF + PARAMETERS) / 2 * np.log1p(squares / DOF))


def effective(weights: Array) -> float:
    """How many equally weighted draws the weighted ones are worth: (Σw)²/Σw².

    >>> effective(np.array([1.0, 1.0, 0.0, 0.0]))
    2.0
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def resample(weights: Array, count: int, start: float) -> Index:
    """Indices of draws by their weights, at even distances along the weights' sum (Kitagawa 1996).

    >>> resample(np.array([0.1, 0.7, 0.2]), 4, 0.5).tolist()
    [1, 1, 1, 2]
    """
    total = np.cumsum(weights)
    even = (np.arange(count) + start) / count * total[-1]
    return np.asarray(np.minimum(np.searchsorted(total, even), len(weights) - 1))


def annealed(conditional: Conditional, mode: Mode, count: int, generator: np.random.Generator) -> tuple[Array, float]:
    """Draws of t (count, p), equally likely, at given scales, and ln of the losses' probability up to a constant."""
    proposal = Proposal(mode, WIDER)
    t = proposal.draw(count, generator)
    from_q, to_p = proposal.log_density(t), _log_probability(conditional, t)
    at, log_evidence = 0.0, 0.0
    for _ in range(MOST_STAGES):
        rise = to_p - from_q
        step = _step(rise, 1 - at)
        weights = np.exp(step * (rise - rise.max()))
        log_evidence += float(np.log(weights.mean()) + step * rise.max())
        at = min(at + step, 1.0)
        root = _root(t, weights)
        kept = resample(weights, count, float(generator.random()))
        t, from_q, to_p = t[kept], from_q[kept], to_p[kept]
        for _ in range(MOVES if at < 1 else LAST_MOVES):
            new = t + generator.standard_normal(t.shape) @ root.T
            new_q, new_p = proposal.log_density(new), _log_probability(conditional, new)
            gain = (1 - at) * (new_q - from_q) + at * (new_p - to_p)
            better = (np.log(generator.random(count)) < gain)[:, None]
            t = np.where(better, new, t)
            from_q, to_p = np.where(better[:, 0], [new_q, new_p], [from_q, to_p])
        if at >= 1:
            break
    return t, log_evidence + conditional.log_scales


def _log_probability(conditional: Conditional, t: Array) -> Array:
    """ln of the probability of t (k, p); of what is impossible a number so low that it is never kept."""
    return -np.minimum(conditional.costs(t), IMPOSSIBLE)


def _step(rise: Array, rest: float) -> float:
    """How far λ can go on so that `KEPT` of the draws stay effective, at most to 1."""

    def part(step: float) -> float:
        return effective(np.exp(step * (rise - rise.max()))) / len(rise)

    if part(rest) >= KEPT:
        return rest
    low, high = 0.0, rest
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if part(middle) >= KEPT else (low, middle)
    return max(low, 1e-6)


def _root(t: Array, weights: Array) -> Array:
    """Root of the covariance of a Metropolis step."""
    part = weights / weights.sum()
    centred = t - part @ t
    covariance = (centred * part[:, None]).T @ centred
    # Where few different draws are left, their covariance has directions of no width.
    covariance[np.diag_indices(PARAMETERS)] += 1e-3 * np.diag(covariance) + 1e-12
    return np.asarray(2.38 / np.sqrt(PARAMETERS) * cholesky(covariance, lower=True))
