"""The five-parameter surface L(N, D) = E + A·N^−α + B·D^−β: values, gradient, exponents and closed-form optimum.

Source: Hoffmann et al. 2022 (arXiv 2203.15556), equations 2 and 4; the optimum loss follows by insertion. Every
function broadcasts, so parameters may be arrays of bootstrap draws.
"""

from typing import NamedTuple

import numpy as np

from flopscape.laws.arrays import Array


class Surface(NamedTuple):
    """Parameters, scalars or arrays of one shape: E in nats, A and B in nats with N in parameters and D in tokens."""

    E: Array | float
    A: Array | float
    B: Array | float
    alpha: Array | float
    beta: Array | float


class Optimum(NamedTuple):
    """The compute-optimal N (parameters) and D (tokens) and the loss there (nats)."""

    n_params: Array
    n_tokens: Array
    loss: Array


def loss(surface: Surface, n_params: Array | float, n_tokens: Array | float) -> Array:
    """L(N, D) in nats."""
    E, A, B, alpha, beta = surface
    return np.asarray(E + A * np.asarray(n_params) ** -alpha + B * np.asarray(n_tokens) ** -beta)


def gradient(surface: Surface, n_params: Array, n_tokens: Array) -> Array:
    """Derivatives of L with respect to (E, A, B, α, β).

    Returns
    -------
    array, shape (5, n)
        For scalar parameters and n runs.
    """
    _, A, B, alpha, beta = surface
    x, y = n_params**-alpha, n_tokens**-beta
    return np.stack([np.ones_like(x), x, y, -A * x * np.log(n_params), -B * y * np.log(n_tokens)])


def exponents(surface: Surface) -> tuple[Array, Array]:
    """a = β/(α + β) and b = α/(α + β) of N* ∝ C^a and D* ∝ C^b (Hoffmann et al. 2022, equation 4)."""
    alpha, beta = np.asarray(surface.alpha), np.asarray(surface.beta)
    return beta / (alpha + beta), alpha / (alpha + beta)


def closed_form_optimum(surface: Surface, flops: Array | float, kappa: float = 6.0) -> Optimum:
    """Minimum of L under C = κ·N·D with constant κ.

    N* = G·(C/κ)^a and D* = (C/κ)^b / G with G = (αA/(βB))^(1/(α+β)): Hoffmann et al. 2022, equation 4.
    """
    _, A, B, alpha, beta = surface
    a, b = exponents(surface)
    with np.errstate(divide="ignore", invalid="ignore"):
        G = (alpha * np.asarray(A) / (beta * np.asarray(B))) ** (1 / (np.asarray(alpha) + beta))
    n_params = G * (np.asarray(flops) / kappa) ** a
    n_tokens = (np.asarray(flops) / kappa) ** b / G
    return Optimum(n_params, n_tokens, loss(surface, n_params, n_tokens))
