"""Method `approach3`: the surface by a robust or least-squares objective of the log residuals.

Hoffmann et al. 2022, section 3.3: minimise Σ Huber_δ(logsumexp(a − α·ln N, b − β·ln D, e) − ln L) with δ = 1e-3. Sums,
never means: a solver that stops at an absolute tolerance never starts on a mean of 1e-6. The search is global, from all
minima of a grid; see surface/log_residuals.py. Intervals: percentile bootstrap of whole runs; the profile-F interval
beside it, and in its place below 20 runs, for the two least-squares objectives.

The objective moves the answer more than anything else here: fit several, and read δ in units of the noise. Which for
what: `huber` with δ = 1.345 times the residuals' scale loses least (`delta: scaled`); with the default, which is far
below the noise of most tables, it is close to `lad`, which withstands the most outliers and has the widest intervals;
`log_lsq` is for clean runs whose noise is a part of the loss, and `lsq` where it is the same in nats everywhere.

    flopscape fit runs.csv --method approach3 --objective huber --delta scaled --out fit.json
"""

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from flopscape.fitting.surface.log_residuals import SCALED, scaled_delta, search_of
from flopscape.fitting.surface.task import fit_surface
from flopscape.laws.law import Positive
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import RunTable


def estimate(
    table: RunTable,
    *,
    flops: Sequence[float] = (),
    bootstrap: int = 4000,
    seed: int = 0,
    objective: Literal["huber", "lad", "log_lsq", "lsq"] = "huber",
    delta: Positive | Literal["scaled"] | None = None,
    weights: Literal["seeds"] | None = None,
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
    objective : {"huber", "lad", "log_lsq", "lsq"}
        What is minimised: `huber`, `lad` (least absolute deviations) and `log_lsq` (least squares) of the log
        residual; `lsq`, least squares on the loss, is what `vpnls` minimises.
    delta : float or "scaled", optional
        Huber's δ in log residuals, 1e-3 when left out; only with `huber`. `scaled` is 1.345 × the residuals' robust
        scale, which keeps 95 % efficiency on Gaussian noise (Huber 1981, section 4.5); the resamples keep it.
    weights : {"seeds"}, optional
        `seeds` weights rows by the variance between seeds; all weigh the same when left out.

    Returns
    -------
    FitResult, and the resamples' surfaces and optima, one row each.

    Raises
    ------
    FlopscapeError
        An unknown objective, or a δ that is not positive or not of `huber`.
    """
    width = scaled_delta(table) if delta == SCALED else delta
    search, words = search_of(objective, width)
    result = FitResult("ok", "", "approach3", "surface", words)
    return fit_surface(search, result, table, flops, bootstrap, seed, weights)
