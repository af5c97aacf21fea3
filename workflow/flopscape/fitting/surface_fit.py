"""From a table to a fitted surface, whatever the objective: search, resample, judge, fill in.

`vpnls` and `approach3` differ in what they minimise, which is a `Search`; everything else is here and in what it calls.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import pandas as pd

from flopscape.fitting import guards, varpro
from flopscape.fitting.fitted import Fitted
from flopscape.fitting.goodness import describe_fit
from flopscape.fitting.intervals import all_intervals
from flopscape.fitting.judge_surface import judge, too_little
from flopscape.fitting.local_fit import Local
from flopscape.fitting.quantities import Quantities
from flopscape.fitting.resample import run_weights
from flopscape.fitting.results import empty_draws, refused, surface_draws
from flopscape.fitting.seed_weights import weights_of
from flopscape.fitting.surface_result import fill, one_sided
from flopscape.fitting.table import RunTable
from flopscape.fitting.varpro import Problem, Solution, parameters
from flopscape.laws.arrays import Array, Mask
from flopscape.laws.compute import Compute
from flopscape.records import FitResult

FINE_GRID = np.geomspace(0.03, 2.5, 32)
COARSE_GRID = np.geomspace(0.03, 2.5, 12)
"""Exponents where resamples may start, besides the optimum of the whole table."""
AT_OPTIMUM = 1e-6
"""Relative excess of the objective below which a start has reached the optimum."""


class Search(Protocol):
    """How one objective is minimised over (E, A, B, α, β); all searches are global."""

    @property
    def delta(self) -> float:
        """Huber's δ in the units of the residuals: infinite for least squares, zero for absolute deviations."""

    def polish(self, problem: Problem, weights: Array, starts: Array) -> Solution:
        """Optima from given exponents (R, 2), to full precision; weights are (R, n), or (1, n) for one problem."""

    def resample(self, problem: Problem, weights: Array, starts: Array, best: Solution) -> Solution:
        """The same to the precision that a resample needs, `best` being the optimum of the whole table."""

    def weighted(self, problem: Problem, weights: Array) -> Array:
        """Weights (R, n) of the least-squares problem whose grid gives the starts."""

    def local(self, problem: Problem, p: Array) -> Local:
        """Residuals and derivatives at p (5,)."""

    def diagnostics(self, fit: Local) -> dict[str, object]:
        """What only this objective has to report."""

    def warnings(self, fit: Local) -> list[str]:
        """Sentences on what to distrust about the objective itself."""


def estimate_surface(
    search: Search,
    result: FitResult,
    table: RunTable,
    flops: Sequence[float],
    bootstrap: int,
    seed: int,
    weights: str | None = None,
) -> tuple[FitResult, pd.DataFrame]:
    """Fit the surface and fill in the result; see `vpnls.estimate` for the arguments."""
    made = weights_of(table, weights)
    why = too_little(table)
    if why:
        return refused(result, why, flops)
    row_weights = np.ones(len(table)) if made is None else made.weights
    problem, center = centred_problem(table)
    best, share, n_starts = global_fit(search, problem, row_weights)
    compute = Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    quantities = Quantities(center, tuple(float(c) for c in flops), compute)
    point = search.local(problem, parameters(best)[0])
    fitted = Fitted(
        table=table,
        problem=problem,
        weights=row_weights,
        best=best,
        local=point.weighted(row_weights),
        delta=search.delta,
        quantities=quantities,
        draws=empty_draws(flops),
        refit=lambda w: from_grid(search, problem, w),
    )
    if not (best.coefficients[0, 1:] > 0).all():
        return one_sided(result, fitted)
    draws = _bootstrap(search, fitted, bootstrap, seed)
    fitted = replace(fitted, draws=draws)
    verdict = guards.Verdict(warnings=search.warnings(point))
    result.diagnostics = {"n_starts": n_starts, "share_of_starts_at_optimum": share, "kappa": compute.to_json()}
    result.diagnostics |= search.diagnostics(point) | describe_fit(fitted)
    if made is not None:
        result.objective += ", rows weighted by the seeds' scatter"
        result.diagnostics |= {"weights": made.to_json(), "objective": float(best.objective[0])}
        verdict.warnings += [] if made.dof else [made.sentence]
    judge(verdict, result.diagnostics, fitted)
    return fill(result, verdict, fitted, all_intervals(verdict, fitted)), draws


def centred_problem(table: RunTable) -> tuple[Problem, tuple[float, float]]:
    """The observations with logs centred at their means, so that no unit of N or D matters."""
    u, v = np.log(table.n_params), np.log(table.n_tokens)
    center = (float(u.mean()), float(v.mean()))
    return Problem(np.stack([u - center[0], v - center[1]]), table.loss), center


def global_fit(search: Search, problem: Problem, row_weights: Array | None = None) -> tuple[Solution, float, int]:
    """Best of many starts, the share of the starts that reach it, and their number."""
    weights = np.ones((1, len(problem.y))) if row_weights is None else row_weights[None]
    starts = varpro.many_starts(problem, search.weighted(problem, weights)[0], FINE_GRID)
    found = search.polish(problem, weights, starts)
    best = int(np.argmin(found.objective))
    floor = 1e-20 * float(problem.y @ problem.y)
    reached = found.objective <= found.objective[best] * (1 + AT_OPTIMUM) + floor
    return found.one(best), float(reached.mean()), len(starts)


def from_grid(search: Search, problem: Problem, weights: Array) -> Solution:
    """Optimum of every row of weights (R, n), each from its own lowest point of the shared grid."""
    features = varpro.grid_features(problem, varpro.GRID)
    starts = varpro.grid_starts(problem, search.weighted(problem, weights), varpro.GRID, features)
    return search.polish(problem, weights, starts)


def _bootstrap(search: Search, fitted: Fitted, replicates: int, seed: int) -> pd.DataFrame:
    """Surfaces and optima of the resamples; `degenerate` marks one on a bound or with too few distinct runs."""
    problem, table, best = fitted.problem, fitted.table, fitted.best
    chunk = max(1, varpro.CHUNK_ELEMENTS // len(table))
    design = guards.design_index(table)
    order, first = np.argsort(design, kind="stable"), np.searchsorted(np.sort(design), np.unique(design))
    grid = np.concatenate([np.tile(COARSE_GRID, (2, 1)), best.exponents.T], axis=1)
    features = varpro.grid_features(problem, grid)
    values, degenerate = [], []
    for drawn in run_weights(table.run_id, replicates, seed, chunk):
        weights = drawn * fitted.weights
        starts = varpro.grid_starts(problem, search.weighted(problem, weights), grid, features)
        solution = search.resample(problem, weights, starts, best)
        values.append(parameters(solution))
        few = (np.add.reduceat(weights[:, order], first, axis=1) > 0).sum(axis=1) < guards.FEWEST
        degenerate.append(on_bound(solution) | ~solution.converged | few)
    return surface_draws(np.concatenate(values), np.concatenate(degenerate), fitted.quantities)


def on_bound(solution: Solution) -> Mask:
    """Whether any coefficient is zero or any exponent at its bound."""
    at_end = (solution.exponents <= varpro.LOWEST) | (solution.exponents >= varpro.HIGHEST)
    return np.asarray((solution.coefficients <= 0).any(axis=1) | at_end.any(axis=1))
