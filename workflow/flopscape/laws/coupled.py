"""Coupled exponent: L(N, D) = E + (A·N^−α + B·D^−β)^γ, the five-parameter surface at γ = 1.

Kaplan et al. 2020 (arXiv 2001.08361), equation 1.5, is its case E = 0, β = 1 in other parameters. As the loss rises
with A·N^−α + B·D^−β whatever γ is, both have the same minimum under a budget: N*, D*, a and b are the surface's.
"""

from typing import NamedTuple

import numpy as np

from flopscape.laws import surface
from flopscape.laws.law import Array, Compute, Law, Number, Optimum, spread
from flopscape.laws.parameters import NAMED
from flopscape.laws.surface import Surface


class Coupled(NamedTuple):
    """E in nats; A·N^−α and B·D^−β in nats^(1/γ), with N in parameters and D in tokens."""

    E: Number
    A: Number
    B: Number
    alpha: Number
    beta: Number
    gamma: Number

    @property
    def inner(self) -> Surface:
        """The surface without floor that is raised to γ."""
        return Surface(np.zeros_like(self.E), self.A, self.B, self.alpha, self.beta)


def loss(p: Coupled, n_params: Number, n_tokens: Number) -> Array:
    """L(N, D) in nats."""
    return np.asarray(p.E + surface.loss(p.inner, n_params, n_tokens) ** p.gamma)


def gradient(p: Coupled, n_params: Array, n_tokens: Array) -> Array:
    """Derivatives of L with respect to (E, A, B, α, β, γ), shape (6, …)."""
    inside = surface.loss(p.inner, n_params, n_tokens)
    # d(x^γ) = γ·x^(γ−1)·dx + x^γ·ln x·dγ, x being the surface without floor.
    outer = p.gamma * inside ** (p.gamma - 1)
    _, *terms = surface.gradient(p.inner, n_params, n_tokens)
    inner = [outer * term for term in terms]
    return np.stack([np.ones_like(inside), *inner, inside**p.gamma * np.log(inside)])


def exponents(p: Coupled) -> tuple[Array, Array]:
    """a = β/(α + β) and b = α/(α + β), as of the surface."""
    return surface.exponents(p.inner)


def optimum(p: Coupled, flops: Number, compute: Compute, unique_tokens: Number = np.inf) -> Optimum:
    """The surface's N* and D* (Hoffmann et al. 2022, equation 4, for constant κ), with this law's loss."""
    best = surface.optimum(p.inner, flops, compute)  # type: ignore[arg-type]
    return best._replace(loss=loss(p, best.n_params, best.n_tokens))


def in_units(p: Coupled, n_unit: Number, d_unit: Number) -> Coupled:
    """A and B for N and D in other units."""
    return p._replace(A=p.A * n_unit**p.alpha, B=p.B * d_unit**p.beta)


def _starts(generator: np.random.Generator, count: int, level: float) -> dict[str, Array]:
    E = level * generator.uniform(0, 0.95, count)
    gamma = spread(generator, count, 0.3, 3)
    alpha, beta = spread(generator, count, 0.05, 2), spread(generator, count, 0.05, 2)
    share = generator.uniform(0.02, 0.98, count)
    # What stands inside the bracket where the loss is `level`, and N and D are one.
    inside = (level - E) ** (1 / gamma)
    return {"E": E, "A": share * inside, "B": (1 - share) * inside, "alpha": alpha, "beta": beta, "gamma": gamma}


LAW = Law(
    name="coupled",
    formula="L(N, D) = E + (A·N^−α + B·D^−β)^γ",
    kind=Coupled,
    names=NAMED["coupled"].names,
    arguments=("n_params", "n_tokens"),
    value=loss,
    derivative=gradient,
    in_units=in_units,
    starts=_starts,
    bounds=NAMED["coupled"].bounds,
    exponents=exponents,
    optimum=optimum,
    rivals=("surface",),
    nested=("surface",),
)
