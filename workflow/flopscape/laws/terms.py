"""Laws that are sums of power laws of any amounts and covariates: L = E + Σ c_i·x_i^−γ_i, or E + (Σ c_i·x_i^−γ_i)^γ.

The terms of N and D keep the names that they have in the surface (Hoffmann et al. 2022, arXiv 2203.15556, equation 2),
A, α, B and β, and the common exponent γ is that of laws/coupled.py: with these two terms alone a composed law is the
surface, or the coupled form. What else has a power law of its own is added without a new derivation: experts, depth and
width, the length of the context, the parameters of the vocabulary. Some have names (laws/composition.py).

The optimum here is that at given values of the covariates, where N* and D* are the surface's, and the loss falls with
every covariate. What of N and of the compute depends on a covariate, as on depth and width, answers/shapes.py knows.
"""

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from flopscape.laws import surface
from flopscape.laws.composition import Composition, parameters_of
from flopscape.laws.law import Array, Compute, Law, Number, Optimum, spread
from flopscape.laws.mixture import mixture_of
from flopscape.laws.surface import Surface

SMALLEST_SHARE = 0.02
"""Of the loss above the floor that a term has where a search starts."""
NOTHING: Mapping[str, float] = MappingProxyType({})
"""The covariates of a law that has none."""


@dataclass(frozen=True)
class _Form:
    """What a `Law` needs of a composition."""

    composition: Composition

    @cached_property
    def amplitudes(self) -> list[str]:
        """Names of c_i, in the order of the terms."""
        return [parameters_of(term)[0] for term in self.composition.terms]

    @cached_property
    def exponents(self) -> list[str]:
        """Names of γ_i, in the order of the terms."""
        return [parameters_of(term)[1] for term in self.composition.terms]

    @cached_property
    def kind(self) -> type[Any]:
        """NamedTuple of the parameters."""
        make: Any = namedtuple
        made: type[Any] = make("Composed", self.composition.parameters.names, module=__name__)
        return made

    def value(self, p: Any, *x: Number) -> Array:
        """L in nats at the terms' x_i."""
        inside = self._inside(p, x)
        above = inside**p.gamma if self.composition.coupled else inside
        return np.asarray(p.E + above if self.composition.floor else above)

    def derivative(self, p: Any, *x: Number) -> Array:
        """Derivatives of L with respect to the fields of `kind`, shape (fields, …)."""
        powers = [np.asarray(v) ** -getattr(p, name) for v, name in zip(x, self.exponents, strict=True)]
        inside = self._inside(p, x)
        # d(y^γ) = γ·y^(γ−1)·dy + y^γ·ln y·dγ, y being the sum of the terms.
        outer = p.gamma * inside ** (p.gamma - 1) if self.composition.coupled else np.ones_like(inside)
        scaled = [outer * power for power in powers]
        by_exponent = [
            -getattr(p, name) * part * np.log(v) for v, name, part in zip(x, self.amplitudes, scaled, strict=True)
        ]
        common = [inside**p.gamma * np.log(inside)] if self.composition.coupled else []
        floor = [np.ones_like(inside)] if self.composition.floor else []
        return np.stack(np.broadcast_arrays(*floor, *scaled, *by_exponent, *common))

    def in_units(self, p: Any, *units: Number) -> Any:
        """Amplitudes for x_i in other units: (x·unit)^−γ is unit^−γ·x^−γ."""
        named = zip(self.amplitudes, self.exponents, units, strict=True)
        return p._replace(**{c: getattr(p, c) * unit ** getattr(p, gamma) for c, gamma, unit in named})

    def starts(self, generator: np.random.Generator, count: int, level: float) -> dict[str, Array]:
        """Draws for x_i near one, where the terms share what the floor leaves of the loss."""
        floor, terms = self.composition.floor, len(self.amplitudes)
        E = level * generator.uniform(0, 0.95, count) if floor else np.zeros(count)
        gamma = spread(generator, count, 0.3, 3) if self.composition.coupled else np.ones(count)
        shares = np.maximum(generator.dirichlet(np.ones(terms), count), SMALLEST_SHARE)
        inside = (level - E) ** (1 / gamma)
        drawn = {"E": E, "gamma": gamma}
        drawn |= {name: inside * share for name, share in zip(self.amplitudes, shares.T, strict=True)}
        return drawn | {name: spread(generator, count, 0.05, 2) for name in self.exponents}

    def splits(self, p: Any) -> tuple[Array, Array]:
        """a and b of N* ∝ C^a and D* ∝ C^b, the surface's."""
        return surface.exponents(_surface(p))

    def optimum(
        self, p: Any, flops: Number, compute: Compute, unique_tokens: Number, at: Mapping[str, float] = NOTHING
    ) -> Optimum:
        """The surface's N* and D*, and this law's loss there: whatever the covariates, the terms of N and D decide."""
        best = surface.optimum(_surface(p), flops, compute)  # type: ignore[arg-type]
        return best._replace(loss=self._loss_at(p, {**at, **best._asdict(), "flops": flops}))

    def at_compute(
        self, p: Any, flops: Number, compute: Compute, unique_tokens: Number, at: Mapping[str, float] = NOTHING
    ) -> Optimum:
        """L(C, covariates): the law says nothing about N and D."""
        there = self._loss_at(p, {**at, "flops": flops})
        return Optimum(np.full_like(there, np.nan), np.full_like(there, np.nan), there)

    def _loss_at(self, p: Any, known: Mapping[str, Number]) -> Array:
        return self.value(p, *(known[term] for term in self.composition.terms))

    def _inside(self, p: Any, x: tuple[Number, ...]) -> Array:
        terms = [
            getattr(p, c) * np.asarray(v) ** -getattr(p, gamma)
            for v, c, gamma in zip(x, self.amplitudes, self.exponents, strict=True)
        ]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return np.asarray(total)


