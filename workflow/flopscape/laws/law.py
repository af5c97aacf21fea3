"""What a fit needs to know about a law, whichever it is, and what a run costs; registry.py lists the laws.

A law's own module has its parameters, loss and gradient as plain functions of what the law depends on. A `Law` adds
names, bounds, units and starting points, so that one search fits them all.

Optima are taken along a `Compute`, C = κ(N)·N·D, with κ constant (6 in the usual convention) or interpolated from the
runs. Counted FLOPs include attention and count N without embeddings, so that κ falls with size towards 6. Between the
sampled sizes ln κ is a monotone cubic in ln N (Fritsch & Carlson 1980); beyond them it keeps the end's value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from flopscape.errors import FlopscapeError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]
Names = NDArray[np.str_]
Number = Array | float

Positive = float
"""Annotation of a method's option that is a number above zero; `float` alone is any finite number."""

POSITIVE = (float(np.exp(-30)), float(np.exp(300)))
"""Bounds of an amplitude or scale at the centre of the runs: absent below, and not yet overflowing above."""
CONSTANT_WITHIN = 0.005
"""Relative spread of κ below which it counts as constant: rounding, not architecture."""
KNOT_GAP = 0.2
"""Least distance of two knots in ln N, so that two nearly equal sizes do not make a steep slope."""


@dataclass(frozen=True)
class Compute:
    """Knots of ln κ over ln N; a single knot means constant κ.

    Examples
    --------
    What 7e16 FLOPs pay for at ten million parameters, where a run cost 7 FLOPs per parameter and token:

    >>> runs = np.array([1e6, 1e7, 1e8]), np.full(3, 1e9), np.array([9e15, 7e16, 6.2e17])
    >>> f"{np.exp(Compute.from_runs(*runs).tokens(np.log(1e7), 7e16)):.3g} tokens"
    '1e+09 tokens'
    """

    log_n: Array
    log_kappa: Array

    @classmethod
    def constant(cls, kappa: float = 6.0) -> Self:
        """C = κ·N·D with the same κ for every size."""
        return cls(np.zeros(1), np.array([np.log(kappa)]))

    @classmethod
    def from_runs(cls, n_params: Array, n_tokens: Array, flops: Array) -> Self:
        """κ(N) = C/(N·D) of the runs: sizes nearer than 0.2 in ln N share a knot.

        Constant where κ varies by less than 0.5 %, and where it scatters as much among runs of one size as between
        sizes: then C is imprecise, and κ no function of N.
        """
        log_n, log_kappa = np.log(n_params), np.log(flops) - np.log(n_params) - np.log(n_tokens)
        mean = log_kappa.mean()
        order = np.argsort(log_n, kind="stable")
        knot = _groups(log_n[order])
        count = np.bincount(knot)
        # A knot is the mean of its runs in both logarithms.
        at = np.bincount(knot, log_n[order]) / count
        kappa = np.bincount(knot, log_kappa[order]) / count
        # A C that is known roughly scatters within a size as much as between sizes: no curve is to be seen in it.
        between, total = np.std(kappa[knot]), np.std(log_kappa)
        if np.ptp(log_kappa) < CONSTANT_WITHIN or len(at) < 2 or between < 0.8 * total:
            return cls(np.zeros(1), np.array([mean]))
        return cls(at, kappa)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        return cls(np.asarray(data["log_n"], float), np.asarray(data["log_kappa"], float))

    def to_json(self) -> dict[str, Any]:
        """Plain lists, to be kept among a fit's diagnostics."""
        return {"log_n": self.log_n.tolist(), "log_kappa": self.log_kappa.tolist()}

    @property
    def is_constant(self) -> bool:
        """Whether C = κ·N·D with one κ for all N, as where C is 6·N·D."""
        return len(self.log_n) == 1

    @cached_property
    def _cubic(self) -> PchipInterpolator:
        return PchipInterpolator(self.log_n, self.log_kappa)

    def curve(self, log_n: Array) -> tuple[Array, Array, Array]:
        """ln κ with its first and second derivatives in ln N; the derivatives are zero beyond the sampled sizes."""
        log_n = np.asarray(log_n, float)
        if self.is_constant:
            flat = np.zeros_like(log_n)
            return flat + self.log_kappa[0], flat, flat
        # Beyond the ends ln κ is the end's: neither slope nor bend.
        inside = np.clip(log_n, self.log_n[0], self.log_n[-1])
        slope, bend = (np.where(inside == log_n, self._cubic(inside, order), 0.0) for order in (1, 2))
        return self._cubic(inside), slope, bend

    def tokens(self, log_n: Array, flops: Array | float) -> Array:
        """ln D that the compute C pays for at ln N."""
        return np.asarray(np.log(flops) - self.curve(log_n)[0] - log_n)


