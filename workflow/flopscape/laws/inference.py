"""The cheapest N and D once serving counts too: training costs κ·N·D, serving D_inference tokens κ/3·N·D_inference.

Source: Sardana et al. 2023 (arXiv 2401.00448), equations 1 to 3: 6·N·D + 2·N·D_inference at a given loss. The first
derivatives give αA·N^−α = βB·D^−β·(1 + D_inference/(3D)), the surface's optimum for D_inference = 0, and the same
condition where the total compute is given and the loss is minimised. That condition is one equation in one unknown,
increasing in it, and `increasing_root` solves it for many models at once. Every function broadcasts.
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


STEPS = 100
"""Most evaluations of a condition; 8 to 16 are usual, where halving alone would take 60."""
SPACING = 2.0**-52
"""Relative distance of neighbouring numbers in float64."""


@np.errstate(all="ignore")
def increasing_root(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """The x between low and high where an increasing function changes sign, elementwise; an end where it does not.

    Chandrupatla 1997: inverse quadratic interpolation through the last three points where they lie so that it is safe,
    and halving of the bracket where they do not. NaN ends stay NaN.
    """

    def straight(x: Array) -> Array:
        # Only the sign counts. asinh keeps it, and makes a condition that grows exponentially nearly straight.
        return np.asarray(np.arcsinh(np.nan_to_num(function(x), nan=np.inf)))

    new, old = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
    f_new, f_old = straight(new), straight(old)
    # Where the sign is the same at both ends the root is at the end nearer to it.
    end, outside = np.where(f_new >= 0, new, old), ~((f_new < 0) & (f_old > 0))
    part = np.full(new.shape, 0.5)
    for _ in range(STEPS):
        x = new + part * (old - new)
        f = straight(x)
        same = (f < 0) == (f_new < 0)
        # The root stays between the new point and the old one of the other sign; the third is what was replaced.
        third, f_third = np.where(same, new, old), np.where(same, f_new, f_old)
        old, f_old = np.where(same, old, new), np.where(same, f_old, f_new)
        new, f_new = x, f
        least = SPACING * np.abs(new) / np.abs(old - new)
        if not ((least < 0.5) & (f_new != 0) & ~outside).any():
            break
        part = np.clip(_part(new, old, third, f_new, f_old, f_third), least, 1 - least)
    nearer = np.where(np.abs(f_new) < np.abs(f_old), new, old)
    return np.asarray(np.where(outside, end, nearer) + 0 * (low + high))


def _part(new: Array, old: Array, third: Array, f_new: Array, f_old: Array, f_third: Array) -> Array:
    """Part of the way from the new point to the old one to go next (Chandrupatla 1997)."""
    xi, phi = (new - old) / (third - old), (f_new - f_old) / (f_third - f_old)
    safe = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
    slope = f_new / (f_old - f_new) * f_third / (f_old - f_third)
    bend = (third - new) / (old - new) * f_new / (f_third - f_new) * f_old / (f_third - f_old)
    return np.asarray(np.where(safe, slope + bend, 0.5))
