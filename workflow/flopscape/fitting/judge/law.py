"""Whether the fit of a law is to be trusted, whichever law it is: what is judged of all of them, in one order.

Enough runs, a global optimum, parameters that the runs tell apart, nothing on a bound, resamples that are whole. Each
law's task adds its own checks.
"""

from typing import Any

import numpy as np

from flopscape.fitting.any_law.task import LawFit
from flopscape.fitting.judge.verdict import (
    CONDITION_REFUSED,
    CONDITION_WEAK,
    COUNTS,
    DEGENERATE_SHARE,
    NOISE_FACTOR,
    Verdict,
    judge_uncertainty,
)
from flopscape.laws.surface import LAW as SURFACE

FEW = 2
"""Runs for each parameter and one more, below which little is left to judge by: 12 for a surface."""


def judge(verdict: Verdict, diagnostics: dict[str, Any], fit: LawFit) -> None:
    """Every check; findings go to the verdict, numbers to the diagnostics."""
    judge_identified(verdict, diagnostics, fit)
    _judge_runs(verdict, fit)
    for sentence in (bounds := fit.task.at_bounds(fit)):
        verdict.add("boundary", sentence)
    if why := fit.task.why_unsettled(fit.found):
        verdict.add("weak", why)
    share = float(fit.draws["degenerate"].mean()) if len(fit.draws) else 0.0
    diagnostics["degenerate_share"] = share
    if share > DEGENERATE_SHARE and not bounds:
        verdict.add("weak", f"{share:.1%} of the resamples end on a bound or have too few distinct runs")
    fit.task.check(verdict, diagnostics, fit)


def judge_identified(verdict: Verdict, diagnostics: dict[str, Any], fit: LawFit) -> None:
    """Whether the runs tell the parameters apart, by the design alone, and determine a, with their noise."""
    diagnostics["condition"] = fit.linearised.condition
    judge_condition(verdict, fit.linearised.condition, fit.task.told_apart)
    if "a" not in fit.quantities.names:
        return
    diagnostics["se_a"] = se_a = _error_of_a(fit)
    if (ratio := _noise_factor(fit)) is not None:
        diagnostics["se_a_over_sigma"] = ratio
        if ratio > NOISE_FACTOR:
            verdict.warn(
                f"this design turns a relative noise σ of the loss into a standard error of {ratio:.3g}·σ in a (5"
                " budgets × 7 sizes ±0.6 dex: 2.4): a wider range of sizes in each budget helps most"
            )
    judge_uncertainty(verdict, se_a)


def judge_condition(verdict: Verdict, condition: float, what: str) -> None:
    """Whether the runs tell `what` apart: the condition number of the derivatives with columns of unit length."""
    if not condition <= CONDITION_REFUSED:
        verdict.add(
            "refused", f"{what} are not told apart by these runs: the scaled condition number is {condition:.2g}"
        )
    elif condition > CONDITION_WEAK:
        verdict.add("weak", f"{what} are barely told apart: the scaled condition number is {condition:.2g}")


def _error_of_a(fit: LawFit) -> float:
    """Standard error of a: by the delta method, or of the resamples where that does not hold."""
    return float(fit.draws["a"].std()) if fit.shared or not fit.smooth else fit.error_of("a")


def _noise_factor(fit: LawFit) -> float | None:
    """Standard error of a, by least squares of the log loss on these rows, over the noise of the log loss."""
    around = fit.task.relative(fit.linearised.p)
    if around is None:
        return None
    error = fit.quantities.errors(around.p, around.covariance)[1][fit.quantities.names.index("a")]
    return float(error / np.sqrt(around.variance))


def _judge_runs(verdict: Verdict, fit: LawFit) -> None:
    """Whether there are enough runs, and each of them a row."""
    k, runs = len(fit.found.p), fit.table.n_runs
    if runs < FEW * (k + 1):
        verdict.add("weak", f"only {runs} runs for {COUNTS[k]} parameters")
    if fit.shared:
        narrow = "profile F and delta are" if fit.quantities.law is SURFACE else "the delta method's are"
        verdict.warn(f"rows share runs: the intervals come from resampling whole runs; {narrow} too narrow")
