"""Whether a fitted surface is to be trusted: identified, off its bounds, and the same without its extreme rows."""

import numpy as np

from flopscape.fitting import guards, varpro
from flopscape.fitting.curve_test import curve_test, judge_curves
from flopscape.fitting.drift import judge_ends
from flopscape.fitting.fitted import Fitted
from flopscape.fitting.goodness import judge_fit
from flopscape.fitting.guards import Diagnostics, Verdict
from flopscape.fitting.intervals import errors
from flopscape.fitting.outliers import judge_outliers
from flopscape.fitting.sampled import judge_sampled
from flopscape.fitting.table import RunTable

ON_A_LINE = 0.01
"""Standard deviation across a line in (ln N, ln D) below which the runs lie on it."""


def too_little(table: RunTable) -> str:
    """Why no surface can be fitted at all, or nothing."""
    if table.n_runs < guards.FEWEST:
        return f"{table.n_runs} completed runs for five parameters; at least {guards.FEWEST} are needed"
    for name, values in (("N", table.n_params), ("D", table.n_tokens)):
        if np.ptp(np.log(values)) < 1e-6:
            return f"all runs have the same {name} = {values[0]:g}: the surface's dependence on it cannot be seen"
    logs = np.log(np.stack([table.n_params, table.n_tokens]))
    if np.linalg.svd(logs - logs.mean(axis=1, keepdims=True), compute_uv=False)[1] < ON_A_LINE * np.sqrt(len(table)):
        return (
            "all runs lie on one line in ln N and ln D (one budget, or one number of tokens per parameter):"
            " N and D are not told apart"
        )
    if len(np.unique(guards.design_index(table))) < guards.FEWEST:
        return f"fewer than {guards.FEWEST} distinct pairs of N and D for five parameters"
    return ""


def judge(verdict: Verdict, diagnostics: Diagnostics, fitted: Fitted) -> None:
    """Every check; findings go to the verdict, numbers to the diagnostics."""
    _judge_identified(verdict, diagnostics, fitted)
    _judge_bounds(verdict, diagnostics, fitted)
    judge_fit(verdict, diagnostics)
    judge_sampled(verdict, diagnostics, fitted)
    judge_ends(verdict, diagnostics, fitted)
    judged = judge_outliers(verdict, diagnostics, fitted)
    fit = judged.without
    judge_curves(
        verdict,
        diagnostics,
        curve_test(fitted.table, fit.residual, fit.jacobian[fit.free], fit.root, ~judged.flagged),
    )


def _judge_identified(verdict: Verdict, diagnostics: Diagnostics, fitted: Fitted) -> None:
    """Whether the runs tell N and D apart, by the design alone, and whether they determine a, with their noise."""
    condition, se_a = fitted.local.condition(), _error_of_a(fitted)
    ratio = _noise_factor(fitted)
    diagnostics |= {"condition": condition, "se_a": se_a, "se_a_over_sigma": ratio}
    if condition > guards.CONDITION_REFUSED:
        verdict.add(
            "refused", f"N and D are not told apart by these runs: the scaled condition number is {condition:.2g}"
        )
    elif condition > guards.CONDITION_WEAK:
        verdict.add("weak", f"N and D are barely told apart: the scaled condition number is {condition:.2g}")
    if ratio > guards.NOISE_FACTOR:
        verdict.warn(
            f"this design turns a relative noise σ of the loss into a standard error of {ratio:.3g}·σ in a (5 budgets ×"
            " 7 sizes ±0.6 dex: 2.4): a wider range of sizes in each budget helps most"
        )
    guards.judge_uncertainty(verdict, se_a)
    if fitted.table.n_runs < guards.FEW:
        verdict.add("weak", f"only {fitted.table.n_runs} runs for five parameters")
    if fitted.shared:
        verdict.warn(
            "rows share runs: the intervals come from resampling whole runs; profile F and delta are too narrow"
        )


def _error_of_a(fitted: Fitted) -> float:
    """Standard error of a: by the delta method, or of the resamples where that does not hold."""
    if fitted.shared or not fitted.smooth:
        return float(fitted.draws["a"].std())
    quantities = fitted.quantities
    return float(errors(quantities, fitted.local.p, fitted.local.covariance())[1][quantities.names.index("a")])


def _noise_factor(fitted: Fitted) -> float:
    """Standard error of a, by least squares of the log loss on these rows, over the noise of the log loss."""
    quantities, fit = fitted.quantities, fitted.relative
    error = errors(quantities, fit.p, fit.covariance())[1][quantities.names.index("a")]
    return float(error / np.sqrt(fit.variance))


def _judge_bounds(verdict: Verdict, diagnostics: Diagnostics, fitted: Fitted) -> None:
    """Whether the fit and its resamples are off their bounds and at an optimum."""
    at_zero = fitted.local.p[0] <= 0
    if at_zero:
        verdict.add("boundary", "the irreducible loss E is at its bound, zero")
    for name, value in zip(("α", "β"), fitted.best.exponents[0], strict=True):
        if value <= varpro.LOWEST or value >= varpro.HIGHEST:
            verdict.add("boundary", f"the exponent {name} is at its bound, {value:g}")
    if not fitted.best.converged[0]:
        verdict.add("weak", "Newton's method did not settle")
    share = float(fitted.draws["degenerate"].mean())
    diagnostics["degenerate_share"] = share
    if share > guards.DEGENERATE_SHARE and not at_zero:
        verdict.add("weak", f"{share:.1%} of the resamples end on a bound or have too few distinct runs")
