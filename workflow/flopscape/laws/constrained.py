"""Data-constrained law: repeated tokens, and parameters beyond what the data can use, are worth ever less.

Source: Muennighoff et al. 2023 (arXiv 2305.16264), equations 5 and 6, and section 3.1 for U_D and U_N: with U distinct
tokens, U_D = min(U, D) and R_D = D/U_D − 1 repetitions, the data count as D' = U_D·(1 + R_D*·(1 − e^(−R_D/R_D*))); N'
likewise from U_N = min(N, N_opt(U_D)) with R_N*. The loss is the surface's at (N', D').

N_opt(U_D), the size for which U_D tokens are compute-optimal, moves with A, B, α and β; so does the gradient. By the
definition of U_N a size above N_opt(D) counts less than on the surface even where no token repeats.
"""

from typing import NamedTuple

import numpy as np

from flopscape.laws import surface
from flopscape.laws.inference import increasing_root
from flopscape.laws.law import Array, Compute, Law, Number, Optimum, spread
from flopscape.laws.parameters import NAMED
from flopscape.laws.surface import Surface

BRACKET = 60.0
"""Reach of the search for ln N* below the optimum with fresh data."""


class Constrained(NamedTuple):
    """The surface's parameters, and R_D* and R_N*: how many repetitions it takes to lose 1 − 1/e of their worth."""

    E: Number
    A: Number
    B: Number
    alpha: Number
    beta: Number
    R_D: Number
    R_N: Number

    @property
    def surface(self) -> Surface:
        """The law of fresh data."""
        return Surface(*self[:5])


class _Effective(NamedTuple):
    """What an amount is worth: its value x', e^(−R/R*), the repetitions R, and the part U that counts in full."""

    value: Array
    decay: Array
    repeats: Array
    full: Array


def _effective(amount: Number, full: Array, rate: Number) -> _Effective:
    repeats = np.asarray(amount) / full - 1
    decay = np.exp(-repeats / rate)
    return _Effective(full * (1 + rate * (1 - decay)), decay, repeats, full)


def log_matched_size(p: Constrained, log_tokens: Array) -> Array:
    """ln N_opt for D = U tokens: αA·N^−α = βB·U^−β, the surface's optimum under C = 6ND (section 3.1)."""
    return np.asarray((np.log(p.alpha * np.asarray(p.A) / (p.beta * np.asarray(p.B))) + p.beta * log_tokens) / p.alpha)


def _worth(p: Constrained, n_params: Number, n_tokens: Number, unique_tokens: Number) -> tuple[_Effective, _Effective]:
    """N' and D'."""
    fresh = np.minimum(unique_tokens, n_tokens)
    matched = np.exp(log_matched_size(p, np.log(fresh)))
    return _effective(n_params, np.minimum(n_params, matched), p.R_N), _effective(n_tokens, fresh, p.R_D)


def loss(p: Constrained, n_params: Number, n_tokens: Number, unique_tokens: Number) -> Array:
    """L(N, D, U) in nats; U is infinite for fresh data."""
    n, d = _worth(p, n_params, n_tokens, unique_tokens)
    return surface.loss(p.surface, n.value, d.value)


def gradient(p: Constrained, n_params: Number, n_tokens: Number, unique_tokens: Number) -> Array:
    """Derivatives of L with respect to (E, A, B, α, β, R_D*, R_N*), shape (7, …)."""
    n, d = _worth(p, n_params, n_tokens, unique_tokens)
    rows = list(surface.gradient(p.surface, n.value, d.value))
    _, A, B, alpha, beta = p.surface
    by_n = -alpha * A * n.value ** (-alpha - 1)
    by_d = -beta * B * d.value ** (-beta - 1)
    # With N' = U·(1 + R*·(1 − e^(−R/R*))) and R = N/U − 1, dN'/d ln U = N' − N·e^(−R/R*). Here U is N_opt, which
    # depends on A, B, α and β; where N is no larger, N' is N.
    by_matched = np.where(n.repeats > 0, by_n * (n.value - n_params * n.decay), 0.0)
    log_fresh = np.log(d.full)
    # Derivatives of ln N_opt = (ln(αA/(βB)) + β·ln U)/α.
    by_amplitudes = (1 / (alpha * A), -1 / (alpha * B))
    by_exponents = ((1 / alpha - log_matched_size(p, log_fresh)) / alpha, (log_fresh - 1 / beta) / alpha)
    rows[1:] = [row + by_matched * move for row, move in zip(rows[1:], by_amplitudes + by_exponents, strict=True)]
    return np.stack([*rows, by_d * _by_rate(d, p.R_D), by_n * _by_rate(n, p.R_N)])


