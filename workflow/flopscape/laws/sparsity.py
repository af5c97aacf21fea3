"""Mixtures of experts: L(N, D, S) = E + A·N^−α + B·D^−β + c·(1 − S)^λ + d·(1 − S)^−δ·N^−γ with N parameters in all.

S is the share of the experts that a token does not use: (experts − active)/experts. Source: Abnar et al. 2025 (arXiv
2501.12370), equation 6, which writes c/(1 − S)^λ and finds λ below zero; here λ is that exponent's size. Equation and
coefficients (table 3) were read in two public transcriptions that agree, for the paper itself could not be: the notes
of github yigitokar/scaling-laws-as-production-functions, and a benchmark of Hossain et al. 2025 (arXiv 2508.06617).
With them the optimal N rises and the active part of it falls with S at one compute, as the paper says.

A run's S is the table's column `sparsity`. A sparse model costs less than 6·N·D, so that C must be the runs' own, in a
column `flops`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from flopscape.laws.inference import increasing_root
from flopscape.laws.law import Array, Compute, Law, Number, Optimum, spread
from flopscape.laws.parameters import NAMED

ACTIVE = "1 - sparsity"
"""The share of the experts that a token uses, of the column `sparsity`."""
REACH = 60.0
"""Of the search for ln N* on both sides of the root of the compute."""


class Sparse(NamedTuple):
    """E and c in nats; A, B and d in nats with N in parameters and D in tokens; the exponents, all above zero."""

    E: Number
    A: Number
    B: Number
    c: Number
    d: Number
    alpha: Number
    beta: Number
    lam: Number
    delta: Number
    gamma: Number


def _terms(p: Sparse, n_params: Number, n_tokens: Number, active: Number) -> tuple[Array, Array, Array, Array]:
    """The four terms above the floor, each over its amplitude."""
    n, d, x = (np.asarray(amount, float) for amount in (n_params, n_tokens, active))
    return n**-p.alpha, d**-p.beta, x**p.lam, x**-p.delta * n**-p.gamma


def loss(p: Sparse, n_params: Number, n_tokens: Number, active: Number) -> Array:
    """L in nats; `active` is 1 − S."""
    by_n, by_d, by_x, by_both = _terms(p, n_params, n_tokens, active)
    return np.asarray(p.E + p.A * by_n + p.B * by_d + p.c * by_x + p.d * by_both)


def gradient(p: Sparse, n_params: Number, n_tokens: Number, active: Number) -> Array:
    """Derivatives of L with respect to the parameters, shape (10, …)."""
    terms = by_n, by_d, by_x, by_both = _terms(p, n_params, n_tokens, active)
    log_n, log_d, log_x = (np.log(amount) for amount in (n_params, n_tokens, active))
    exponents = [
        -p.A * by_n * log_n, -p.B * by_d * log_d, p.c * by_x * log_x,
        -p.d * by_both * log_x, -p.d * by_both * log_n,
    ]  # fmt: skip
    return np.stack(np.broadcast_arrays(np.ones_like(by_n), *terms, *exponents))


def optimum(p: Sparse, flops: Number, compute: Compute, unique_tokens: Number, at: Mapping[str, float]) -> Optimum:
    """Minimum of L under C = κ(N)·N·D at one S: where more of N saves as much as the tokens given up for it cost."""
    active = at[ACTIVE]

    def excess(log_n: Array) -> Array:
        # Along the budget dL/d ln N = −αA·N^−α − γd·x^−δ·N^−γ + βB·D^−β·(1 + d ln κ/d ln N); of the two sides the
        # logarithms are compared.
        log_d = compute.tokens(log_n, flops)
        saved = p.alpha * p.A * np.exp(-p.alpha * log_n) + p.gamma * p.d * active**-p.delta * np.exp(-p.gamma * log_n)
        lost = np.log(p.beta * p.B) - p.beta * log_d + np.log(np.maximum(1 + compute.curve(log_n)[1], 1e-3))
        return np.asarray(lost - np.log(saved))

    middle = np.log(flops) / 2 + np.zeros(np.broadcast_shapes(np.shape(flops), np.shape(p.alpha)))
    log_n = increasing_root(excess, middle - REACH, middle + REACH)
    n_params, n_tokens = np.exp(log_n), np.exp(compute.tokens(log_n, flops))
    return Optimum(n_params, n_tokens, loss(p, n_params, n_tokens, active))


def _in_units(p: Sparse, n_unit: Number, d_unit: Number, x_unit: Number) -> Sparse:
    return p._replace(
        A=p.A * n_unit**p.alpha,
        B=p.B * d_unit**p.beta,
        c=p.c * x_unit**-p.lam,
        d=p.d * x_unit**p.delta * n_unit**p.gamma,
    )


def _starts(generator: np.random.Generator, count: int, level: float) -> dict[str, Array]:
    E = level * generator.uniform(0, 0.95, count)
    shares = np.maximum(generator.dirichlet(np.ones(4), count), 0.02).T * (level - E)
    drawn = {"E": E} | dict(zip(("A", "B", "c", "d"), shares, strict=True))
    return drawn | {name: spread(generator, count, 0.05, 2) for name in ("alpha", "beta", "lam", "delta", "gamma")}


LAW = Law(
    name="sparsity",
    formula="L(N, D, S) = E + A·N^−α + B·D^−β + c·(1 − S)^λ + d·(1 − S)^−δ·N^−γ",
    kind=Sparse,
    names=NAMED["sparsity"].names,
    arguments=("n_params", "n_tokens", ACTIVE),
    value=loss,
    derivative=gradient,
    in_units=_in_units,
    starts=_starts,
    bounds=NAMED["sparsity"].bounds,
    optimum=optimum,
    rivals=("surface",),
)
"""The share of active experts decides beside N and D."""
