"""Pure power laws of one quantity, L(x) = E + (x_c/x)^α: x is N, D or C, and E is zero in Kaplan et al.'s.

Source: Kaplan et al. 2020 (arXiv 2001.08361), equations 1.1 to 1.3; the floor E after Henighan et al. 2020 (arXiv
2010.14701), equation 1.1.
"""

from typing import NamedTuple

import numpy as np

from flopscape.laws.law import Array, Compute, Law, Number, Optimum, spread
from flopscape.laws.parameters import NAMED


class Power(NamedTuple):
    """The scale x_c in the unit of x, where the loss above the floor is one nat; the exponent; the floor E in nats."""

    scale: Number
    alpha: Number
    E: Number = 0.0


def loss(p: Power, x: Number) -> Array:
    """L(x) in nats."""
    return np.asarray(p.E + (p.scale / np.asarray(x)) ** p.alpha)


def gradient(p: Power, x: Number) -> Array:
    """Derivatives of L with respect to (x_c, α, E), shape (3, …)."""
    # (x_c/x)^α changes by itself times α·d ln x_c + ln(x_c/x)·dα.
    ratio = p.scale / np.asarray(x)
    above = ratio**p.alpha
    return np.stack([p.alpha * above / p.scale, above * np.log(ratio), np.ones_like(above)])


def _in_units(p: Power, unit: Number) -> Power:
    return p._replace(scale=p.scale * unit)


def _starts(generator: np.random.Generator, count: int, level: float) -> dict[str, Array]:
    alpha = spread(generator, count, 0.02, 2)
    E = level * generator.uniform(0, 0.95, count)
    return {"scale": (level - E) ** (1 / alpha), "alpha": alpha, "E": E}


def _at_compute(p: Power, flops: Number, compute: Compute, unique_tokens: Number) -> Optimum:
    """L(C): the law says nothing about N and D."""
    there = loss(p, flops)
    return Optimum(np.full_like(there, np.nan), np.full_like(there, np.nan), there)


def law(letter: str, argument: str, floor: bool) -> Law:
    """The law of one quantity, with E or without."""
    plain = f"power-{letter.lower()}"
    parameters = NAMED[f"{plain}-floor" if floor else plain]
    return Law(
        name=parameters.name,
        formula=f"L({letter}) = {'E + ' if floor else ''}({letter}_c/{letter})^α",
        kind=Power,
        names=parameters.names,
        arguments=(argument,),
        value=loss,
        derivative=gradient,
        in_units=_in_units,
        starts=_starts,
        bounds=parameters.bounds,
        optimum=_at_compute if argument == "flops" else None,
        rivals=(plain, "surface") if floor else ("surface",),
        nested=(plain,) if floor else (),
    )


LAWS = [
    law(letter, argument, floor)
    for letter, argument in (("N", "n_params"), ("D", "n_tokens"), ("C", "flops"))
    for floor in (False, True)
]
"""L(N), L(D) and L(C), without and with a floor."""
