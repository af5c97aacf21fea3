"""Method `approach3`: the surface by a robust or least-squares objective of the log residuals.

Hoffmann et al. 2022, section 3.3: minimise Σ Huber_δ(logsumexp(a − α·ln N, b − β·ln D, e) − ln L) with δ = 1e-3. Sums,
never means. The search is global, from many starts; see logloss.py. Intervals: percentile bootstrap of whole runs; the
profile-F interval beside it, and in its place below 20 runs, for the two least-squares objectives.

The objective moves the answer more than anything else here: fit several, and read δ in units of the noise.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.fitting import least_squares
from flopscape.fitting.least_squares import LeastSquares
from flopscape.fitting.log_search import LogResiduals
from flopscape.fitting.surface_fit import Search, estimate_surface
from flopscape.fitting.table import RunTable
from flopscape.records import FitResult

DELTA = 1e-3
"""Hoffmann et al. 2022's δ, in log residuals."""
OBJECTIVES = ("huber", "lad", "log_lsq", "lsq")


def estimate(
    table: RunTable,
    *,
    flops: Sequence[float] = (),
    bootstrap: int = 4000,
    seed: int = 0,
    objective: str = "huber",
    delta: float | None = None,
) -> tuple[FitResult, pd.DataFrame]:
    """Fit the surface.

    Parameters
    ----------
    table : RunTable
    flops : sequence of float
        Compute budgets C, in FLOPs, to predict the optimum for.
    bootstrap : int
        Resamples of whole runs.
    seed : int
        Seed of the resampling.
    objective : str
        `huber`, `lad` (least absolute deviations) and `log_lsq` (least squares) of the log residual; `lsq`, least
        squares on the loss, is what `vpnls` minimises.
    delta : float, optional
        Huber's δ in log residuals, 1e-3 unless given; only with `huber`.

    Returns
    -------
    FitResult, and the resamples' surfaces and optima, one row each.

    Raises
    ------
    FlopscapeError
        An unknown objective, or a δ that is not positive or not of `huber`.
    """
    search, words = _search(objective, delta)
    result = FitResult("ok", "", "approach3", "surface", words)
    return estimate_surface(search, result, table, flops, bootstrap, seed)


def _search(objective: str, delta: float | None) -> tuple[Search, str]:
    """How to minimise an objective, and its name in words."""
    if objective not in OBJECTIVES:
        raise FlopscapeError(f"objective {objective!r}: approach3 has {', '.join(OBJECTIVES)}")
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
