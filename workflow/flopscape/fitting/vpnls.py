"""Method `vpnls`: the surface by least squares on the loss, with E, A, B ≥ 0 and only (α, β) searched.

Objective Σ (L_i − E − A·N_i^−α − B·D_i^−β)², each row with weight one unless asked otherwise. For fixed exponents it is
a non-negative linear problem with one solution, so that a walk over two numbers is left, from every point of a grid:
the optimum is global. See surface/variable_projection.py for the algorithm and surface/task.py for what is judged.
Intervals: percentile bootstrap of whole runs from 20 runs on, profile F below and with no resamples.

    flopscape fit runs.csv --method vpnls --flops 1e21 --out fit.json
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import f as fisher

from flopscape.fitting.common.linear import ROUNDED_GRAM
from flopscape.fitting.surface import global_starts, variable_projection
from flopscape.fitting.surface.global_starts import OBJECTIVE, LeastSquares
from flopscape.fitting.surface.task import fit_surface
from flopscape.fitting.surface.variable_projection import Problem
from flopscape.laws.law import Array
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.runs.table import RunTable

POINTS = 31
"""A side; the region's edge is drawn by interpolation, and √F is close to a cone."""
REACH = 1.8
"""The grid's ends in units of the 95 % interval of one exponent: the joint region reaches √(2·F/t²) = 1.25 of them."""
LEVELS = (0.5, 0.95)
PARAMETERS = 5


def estimate(
    table: RunTable,
    *,
    flops: Sequence[float] = (),
    bootstrap: int = 4000,
    seed: int = 0,
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
    weights : {"seeds"}, optional
        `seeds` weights rows by the variance between seeds; all weigh the same when left out.

    Returns
    -------
    FitResult, and the resamples' surfaces and optima, one row each.

    Raises
    ------
    FlopscapeError
        Weights that are not `seeds`.
    """
    result = FitResult("ok", "", "vpnls", "surface", OBJECTIVE)
    result, draws = fit_surface(LeastSquares(), result, table, flops, bootstrap, seed, weights)
    if result.surface and weights is None:
        result.diagnostics["profile_grid"] = profile_grid(table, result.surface)
    return result, draws


def profile_grid(table: RunTable, surface: Mapping[str, Estimate]) -> dict[str, object]:
    """F over a grid around a least-squares fit of the surface, to stand among its diagnostics.

    Parameters
    ----------
    table : RunTable
        The rows that were fitted.
    surface : mapping
        The fit's `surface`.

    Returns
    -------
    dict
        `alpha`, `beta`: the grid's exponents; `F`: a row for each α; `levels`: F at the edge of each region, by level.
        Empty where an interval of α or β is open, where rows share runs (their errors are not independent, so that the
        region would be too small), without degrees of freedom, and for exact data.
    """
    dof = len(table) - PARAMETERS
    ends = [_ends(surface[name]) for name in ("alpha", "beta")]
    if ends[0] is None or ends[1] is None or dof < 1 or table.n_runs < len(table):
        return {}
    logs = np.log(np.stack([table.n_params, table.n_tokens]))
    problem, weights = Problem(logs - logs.mean(axis=1, keepdims=True), table.loss), np.ones((1, len(table)))
    best = np.array([[surface[name].estimate for name in ("alpha", "beta")]])
    least = float(variable_projection.newton(problem, weights, best).objective[0])
    if least < ROUNDED_GRAM * float(table.loss @ table.loss):
        return {}
    grid = np.stack([np.linspace(*ends[0], POINTS), np.linspace(*ends[1], POINTS)])
    objective = global_starts.objective(problem, weights, grid)[0]
    # F of fixing both exponents: (RSS − RSS_min)/2 over RSS_min/(n − 5).
    rise = np.maximum(objective / least - 1, 0) * dof / 2
    levels = {f"{level:.0%}": float(fisher.ppf(level, 2, dof)) for level in LEVELS}
    return {"alpha": _short(grid[0]), "beta": _short(grid[1]), "F": [_short(row) for row in rise], "levels": levels}


def _ends(exponent: Estimate) -> tuple[float, float] | None:
    """The grid's ends, within the bounds of the fit."""
    if exponent.low is None or exponent.high is None or exponent.high <= exponent.low:
        return None
    centre = exponent.estimate
    low, high = (centre + REACH * (end - centre) for end in (exponent.low, exponent.high))
    return max(low, variable_projection.LOWEST), min(high, variable_projection.HIGHEST)


def _short(values: Array) -> list[float]:
    """Six digits are more than a picture shows."""
    return [float(f"{value:.6g}") for value in values]