def _surface(p: Any) -> Surface:
    """The terms of N and D."""
    return Surface(0.0, p.A, p.B, p.alpha, p.beta)


def written_law(written: Mapping[str, Any]) -> Law:
    """The law that a study writes out, of `terms` or as a `mixture`; FlopscapeError says what is wrong with it."""
    return mixture_of(written) if "mixture" in written else composed(Composition.from_json(written))


@lru_cache(64)
def composed(composition: Composition) -> Law:
    """The law of a composition, with the laws that it must beat: the same uncoupled, and without each covariate.

    Examples
    --------
    >>> law = composed(Composition(("n_params", "n_tokens", "experts")))
    >>> law.names
    ('E', 'A', 'B', 'c_experts', 'alpha', 'beta', 'gamma_experts')
    >>> p = law.kind(1.69, 406.4, 410.7, 0.5, 0.34, 0.28, 0.5)
    >>> f"{law.value(p, 70e9, 1.4e12, 16.0):.3f}"
    '2.062'
    """
    simpler = [replace(composition, coupled=False)] if composition.coupled else []
    if len(composition.terms) > 1:
        simpler += [composition.without(term) for term in composition.covariates]
    rivals = tuple(map(_law, simpler))
    return replace(_law(composition), rivals=rivals, nested=tuple(law.name for law in rivals))


def _law(composition: Composition) -> Law:
    form, terms, parameters = _Form(composition), set(composition.terms), composition.parameters
    has_both = {"n_params", "n_tokens"} <= terms
    return Law(
        name=parameters.name,
        formula=composition.formula,
        kind=form.kind,
        names=parameters.names,
        arguments=composition.terms,
        value=form.value,
        derivative=form.derivative,
        in_units=form.in_units,
        starts=form.starts,
        bounds=parameters.bounds,
        exponents=form.splits if has_both else None,
        optimum=form.optimum if has_both else None if terms & {"n_params", "n_tokens"} else form.at_compute,
    )
