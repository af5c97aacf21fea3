"""Where the optima of resamples lie, from the optimum of the whole table: the log residuals taken as linear in p.

With residuals r + J·d the resample's problem min Σ w·Huber_δ(r + J·d) is convex and shares J, so that a Newton step of
thousands of resamples is a few matrix products (one step is the influence function: Huber 1981, section 1.5). The
answers are starts for logloss.py, never results.
"""

import numpy as np

from flopscape.fitting.surface.huber import PIVOT, Data, terms
from flopscape.fitting.surface.small_systems import solve_definite
from flopscape.fitting.surface.variable_projection import blocks
from flopscape.laws.arrays import Array

LEVELS = (2.0, 1.0, 1.0, 1.0)
"""δ of each Newton step, in units of the one asked for: what is left after them takes 3 to 5 exact steps."""
FURTHEST = 0.2
"""Most that a step changes E, α or β, relatively, and five times less than it changes ln A' or ln B'."""
RIDGE = 0.02
"""Curvature that rows outside ±δ lend, as a part of that of the rows inside, so that few rows inside do no harm."""
DIGITS = 9
"""Decimals kept: the last bits of a matrix product depend on how many problems share it, and no draw may."""


def predict(data: Data, weights: Array, p: Array, delta: float) -> Array:
    """Approximate optima (R, 5) of every row of weights, from the optimum p (5,) of the whole table."""
    residual, J = (part[0] for part in terms(data, p[None]))
    rows, columns = np.triu_indices(5)
    products = J[rows] * J[columns]
    most = FURTHEST * np.array([max(p[0], 1e-3), 5.0, 5.0, p[3], p[4]])
    found = np.empty((len(weights), 5))
    for block in blocks(len(weights), weights.shape[1]):
        found[block] = p + _shift(residual, J, products, weights[block], delta, most)
    return np.round(found, DIGITS)


def _shift(residual: Array, J: Array, products: Array, weights: Array, delta: float, most: Array) -> Array:
    """d (R, 5) after the Newton steps; a step is cut at `most`."""
    rows, columns = np.triu_indices(5)
    hessian = np.empty((len(weights), 5, 5))
    d = np.zeros((len(weights), 5))
    for level in LEVELS if np.isfinite(delta) else LEVELS[:1]:
        r = residual + d @ J
        psi = np.clip(r, -level * delta, level * delta)
        curvature = (weights * ((psi == r) + RIDGE)) @ products.T
        hessian[:, rows, columns] = hessian[:, columns, rows] = curvature
        step, _ = solve_definite(hessian, -((weights * psi) @ J.T), PIVOT)
        d += step * np.minimum(1.0, 1.0 / np.maximum(np.abs(step / most).max(axis=1, keepdims=True), 1e-300))
    return d