def _by_rate(x: _Effective, rate: Number) -> Array:
    """dx'/dR*."""
    # Of R*·(1 − e^(−R/R*)): 1 − e^(−R/R*) − (R/R*)·e^(−R/R*).
    return np.asarray(x.full * (1 - x.decay - x.repeats / rate * x.decay))


@np.errstate(over="ignore")
def optimum(p: Constrained, flops: Number, compute: Compute, unique_tokens: Number) -> Optimum:
    """Minimum of L under C = κ(N)·N·D with U distinct tokens.

    The surface's where that needs at most U tokens. Beyond, dL/d ln N = 0 is solved for ln N, in which it is
    monotone for constant κ.
    """
    fresh = surface.optimum(p.surface, flops, compute)  # type: ignore[arg-type]
    log_n = np.log(fresh.n_params)
    root = increasing_root(lambda x: _stationarity(p, x, flops, compute, unique_tokens), log_n - BRACKET, log_n + 5.0)
    log_n = np.where(fresh.n_tokens <= unique_tokens, log_n, root)
    n_params, n_tokens = np.exp(log_n), np.exp(compute.tokens(log_n, flops))
    return Optimum(n_params, n_tokens, loss(p, n_params, n_tokens, unique_tokens))


def _stationarity(p: Constrained, log_n: Array, flops: Number, compute: Compute, unique_tokens: Number) -> Array:
    """ln of what more tokens save over what more parameters save, at one compute; increasing in ln N."""
    log_d = compute.tokens(log_n, flops)
    matched = np.minimum(log_n, log_matched_size(p, np.log(unique_tokens)))
    n = _effective(np.exp(log_n), np.exp(matched), p.R_N)
    d = _effective(np.exp(log_d), np.minimum(unique_tokens, np.exp(log_d)), p.R_D)
    # dN'/d ln N = N·e^(−R/R*), and so for D: ln of αA·N'^−(1+α)·dN'/d ln N, and of the same for D.
    by_n = np.log(p.alpha * np.asarray(p.A)) - (1 + p.alpha) * np.log(n.value) + log_n - n.repeats / p.R_N
    by_d = np.log(p.beta * np.asarray(p.B)) - (1 + p.beta) * np.log(d.value) + log_d - d.repeats / p.R_D
    return np.asarray(by_d + np.log(np.maximum(1 + compute.curve(log_n)[1], 1e-3)) - by_n)


def in_units(p: Constrained, n_unit: Number, d_unit: Number, unique_unit: Number) -> Constrained:
    """A and B for N and D in other units; U is in the unit of D."""
    return p._replace(A=p.A * n_unit**p.alpha, B=p.B * d_unit**p.beta)


def _starts(generator: np.random.Generator, count: int, level: float) -> dict[str, Array]:
    E = level * generator.uniform(0, 0.95, count)
    share = generator.uniform(0.02, 0.98, count)
    drawn = {name: spread(generator, count, 0.05, 2) for name in ("alpha", "beta")}
    drawn |= {name: spread(generator, count, 1, 50) for name in ("R_D", "R_N")}
    return {"E": E, "A": share * (level - E), "B": (1 - share) * (level - E)} | drawn


LAW = Law(
    name="constrained",
    formula="L(N, D, U) = E + A·N'^−α + B·D'^−β",
    kind=Constrained,
    names=NAMED["constrained"].names,
    arguments=("n_params", "n_tokens", "unique_tokens"),
    value=loss,
    derivative=gradient,
    in_units=in_units,
    starts=_starts,
    bounds=NAMED["constrained"].bounds,
    optimum=optimum,
    rivals=("surface",),
)
