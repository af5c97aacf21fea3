"""What each method says about R simulated tables of one design: estimates, 95 % intervals and how each fit ended.

A surface's intervals are percentiles of resamples of whole runs, as in `flopscape fit`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flopscape.fitting.any_law.quantities import Quantities
from flopscape.fitting.common.results import column, percentile_interval
from flopscape.fitting.surface.coordinates import surface_quantities
from flopscape.fitting.surface.global_starts import centred_problem, from_grid, on_bound
from flopscape.fitting.surface.log_residuals import search_of
from flopscape.fitting.surface.many_tables import bootstraps
from flopscape.fitting.surface.variable_projection import Problem, Solution, parameters
from flopscape.laws.arrays import Array, Names
from flopscape.laws.compute import Compute
from flopscape.runs.table import RunTable

OBJECTIVES = {"vpnls": "lsq", "approach3-log_lsq": "log_lsq", "approach3-huber": "huber"}
"""Method → what it minimises. approach3-lad is left out: a resample of it costs six times what one of huber does."""
NO_OPTIMUM, AT_BOUND, UNSETTLED = "no optimum: A or B is zero", "at a bound: E, α or β", "not converged"
ASKED = ("n_params", "n_tokens", "loss")
OK = "ok"


class Estimates(NamedTuple):
    """Arrays (R, Q) in the order of `names`, NaN where there is nothing; `status` (R,) is `ok` or why not."""

    value: Array
    low: Array
    high: Array
    status: Names


def names(flops: Sequence[float]) -> list[str]:
    """a, b, and N*, D* and L* at each asked compute."""
    return ["a", "b", *(column(name, c) for c in flops for name in ASKED)]


def empty(tables: int, quantities: int, status: str) -> Estimates:
    """Nothing but a status."""
    nothing = np.full((tables, quantities), np.nan)
    return Estimates(nothing, nothing.copy(), nothing.copy(), np.full(tables, status, dtype="<U80"))


def percentiles(draws: Array) -> tuple[Array, Array]:
    """`percentile_interval` of the draws (R, K, …) of every table: low and high, each (R, …)."""
    whole = np.isfinite(draws).all(axis=1)
    low, high = np.quantile(np.where(np.isfinite(draws), draws, 0.0), [0.025, 0.975], axis=1)
    for place in zip(*np.nonzero(~whole), strict=True):
        at, rest = place[0], place[1:]
        low[place], high[place] = percentile_interval(draws[(at, slice(None), *rest)])
    return low, high


def surface_estimates(
    method: str, table: RunTable, losses: Array, flops: Sequence[float], replicates: int, seed: int
) -> Estimates:
    """Estimates and percentile intervals from losses (R, n); without replicates no intervals."""
    search, _ = search_of(OBJECTIVES[method])
    problem, center = centred_problem(table)
    compute = Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    quantities = surface_quantities(center, tuple(float(c) for c in flops), compute)
    problem = Problem(problem.u, losses)
    best = from_grid(search, problem, np.ones_like(losses))
    value = _values(parameters(best), quantities)
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    for at, draws in bootstraps(search, table.run_id, problem, best, replicates, seed) if replicates else ():
        values = _values(draws, quantities).reshape(len(at), replicates, -1)
        low[at], high[at] = percentiles(values)
    return Estimates(value, low, high, _status(best, value))


def _values(p: Array, quantities: Quantities) -> Array:
    """The quantities of `names` for each p (R, 5)."""
    frame = quantities.draws(p, np.zeros(len(p), bool))
    values = frame[names(quantities.flops)].to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _status(best: Solution, value: Array) -> Names:
    bound = on_bound(best)
    missing = np.isnan(value[:, 0])
    words = [NO_OPTIMUM, AT_BOUND, UNSETTLED]
    return np.select([missing, bound, ~best.converged], words, default=OK).astype(str)
