"""Kaplan et al.'s joint form L(N, D) = [(N_c/N)^(α_N/α_D) + D_c/D]^α_D, which has no floor.

Source: Kaplan et al. 2020 (arXiv 2001.08361), equation 1.5. It is the coupled form with E = 0, A = N_c^(α_N/α_D),
B = D_c, α = α_N/α_D, β = 1 and γ = α_D, whose optimum it takes: a = α_D/(α_N + α_D).
"""

from typing import NamedTuple

import numpy as np

from flopscape.laws import coupled
from flopscape.laws.coupled import Coupled
from flopscape.laws.law import Array, Compute, Law, Number, Optimum, spread
from flopscape.laws.parameters import NAMED


class Kaplan(NamedTuple):
    """Scales N_c in parameters and D_c in tokens, and the exponents of either alone."""

    N_c: Number
    D_c: Number
    alpha_N: Number
    alpha_D: Number

    @property
    def coupled(self) -> Coupled:
        """The same law in the parameters of the coupled form."""
        # [(N_c/N)^α + D_c/D]^α_D with α = α_N/α_D: the coupled form with β = 1, γ = α_D and no floor.
        alpha = np.asarray(self.alpha_N) / self.alpha_D
        one, zero = np.ones_like(alpha), np.zeros_like(alpha)
        return Coupled(zero, self.N_c**alpha, self.D_c, alpha, one, self.alpha_D)


def loss(p: Kaplan, n_params: Number, n_tokens: Number) -> Array:
    """L(N, D) in nats."""
    x, y = _terms(p, n_params, n_tokens)
    return np.asarray((x + y) ** p.alpha_D)


def gradient(p: Kaplan, n_params: Number, n_tokens: Number) -> Array:
    """Derivatives of L with respect to (N_c, D_c, α_N, α_D), shape (4, …)."""
    x, y = _terms(p, n_params, n_tokens)
    # L = (x + y)^α_D, so that d ln L = α_D·d(x + y)/(x + y) + ln(x + y)·dα_D. In ln x = (α_N/α_D)·ln(N_c/N) the
    # fraction has the derivative 1/α_D in α_N, and −α_N/α_D² in α_D.
    value = (x + y) ** p.alpha_D
    share = x / (x + y)
    log_ratio = np.log(p.N_c / np.asarray(n_params))
    by_alpha_d = np.log(x + y) - share * (p.alpha_N / np.asarray(p.alpha_D)) * log_ratio
    relative = [p.alpha_N * share / p.N_c, p.alpha_D * (1 - share) / p.D_c, share * log_ratio, by_alpha_d]
    return np.stack([value * part for part in relative])


def _terms(p: Kaplan, n_params: Number, n_tokens: Number) -> tuple[Array, Array]:
    """(N_c/N)^(α_N/α_D) and D_c/D."""
    alpha = np.asarray(p.alpha_N) / p.alpha_D
    return (p.N_c / np.asarray(n_params)) ** alpha, np.asarray(p.D_c / np.asarray(n_tokens))


def exponents(p: Kaplan) -> tuple[Array, Array]:
    """a = α_D/(α_N + α_D) and b = α_N/(α_N + α_D) under C = 6ND.

    Not the a = 0.73 of Kaplan et al.'s equation 1.8, which is for training that stops short of convergence.
    """
    alpha_n, alpha_d = np.asarray(p.alpha_N), np.asarray(p.alpha_D)
    return alpha_d / (alpha_n + alpha_d), alpha_n / (alpha_n + alpha_d)


def optimum(p: Kaplan, flops: Number, compute: Compute, unique_tokens: Number = np.inf) -> Optimum:
    """The coupled form's N*, D* and L*."""
    return coupled.optimum(p.coupled, flops, compute)


def in_units(p: Kaplan, n_unit: Number, d_unit: Number) -> Kaplan:
    """N_c and D_c in other units."""
    return p._replace(N_c=p.N_c * n_unit, D_c=p.D_c * d_unit)


def _starts(generator: np.random.Generator, count: int, level: float) -> dict[str, Array]:
    alpha_n, alpha_d = spread(generator, count, 0.02, 1), spread(generator, count, 0.02, 1)
    share = generator.uniform(0.02, 0.98, count)
    inside = level ** (1 / alpha_d)
    # N_c such that N's part of the bracket is `share` of it where N is one.
    scale = (share * inside) ** (alpha_d / alpha_n)
    return {"N_c": scale, "D_c": (1 - share) * inside, "alpha_N": alpha_n, "alpha_D": alpha_d}


LAW = Law(
    name="kaplan",
    formula="L(N, D) = [(N_c/N)^(α_N/α_D) + D_c/D]^α_D",
    kind=Kaplan,
    names=NAMED["kaplan"].names,
    arguments=("n_params", "n_tokens"),
    value=loss,
    derivative=gradient,
    in_units=in_units,
    starts=_starts,
    bounds=NAMED["kaplan"].bounds,
    exponents=exponents,
    optimum=optimum,
    rivals=("surface",),
)
