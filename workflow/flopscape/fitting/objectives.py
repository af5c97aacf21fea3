"""The objectives of a surface fit by name: what each minimises, in words, and the search that minimises it."""

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.fitting import least_squares
from flopscape.fitting.least_squares import LeastSquares
from flopscape.fitting.log_search import LogResiduals
from flopscape.fitting.surface_fit import Search

DELTA = 1e-3
"""Hoffmann et al. 2022's δ, in log residuals."""
OBJECTIVES = ("huber", "lad", "log_lsq", "lsq")


def search_of(objective: str, delta: float | None = None) -> tuple[Search, str]:
    """How to minimise an objective, and its name in words.

    Raises
    ------
    FlopscapeError
        An unknown objective, or a δ that is not positive or not of `huber`.
    """
    if objective not in OBJECTIVES:
        raise FlopscapeError(f"objective {objective!r}: there are {', '.join(OBJECTIVES)}")
    if delta is not None and objective != "huber":
        raise FlopscapeError(f"delta: the objective {objective} has none; only huber has")
    if objective == "huber":
        width = DELTA if delta is None else float(delta)
        if not 0 < width < np.inf:
            raise FlopscapeError(f"delta: {delta!r} is not a positive number")
        return LogResiduals(width), f"Huber, δ = {width:g}, of the log loss"
    if objective == "lad":
        return LogResiduals(0.0), "least absolute deviations of the log loss"
    if objective == "log_lsq":
        return LogResiduals(np.inf), "least squares on the log loss"
    return LeastSquares(), least_squares.OBJECTIVE
