"""The laws by name."""

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.laws import compute, constrained, coupled, kaplan, power, surface
from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute
from flopscape.laws.law import EXPONENT, Law, Number, spread
from flopscape.laws.surface import Optimum, Surface


def _optimum(p: Surface, flops: Number, along: Compute, unique_tokens: Number) -> Optimum:
    return compute.optimum(p, flops, along)  # type: ignore[arg-type]


def _in_units(p: Surface, n_unit: Number, d_unit: Number) -> Surface:
    return p._replace(A=p.A * n_unit**p.alpha, B=p.B * d_unit**p.beta)


def _starts(generator: np.random.Generator, count: int, level: float) -> dict[str, Array]:
    E, share = level * generator.uniform(0, 0.95, count), generator.uniform(0.02, 0.98, count)
    alpha, beta = spread(generator, count, 0.05, 2), spread(generator, count, 0.05, 2)
    return {"E": E, "A": share * (level - E), "B": (1 - share) * (level - E), "alpha": alpha, "beta": beta}


SURFACE = Law(
    name="surface",
    formula="L(N, D) = E + A·N^−α + B·D^−β",
    kind=Surface,
    names=Surface._fields,
    arguments=("n_params", "n_tokens"),
    value=surface.loss,
    derivative=surface.gradient,
    in_units=_in_units,
    starts=_starts,
    bounds={"alpha": EXPONENT, "beta": EXPONENT},
    exponents=surface.exponents,
    optimum=_optimum,
)
LAWS = {law.name: law for law in (SURFACE, coupled.LAW, kaplan.LAW, constrained.LAW, *power.LAWS)}


def law_named(name: str) -> Law:
    """The law of a name; FlopscapeError lists the names there are."""
    if name not in LAWS:
        raise FlopscapeError(f"law {name!r}: there are {', '.join(LAWS)}")
    return LAWS[name]
