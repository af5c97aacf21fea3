"""Experiment 10: a misplaced grid and the parabola's misfit together, after three decades of extrapolation."""

from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from flopscape.bias.noise_free import error_against_width, fitted_on_grids
from flopscape.bias.outcome import Outcome, errors, furthest, nearest, printed, tidy
from flopscape.config.bias import Exp10
from flopscape.text import numbers

QUESTION = "Do the errors of a misplaced grid, of its width and of extrapolation add up or cancel?"
ADVICE = (
    "Do not read a small error as a good design: the two errors have opposite signs and cancel at one width only, which"
    " depends on a surface that is not known. Remove each one: centre the grid, and correct or replace the parabola."
)
PUBLISHED = {
    "offset 3× symmetric": "3.97424 3.47182 2.64517 1.50979",
    "offset 3× chinchilla": "7.11012 5.69094 3.37611 0.23788",
    "offset 3× asymmetric": "19.22118 14.41366 6.95937 -2.42457",
    "drift to 3× symmetric": "6.07097 5.17117 3.69790 1.68907",
    "drift to 3× chinchilla": "11.61425 9.83164 6.93906 3.04760",
    "drift to 3× asymmetric": "34.57462 30.03843 22.96869 13.99698",
}
"""Error of D* at 1e24 in per cent at the half-widths ±2×, ±4×, ±8× and ±16×."""


def run(settings: Exp10, mirror: Path | None = None) -> Outcome:
    """Predict D* for every surface, bias and width."""
    widths = [float(np.log10(factor)) for factor in settings.factors]
    fits = fitted_on_grids(settings.surfaces, settings.biases, widths, settings)
    of_factor = zip(fits, cycle(settings.factors), strict=False)
    rows = [row | {"factor": factor} for fit, factor in of_factor for row in fit.tokens([settings.predict])]
    table = tidy("exp10", rows)
    worst = errors(table, "{bias} {surface} ±{factor:g}×")
    return Outcome(table, published=printed(worst, _published()), finding=_finding(table))


def _published() -> dict[str, str]:
    """`PUBLISHED` with an entry for each number."""
    return {
        f"{place} ±{factor}×": text
        for place, line in PUBLISHED.items()
        for factor, text in zip((2, 4, 8, 16), line.split(), strict=True)
    }


def _finding(table: pd.DataFrame) -> str:
    """Two sentences from the errors of misplaced grids."""
    worst = errors(table[table["bias"] != "baseline"], "{surface}, {bias}, ±{factor:g}×") or {"none": 0.0}
    (severe, most), (mild, least) = furthest(worst), nearest(worst)
    signs = sum(error < 0 for error in worst.values())
    return (
        f"A misplaced grid puts D* off by up to {most:+.2f} % ({severe}). A wide grid's own error has the other sign,"
        f" so that the least error, {least:+.2f} % ({mild}), is one cancelling the other; the sum is negative"
        f" in {signs} of {len(worst)} cases."
    )


def draw(table: pd.DataFrame) -> Figure:
    """Error of D* against the width, a line for each bias."""
    return error_against_width(
        table, f"error of D* at {numbers.flops(table['flops'].iloc[0])} FLOPs", "bias", "surface"
    )
