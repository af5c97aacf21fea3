"""The cheapest N and D once serving counts too: training costs κ·N·D, serving D_inference tokens κ/3·N·D_inference.

Source: Sardana et al. 2023 (arXiv 2401.00448), equations 1 to 3: 6·N·D + 2·N·D_inference at a given loss. The first
derivatives give αA·N^−α = βB·D^−β·(1 + D_inference/(3D)), the surface's optimum for D_inference = 0, and the same
condition where the total compute is given and the loss is minimised. That condition is one equation in one unknown,
increasing in it, and `increasing_root` solves it by bisection for many models at once. Every function broadcasts.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from flopscape.laws.law import Array, Number
from flopscape.laws.surface import Surface, loss

FORWARD = 1 / 3
"""Part of a training token's FLOPs that is its forward pass: 2N of 6N (Kaplan et al. 2020, section 2.1)."""


class ServedOptimum(NamedTuple):
    """N (parameters), D (tokens), the loss (nats), and what training and serving cost (FLOPs)."""

    n_params: Array
    n_tokens: Array
    loss: Array
    training: Array
    serving: Array


@np.errstate(divide="ignore", invalid="ignore")
def cheapest_at_loss(surface: Surface, target: Number, d_inference: Number, kappa: float = 6.0) -> ServedOptimum:
    """N and D of least training and serving compute that reach a loss.

    Parameters
    ----------
    surface : Surface
    target : float or array
        Loss in nats; NaN comes back where it is not above E.
    d_inference : float or array
        Tokens served over the model's life, prompt and output.
    kappa : float
        FLOPs of training per parameter and token.
    """
    E, A, B, alpha, beta = surface
    above = np.where(np.asarray(target) > E, np.asarray(target) - E, np.nan)

    def sizes(x: Array) -> tuple[Array, Array]:
        """N and D where the logit of N's share of the loss above E is x."""
        log_above = np.log(above)
        log_n = (np.log(A) - log_above + np.logaddexp(0, -x)) / alpha
        log_d = (np.log(B) - log_above + np.logaddexp(0, x)) / beta
        return np.exp(log_n), np.exp(log_d)

    # With s for N's share of the loss above E the condition is αs = β(1 − s)·(1 + D_inference/(3D)): the logit x is
    # ln(β/α), as for training alone, and ln(1 + D_inference/(3D)) more. D grows with x, so that the excess is largest
    # at the lower end.
    low = np.log(beta) - np.log(alpha) + 0 * above
    high = low + np.log1p(FORWARD * d_inference / sizes(low)[1])
    x = increasing_root(lambda x: x - low - np.log1p(FORWARD * d_inference / sizes(x)[1]), low, high)
    return _served(surface, *sizes(x), d_inference, kappa)


@np.errstate(divide="ignore", invalid="ignore")
def best_at_compute(surface: Surface, flops: Number, d_inference: Number, kappa: float = 6.0) -> ServedOptimum:
    """N and D of least loss whose training and serving together cost `flops`; arguments as in `cheapest_at_loss`."""
    _, A, B, alpha, beta = surface
    log_odds = np.log(alpha) + np.log(A) - np.log(beta) - np.log(B)

    def log_size(log_d: Array) -> Array:
        # C/κ = N·(D + D_inference/3).
        return np.asarray(np.log(np.asarray(flops) / kappa) - np.logaddexp(log_d, np.log(FORWARD * d_inference)))

    def excess(log_d: Array) -> Array:
        # ln of αA·N^−α over βB·D^−β·(1 + D_inference/(3D)): N falls as D grows, so that it increases with D.
        more = np.log1p(FORWARD * d_inference * np.exp(-log_d))
        return np.asarray(log_odds - alpha * log_size(log_d) + beta * log_d - more)

    high = np.log(np.asarray(flops) / kappa) + 0 * log_odds + 0 * np.log1p(d_inference)
    log_d = increasing_root(excess, high - 100.0, high)
    return _served(surface, np.exp(log_size(log_d)), np.exp(log_d), d_inference, kappa)


def inference_optimum(
    surface: Surface,
    d_inference: Number,
    *,
    loss: Number | None = None,
    flops: Number | None = None,
    kappa: float = 6.0,
) -> ServedOptimum:
    """The optimum at a loss, or at a total compute; exactly one of the two is given.

    Examples
    --------
    A loss of 2.1 nats is cheapest with 6.7 billion parameters to train alone, and with 4 billion to serve a trillion
    tokens too:

    >>> chinchilla = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
    >>> [f"{inference_optimum(chinchilla, served, loss=2.1).n_params:.2g}" for served in (0, 1e12)]
    ['6.7e+09', '4e+09']

    Raises
    ------
    ValueError
        Both or neither are given.
    """
    if (loss is None) == (flops is None):
        raise ValueError("give either loss or flops")
    if loss is not None:
        return cheapest_at_loss(surface, loss, d_inference, kappa)
    assert flops is not None
    return best_at_compute(surface, flops, d_inference, kappa)


def _served(surface: Surface, n_params: Array, n_tokens: Array, d_inference: Number, kappa: float) -> ServedOptimum:
    training = kappa * n_params * n_tokens
    serving = FORWARD * kappa * n_params * np.asarray(d_inference)
    return ServedOptimum(n_params, n_tokens, loss(surface, n_params, n_tokens), training, serving)


HALVINGS = 80
"""A bracket of 100 in ln N shrinks to 1e-22, below float64's spacing."""


def increasing_root(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """The x between low and high where an increasing function changes sign, elementwise; an end where it does not.

    NaN ends stay NaN.
    """
    low, high = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = function(middle) < 0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)
