"""What a fit needs to know about a law, whichever it is; registry.py lists the laws.

A law's own module has its parameters, loss and gradient as plain functions of what the law depends on. A `Law` adds
names, bounds, units and starting points, so that one search fits them all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute

EXPONENT = (0.005, 5.0)
"""Bounds of an exponent; published ones lie between 0.03 and 1."""
POSITIVE = (float(np.exp(-30)), float(np.exp(300)))
"""Bounds of an amplitude or scale at the centre of the runs: absent below, and not yet overflowing above."""
Number = Array | float


class Optimum(NamedTuple):
    """The compute-optimal N (parameters) and D (tokens) and the loss there (nats)."""

    n_params: Array
    n_tokens: Array
    loss: Array


class Inputs(NamedTuple):
    """What runs used: N in parameters, D in tokens, C in FLOPs, and distinct tokens, infinite for fresh data."""

    n_params: Array
    n_tokens: Array
    flops: Array
    unique_tokens: Array

    def per(self, unit: "Inputs") -> "Inputs":
        """In multiples of the units."""
        return Inputs(*(mine / other for mine, other in zip(self, unit, strict=True)))


@dataclass(frozen=True)
class Law:
    """A functional form of the loss, in nats.

    Parameters
    ----------
    name, formula
        For people.
    kind
        NamedTuple of the parameters, scalars or arrays of one shape.
    names
        The fields of `kind` that are fitted, in any order; the others keep their default.
    arguments
        The fields of `Inputs` that the law depends on.
    value, derivative
        L and its derivatives with respect to the fields of `kind`, shape (fields, …), of (parameters, *arguments).
    in_units
        Parameters for arguments in other units: of (parameters, *units), with L unchanged where each argument is
        multiplied by its unit.
    starts
        Draws of `names` for arguments near one: of (generator, count, typical loss).
    bounds
        Of the parameters without unit.
    exponents
        a and b of N* ∝ C^a, D* ∝ C^b, where the optimum is a power law.
    optimum
        N*, D* and L* at a compute: of (parameters, flops, compute, unique tokens). N* and D* are NaN for a law of C.
    rivals, nested
        The laws that this one must beat, and which of them is a special case of it.
    """

    name: str
    formula: str
    kind: type[Any]
    names: tuple[str, ...]
    arguments: tuple[str, ...]
    value: Callable[..., Array]
    derivative: Callable[..., Array]
    in_units: Callable[..., Any]
    starts: Callable[[np.random.Generator, int, float], dict[str, Array]]
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)
    exponents: Callable[[Any], tuple[Array, Array]] | None = None
    optimum: Callable[[Any, Number, Compute, Number], Optimum] | None = None
    rivals: tuple[str, ...] = ()
    nested: str = ""

    def loss(self, parameters: Any, inputs: Inputs) -> Array:
        """L in nats."""
        return self.value(parameters, *self._used(inputs))

    def gradient(self, parameters: Any, inputs: Inputs) -> Array:
        """Derivatives of L with respect to `names`, shape (names, …)."""
        rows = [self.kind._fields.index(name) for name in self.names]
        return np.asarray(self.derivative(parameters, *self._used(inputs))[rows])

    def rescaled(self, parameters: Any, unit: Inputs) -> Any:
        """Parameters of the inputs themselves, from those of `inputs.per(unit)`."""
        return self.in_units(parameters, *self._used(unit))

    def _used(self, inputs: Inputs) -> list[Array]:
        return [getattr(inputs, name) for name in self.arguments]


def spread(generator: np.random.Generator, count: int, low: float, high: float) -> Array:
    """Draws between low and high, uniform in the logarithm."""
    return np.exp(generator.uniform(np.log(low), np.log(high), count))
