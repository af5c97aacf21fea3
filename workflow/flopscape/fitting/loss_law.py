"""L*(C) = E + K·(C/C₀)^−γ through the losses of compute-optimal runs, with E and K ≥ 0.

The form follows from the surface at its optimum (Hoffmann et al. 2022, equation 4, inserted into equation 2).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from flopscape.fitting import exponent_grid
from flopscape.fitting.varpro import Problem
from flopscape.laws.arrays import Array

LOSS_LAW = ("loss_E", "loss_K", "loss_gamma")


def fit_loss_law(log_flops: Array, losses: Array, weights: Array | None = None) -> dict[str, Array]:
    """The law of each set of losses by least squares: the kernel with one term.

    Parameters
    ----------
    log_flops : array, shape (m,)
        ln C less ln C₀.
    losses : array, shape (R, m)
        Finite, in nats.
    weights : array, shape (R, m), optional
        One where not given.

    Returns
    -------
    Arrays of shape (R,) by name.
    """
    if not len(losses):
        return {name: np.empty(0) for name in LOSS_LAW}
    law = exponent_grid.solve(Problem(log_flops[None], losses), np.ones_like(losses) if weights is None else weights)
    return dict(zip(LOSS_LAW, (*law.coefficients.T, law.exponents[:, 0]), strict=True))


def loss_along(law: Mapping[str, Any], log_flops: float | Array) -> Array:
    """L* at ln C less ln C₀."""
    E, K, gamma = (law[name] for name in LOSS_LAW)
    return np.asarray(E + K * np.exp(-gamma * log_flops))


def loss_scatter(log_flops: Array, losses: Array, variance: Array) -> float:
    """Variance of the losses (m,) about their law beyond their own `variance` (m,), by moments; 0 for three of them."""
    m = len(losses)
    if m <= len(LOSS_LAW):
        return 0.0
    residual = losses - loss_along(fit_loss_law(log_flops, losses[None]), log_flops)
    return max(0.0, float(residual @ residual) / (m - len(LOSS_LAW)) - float(variance.mean()))
