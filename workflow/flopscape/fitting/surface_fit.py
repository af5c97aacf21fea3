"""From a table to a fitted surface, whatever the objective: search, resample, judge, fill in.

`vpnls` and `approach3` differ in what they minimise, which is a `Search`; everything else is here and in what it calls.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from flopscape.fitting import guards, varpro
from flopscape.fitting.fitted import Fitted
from flopscape.fitting.global_search import Search, centred_problem, from_grid, from_optimum, global_fit, on_bound
from flopscape.fitting.goodness import describe_fit
from flopscape.fitting.intervals import all_intervals
from flopscape.fitting.judge_surface import judge, too_little
from flopscape.fitting.outliers import judge_influence
from flopscape.fitting.quantities import PARAMETERS, Quantities
from flopscape.fitting.resample import run_weights
from flopscape.fitting.results import empty_draws, refused, surface_draws
from flopscape.fitting.seed_weights import weights_of
from flopscape.fitting.surface_result import fill, one_sided
from flopscape.fitting.table import RunTable
from flopscape.fitting.varpro import parameters
from flopscape.laws.compute import Compute
from flopscape.records import FitResult


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
    why = guards.too_many(table) or too_little(table)
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
    resamples = guards.affordable(bootstrap, len(table))
    draws = _bootstrap(search, fitted, resamples, seed)
    fitted = replace(fitted, draws=draws)
    verdict = guards.Verdict(warnings=search.warnings(point))
    guards.coarser(verdict, resamples, bootstrap, len(table))
    result.diagnostics = {"n_starts": n_starts, "share_of_starts_at_optimum": share, "kappa": compute.to_json()}
    result.diagnostics |= search.diagnostics(point) | describe_fit(fitted)
    if made is not None:
        result.objective += ", rows weighted by the seeds' scatter" if made.dof else ""
        result.diagnostics |= {"weights": made.to_json(), "objective": float(best.objective[0])}
        verdict.warnings += [] if made.dof else [made.sentence]
    judge(verdict, result.diagnostics, fitted)
    intervals = all_intervals(verdict, fitted)
    judge_influence(verdict, result.diagnostics, *intervals.of("a"))
    result = fill(result, verdict, fitted, intervals)
    if resamples < bootstrap:
        result.interval += f", {resamples} resamples"
    return result, draws


def _bootstrap(search: Search, fitted: Fitted, replicates: int, seed: int) -> pd.DataFrame:
    """Surfaces and optima of the resamples; `degenerate` marks one on a bound or with too few distinct runs."""
    problem, table = fitted.problem, fitted.table
    chunk = max(1, varpro.CHUNK_ELEMENTS // len(table))
    design = guards.design_index(table)
    order, first = np.argsort(design, kind="stable"), np.searchsorted(np.sort(design), np.unique(design))
    values, degenerate = [np.empty((0, len(PARAMETERS)))], [np.empty(0, bool)]
    for drawn in run_weights(table.run_id, replicates, seed, chunk):
        weights = drawn * fitted.weights
        solution = from_optimum(search, problem, weights, fitted.best)
        values.append(parameters(solution))
        few = (np.add.reduceat(weights[:, order], first, axis=1) > 0).sum(axis=1) < guards.FEWEST
        degenerate.append(on_bound(solution) | ~solution.converged | few)
    return surface_draws(np.concatenate(values), np.concatenate(degenerate), fitted.quantities)
