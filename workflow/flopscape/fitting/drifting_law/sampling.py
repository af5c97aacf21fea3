"""What draws are made of: proposals around a mode, how many draws weights are worth, and resampling by weight."""

import numpy as np
from scipy.linalg import qr, solve_triangular

from flopscape.fitting.drifting_law.law import PRIORS
from flopscape.fitting.drifting_law.posterior import PARAMETERS, Mode
from flopscape.laws.law import Array, Index

DOF = 5.0
"""Of the Student's t that proposes: its tails are wider than those of what it stands for."""
LAW = len(PRIORS)
ORDER = np.r_[LAW:PARAMETERS, :LAW]
"""The drift's numbers, then the law's."""
HALVINGS = 30


class Proposal:
    """Student's t for the law around a mode, and the normal drift beside it, as wide as the curvature says.

    What is not normal is the law, so that its tails must be wide. The drift's are those of its prior, and a Student's t
    of all numbers together would waste most proposals on them. With the drift's numbers before those of the law, and R
    the lower root of the precision in this order, Rᵀ(t − mode) has the law alone in its last components.
    """

    def __init__(self, mode: Mode) -> None:
        self.t = mode.t
        # Of R with its rows in this order the QR of the transpose: squaring would lose much where R is nearly singular.
        upper = qr(mode.root[ORDER].T, mode="r")[0][:PARAMETERS]
        self.root = (upper * np.sign(np.diag(upper))[:, None]).T

    def draw(self, count: int, generator: np.random.Generator) -> Array:
        """So many t (count, p)."""
        normal = generator.standard_normal((count, PARAMETERS))
        normal[:, -LAW:] /= np.sqrt(generator.chisquare(DOF, count) / DOF)[:, None]
        moved = solve_triangular(self.root, normal.T, lower=True, trans="T").T
        drawn = np.tile(self.t, (count, 1))
        drawn[:, ORDER] += moved
        return drawn

    def log_density(self, t: Array) -> Array:
        """Of t (k, p), up to a constant that is the same for all modes."""
        squares = ((t - self.t)[:, ORDER] @ self.root) ** 2
        of_law = (DOF + LAW) / 2 * np.log1p(squares[:, -LAW:].sum(axis=1) / DOF)
        own = np.log(np.diag(self.root)).sum()
        return np.asarray(own - 0.5 * squares[:, :-LAW].sum(axis=1) - of_law)


def effective(weights: Array) -> float:
    """How many equally weighted draws the weighted ones are worth: (Σw)²/Σw².

    >>> effective(np.array([1.0, 1.0, 0.0, 0.0]))
    2.0
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def power(gain: Array, most: float, kept: float) -> float:
    """The power of weights e^gain, at most so high, that leaves this part of them effective.

    >>> round(power(np.array([0.0, 0.0, -100.0]), 1.0, 0.9), 3)
    0.008
    """
    gain = gain - gain.max()

    def part(step: float) -> float:
        return effective(np.exp(step * gain)) / len(gain)

    if part(most) >= kept:
        return most
    low, high = 0.0, most
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if part(middle) >= kept else (low, middle)
    return max(low, 1e-9)


def resample(weights: Array, count: int, start: float) -> Index:
    """Indices of draws by their weights, at even distances along the weights' sum (Kitagawa 1996).

    >>> resample(np.array([0.1, 0.7, 0.2]), 4, 0.5).tolist()
    [1, 1, 1, 2]
    """
    total = np.cumsum(weights)
    even = (np.arange(count) + start) / count * total[-1]
    return np.asarray(np.minimum(np.searchsorted(total, even), len(weights) - 1))
