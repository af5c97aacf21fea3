"""Least absolute deviations of the log loss, Σ w·|ln L̂ − ln L|, to rounding: Huber's δ lowered, then exact corners.

Huber's optimum at a δ with few rows inside ±δ lies next to that of absolute deviations, to which a walk from corner to
corner goes (corners.py), in a few steps of exact arithmetic. Where it finds none that is an optimum, δ is lowered.
"""

from collections.abc import Sequence

import numpy as np

from flopscape.fitting.common.linear import Optimum
from flopscape.fitting.surface import corners, huber
from flopscape.fitting.surface.conditions import THROUGH, value
from flopscape.fitting.surface.huber import Data
from flopscape.fitting.surface.variable_projection import RESAMPLE_DECREMENT
from flopscape.laws.law import Array

LEVELS = (1e-3, 2e-4, 4e-5, 8e-6)
"""δ, in log residuals, from which walks begin, each where those from the wider ones found no optimum."""
INSIDE, NARROWER = 12, (1.0, 0.5, 0.1)
"""Rows of the whole table inside ±δ where a resample's walk begins, and parts of that δ for those that fail."""
NEAR, PATIENCE = 1e-5, 30
"""Decrement, as a part of the objective, and evaluations at one δ after which a walk begins."""


def minimise(data: Data, weights: Array, p: Array) -> Optimum:
    """Optima from given parameters (R, 5), under weights (R, n); converged where the conditions of an optimum hold."""
    p = huber.minimise(data, weights, p, LEVELS[0], NEAR).p
    found = _walk_from(data, weights, p, LEVELS)
    # Of exact data all residuals are rounding, and no five rows are the right ones.
    return found._replace(converged=found.converged | (found.objective <= THROUGH * weights.sum(axis=1)))


def refine(data: Data, weights: Array, p: Array, delta: float) -> Optimum:
    """`minimise` from parameters that are close already, to the precision that a resample needs; see `first_delta`.

    Where no walk ends in an optimum, Huber's at the last δ stands.
    """
    levels = [part * delta for part in NARROWER]
    found = _walk_from(data, weights, np.clip(p, data.lower, data.upper), levels)
    if found.converged.all():
        return found
    rest = np.flatnonzero(~found.converged)
    last = huber.descend(data.take(rest), weights[rest], found.p[rest], levels[-1], RESAMPLE_DECREMENT, PATIENCE)
    found.p[rest], found.converged[rest] = last.p, last.converged
    found.objective[rest] = value(data.take(rest), weights[rest], last.p)
    return found


def _walk_from(data: Data, weights: Array, p: Array, levels: Sequence[float]) -> Optimum:
    """Walks from Huber's optimum at each δ in turn, of those problems that have found no optimum yet."""
    p, objective, converged = p.copy(), np.full(len(p), np.inf), np.zeros(len(p), bool)
    for delta in levels:
        todo = np.flatnonzero(~converged)
        if not len(todo):
            break
        part, w = data.take(todo), weights[todo]
        near = huber.descend(part, w, p[todo], delta, NEAR, PATIENCE).p
        found = corners.descend(part, w, near)
        p[todo], objective[todo], converged[todo] = found
    return Optimum(p, objective, converged)


def first_delta(data: Data, p: Array) -> float:
    """δ at which `INSIDE` rows of the table lie within ±δ of its optimum p (5,): resamples begin there."""
    size = np.sort(np.abs(huber.residuals(data, p[None])[0]))
    return max(float(size[min(INSIDE, len(size) - 1)]), LEVELS[-1])
