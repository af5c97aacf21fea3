"""Whether a law's fit is to be trusted: enough runs, reproducible, identified, off its bounds."""

import numpy as np
import pandas as pd

from flopscape.fitting.any_law.linearised import EXACT, LawLocal
from flopscape.fitting.any_law.search import GlobalFit
from flopscape.fitting.judge.form import curve_test, judge_curves
from flopscape.fitting.judge.verdict import (
    CONDITION_REFUSED,
    CONDITION_WEAK,
    DEGENERATE_SHARE,
    Verdict,
    judge_uncertainty,
    outliers,
)
from flopscape.laws.arrays import Array, Mask
from flopscape.laws.law import Law
from flopscape.runs.table import UNIQUE, RunTable, describe_rows

AGREEING = 3
"""Starts that must reach the optimum before it counts as found."""
LOG_ERROR_WEAK = 0.5
"""Standard error of the logarithm of an exponent or R* above which it is known to a factor of e² at best."""
SYMBOLS = {"n_params": "N", "n_tokens": "D", "flops": "C"}
Diagnostics = dict[str, object]


def too_little(table: RunTable, law: Law, supply: Array) -> str:
    """Why the law cannot be fitted at all, or nothing."""
    k = len(law.names)
    if table.n_runs < k + 1:
        return f"{table.n_runs} completed runs for {k} parameters; at least {k + 1} are needed"
    used = {name: getattr(table, name) for name in law.arguments if name in SYMBOLS}
    for name, values in used.items():
        if np.ptp(np.log(values)) < 1e-6:
            return f"all runs have the same {SYMBOLS[name]} = {values[0]:g}: the loss's dependence on it cannot be seen"
    if UNIQUE in law.arguments:
        used[UNIQUE] = supply
        if not (table.n_tokens > supply).any():
            return "no run repeats data: none saw more tokens than its distinct ones, so R_D* cannot be seen"
    if np.unique(np.stack(list(used.values())), axis=1).shape[1] < k + 1:
        return f"fewer than {k + 1} distinct settings for {k} parameters"
    return ""


def judge(
    verdict: Verdict,
    diagnostics: Diagnostics,
    table: RunTable,
    fit: LawLocal,
    search: GlobalFit,
    draws: pd.DataFrame,
    errors: dict[str, float],
) -> None:
    """Statuses by what the fit shows; the draws' standard error of a counts where rows share runs."""
    k = len(fit.theta)
    if table.n_runs < 2 * (k + 1):
        verdict.add("weak", f"only {table.n_runs} runs for {k} parameters")
    if search.reached < AGREEING or not search.converged:
        verdict.add("weak", f"only {search.reached} of {search.starts} starts reached the best fit found")
    _judge_identified(verdict, fit)
    _judge_bounds(verdict, fit)
    if "a" in errors:
        se_a = float(draws["a"].std()) if len(table) > table.n_runs else errors["a"]
        diagnostics["se_a"] = se_a
        judge_uncertainty(verdict, se_a)
    for name in fit.problem.law.bounds:
        if errors[name] > LOG_ERROR_WEAK:
            verdict.add("weak", f"{name} is uncertain: the standard error of its logarithm is {errors[name]:.2g}")
    share = float(draws["degenerate"].mean()) if len(draws) else 0.0
    diagnostics["degenerate_share"] = share
    if share > DEGENERATE_SHARE and verdict.status != "boundary":
        verdict.add("weak", f"{share:.1%} of the resamples end on a bound or have too few distinct runs")
    flagged = _flag_rows(verdict, diagnostics, table, fit)
    if {"n_params", "n_tokens"} <= set(fit.problem.law.arguments):
        judge_curves(verdict, diagnostics, curve_test(table, fit.residual, fit.jacobian, 1.0, ~flagged))


def _judge_identified(verdict: Verdict, fit: LawLocal) -> None:
    condition = fit.condition
    if not condition <= CONDITION_REFUSED:
        verdict.add("refused", f"the runs do not tell the parameters apart: scaled condition number {condition:.2g}")
    elif condition > CONDITION_WEAK:
        verdict.add("weak", f"the runs barely tell the parameters apart: scaled condition number {condition:.2g}")


def _judge_bounds(verdict: Verdict, fit: LawLocal) -> None:
    values = fit.problem.parameters(fit.theta[None])
    for (name, value), bound in zip(values.items(), fit.on_bound, strict=True):
        if bound:
            verdict.add("boundary", f"{name} is at its bound, {value[0, 0]:.3g}")


def _flag_rows(verdict: Verdict, diagnostics: Diagnostics, table: RunTable, fit: LawLocal) -> Mask:
    """Name rows with improbable residuals; they stay in the fit. Exact data have only rounding."""
    if fit.variance <= EXACT:
        return np.zeros(len(table), bool)
    size = outliers(fit.residual, fit.leverage, len(fit.theta))
    flagged = size != 0
    if flagged.any():
        diagnostics["outliers"] = table.run_id[flagged].tolist()
        names = describe_rows(table, flagged)
        verdict.warn(f"{names}: residual up to {np.abs(size).max():.0f} standard errors; kept")
    return np.asarray(flagged)
