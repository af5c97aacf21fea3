"""Baselines that show what a search is worth: a library's minimisers, each believed where it stops."""

import numpy as np
from scipy.optimize import minimize

from flopscape.bias.designs import Design
from flopscape.laws.arrays import Array

START = np.array([(0.0, 3.0), (0.0, 15.0), (0.0, 15.0), (0.05, 1.0), (0.05, 1.0)])
"""Ranges of (E, ln A, ln B, α, β) that a random start is drawn from; their middles are the fixed start."""
WAYS: dict[str, dict[str, object]] = {
    "BFGS, analytic gradient": {"method": "BFGS", "jac": True},
    "BFGS, finite differences": {"method": "BFGS", "jac": False},
    "simplex": {"method": "Nelder-Mead", "jac": False, "options": {"maxiter": 10_000, "maxfev": 10_000}},
}


def parameters_from(way: str, design: Design, losses: Array) -> Array:
    """(E, A, B, α, β) where one of `WAYS` stops, from the middle of the ranges; losses of shape (B, n)."""
    logs, y = _logs(design), losses.ravel()
    options = dict(WAYS[way])
    gradient = options.pop("jac")
    function = objective if gradient else lambda p, *rest: objective(p, *rest)[0]
    p = minimize(function, START.mean(axis=1), (logs, y), jac=gradient, **options).x  # type: ignore[call-overload]
    with np.errstate(over="ignore"):
        return np.array([p[0], np.exp(p[1]), np.exp(p[2]), p[3], p[4]])


def exponents_from_random_starts(design: Design, losses: Array, seed: list[int]) -> Array:
    """a of each table (R,) where L-BFGS-B stops after one random start; NaN where α + β is not positive."""
    generator, logs = np.random.default_rng(seed), _logs(design)
    found = []
    for y in losses.reshape(len(losses), -1):
        p = minimize(objective, generator.uniform(*START.T), (logs, y), "L-BFGS-B", jac=True).x
        found.append(p[4] / (p[3] + p[4]) if p[3] + p[4] > 0 else np.nan)
    return np.array(found)


def _logs(design: Design) -> Array:
    return np.log(np.stack([design.n_params.ravel(), design.n_tokens.ravel()]))


@np.errstate(over="ignore", invalid="ignore")
def objective(p: Array, logs: Array, y: Array) -> tuple[float, Array]:
    """Σ r² of the surface and its gradient in (E, ln A, ln B, α, β)."""
    x, z = np.exp(p[1] - p[3] * logs[0]), np.exp(p[2] - p[4] * logs[1])
    residual = p[0] + x + z - y
    slopes = (residual, residual * x, residual * z, -residual * x * logs[0], -residual * z * logs[1])
    return float(residual @ residual), 2 * np.array([slope.sum() for slope in slopes])
