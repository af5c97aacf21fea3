"""The baseline that shows what the search is worth: one random start of a library's minimiser, believed as it is."""

import numpy as np
from scipy.optimize import minimize

from flopscape.bias.designs import Design
from flopscape.laws.arrays import Array

START = ((0.0, 3.0), (0.0, 15.0), (0.0, 15.0), (0.05, 1.0), (0.05, 1.0))
"""Ranges of (E, ln A, ln B, α, β) that a start is drawn from."""


def exponents_from_random_starts(design: Design, losses: Array, seed: list[int]) -> Array:
    """a of each table (R,) where L-BFGS-B with the analytic gradient stops, least squares on the loss; NaN where α + β
    is not positive."""
    generator = np.random.default_rng(seed)
    logs = np.log(np.stack([design.n_params.ravel(), design.n_tokens.ravel()]))
    found = []
    for y in losses.reshape(len(losses), -1):
        start = [generator.uniform(low, high) for low, high in START]
        p = minimize(_objective, start, (logs, y), "L-BFGS-B", jac=True).x
        found.append(p[4] / (p[3] + p[4]) if p[3] + p[4] > 0 else np.nan)
    return np.array(found)


@np.errstate(over="ignore", invalid="ignore")
def _objective(p: Array, logs: Array, y: Array) -> tuple[float, Array]:
    """Σ r² of the surface and its gradient in (E, ln A, ln B, α, β)."""
    x, z = np.exp(p[1] - p[3] * logs[0]), np.exp(p[2] - p[4] * logs[1])
    residual = p[0] + x + z - y
    slopes = (residual, residual * x, residual * z, -residual * x * logs[0], -residual * z * logs[1])
    return float(residual @ residual), 2 * np.array([slope.sum() for slope in slopes])
