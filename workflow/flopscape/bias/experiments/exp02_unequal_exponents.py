"""Experiment 2: what unequal exponents of the surface do to Approach 2's exponents when the grid drifts."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from flopscape.bias.noise_free import error_against_width, fitted_on_grids
from flopscape.bias.outcome import Outcome, errors, furthest, nearest, printed, tidy
from flopscape.config.bias import Exp02
from flopscape.laws.named_surfaces import named_surface

QUESTION = "How much of Approach 2's error comes from unequal exponents α and β?"
ADVICE = (
    "Fit the surface as well and look at α/β: the further from one, the more a drifting grid costs Approach 2. Centre"
    " with more care there, or trust the parametric fit, which needs no centring."
)
PUBLISHED = {
    "chinchilla a": "0.35", "chinchilla b": "-0.29", "balanced a": "0.58", "balanced b": "-0.58",
    "ratio 1.5 a": "-0.14", "ratio 1.5 b": "0.09", "ratio 2 a": "-1.27", "ratio 2 b": "0.64",
    "asymmetric a": "-3.90", "asymmetric b": "1.30", "ratio 9 a": "-20.22", "ratio 9 b": "2.25",
}  # fmt: skip
"""Errors in per cent at the widest grid, ±2 decades."""


def run(settings: Exp02, mirror: Path | None = None) -> Outcome:
    """Fit every surface at every width."""
    fits = fitted_on_grids(settings.surfaces, [settings.bias], settings.widths, settings)
    table = tidy("exp02", [row for fit in fits for row in fit.exponents()])
    widest = table[table["width"] == table["width"].max()]
    published = printed(errors(widest, "{surface} {quantity}"), PUBLISHED)
    return Outcome(table, published=published, finding=_finding(widest))


def _finding(widest: pd.DataFrame) -> str:
    """Two sentences from the errors at the widest grid."""
    worst = errors(widest[widest["quantity"] == "a"], "{surface}")
    (mild, least), (severe, most) = nearest(worst), furthest(worst)
    return (
        f"At ±{widest['width'].max():g} decades the error of a runs from {least:+.2f} % ({_named(mild)}) to"
        f" {most:+.2f} % ({_named(severe)}). The same parabolas on the same kind of grid: only α/β differs."
    )


def _named(name: str) -> str:
    """A surface with the ratio of its exponents."""
    ratio = f"α/β = {named_surface(name).alpha / named_surface(name).beta:.3g}"
    return ratio if name.startswith("ratio") else f"{name}, {ratio}"


def draw(table: pd.DataFrame) -> Figure:
    """Error of both exponents against the width, a line for each surface."""
    shown = table.assign(surface=table["surface"].map(_named), quantity="exponent " + table["quantity"])
    return error_against_width(shown, "error of the exponent", "surface", "quantity")
