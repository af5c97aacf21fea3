"""A fit's N*, D* or L* along a range of compute, with the band of its draws. Evaluates laws; fits nothing."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from flopscape.answers.evaluate import evaluator
from flopscape.answers.evaluator import Evaluator
from flopscape.laws.law import Array
from flopscape.records.fit_result import FitResult

FEWEST_DRAWS = 40
"""Fewer draws make no 95 % band."""
BAND_POINTS = 17
"""Compute values at which the draws' optima are searched for; between them the band is a straight line in logs."""
MOST_DRAWS = 1000
"""Draws behind a band: more change it by less than a line's width."""


class Path(NamedTuple):
    """Central line and 95 % band, each of the length of the compute range; no band where a fit has no draws."""

    centre: Array
    low: Array | None = None
    high: Array | None = None


def path(fit: FitResult, draws: pd.DataFrame | None, quantity: str, flops: Array) -> Path | None:
    """Evaluate a fit along `flops`; None for a fit that keeps no law, or one that says nothing of the quantity.

    Parameters
    ----------
    fit, draws
        The fit, and its draws as its method wrote them; None where it has none.
    quantity : {"n_params", "n_tokens", "loss"}
        What to evaluate.
    flops : array, shape (m,)
        Ascending compute in FLOPs.
    """
    law = evaluator(fit)
    if law is None or not law.has_optimum:
        return None
    centre = getattr(law.optimum(flops), quantity)
    # A line with a gap would be read as a law that holds on both sides of it.
    if not np.isfinite(centre).all():
        return None
    complete = _complete(draws, law.columns)
    if len(complete) < FEWEST_DRAWS:
        return Path(centre)
    # In logs the ends of a band bend little between so many knots over the few decades of a figure.
    knots = np.geomspace(flops[0], flops[-1], BAND_POINTS) if law.is_searched else flops
    ends = _band(law.of_draws(complete), quantity, knots)
    return Path(centre) if ends is None else Path(centre, *(_between(flops, knots, end) for end in ends))


def _complete(draws: pd.DataFrame | None, columns: list[str]) -> pd.DataFrame:
    """The first draws that have a number in all of some columns; none where the fit wrote none."""
    if draws is None or not set(columns) <= set(draws):
        return pd.DataFrame(columns=columns)
    return draws[columns].dropna().iloc[:MOST_DRAWS]


def _band(law: Evaluator, quantity: str, flops: Array) -> Array | None:
    """ln of the 2.5 % and 97.5 % percentiles over draws at each compute, shape (2, m)."""
    with np.errstate(all="ignore"):
        values = np.log(getattr(law.optimum(flops), quantity))
    # A draw without an optimum at some compute is left out everywhere, or the band would jump where it ends.
    usable = values[np.isfinite(values).all(axis=1)]
    return np.percentile(usable, [2.5, 97.5], axis=0) if len(usable) >= FEWEST_DRAWS else None


def _between(flops: Array, knots: Array, logs: Array) -> Array:
    """The exponential of values at the knots, interpolated in the logarithms of both."""
    return np.asarray(np.exp(np.interp(np.log(flops), np.log(knots), logs)))
