"""Scores that rank runs in other ways than `flopscape next` does, to be set beside it on the same sweeps and pools.

Some are the answer's own with another power of the cost, belief or choice of candidates. The others know a surface and
a Gaussian process around it in place of the answer: with J the Jacobian by (E, ln A, ln B, α, β), A and B being heights
at the runs' middle, P = diag(1, 1, 1, 0.2², 0.2²) and σ the standard deviation of the residuals,

    K = J·P·Jᵀ + τ²·exp(−½(Δln C/ln 10)² − ½(Δln N/(0.7·ln 10))²),    τ = 2σ,

conditioned on the finished runs with the noise σ. Its targets are L(N*) and the broad difference
L(N*·e^H) − L(N*·e^−H), H = 2.3, which the position of the optimum hangs on. Runs are taken as in
flopscape/design/gains.py, with the cost to the power 0.3.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flopscape.design.candidates import HALF_SPAN, distance
from flopscape.design.gains import POWER, Known, chosen
from flopscape.design.told import RANKED_BY, Told
from flopscape.fitting.drifting_law.fit import Posterior
from flopscape.fitting.surface.many_tables import fit_surfaces
from flopscape.laws.law import Array, Index, Mask
from flopscape.laws.surface import Surface, closed_form_optimum

LN10 = float(np.log(10))
PRIOR_SD = np.array([1.0, 1.0, 1.0, 0.2, 0.2])
LENGTHS = np.array([[LN10], [0.7 * LN10]])
"""Of the squared exponential, in ln C and in ln N."""


class OfAnswer(NamedTuple):
    """A score that the answer's posterior tells; its defaults are those of the verb."""

    power: float = POWER
    beliefs: tuple[str, ...] = RANKED_BY
    half_span: float = HALF_SPAN
    is_below: bool = True
    """Whether budgets below those of the runs are candidates."""

    def buy(
        self, found: Posterior, targets: Sequence[float], runs: Array, spend: float, within: float = np.inf
    ) -> Index:
        """Of candidates (n, 3) of N, D, C within so much of ln N of the path those that are bought, in order."""
        away = np.abs(distance(found.typical, runs[:, 0], runs[:, 2]))
        at = _offered(away < within)
        told = Told.of(found, targets, np.log(runs[at, 0]), np.log(runs[at, 1]))
        beliefs = [told.beliefs[name] for name in self.beliefs]
        return at[[choice.candidate for choice in chosen(beliefs, runs[at, 2], spend, self.power)]]


class OfSurface(NamedTuple):
    """A score that a Gaussian process around the least-squares surface tells."""

    power: float = 0.3
    half_span: float = 0.6 * LN10
    is_below: bool = False
    tau: float = 2.0
    """Its standard deviation, in σ."""
    reach: float = 2.3
    """H, in ln N."""

    def buy(
        self, done: Array, losses: Array, targets: Sequence[float], runs: Array, spend: float, within: float = np.inf
    ) -> Index:
        """Of candidates (n, 3) of N, D, C within so much of ln N of the path those that are bought, in order.

        `done` (m, 2) and `losses` (m,) are N and D of the finished runs, and what came of them.

        Where the surface has no optimum, for a term of it is zero, the cheapest runs are bought.
        """
        fit = fit_surfaces(done[:, 0], done[:, 1], losses[None])
        surface = Surface(*(float(values[0]) for values in fit.surface))
        if not (surface.A > 0 and surface.B > 0):
            order = np.argsort(runs[:, 2], kind="stable")
            return order[np.cumsum(runs[order, 2]) <= spend]
        away = np.abs(np.log(runs[:, 0] / closed_form_optimum(surface, runs[:, 2]).n_params))
        at = _offered(away < within)
        noise = max(float(np.sqrt(fit.objective[0] / max(1, len(losses) - 5))), 1e-3)
        known = self.known(surface, noise, done, targets, runs[at])
        return at[[choice.candidate for choice in chosen([known], runs[at, 2], spend, self.power)]]

    def known(self, surface: Surface, noise: float, done: Array, targets: Sequence[float], runs: Array) -> Known:
        """What the finished runs leave open of the targets and of the candidates' losses."""
        best = np.array([float(closed_form_optimum(surface, c).n_params) for c in targets])
        n = (best[:, None] * np.exp(self.reach * np.array([0.0, 1.0, -1.0]))).ravel()
        points = np.concatenate([np.stack([n, np.repeat(targets, 3) / 6 / n], axis=1), runs[:, :2]])
        covariance = self._covariance(surface, noise, points, done)
        row = np.eye(len(points))
        levels, highs, lows = (row[i : len(n) : 3] for i in range(3))
        asked = np.vstack([levels, highs - lows, row[len(n) :]])
        # Rows whose products are covariances: a root of the matrix, whichever.
        values, vectors = np.linalg.eigh(asked @ covariance @ asked.T)
        rows = vectors * np.sqrt(np.maximum(values, 0.0))
        return Known(rows[: 2 * len(targets)], rows[2 * len(targets) :], noise)

    def _covariance(self, surface: Surface, noise: float, points: Array, finished: Array) -> Array:
        """Of the losses at points (g, 2), given those of the finished runs."""
        middle = np.log(finished).mean(axis=0)
        own, theirs = (_jacobian(surface, at, middle) * PRIOR_SD for at in (points, finished))
        tau = (self.tau * noise) ** 2
        between = own @ theirs.T + tau * _near(points, finished)
        seen = theirs @ theirs.T + tau * _near(finished, finished) + noise**2 * np.eye(len(finished))
        return own @ own.T + tau * _near(points, points) - between @ np.linalg.solve(seen, between.T)


def _offered(is_near: Mask) -> Index:
    """Places of the candidates near the path; of all where none is, for the path of a few runs may be anywhere."""
    return np.flatnonzero(is_near if is_near.any() else np.ones_like(is_near))


def _jacobian(surface: Surface, points: Array, middle: Array) -> Array:
    """Derivatives at N and D (g, 2) by (E, ln A, ln B, α, β), the heights A and B kept at the middle of the logs."""
    n, d = points.T
    away_n, away_d = (np.log(points) - middle).T
    of_n, of_d = surface.A * n**-surface.alpha, surface.B * d**-surface.beta
    return np.stack([np.ones_like(n), of_n, of_d, -away_n * of_n, -away_d * of_d], axis=1)


def _near(one: Array, other: Array) -> Array:
    """The squared exponential between points (g, 2) and (h, 2) of N and D."""
    ours, theirs = (np.stack([np.log(at).sum(axis=1), np.log(at[:, 0])]) / LENGTHS for at in (one, other))
    return np.asarray(np.exp(-0.5 * ((ours[:, :, None] - theirs[:, None, :]) ** 2).sum(axis=0)))


TRIED: dict[str, OfAnswer | OfSurface] = {
    "the law alone": OfAnswer(beliefs=("law",)),
    "sizes to ±1 decade": OfAnswer(half_span=1.0 * LN10),
    "cost to the power 0.5": OfAnswer(power=0.5),
    "no budget below": OfAnswer(is_below=False),
    "process": OfSurface(),
    "process, cost to the power 0.7": OfSurface(power=0.7),
    "process, 0.7, τ = σ, a budget below": OfSurface(power=0.7, tau=1.0, is_below=True),
    "process, H = 1": OfSurface(reach=1.0),
    "process, sizes to ±0.4 decades": OfSurface(half_span=0.4 * LN10),
    "process, sizes to ±0.25 decades": OfSurface(half_span=0.25 * LN10),
}
"""`process` is the one of K above, as it was proposed."""
