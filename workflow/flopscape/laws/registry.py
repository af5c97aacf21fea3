"""The laws by name."""

from dataclasses import replace
from typing import Literal

from flopscape.errors import FlopscapeError
from flopscape.laws import constrained, coupled, kaplan, power, precision, sparsity, surface
from flopscape.laws.composition import COMPOSED
from flopscape.laws.law import Law
from flopscape.laws.terms import composed

LawName = Literal[
    "surface",
    "coupled",
    "kaplan",
    "constrained",
    "precision",
    "precision-all",
    "sparsity",
    "depth-width",
    "vocabulary",
    "context",
    "power-n",
    "power-d",
    "power-c",
    "power-n-floor",
    "power-d-floor",
    "power-c-floor",
]
"""The names of `LAWS`, which the option `law` takes: they are read from here without importing the laws."""
LAWS = {
    law.name: law
    for law in (
        *(surface.LAW, coupled.LAW, kaplan.LAW, constrained.LAW),
        *(*precision.LAWS, sparsity.LAW),
        *(replace(composed(composition), name=name) for name, composition in COMPOSED.items()),
        *power.LAWS,
    )
}


def law_named(name: str) -> Law:
    """The law of a name; FlopscapeError lists the names there are.

    >>> law_named("power-n-floor").formula
    'L(N) = E + (N_c/N)^α'
    """
    if name not in LAWS:
        raise FlopscapeError(f"law {name!r}: there are {', '.join(LAWS)}")
    return LAWS[name]
