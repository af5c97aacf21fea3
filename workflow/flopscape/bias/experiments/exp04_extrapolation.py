"""Experiment 4: what Approach 2's errors grow to when its power law is extrapolated."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from flopscape.bias.noise_free import error_against_width, fitted_on_grids
from flopscape.bias.outcome import Outcome, errors, furthest, printed, tidy
from flopscape.config.bias import Exp04

QUESTION = "How wrong are the tokens that Approach 2 recommends far above the largest budget that was run?"
ADVICE = (
    "Quote no D* beyond the sweep from parabolas alone: an exponent that looks right carries the intercept's error, and"
    " one that is off by a few per cent costs tens of per cent in D* after four decades."
)
PUBLISHED = {
    "chinchilla ±0.30": "0.32 1.28 8.52 0.32 2.03", "asymmetric ±0.30": "1.66 4.95 27.00 1.02 6.28",
    "chinchilla ±1.19": "5.02 5.12 1.98 5.12 3.92", "asymmetric ±1.19": "22.81 17.84 7.53 19.39 14.17",
    "chinchilla ±2.00": "13.43 16.07 13.66 14.66 14.27", "asymmetric ±2.00": "49.79 44.06 32.83 45.85 41.03",
}  # fmt: skip
"""Largest error of D* in per cent by surface and half-width in decades, in the order of `BIASES`."""
BIASES = ("baseline", "drift 0.2", "drift 0.4", "scale 1.5", "scale 2")


def run(settings: Exp04, mirror: Path | None = None) -> Outcome:
    """Predict D* at every larger compute, for every surface, bias and width."""
    fits = fitted_on_grids(settings.surfaces, settings.biases, settings.widths, settings)
    table = tidy("exp04", [row for fit in fits for row in fit.tokens(settings.predict)])
    worst = errors(_largest(table), "{surface} ±{width:.2f} {bias}")
    return Outcome(table, published=printed(worst, _published()), finding=_finding(table))


def _published() -> dict[str, str]:
    """`PUBLISHED` with an entry for each number."""
    return {
        f"{place} {tilt}": text
        for place, line in PUBLISHED.items()
        for tilt, text in zip(BIASES, line.split(), strict=True)
    }


def _largest(table: pd.DataFrame) -> pd.DataFrame:
    """The largest relative error over all predictions, by surface, width and bias."""
    absolute = table.assign(relative_error=table["relative_error"].abs())
    return absolute.groupby(["surface", "width", "bias"], sort=False)["relative_error"].max().reset_index()


def _finding(table: pd.DataFrame) -> str:
    """Two sentences from the largest errors."""
    largest = _largest(table)
    place, worst = furthest(errors(largest, "{surface}, {bias}, ±{width:.2g} decades"))
    by_width = largest.groupby("width")["relative_error"].max().to_dict()
    (narrow, first), (wide, last) = (list(by_width.items())[end] for end in (0, -1))
    return (
        f"D* is off by up to {worst:.0f} % ({place}) although the data have no noise. The worst case is"
        f" {100 * first:.0f} % at ±{narrow:.2g} decades and {100 * last:.0f} % at ±{wide:.2g}: neither end is safe."
    )


def draw(table: pd.DataFrame) -> Figure:
    """Largest error of D* against the width, a line for each bias."""
    return error_against_width(_largest(table), "largest error of D*", "bias", "surface")
