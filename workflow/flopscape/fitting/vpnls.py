"""Method `vpnls`: the surface by least squares on the loss, with E, A, B ≥ 0 and only (α, β) searched.

Objective Σ (L_i − E − A·N_i^−α − B·D_i^−β)², each row with weight one unless asked otherwise. The search is
global and exact; see varpro.py. Intervals: percentile bootstrap of whole runs from 20 runs on, profile F below.
"""

from collections.abc import Sequence

import pandas as pd

from flopscape.fitting.surface.fit import estimate_surface
from flopscape.fitting.surface.objectives import OBJECTIVE, LeastSquares
from flopscape.fitting.surface.profile import profile_grid
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import RunTable


def estimate(
    table: RunTable,
    *,
    flops: Sequence[float] = (),
    bootstrap: int = 4000,
    seed: int = 0,
    weights: str | None = None,
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
    weights : str, optional
        `seeds` weights every row by the scatter between seeds (seed_weights.py); otherwise all weigh the same.

    Returns
    -------
    FitResult, and the resamples' surfaces and optima, one row each.

    Raises
    ------
    FlopscapeError
        Weights that are not `seeds`.
    """
    result = FitResult("ok", "", "vpnls", "surface", OBJECTIVE)
    result, draws = estimate_surface(LeastSquares(), result, table, flops, bootstrap, seed, weights)
    if result.surface and weights is None:
        result.diagnostics["profile_grid"] = profile_grid(table, result.surface)
    return result, draws
