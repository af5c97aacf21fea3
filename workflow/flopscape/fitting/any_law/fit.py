"""From a table to a fitted law, whichever it is: search, resample, judge, compare, fill in.

The objective is Σ (ln L̂ − ln L)², every row with weight one. Intervals: percentile bootstrap of whole runs from 20 runs
on and for rows that share runs, the delta method with Student's t below, and with no resamples.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from flopscape.fitting.any_law.compare import compare, refit_without
from flopscape.fitting.any_law.linearised import LawLocal
from flopscape.fitting.any_law.problem import problem_of, unique_tokens_of
from flopscape.fitting.any_law.quantities import LawQuantities, is_log
from flopscape.fitting.any_law.search import GlobalFit, global_fit, resample, restarts
from flopscape.fitting.common.results import percentile_interval, prediction, refused, run_weights
from flopscape.fitting.judge.any_law import judge, too_little
from flopscape.fitting.judge.verdict import (
    DRIFT,
    FEW_FOR_BOOTSTRAP,
    Verdict,
    affordable,
    coarser,
    judge_extrapolation,
    too_many,
)
from flopscape.fitting.surface import variable_projection
from flopscape.fitting.surface.intervals import Intervals, listed
from flopscape.fitting.surface.quantities import column
from flopscape.laws.arrays import Array, Index
from flopscape.laws.compute import Compute
from flopscape.laws.law import Law
from flopscape.records.fit_result import FitResult, Prediction
from flopscape.runs.table import UNIQUE, RunTable, ends_of_compute, seed_scatter

OBJECTIVE = "least squares on the log loss"


def estimate_law(
    law: Law, table: RunTable, flops: Sequence[float], bootstrap: int, seed: int, unique_tokens: float | None
) -> tuple[FitResult, pd.DataFrame]:
    """Fit a law and fill in the result; see `law.estimate` for the arguments."""
    result = FitResult("ok", "", "law", law.name, OBJECTIVE)
    supply, asked = unique_tokens_of(table, law, unique_tokens)
    why = too_many(table) or too_little(table, law, supply)
    if why:
        return refused(result, why, flops)
    problem = problem_of(law, table, supply)
    search = global_fit(problem, seed)
    fit = LawLocal(problem, search.theta)
    if fit.unseen:
        return refused(result, f"no run's loss depends on {fit.unseen[0]}: it cannot be seen", flops)
    compute = Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    quantities = LawQuantities(law, tuple(float(c) for c in flops), compute, asked)
    errors = quantities.errors(problem.in_units, fit.theta, fit.covariance)
    resamples = affordable(bootstrap, len(table))
    draws = _bootstrap(fit, table, quantities, supply, resamples, seed)
    verdict = Verdict()
    coarser(verdict, resamples, bootstrap, len(table))
    result.diagnostics = _diagnostics(table, fit, search, quantities, supply)
    judge(verdict, result.diagnostics, table, fit, search, draws, errors)
    result.diagnostics |= compare(verdict, table, fit, supply, seed)
    _judge_drift(verdict, result.diagnostics, table, fit, seed)
    return _fill(result, verdict, table, fit, quantities, errors, draws), draws


def _bootstrap(
    fit: LawLocal, table: RunTable, quantities: LawQuantities, supply: Array, replicates: int, seed: int
) -> pd.DataFrame:
    """Parameters, exponents and optima of the resamples; `degenerate` marks one on a bound or with too few settings."""
    problem = fit.problem
    starts = restarts(fit.theta, np.sqrt(np.diag(fit.covariance)), seed)
    chunk = max(1, variable_projection.CHUNK_ELEMENTS // len(table))
    settings = np.stack([table.n_params, table.n_tokens, supply])
    design = np.unique(settings, axis=1, return_inverse=True)[1].ravel()
    theta, degenerate = [np.empty((0, len(fit.theta)))], [np.empty(0, bool)]
    for weights in run_weights(table.run_id, replicates, seed, chunk):
        found = resample(problem, weights, starts)
        few = _distinct(weights, design) <= len(fit.theta)
        low, high = problem.bounds
        degenerate.append(((found.theta <= low) | (found.theta >= high)).any(1) | ~found.converged | few)
        theta.append(found.theta)
    values = quantities.evaluate(problem.in_units(np.concatenate(theta)))
    count = sum(len(part) for part in degenerate)
    return pd.DataFrame(
        {"replicate": np.arange(count), **values, "degenerate": np.concatenate(degenerate)},
    )


def _distinct(weights: Array, design: Index) -> Index:
    """Number of different settings in each resample."""
    order = np.argsort(design, kind="stable")
    first = np.searchsorted(design[order], np.arange(design.max() + 1))
    return np.asarray((np.add.reduceat(weights[:, order], first, axis=1) > 0).sum(axis=1))


def _diagnostics(
    table: RunTable, fit: LawLocal, search: GlobalFit, quantities: LawQuantities, supply: Array
) -> dict[str, Any]:
    seed_sd, seed_dof = seed_scatter(table)
    found: dict[str, Any] = {
        "formula": quantities.law.formula,
        "objective": fit.rss,
        "n_rows": len(table),
        "log_rmse": float(np.sqrt(fit.rss / len(table))),
        "residual_sd": float(np.sqrt(fit.variance)),
        "seed_sd": seed_sd if seed_dof else None,
        "seed_dof": seed_dof,
        "condition": fit.condition if np.isfinite(fit.condition) else None,
        "kappa": quantities.compute.to_json(),
        "n_starts": search.starts,
        "share_of_starts_at_optimum": search.reached / search.starts,
    }
    if UNIQUE in quantities.law.arguments:
        found["share_of_runs_with_repeats"] = float((table.n_tokens > supply).mean())
        found["most_epochs"] = float((table.n_tokens / supply).max())
        found[UNIQUE] = quantities.unique_tokens if np.isfinite(quantities.unique_tokens) else None
    return found


def _judge_drift(verdict: Verdict, diagnostics: dict[str, Any], table: RunTable, fit: LawLocal, seed: int) -> None:
    """The exponent a without the smallest budget, or fifth of compute, for laws that have one."""
    exponents, ends = fit.problem.law.exponents, ends_of_compute(table)
    theta = refit_without(fit, ends.smallest, seed) if exponents else None
    if theta is None or exponents is None:
        return
    here, there = (float(exponents(fit.problem.in_units(t[None]))[0][0]) for t in (fit.theta, theta))
    diagnostics["without_smallest"] = {"a": there - here}
    if abs(there - here) > DRIFT:
        verdict.add("weak", f"leaving out {ends.low} moves a by {there - here:+.2f}: the form may not hold there")


def _intervals(
    verdict: Verdict,
    table: RunTable,
    fit: LawLocal,
    values: dict[str, float],
    errors: dict[str, float],
    draws: pd.DataFrame,
) -> Intervals:
    """The bootstrap of runs, or the delta method below 20 of them."""
    t = student.ppf(0.975, max(fit.dof, 1))
    delta = {name: _around(value, t * errors[name], is_log(name)) for name, value in values.items()}
    boot = {name: percentile_interval(draws[name].to_numpy()) for name in values}
    shared = len(table) > table.n_runs
    if shared:
        verdict.warn(
            "rows share runs: the intervals come from resampling whole runs; the delta method's are too narrow"
        )
    few = not len(draws) or (table.n_runs < FEW_FOR_BOOTSTRAP and not shared)
    kind = "delta method" if few else "bootstrap of runs, percentile"
    return Intervals(delta if few else boot, kind, {"bootstrap": boot, "delta": delta})


def _around(value: float, half: float, log: bool) -> tuple[float, float]:
    """value ± half, or value times e^±half."""
    with np.errstate(over="ignore"):
        return (value * float(np.exp(-half)), value * float(np.exp(half))) if log else (value - half, value + half)


def _fill(
    result: FitResult,
    verdict: Verdict,
    table: RunTable,
    fit: LawLocal,
    quantities: LawQuantities,
    errors: dict[str, float],
    draws: pd.DataFrame,
) -> FitResult:
    """Put estimates, intervals and the verdict into the result; nothing is predicted where a term has vanished."""
    law = quantities.law
    found = quantities.evaluate(fit.problem.in_units(fit.theta[None]))
    values = {name: float(value[0]) for name, value in found.items()}
    intervals = _intervals(verdict, table, fit, values, errors, draws)
    parameters = {name: intervals.estimate(name, values[name]) for name in law.names}
    result.surface, result.parameters = (parameters, None) if law.name == "surface" else (None, parameters)
    result.exponents = {n: intervals.estimate(n, values[n]) for n in ("a", "b")} if law.exponents else None
    result.diagnostics["intervals"] = {kind: ends and listed(ends) for kind, ends in intervals.kinds.items()}
    result.interval = intervals.kind
    result.predictions = [_predict(verdict, table, quantities, intervals, values, c) for c in quantities.flops]
    if quantities.flops and not law.optimum:
        verdict.warn(f"{law.formula} says nothing at a given compute")
    result.status = verdict.status
    result.reason = verdict.reason("several starts reach one optimum, parameters identified, nothing on a bound")
    result.warnings = verdict.all_warnings
    if result.status == "refused" or fit.absent:
        result = refused(result, result.reason, quantities.flops)[0]
        result.status, result.parameters = verdict.status, None
    return result


def _predict(
    verdict: Verdict,
    table: RunTable,
    quantities: LawQuantities,
    intervals: Intervals,
    values: dict[str, float],
    flops: float,
) -> Prediction:
    """The optimum at one compute; the loss alone for a law of C."""
    if not quantities.law.optimum:
        return Prediction(flops, None, None, None, None)
    loss = intervals.estimate(column("loss", flops), values[column("loss", flops)])
    n_params = values[column("n_params", flops)]
    if not np.isfinite(n_params):
        judge_extrapolation(verdict, table, flops, float(table.n_params[0]))
        return Prediction(flops, None, None, loss, None)
    judge_extrapolation(verdict, table, flops, n_params)
    return prediction(flops, intervals.estimate(column("n_params", flops), n_params), loss, quantities.compute)