def _groups(ordered: Array) -> Index:
    """Index of the knot of each ascending ln N: a new one where the distance to the knot's first exceeds the gap."""
    group, first = np.zeros(len(ordered), int), ordered[0]
    for i in range(1, len(ordered)):
        new = ordered[i] - first > KNOT_GAP
        group[i] = group[i - 1] + new
        first = ordered[i] if new else first
    return group


class Optimum(NamedTuple):
    """The compute-optimal N (parameters) and D (tokens) and the loss there (nats)."""

    n_params: Array
    n_tokens: Array
    loss: Array


class Inputs(NamedTuple):
    """What runs used: N in parameters, D in tokens, C in FLOPs, and distinct tokens, infinite for fresh data.

    `covariates` are what else a law may depend on, by name: the experts of each run, say.
    """

    n_params: Array
    n_tokens: Array
    flops: Array
    unique_tokens: Array
    covariates: Mapping[str, Array] = MappingProxyType({})

    def per(self, unit: "Inputs") -> "Inputs":
        """In multiples of the units."""
        n, d, c, u = (mine / other for mine, other in zip(self[:4], unit[:4], strict=True))
        return Inputs(n, d, c, u, {name: x / unit.covariates[name] for name, x in self.covariates.items()})

    @property
    def inverse(self) -> "Inputs":
        """One over each amount."""
        n, d, c, u = (1 / amount for amount in self[:4])
        return Inputs(n, d, c, u, {name: 1 / x for name, x in self.covariates.items()})


def not_searched(*_: Any) -> Any:
    """Stands where a law does not say what the search of `method: law` would need: raises FlopscapeError."""
    raise FlopscapeError("this law has no derivative, units and starts: it can be evaluated, but not searched for")


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
        The fields of `Inputs` that the law depends on, and the names of its covariates.
    value
        L, of (parameters, *arguments).
    derivative
        Its derivatives with respect to the fields of `kind`, shape (fields, …), of the same. This and the next two are
        for the search of `method: law`: the law of another method's own needs none of them.
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
        N*, D* and L* at a compute: of (parameters, flops, compute, unique tokens), and of a law with covariates `at`,
        their values there, by keyword. N* and D* are NaN for a law of C.
    rivals, nested
        The laws that this one must beat, each by its name or as it is, and the names of those that are special cases of
        it.
    at
        Values of the covariates at an asked compute, and of a run that tells none; empty until `bound_at`.
    shares
        Whether the covariates are shares: not below zero, and one in sum.
    """

    name: str
    formula: str
    kind: type[Any]
    names: tuple[str, ...]
    arguments: tuple[str, ...]
    value: Callable[..., Array]
    derivative: Callable[..., Array] = not_searched
    in_units: Callable[..., Any] = not_searched
    starts: Callable[[np.random.Generator, int, float], dict[str, Array]] = not_searched
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)
    exponents: Callable[[Any], tuple[Array, Array]] | None = None
    optimum: Callable[..., Optimum] | None = None
    rivals: tuple["str | Law", ...] = ()
    nested: tuple[str, ...] = ()
    at: Mapping[str, float] = field(default_factory=dict)
    shares: bool = False

    @property
    def covariates(self) -> tuple[str, ...]:
        """What the law depends on besides N, D, C and distinct tokens."""
        return tuple(name for name in self.arguments if name not in Inputs._fields)

    def bound_at(self, at: Mapping[str, float]) -> "Law":
        """The law with the values that its covariates have at an asked compute."""
        return replace(self, at=at, optimum=self.optimum and partial(self.optimum, at=at)) if self.covariates else self

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
        known = {**inputs._asdict(), **self.at, **inputs.covariates}
        if missing := [name for name in self.arguments if name not in known]:
            raise FlopscapeError(f"{self.formula} depends on {missing[0]}, of which no value is given")
        return [known[name] for name in self.arguments]


def spread(generator: np.random.Generator, count: int, low: float, high: float) -> Array:
    """Draws between low and high, uniform in the logarithm."""
    return np.exp(generator.uniform(np.log(low), np.log(high), count))
