"""The parameters of each law: their names, and the ranges of those without a unit.

Here and not beside the formulas, for a study that asks something of them is checked while it is read, without NumPy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

Range = tuple[float, float]
EXPONENT: Range = (0.005, 5.0)
"""Bounds of an exponent; published ones lie between 0.03 and 1."""
COUPLING: Range = (0.02, 50.0)
"""Bounds of a common exponent of several terms."""
REPEATS: Range = (1e-2, 1e4)
"""Bounds of how many repeats of the data are worth something."""


class HasParameters(Protocol):
    """What a law and its `Parameters` have in common."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that are fitted."""

    @property
    def bounds(self) -> Mapping[str, Range]:
        """Ranges of those without a unit."""


@dataclass(frozen=True)
class Parameters:
    """Of the law of a name."""

    name: str
    names: tuple[str, ...]
    bounds: dict[str, Range]


SURFACE = ("E", "A", "B", "alpha", "beta")
OF_SURFACE = {"alpha": EXPONENT, "beta": EXPONENT}
OF_SPARSITY = dict.fromkeys(("alpha", "beta", "lam", "delta", "gamma"), EXPONENT)
NAMED = {
    law.name: law
    for law in (
        Parameters("surface", SURFACE, OF_SURFACE),
        Parameters("coupled", (*SURFACE, "gamma"), {**OF_SURFACE, "gamma": COUPLING}),
        Parameters("kaplan", ("N_c", "D_c", "alpha_N", "alpha_D"), {"alpha_N": EXPONENT, "alpha_D": EXPONENT}),
        Parameters("constrained", (*SURFACE, "R_D", "R_N"), {**OF_SURFACE, "R_D": REPEATS, "R_N": REPEATS}),
        # γ is in bits: it has a unit.
        *(Parameters(name, (*SURFACE, "gamma"), OF_SURFACE) for name in ("precision", "precision-all")),
        Parameters("sparsity", ("E", "A", "B", "c", "d", "alpha", "beta", "lam", "delta", "gamma"), OF_SPARSITY),
        *(Parameters(f"power-{x}", ("scale", "alpha"), {"alpha": EXPONENT}) for x in "ndc"),
        *(Parameters(f"power-{x}-floor", ("E", "scale", "alpha"), {"alpha": EXPONENT}) for x in "ndc"),
    )
}
"""Of the laws of registry.py; of the sums of power laws among them composition.py has them."""
