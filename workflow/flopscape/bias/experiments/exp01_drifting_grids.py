"""Experiment 1: what the width of the grid does to Approach 2's exponents when the grid drifts."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from flopscape.bias.noise_free import error_against_width, fitted
from flopscape.bias.outcome import Claim, Outcome, agrees, errors, nearest, printed, tidy
from flopscape.config.bias import Exp01

QUESTION = "Does a wider or a narrower range of sizes cure Approach 2 when the grid's centre drifts with compute?"
ADVICE = (
    "Centre every budget's sizes on its own optimum, in a second round if need be; a narrow grid hides the parabola's"
    " misfit and keeps the drift, a wide one trades one error for the other."
)
PUBLISHED = {"a at ±0.30": "-0.0498", "a at ±1.02": "0.11", "a at ±1.55": "0.33", "a at ±2.00": "0.5842"}
"""Error of a in per cent at the nearest of twenty half-widths from 0.3 to 2 decades."""
MIRRORED = 1e-9
"""The error of b is minus that of a, relative to 1/2, down to rounding."""


def run(settings: Exp01, mirror: Path | None = None) -> Outcome:
    """Fit every width and compare the exponents and the optima per budget with the truth."""
    rows = []
    for width in settings.widths:
        fit = fitted(settings.surface, settings.bias, width, settings.points, settings.budgets)
        rows += [*fit.exponents(), *fit.vertices()]
    table = tidy("exp01", rows)
    of_a = table[table["quantity"] == "a"]
    published = printed(errors(of_a, "a at ±{width:.2f}"), PUBLISHED)
    return Outcome(table, [_mirrored(table)], published, _finding(errors(of_a, "±{width:.2g}")))


def _mirrored(table: pd.DataFrame) -> Claim:
    """Errors of a and b cancel: a + b = 1 whatever the parabolas do."""
    a, b = (table[table["quantity"] == name] for name in "ab")
    added = (a["estimate"] - a["truth"]).to_numpy() + (b["estimate"] - b["truth"]).to_numpy()
    return agrees("largest sum of the errors of a and of b", abs(added).max(), 0.0, MIRRORED)


def _finding(error_of_width: dict[str, float]) -> str:
    """Two sentences from the errors of a in per cent by width."""
    (narrow, first), (wide, last) = (list(error_of_width.items())[end] for end in (0, -1))
    place, least = nearest(error_of_width)
    return (
        f"Without any noise the error of a goes from {first:+.2f} % at {narrow} decades to {last:+.2f} % at {wide}."
        f" It is smallest, {least:+.3f} %, at {place}, where the drift's error and the parabola's happen to cancel."
    )


def draw(table: pd.DataFrame) -> Figure:
    """Error of both exponents against the width."""
    words = {"a": "a of N* ∝ Cᵃ", "b": "b of D* ∝ Cᵇ"}
    exponents = table.assign(exponent=table["quantity"].map(words)).dropna(subset="exponent")
    return error_against_width(exponents, "error of the exponent", "exponent")
