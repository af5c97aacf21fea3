"""From a table to the fit of a law, whichever it is: search, resample, judge, fill in.

`vpnls`, `approach3` and `law` differ in what they minimise and how, which is a `Task`; everything else is here.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from flopscape.fitting.any_law.intervals import Intervals, all_intervals
from flopscape.fitting.any_law.task import LawFit, Task
from flopscape.fitting.common.bootstrap import run_weights
from flopscape.fitting.common.results import column, empty_draws, prediction, refuse
from flopscape.fitting.judge.law import judge
from flopscape.fitting.judge.outliers import judge_influence
from flopscape.fitting.judge.verdict import Verdict, affordable, coarser, judge_extrapolation
from flopscape.fitting.surface import variable_projection
from flopscape.laws.law import Optimum
from flopscape.laws.surface import Surface, near_optimal_sizes
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.runs.table import design_index

Check = Callable[[Verdict, dict[str, Any], LawFit], None]


def fit_law(
    task: Task, result: FitResult, bootstrap: int, seed: int, check: Check | None = None
) -> tuple[FitResult, pd.DataFrame]:
    """Fit a law and fill in the result.

    Parameters
    ----------
    task : Task
        Of a table that is not refused; see `why_too_little`.
    result : FitResult
        With method, law and objective.
    bootstrap, seed : int
        Resamples of whole runs, and the seed of the starts and of the resampling.
    check : callable, optional
        What a method judges besides the task's own checks.

    Returns
    -------
    FitResult, and the resamples' parameters and optima, one row each.
    """
    flops, rows = task.quantities.flops, len(task.table)
    optimum = task.find(seed)
    fit = LawFit(task, optimum, task.linearise(optimum.p), empty_draws(flops), seed)
    if ended := task.without_optimum(result, fit):
        return ended
    resamples = affordable(bootstrap, rows)
    fit = replace(fit, draws=resample_runs(fit, resamples))
    verdict = Verdict(warnings=task.warnings(fit))
    coarser(verdict, resamples, bootstrap, rows)
    result.diagnostics = {
        "n_starts": optimum.starts,
        "share_of_starts_at_optimum": optimum.share,
        "kappa": task.quantities.compute.to_json(),
        **task.describe(fit),
    }
    judge(verdict, result.diagnostics, fit)
    if check is not None:
        check(verdict, result.diagnostics, fit)
    intervals = all_intervals(verdict, fit)
    if "a" in intervals.reported:
        judge_influence(verdict, result.diagnostics, *intervals.ends("a"))
    result = fill(result, verdict, fit, intervals)
    if resamples < bootstrap:
        result.interval += f", {resamples} resamples"
    return result, fit.draws


def resample_runs(fit: LawFit, replicates: int) -> pd.DataFrame:
    """Parameters, exponents and optima of resamples of whole runs.

    `degenerate` marks one on a bound, not converged, or with no more distinct designs than parameters.
    """
    task, k = fit.task, len(fit.found.p)
    chunk = max(1, variable_projection.CHUNK_ELEMENTS // len(task.table))
    design = design_index(task.table)
    order, first = np.argsort(design, kind="stable"), np.searchsorted(np.sort(design), np.unique(design))
    resampler = task.resampler(fit)
    p, degenerate = [np.empty((0, k))], [np.empty(0, bool)]
    for drawn in run_weights(task.table.run_id, replicates, fit.seed, chunk):
        weights = drawn * task.weights
        optima, failed = resampler(weights)
        few = (np.add.reduceat(weights[:, order], first, axis=1) > 0).sum(axis=1) <= k
        p.append(optima)
        degenerate.append(failed | few)
    return fit.quantities.draws(np.concatenate(p), np.concatenate(degenerate))


def fill(result: FitResult, verdict: Verdict, fit: LawFit, intervals: Intervals) -> FitResult:
    """Put estimates, intervals and the verdict into the result; nothing is predicted where a term has vanished."""
    quantities, law = fit.quantities, fit.quantities.law
    fitted = quantities.parameters(fit.linearised.p)
    parameters = {name: intervals.estimate(name, float(getattr(fitted, name))) for name in law.names}
    result.surface, result.parameters = (parameters, None) if law.name == "surface" else (None, parameters)
    result.exponents = _exponents(fit, intervals, fitted)
    result.diagnostics["intervals"] = intervals.to_json(quantities)
    result.interval = intervals.kind
    result.predictions = [_predict(fit, intervals, fitted, flops) for flops in quantities.flops]
    for predicted in result.predictions:
        if predicted.loss:
            n_params = predicted.n_params.estimate if predicted.n_params else float(fit.table.n_params[0])
            judge_extrapolation(verdict, fit.table, predicted.flops, n_params)
    if quantities.flops and not law.optimum:
        verdict.warn(f"{law.formula} says nothing at a given compute")
    result.status = verdict.status
    result.reason = verdict.reason(fit.task.settled)
    result.warnings = verdict.all_warnings
    if verdict.status == "refused" or fit.task.has_vanished(fit):
        result = refuse(result, result.reason, quantities.flops)[0]
        result.status, result.parameters = verdict.status, None
    return result


def _exponents(fit: LawFit, intervals: Intervals, fitted: Any) -> dict[str, Estimate] | None:
    """a and b = 1 − a, whose interval is a's mirrored."""
    if not fit.quantities.law.exponents:
        return None
    low, high = intervals.ends("a")
    a, b = (float(value) for value in fit.quantities.law.exponents(fitted))
    return {
        "a": Estimate(a, low, high),
        "b": Estimate(b, None if high is None else 1 - high, None if low is None else 1 - low),
    }


@np.errstate(all="ignore")
def _predict(fit: LawFit, intervals: Intervals, fitted: Any, flops: float) -> Prediction:
    """The optimum at one asked compute; the loss alone for a law of C, nothing where the law has no optimum."""
    quantities, nothing = fit.quantities, Prediction(flops, None, None, None, None)
    if not quantities.law.optimum:
        return nothing
    best = Optimum(*quantities.law.optimum(fitted, flops, quantities.compute, quantities.unique_tokens))
    loss = intervals.estimate(column("loss", flops), float(best.loss))
    if "n_params" not in quantities.asked:
        return Prediction(flops, None, None, loss, None)
    if not np.isfinite(best).all() or best.n_params <= 0:
        return nothing
    n_params = intervals.estimate(column("n_params", flops), float(best.n_params))
    predicted = prediction(flops, n_params, loss, quantities.compute)
    if isinstance(fitted, Surface):
        predicted.near_optimal_n_params = near_optimal_sizes(fitted, flops, quantities.compute)
    return predicted
