"""The global search of a law's fit: many seeded starts for the table, a warm start and restarts for its resamples."""

from typing import NamedTuple

import numpy as np

from flopscape.fitting.any_law.levenberg_marquardt import LOOSE, TIGHT, Found, minimise
from flopscape.fitting.any_law.problem import LawProblem
from flopscape.laws.arrays import Array

STARTS = 96
"""Random starts of a table. Nearly all reach the optimum on published tables and on simulated ones."""
FEWEST_STARTS, ELEMENTS = 12, 1_000_000
"""Starts of a table however long, and starts × rows at once, so that 1e5 rows take 200 MB."""
RESTARTS = 2
"""Starts of a resample besides the table's optimum."""
AT_OPTIMUM, EXACT = 1e-6, 1e-24
"""Relative excess of the objective below which a start has reached the optimum, and the mean r² of exact data."""


class GlobalFit(NamedTuple):
    """The best θ (k,) of many starts, its objective, and how many of the starts reached it."""

    theta: Array
    objective: float
    converged: bool
    reached: int
    starts: int


def global_fit(problem: LawProblem, seed: int, starts: int = STARTS, tolerance: float = TIGHT) -> GlobalFit:
    """Best of random starts for all rows alike; of fewer starts where rows are very many."""
    n = len(problem.log_loss)
    starts, lanes = max(min(starts, ELEMENTS // n), FEWEST_STARTS), max(1, ELEMENTS // n)
    drawn = problem.law.starts(np.random.default_rng(seed), starts, float(np.exp(problem.log_loss.mean())))
    theta = problem.theta(drawn)
    pieces = np.split(theta, range(lanes, starts, lanes))
    parts = [minimise(problem, np.ones((len(some), n)), some, tolerance) for some in pieces]
    found = Found(*map(np.concatenate, zip(*parts, strict=True)))
    best = int(np.argmin(found.objective))
    reached = found.objective <= found.objective[best] * (1 + AT_OPTIMUM) + EXACT * n
    return GlobalFit(
        found.theta[best], float(found.objective[best]), bool(found.converged[best]), int(reached.sum()), starts
    )


def resample(problem: LawProblem, weights: Array, starts: Array) -> Found:
    """Optimum for each row of weights (R, n): the best from several starting θ, shape (S, k)."""
    runs = [minimise(problem, weights, np.tile(start, (len(weights), 1)), LOOSE) for start in starts]
    best = np.argmin([found.objective for found in runs], axis=0)
    lanes = np.arange(len(weights))
    return Found(*(np.stack(parts)[best, lanes] for parts in zip(*runs, strict=True)))


def restarts(theta: Array, error: Array, seed: int) -> Array:
    """θ and `RESTARTS` points three standard errors, at most 1, around it: shape (1 + RESTARTS, k)."""
    away = np.random.default_rng(seed).normal(size=(RESTARTS, len(theta)))
    return np.concatenate([theta[None], theta + away * np.minimum(3 * np.nan_to_num(error, nan=1.0), 1.0)])
