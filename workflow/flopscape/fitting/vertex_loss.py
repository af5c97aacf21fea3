"""The loss law of the vertices: L*(C) = E + K·(C/C₀)^−γ with E and K ≥ 0, C₀ the geometric mean of the budgets.

It is what the surface implies with γ = αβ/(α + β) (insert Hoffmann et al. 2022, equation 4, in its equation 2).
"""

import numpy as np

from flopscape.fitting import varpro
from flopscape.fitting.varpro import Problem
from flopscape.laws.arrays import Array

NAMES = ("loss_E", "loss_K", "loss_gamma")
Law = dict[str, Array]
"""E and K in nats and γ, each of shape (R,)."""


def fit_law(log_flops: Array, losses: Array) -> Law:
    """The law through each row of losses (R, m) by least squares: the kernel with one term."""
    problem = Problem((log_flops - log_flops.mean())[None], losses)
    law = varpro.solve(problem, np.ones_like(losses))
    return dict(zip(NAMES, (*law.coefficients.T, law.exponents[:, 0]), strict=True))


def loss_at(law: Law, center: float, log_flops: float | Array) -> Array:
    """L*(C) of the law, whose centre is ln C₀."""
    E, K, gamma = (law[name] for name in NAMES)
    return np.asarray(E + K * np.exp(-gamma * (log_flops - center)))


def scatter(log_flops: Array, losses: Array, variance: Array) -> float:
    """Variance of the losses (m,) about their law beyond their own `variance` (m,), by moments; 0 for three budgets."""
    m = len(losses)
    if m <= len(NAMES):
        return 0.0
    residual = losses - loss_at(fit_law(log_flops, losses[None]), float(log_flops.mean()), log_flops)
    return max(0.0, float(residual @ residual) / (m - len(NAMES)) - float(variance.mean()))
