"""From a table to the fit of a law, whichever it is: search, resample, judge, intervals, and what stands in the result.

`vpnls`, `approach3` and `law` differ in what they minimise and how, which is a `Task`; everything else is here.

The 95 % intervals stand side by side: bootstrap of runs, profile F, delta method, sandwich. The percentile bootstrap of
whole runs is reported; where runs are fewer than 20, or no resamples were asked for, the profile, and of a law that has
none the delta method. The delta method (Bates & Watts 1988, section 2.3) takes errors as equal and independent, the
sandwich (see linearised.py) only as independent between runs; both take the quantity, or its logarithm where it is
positive, as linear in p, and Student's t with as many degrees of freedom as rows, or runs, beyond the parameters. For
Huber's objective and least absolute deviations both are those of the M-estimator (Huber 1981, section 7.6), and there
is no profile.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from flopscape.errors import joined
from flopscape.fitting.any_law.linearised import Quantities, clustered, influence
from flopscape.fitting.any_law.task import Ends, LawFit, Task, judge
from flopscape.fitting.common.linear import TINY
from flopscape.fitting.common.row_weights import percentile_interval, run_weights
from flopscape.fitting.judge.refits import judge_influence
from flopscape.fitting.judge.verdict import (
    FEW_FOR_BOOTSTRAP,
    Verdict,
    affordable,
    coarser,
    column,
    empty_draws,
    finite_or_none,
    judge_extrapolation,
    prediction,
    refuse,
)
from flopscape.fitting.surface import variable_projection
from flopscape.laws.law import Array, Optimum
from flopscape.laws.surface import Surface, near_optimal_sizes
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.runs.table import design_index

DISAGREEMENT = 1.5
"""Ratio of the widths of two intervals of a from which on neither is trusted."""
Check = Callable[[Verdict, dict[str, Any], LawFit], None]
BOOTSTRAP, PROFILE, DELTA = "bootstrap of runs, percentile", "profile F", "delta method"


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
    # Without an optimum there is nothing to resample or to judge.
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
    task, k = fit.task, len(fit.optimum.p)
    chunk = max(1, variable_projection.CHUNK_ELEMENTS // len(task.table))
    design = design_index(task.table)
    # Rows sorted by design, so that the distinct designs of all resamples are counted by one sum over stretches.
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


@dataclass(frozen=True)
class Intervals:
    """The reported intervals by quantity, how they were made, and every kind (None: the objective has none)."""

    reported: Ends
    kind: str
    kinds: dict[str, Ends | None]

    def ends(self, name: str) -> tuple[float | None, float | None]:
        """Low and high, None where there is no finite end."""
        low, high = self.reported[name]
        return finite_or_none(low), finite_or_none(high)

    def estimate(self, name: str, value: float) -> Estimate:
        """A value with its reported interval."""
        return Estimate(value, *self.ends(name))

    def disagreement(self, name: str) -> float:
        """Ratio of the wider to the narrower of bootstrap and profile; infinite where one has no end."""
        widths = [ends[name][1] - ends[name][0] for ends in (self.kinds["profile F"], self.kinds["bootstrap"]) if ends]
        if not np.isfinite(widths).all():
            return float("inf")
        return max(widths) / max(min(widths), TINY) if max(widths) > 1e-9 else 1.0

    def to_json(self, quantities: Quantities) -> dict[str, object]:
        """Every kind, with b, D* and D*/N* from the ends of a and N*, to stand among the diagnostics."""
        return {kind: ends and listed(_completed(ends, quantities)) for kind, ends in self.kinds.items()}


def all_intervals(verdict: Verdict, fit: LawFit) -> Intervals:
    """Every kind of interval, the one to report, and a warning where they are not to be trusted."""
    runs = fit.table.n_runs
    profile, by_delta = fit.task.profile(fit.linearised), delta(fit)
    boot = {name: percentile_interval(fit.draws[name].to_numpy()) for name in fit.quantities.names}
    kinds = {"bootstrap": boot, PROFILE: profile, "delta": by_delta, "sandwich": sandwich(fit)}
    # Where rows share runs the other kinds are too narrow, however few the runs are.
    few = runs < FEW_FOR_BOOTSTRAP and not fit.shared
    if fit.smooth and (few or not len(fit.draws)):
        return Intervals(by_delta, DELTA, kinds) if profile is None else of_profile(profile, boot, kinds)
    intervals = Intervals(boot, BOOTSTRAP, kinds)
    if few:
        verdict.warn(
            f"only {runs} runs: the bootstrap may be up to 2.3 times too wide, and this objective has no profile-F"
            " interval; log_lsq and vpnls have one"
        )
    elif profile is not None and (ratio := intervals.disagreement("a")) > DISAGREEMENT:
        verdict.warn(how_they_differ(ratio))
    return intervals


def of_profile(profile: Ends, boot: Ends, kinds: dict[str, Ends | None]) -> Intervals:
    """The profile's intervals, and the bootstrap's of what has no end on either side there."""
    open_ = [name for name, ends in profile.items() if not np.isfinite(ends).any() and np.isfinite(boot[name]).all()]
    kind = f"{PROFILE}; {BOOTSTRAP}, of {joined(open_)}, where the profile has no end" if open_ else PROFILE
    return Intervals(profile | {name: boot[name] for name in open_}, kind, kinds)


def how_they_differ(ratio: float) -> str:
    """The sentence for two intervals of a of which one is so many times wider, or open."""
    if np.isinf(ratio):
        return "of the bootstrap and the profile-F interval of a one has no end: the runs do not bound a on that side"
    return f"bootstrap and profile-F intervals of a differ ×{ratio:.2g} in width: trust neither fully"


def delta(fit: LawFit) -> Ends:
    """Delta-method intervals: errors equal and independent."""
    around = fit.robust
    return _linear(fit.quantities, around.p, around.covariance, around.dof)


def sandwich(fit: LawFit) -> Ends:
    """Sandwich intervals: errors independent between runs."""
    covariance = clustered(influence(fit.robust, fit.run))
    return _linear(fit.quantities, fit.linearised.p, covariance, fit.table.n_runs - len(fit.linearised.p))


@np.errstate(all="ignore")
def _linear(quantities: Quantities, p: Array, covariance: Array, dof: int) -> Ends:
    """Value ± t·SE; E ends at zero."""
    values, error = quantities.errors(p, covariance)
    reach = student.ppf(0.975, max(dof, 1)) * error
    low, high = values - reach, values + reach
    low = np.where([name == "E" for name in quantities.names], np.maximum(low, 0.0), low)
    logs = quantities.logarithmic
    low, high = (np.where(logs, np.exp(np.where(logs, ends, 0.0)), ends) for ends in (low, high))
    return dict(zip(quantities.names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


@np.errstate(all="ignore")
def _completed(ends: Ends, quantities: Quantities) -> Ends:
    """The ends with those of b = 1 − a, and of D* and D*/N*, which fall with N* along C = κ(N)·N·D."""
    out = dict(ends)
    if "a" in ends:
        low, high = ends["a"]
        out["b"] = (1 - high, 1 - low)
    for flops in quantities.flops if "n_params" in quantities.asked else ():
        # D falls as N grows, so that the ends change places.
        n = np.array(ends[column("n_params", flops)][::-1])
        d = np.exp(quantities.compute.tokens(np.log(n), flops))
        out[column("n_tokens", flops)] = (float(d[0]), float(d[1]))
        out[column("tokens_per_param", flops)] = (float(d[0] / n[0]), float(d[1] / n[1]))
    return out


def listed(ends: Ends) -> dict[str, list[float | None]]:
    """Ends as JSON has them, None where one is not finite."""
    return {name: [finite_or_none(low), finite_or_none(high)] for name, (low, high) in ends.items()}


def fill(result: FitResult, verdict: Verdict, fit: LawFit, intervals: Intervals) -> FitResult:
    """Put estimates, intervals and the verdict into the result; nothing is predicted where a term has vanished."""
    quantities, law = fit.quantities, fit.quantities.law
    fitted = quantities.parameters(fit.linearised.p)
    values = {name: float(getattr(fitted, name)) for name in law.names}
    parameters = {
        # A number that was given is the same in every draw: both ends of its interval.
        name: Estimate(value, value, value) if name in quantities.fixed else intervals.estimate(name, value)
        for name, value in values.items()
    }
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
        shape = "; ask flopscape shape for the best of a model's shapes there" if law.covariates else ""
        verdict.warn(f"{law.formula} says nothing at a given compute{shape}")
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
