"""Experiment 3: what a grid centred beside the optimum, or drifting away from it, does to Approach 2's exponents."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from flopscape.bias.designs import bias
from flopscape.bias.noise_free import error_against_width, fitted_on_grids
from flopscape.bias.outcome import Claim, Outcome, agrees, errors, furthest, printed, tidy
from flopscape.config.bias import Exp03

QUESTION = "Which misplacement of the grid reaches the exponents: a constant factor, or one that grows with compute?"
ADVICE = (
    "A constant miss of the optimum leaves the exponents alone; what must not happen is a miss that grows with compute."
    " Choose every budget's sizes by one rule relative to its expected optimum, and check vertices against centres."
)
PUBLISHED = {
    "symmetric drift 0.4 a": "0.77", "symmetric drift 0.4 b": "-0.77",
    "chinchilla drift 0.4 a": "-0.10", "chinchilla drift 0.4 b": "0.09",
    "asymmetric drift 0.4 a": "-10.69", "asymmetric drift 0.4 b": "3.56",
}  # fmt: skip
"""Errors in per cent at the widest grid, ±2 decades."""
EXACT = 1e-10
"""Largest relative error of an exponent that counts as none."""


def run(settings: Exp03, mirror: Path | None = None) -> Outcome:
    """Fit every surface, bias and width."""
    fits = fitted_on_grids(settings.surfaces, settings.biases, settings.widths, settings)
    table = tidy("exp03", [row for fit in fits for row in fit.exponents()])
    widest = table[table["width"] == table["width"].max()]
    published = printed(errors(widest, "{surface} {bias} {quantity}"), PUBLISHED)
    return Outcome(table, _claims(table), published, _finding(table))


def _claims(table: pd.DataFrame) -> list[Claim]:
    """Grids without drift leave the exponents exact at every width."""
    still = _still(table)
    if still.empty:
        return []
    worst = still["relative_error"].abs().max()
    return [agrees("largest relative error of an exponent without drift", worst, 0.0, EXACT)]


def _still(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of grids that do not drift."""
    return table[[bias(tilt).drift == 0 for tilt in table["bias"]]]


def _finding(table: pd.DataFrame) -> str:
    """Two sentences from the errors of a."""
    a = table[table["quantity"] == "a"]
    place, worst = furthest(errors(a, "{surface}, {bias}, ±{width:.2g} decades"))
    rounding = 100 * _still(a)["relative_error"].abs().max()
    return (
        f"A constant factor beside the optimum changes a by at most {rounding:.0e} %,"
        f" which is rounding, at any width. A drift changes it by up to {worst:+.2f} % ({place})."
    )


def draw(table: pd.DataFrame) -> Figure:
    """Error of a against the width, a line for each drift and one for all grids without, which coincide."""
    a = table[table["quantity"] == "a"]
    names = list(dict.fromkeys(_still(a)["bias"]))
    shown = a[~a["bias"].isin(names[1:])].replace({"bias": {name: ", ".join(names) for name in names[:1]}})
    return error_against_width(shown, "error of a", "bias", "surface")
