"""Mixtures of data: L(r) = E + k·exp(Σ t_j·r_j) for runs of one size and length on shares r_j of several sources.

Source: Ye et al. 2024 (arXiv 2403.16952), their law of one validation loss. The shares add up to one, so that k and the
t_j are not told apart: with a_j = k·e^(t_j) the law is L = E + Π a_j^(r_j), and a_j is what the loss has above its
floor where all data are of source j. These are fitted; t_i − t_j = ln (a_i/a_j). The parameters that the authors'
notebook prints for two sources leave of their losses the residuals that it prints (github yegcjs/mixinglaws).

The logarithm of Π a_j^(r_j) is linear in r, so that the lowest loss is at a corner, one source alone, unless a share is
given.
"""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from flopscape.laws.composition import amplitude_of, mixture_name, sources_of
from flopscape.laws.law import Array, Compute, Law, Number, Optimum, spread

NOTHING: Mapping[str, float] = MappingProxyType({})


def mixture_of(written: Mapping[str, Any]) -> Law:
    """The law that a study writes as `{mixture: [web, code, books]}`; FlopscapeError says what is wrong with it.

    >>> law = mixture_of({"mixture": ["web", "code"]})
    >>> f"{law.value(law.kind(E=1.5, a_web=1.0, a_code=4.0), 0.5, 0.5):.1f} nats"
    '3.5 nats'
    """
    return _law(sources_of(written))


@lru_cache(16)
def _law(sources: tuple[str, ...]) -> Law:
    make: Any = namedtuple
    kind: type[Any] = make("Mixture", ["E", *map(amplitude_of, sources)], module=__name__)

    def at_compute(
        p: Any, flops: Number, compute: Compute, unique_tokens: Number, at: Mapping[str, float] = NOTHING
    ) -> Optimum:
        # Whatever the compute: the law is of runs of one size and length.
        there = np.asarray(loss(p, *(at[source] for source in sources)) + 0 * np.asarray(flops))
        return Optimum(np.full_like(there, np.nan), np.full_like(there, np.nan), there)

    product = "·".join(f"{amplitude_of(source)}^{source}" for source in sources)
    return Law(
        name=mixture_name(sources),
        formula=f"L({', '.join(sources)}) = E + {product}",
        kind=kind,
        names=kind._fields,
        arguments=sources,
        value=loss,
        derivative=gradient,
        in_units=_in_units,
        starts=lambda generator, count, level: _starts(kind._fields[1:], generator, count, level),
        optimum=at_compute,
        shares=True,
    )


def loss(p: Any, *shares: Number) -> Array:
    """L in nats."""
    return np.asarray(p.E + _above(p, shares))


def gradient(p: Any, *shares: Number) -> Array:
    """Derivatives of L with respect to E and the a_j, shape (1 + sources, …)."""
    above = _above(p, shares)
    by_source = [above * np.asarray(share) / a for share, a in zip(shares, p[1:], strict=True)]
    return np.stack(np.broadcast_arrays(np.ones_like(above), *by_source))


def _above(p: Any, shares: Sequence[Number]) -> Array:
    """Π a_j^(r_j)."""
    return np.asarray(np.exp(sum(np.asarray(r) * np.log(a) for r, a in zip(shares, p[1:], strict=True))))


def _in_units(p: Any, *units: Number) -> Any:
    """Shares have no unit."""
    return p


def _starts(names: Sequence[str], generator: np.random.Generator, count: int, level: float) -> dict[str, Array]:
    E = level * generator.uniform(0, 0.95, count)
    return {"E": E} | {name: (level - E) * spread(generator, count, 0.3, 3) for name in names}
