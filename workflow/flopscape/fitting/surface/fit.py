"""From a table to a fitted surface, whatever the objective: search, resample, judge, fill in.

`vpnls` and `approach3` differ in what they minimise, which is a `Search`; everything else is here and in what it calls.

From a fitted surface and its intervals to the numbers of its FitResult.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from flopscape.fitting.common.results import empty_draws, prediction, refused, run_weights, surface_draws
from flopscape.fitting.common.seed_weights import weights_of
from flopscape.fitting.judge.outliers import judge_influence, judge_outliers
from flopscape.fitting.judge.surface import describe_fit, judge, too_little
from flopscape.fitting.judge.verdict import FEWEST, Verdict, affordable, coarser, judge_extrapolation, too_many
from flopscape.fitting.surface import variable_projection
from flopscape.fitting.surface.fitted import Fitted
from flopscape.fitting.surface.global_starts import (
    Search,
    centred_problem,
    from_grid,
    from_optimum,
    global_fit,
    on_bound,
)
from flopscape.fitting.surface.intervals import Intervals, all_intervals
from flopscape.fitting.surface.quantities import PARAMETERS, Quantities, column
from flopscape.fitting.surface.variable_projection import parameters
from flopscape.laws.compute import Compute
from flopscape.laws.surface import Surface, exponents, near_optimal_sizes, optimum
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.runs.table import RunTable, design_index


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
    why = too_many(table) or too_little(table)
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
    resamples = affordable(bootstrap, len(table))
    draws = _bootstrap(search, fitted, resamples, seed)
    fitted = replace(fitted, draws=draws)
    verdict = Verdict(warnings=search.warnings(point))
    coarser(verdict, resamples, bootstrap, len(table))
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
    chunk = max(1, variable_projection.CHUNK_ELEMENTS // len(table))
    design = design_index(table)
    order, first = np.argsort(design, kind="stable"), np.searchsorted(np.sort(design), np.unique(design))
    values, degenerate = [np.empty((0, len(PARAMETERS)))], [np.empty(0, bool)]
    for drawn in run_weights(table.run_id, replicates, seed, chunk):
        weights = drawn * fitted.weights
        solution = from_optimum(search, problem, weights, fitted.best)
        values.append(parameters(solution))
        few = (np.add.reduceat(weights[:, order], first, axis=1) > 0).sum(axis=1) < FEWEST
        degenerate.append(on_bound(solution) | ~solution.converged | few)
    return surface_draws(np.concatenate(values), np.concatenate(degenerate), fitted.quantities)


def fill(result: FitResult, verdict: Verdict, fitted: Fitted, intervals: Intervals) -> FitResult:
    """Put estimates, intervals and the verdict into the result."""
    surface = fitted.quantities.surface(fitted.local.p)
    result.surface = {
        name: intervals.estimate(name, float(value)) for name, value in zip(PARAMETERS, surface, strict=True)
    }
    result.diagnostics["intervals"] = intervals.to_json(fitted.quantities)
    result.interval = intervals.kind
    result.predictions = optimum_predictions(surface, fitted.quantities, intervals)
    for at_budget in result.predictions:
        if at_budget.n_params:
            judge_extrapolation(verdict, fitted.table, at_budget.flops, at_budget.n_params.estimate)
    low, high = intervals.of("a")
    a, b = (float(value) for value in exponents(surface))
    result.exponents = {
        "a": Estimate(a, low, high),
        "b": Estimate(b, None if high is None else 1 - high, None if low is None else 1 - low),
    }
    result.status = verdict.status
    result.reason = verdict.reason("global optimum, parameters identified, nothing on a bound")
    result.warnings = verdict.all_warnings
    if verdict.status == "refused":
        return refused(result, result.reason, fitted.quantities.flops)[0]
    return result


@np.errstate(all="ignore")
def optimum_predictions(surface: Surface, quantities: Quantities, intervals: Intervals) -> list[Prediction]:
    """The optimum at every asked compute."""
    predictions = []
    for flops in quantities.flops:
        best = optimum(surface, flops, quantities.compute)
        if not np.isfinite(best).all() or best.n_params <= 0:
            predictions.append(Prediction(flops, None, None, None, None))
            continue
        n_params = intervals.estimate(column("n_params", flops), float(best.n_params))
        loss = intervals.estimate(column("loss", flops), float(best.loss))
        found = prediction(flops, n_params, loss, quantities.compute)
        found.near_optimal_n_params = near_optimal_sizes(surface, flops, quantities.compute)
        predictions.append(found)
    return predictions


def one_sided(result: FitResult, fitted: Fitted) -> tuple[FitResult, pd.DataFrame]:
    """The result where A or B is zero: there is a surface, and no optimum. A wild row may be why: it is named."""
    best = fitted.best
    absent = [name for name, c in zip(("A", "B"), best.coefficients[0, 1:], strict=True) if c <= 0]
    bound = f"{absent[0]} is at its bound" if len(absent) == 1 else "A and B are at their bounds"
    amplitude = best.coefficients[0, 1:] * np.exp(best.exponents[0] * np.array(fitted.quantities.center))
    values = (best.coefficients[0, 0], *amplitude, *best.exponents[0])
    why, verdict = f"{bound}, zero: the loss does not depend on that size", Verdict()
    result, draws = refused(result, why, fitted.quantities.flops)
    result.status = "boundary"
    result.surface = {name: Estimate(float(value)) for name, value in zip(PARAMETERS, values, strict=True)}
    result.diagnostics = {"rss": float(best.objective[0]), "n_rows": len(fitted.table)}
    judge_outliers(verdict, result.diagnostics, fitted)
    result.warnings = verdict.all_warnings
    return result, draws
