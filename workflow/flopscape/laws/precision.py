"""Training in few bits as fewer parameters: L(N, D, P) = E + A·[N·(1 − e^(−P/γ))^m]^−α + B·D^−β with P bits.

Source: Kumar et al. 2024 (arXiv 2411.04330). Equation 3 has the weights alone in P bits, m = 1; equation 5 has weights,
activations and KV cache in P bits, m = 3 with one γ for the three. Their constants (appendix K, table 2) are of their
own setting: A 4299, B 18060, E 2.7648, α = β = 0.4965, γ of the weights 2.6745, fitted with shifts that the text leaves
out. What does not depend on them is checked: where compute is ∝ N·D·P, the best P of m = 3 is 1.904·γ at any compute
(appendix E, equation 28).

A run's bits are the table's column `precision`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flopscape.laws import surface
from flopscape.laws.law import Array, Compute, Law, Number, Optimum, spread
from flopscape.laws.parameters import NAMED
from flopscape.laws.surface import Surface

BITS = "precision"
"""The column of P."""


class Precision(NamedTuple):
    """The surface's parameters, and γ in bits: how slowly the worth of bits saturates."""

    E: Number
    A: Number
    B: Number
    alpha: Number
    beta: Number
    gamma: Number


@dataclass(frozen=True)
class _Form:
    """The law of one m: how many of weights, activations and KV cache are in P bits."""

    power: int

    def surface(self, p: Precision, bits: Number) -> Surface:
        """The surface of N and D at P bits: the effective N as another amplitude."""
        kept = -np.expm1(-np.asarray(bits) / p.gamma)
        return Surface(p.E, p.A * kept ** (-self.power * np.asarray(p.alpha)), p.B, p.alpha, p.beta)

    def value(self, p: Precision, n_params: Number, n_tokens: Number, bits: Number) -> Array:
        """L in nats."""
        return surface.loss(self.surface(p, bits), n_params, n_tokens)

    def derivative(self, p: Precision, n_params: Number, n_tokens: Number, bits: Number) -> Array:
        """Derivatives of L with respect to (E, A, B, α, β, γ), shape (6, …)."""
        one, x, y, by_alpha, by_beta = surface.gradient(
            self.surface(p, bits), np.asarray(n_params), np.asarray(n_tokens)
        )
        # With s = 1 − e^(−P/γ) the amplitude is A·s^(−mα): its logarithm moves by 1/A with A, by −m·ln s with α, and
        # with γ by −mα·(ds/dγ)/s, where ds/dγ = −P/γ²·e^(−P/γ).
        u = np.asarray(bits) / p.gamma
        kept = -np.expm1(-u)
        term = self.surface(p, bits).A * x
        by_alpha = by_alpha - self.power * np.log(kept) * term
        by_gamma = self.power * p.alpha * term * u / p.gamma * np.exp(-u) / kept
        return np.stack(np.broadcast_arrays(one, term / p.A, y, by_alpha, by_beta, by_gamma))

    def optimum(
        self, p: Precision, flops: Number, compute: Compute, unique_tokens: Number, at: Mapping[str, float]
    ) -> Optimum:
        """The surface's at P bits (Kumar et al. 2024, equation 16, up to what a bit costs, which is in C)."""
        return surface.optimum(self.surface(p, at[BITS]), flops, compute)  # type: ignore[arg-type]


def _in_units(p: Precision, n_unit: Number, d_unit: Number, bit_unit: Number) -> Precision:
    return p._replace(A=p.A * n_unit**p.alpha, B=p.B * d_unit**p.beta, gamma=p.gamma * bit_unit)


def _starts(generator: np.random.Generator, count: int, level: float) -> dict[str, Array]:
    return surface.LAW.starts(generator, count, level) | {"gamma": spread(generator, count, 0.05, 1.5)}


def _exponents(p: Precision) -> tuple[Array, Array]:
    return surface.exponents(Surface(*p[:5]))


def law(name: str, power: int) -> Law:
    """The law of one m.

    >>> p = Precision(2.7648, 4299.0, 18060.0, 0.4965, 0.4965, 2.6745)
    >>> f"{law('precision', 1).value(p, 1e8, 1e10, 4.0) - law('precision', 1).value(p, 1e8, 1e10, 1e3):.3f} nats"
    '0.062 nats'
    """
    form = _Form(power)
    effective = f"[N·(1 − e^(−P/γ)){'' if power == 1 else f'^{power}'}]"
    return Law(
        name=name,
        formula=f"L(N, D, P) = E + A·{effective}^−α + B·D^−β",
        kind=Precision,
        names=NAMED[name].names,
        arguments=("n_params", "n_tokens", BITS),
        value=form.value,
        derivative=form.derivative,
        in_units=_in_units,
        starts=_starts,
        bounds=NAMED[name].bounds,
        exponents=_exponents,
        optimum=form.optimum,
        rivals=("surface",),
        nested=("surface",),
    )


LAWS = [law("precision", 1), law("precision-all", 3)]
"""The weights alone in P bits, and weights, activations and KV cache."""
