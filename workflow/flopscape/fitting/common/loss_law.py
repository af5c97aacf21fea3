"""The loss of compute-optimal runs, L*(C) = E + K·(C/C₀)^−γ with E and K ≥ 0, for fits that have no surface.

Approaches 1 and 2 find optima at some budgets and join them by power laws of N* and D*; this is the third of their
laws, and the draws of all three. The form is that of a surface at its optimum: with N* ∝ C^a and D* ∝ C^b (Hoffmann et
al. 2022, equation 4) both terms of equation 2 fall as C^−γ, γ = α·β/(α + β), and E is left.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from flopscape.fitting.judge.verdict import DRAW_COLUMNS, column
from flopscape.fitting.surface import global_starts
from flopscape.fitting.surface.variable_projection import Problem
from flopscape.laws.law import Array, Compute

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
    law = global_starts.solve(Problem(log_flops[None], losses), np.ones_like(losses) if weights is None else weights)
    return dict(zip(LOSS_LAW, (*law.coefficients.T, law.exponents[:, 0]), strict=True))


def loss_along(law: Mapping[str, Any], log_flops: float | Array) -> Array:
    """L* at ln C less ln C₀."""
    E, K, gamma = (law[name] for name in LOSS_LAW)
    return np.asarray(E + K * np.exp(-gamma * log_flops))


def loss_scatter(log_flops: Array, losses: Array, variance: Array) -> Array:
    """Variance of losses about their law beyond their own, by moments; 0 for three of them, through which it passes.

    Parameters
    ----------
    log_flops : array, shape (m,)
        ln C less ln C₀.
    losses, variance : array, shape (R, m)
        Losses in nats, and their own variances.

    Returns
    -------
    array, shape (R,)
    """
    m = losses.shape[1]
    if m <= len(LOSS_LAW):
        return np.zeros(len(losses))
    law = {name: values[:, None] for name, values in fit_loss_law(log_flops, losses).items()}
    residual = losses - loss_along(law, log_flops)
    squares = (residual[:, None] @ residual[:, :, None])[:, 0, 0]
    return np.asarray(np.fmax(0.0, squares / (m - len(LOSS_LAW)) - variance.mean(axis=1)))


@np.errstate(all="ignore")
def power_law_draws(laws: Mapping[str, Array], center: float, compute: Compute, flops: Sequence[float]) -> pd.DataFrame:
    """One row a draw.

    Parameters
    ----------
    laws : mapping of arrays, shape (R,)
        `log_n_params` (ln N* at the centre), `a`, `b`, the loss law's three, and `degenerate`.
    center : float
        ln C₀ to which all laws refer.
    compute : Compute
        Gives D* for N* and C.
    flops : sequence of float
        Asked budgets C, in FLOPs.
    """
    replicates = len(laws["a"])
    columns: dict[str, Any] = {name: np.full(replicates, np.nan) for name in DRAW_COLUMNS}
    columns |= {"replicate": np.arange(replicates)} | dict(laws)
    for c in flops:
        x = np.log(c) - center
        log_n = laws["log_n_params"] + laws["a"] * x
        values = (np.exp(log_n), np.exp(compute.tokens(log_n, c)), loss_along(laws, x))
        columns |= {column(name, c): v for name, v in zip(("n_params", "n_tokens", "loss"), values, strict=True)}
    return pd.DataFrame(columns)
