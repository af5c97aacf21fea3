"""The surface methods on thousands of tables of one design, with a bootstrap of each: what `surface_fit` gives.

A resample starts at its own table's optimum. Where a point of a coarse exponent grid lies below what is found from
there, it is searched again from that point: the rule by which the resamples of one fit are global.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from flopscape.fitting.common.resample import run_weights
from flopscape.fitting.common.results import surface_draws
from flopscape.fitting.surface import global_starts, huber, resample_starts, variable_projection
from flopscape.fitting.surface.fit import Search, centred_problem, from_grid, on_bound
from flopscape.fitting.surface.huber import Data
from flopscape.fitting.surface.log_search import LogResiduals
from flopscape.fitting.surface.objectives import search_of
from flopscape.fitting.surface.quantities import Quantities
from flopscape.fitting.surface.variable_projection import Problem, Solution, parameters
from flopscape.laws.arrays import Array, Index, Mask, Names
from flopscape.laws.compute import Compute
from flopscape.runs.table import RunTable
from flopscape.twin.summary import OK, Estimates, chosen, names, percentiles

OBJECTIVES = {"vpnls": "lsq", "approach3-log_lsq": "log_lsq", "approach3-huber": "huber"}
"""Method → what it minimises. approach3-lad is left out: a resample of it costs six times what one of huber does."""
CHECK_GRID = np.geomspace(0.05, 1.8, 6)
"""Exponents at which the resamples' optima are checked."""
LOWER = 1e-6
"""Relative excess of the objective over a grid point's that asks for another search."""
TABLES = 50
"""Tables whose resamples are worked on at once: a constant, so that no answer depends on the machine."""
NO_OPTIMUM, AT_BOUND, UNSETTLED = "no optimum: A or B is zero", "at a bound: E, α or β", "not converged"


class Resamples(NamedTuple):
    """Problems of several tables: losses (T·K, n) and weights (T·K, n), K resamples of each table in turn."""

    u: Array
    losses: Array
    weights: Array

    def of(self, at: Index) -> "Resamples":
        return Resamples(self.u, self.losses[at], self.weights[at])

    @property
    def problem(self) -> Problem:
        return Problem(self.u, self.losses)


def estimates(
    method: str, table: RunTable, losses: Array, flops: Sequence[float], replicates: int, seed: int
) -> Estimates:
    """Estimates and percentile intervals from losses (R, n); without replicates no intervals."""
    search, _ = search_of(OBJECTIVES[method])
    problem, center = centred_problem(table)
    compute = Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    quantities = Quantities(center, tuple(float(c) for c in flops), compute)
    problem = Problem(problem.u, losses)
    best = from_grid(search, problem, np.ones_like(losses))
    value = _values(parameters(best), quantities)
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    for at, draws in _bootstraps(search, table, problem, best, replicates, seed) if replicates else ():
        values = _values(draws, quantities).reshape(len(at), replicates, -1)
        low[at], high[at] = percentiles(values)
    return Estimates(value, low, high, _status(best, value))


def _values(p: Array, quantities: Quantities) -> Array:
    """The quantities of `names` for each p (R, 5)."""
    frame = surface_draws(p, np.zeros(len(p), bool), quantities)
    values = frame[names(quantities.flops)].to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _status(best: Solution, value: Array) -> Names:
    bound = on_bound(best)
    missing = np.isnan(value[:, 0])
    words = [NO_OPTIMUM, AT_BOUND, UNSETTLED]
    return np.select([missing, bound, ~best.converged], words, default=OK).astype(str)


def _bootstraps(
    search: Search, table: RunTable, problem: Problem, best: Solution, replicates: int, seed: int
) -> Iterator[tuple[Index, Array]]:
    """Tables, and the parameters (T·K, 5) of their resamples of runs."""
    drawn = run_weights(table.run_id, len(problem.y) * replicates, seed, TABLES * replicates)
    for first, weights in zip(range(0, len(problem.y), TABLES), drawn, strict=True):
        at = np.arange(first, min(first + TABLES, len(problem.y)))
        resamples = Resamples(problem.u, np.repeat(problem.y[at], replicates, axis=0), weights)
        optimum = chosen(best, at)
        p, lower = _near(search, resamples, optimum, replicates)
        doubt = _not_lowest(search, resamples, p)
        if len(doubt):
            _search_again(search, resamples.of(doubt), p, lower, doubt)
        yield at, p


def _near(search: Search, resamples: Resamples, best: Solution, replicates: int) -> tuple[Array, Array]:
    """Parameters (T·K, 5) and objectives of the optima reached from each table's own."""
    if not isinstance(search, LogResiduals):
        starts = np.repeat(best.exponents, replicates, axis=0)
        found = variable_projection.newton(
            resamples.problem, resamples.weights, starts, variable_projection.RESAMPLE_DECREMENT
        )
        return parameters(found), found.objective
    data, p = Data(resamples.u, np.log(resamples.losses)), np.empty((len(resamples.losses), 5))
    for i, start in enumerate(parameters(best)):
        own = slice(i * replicates, (i + 1) * replicates)
        start = np.maximum(start, data.lower[own.start])
        one = Data(data.u, data.log_loss[own.start])
        p[own] = resample_starts.predict(one, resamples.weights[own], start, search.delta)
    settled = huber.refine(data, resamples.weights, p, search.delta, variable_projection.RESAMPLE_DECREMENT)
    p = settled.p
    p[:, 1:3] = np.where(p[:, 1:3] > data.lower[:, 1:3], p[:, 1:3], -np.inf)
    objective = np.where(settled.converged, settled.objective, np.inf)
    return p, objective * (2.0 if search.smooth else 1.0)


def _not_lowest(search: Search, resamples: Resamples, p: Array) -> Index:
    """Resamples of which a grid point's least squares lies below that at the exponents found."""
    weights, problem = search.weighted(resamples.problem, resamples.weights), resamples.problem
    lower = np.zeros(len(p), bool)
    for block in variable_projection.blocks(len(p), max(problem.u.shape[1], len(CHECK_GRID) ** 2)):
        part = Problem(problem.u, problem.y[block])
        lowest = global_starts.objective(part, weights[block], CHECK_GRID).reshape(len(part.y), -1).min(axis=1)
        here = _least_squares(part, weights[block], p[block, 3:])
        lower[block] = lowest < here * (1 - LOWER)
    return np.flatnonzero(lower)


def _least_squares(problem: Problem, weights: Array, theta: Array) -> Array:
    """Σ w r² with the best coefficients at given exponents."""
    c = variable_projection.coefficients_at(problem, weights, theta)
    nothing = np.zeros(len(c)), np.ones(len(c), bool)
    residual = problem.y - variable_projection.fitted(problem, Solution(c, theta, *nothing))
    return np.asarray((weights * residual**2).sum(axis=1))


def _search_again(search: Search, resamples: Resamples, p: Array, lower: Array, doubt: Index) -> None:
    """Replace optima above those that are found from the grid."""
    found = from_grid(search, resamples.problem, resamples.weights)
    better: Mask = found.objective < lower[doubt]
    p[doubt[better]] = parameters(found)[better]
