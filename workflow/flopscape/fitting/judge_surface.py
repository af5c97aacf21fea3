"""Whether a fitted surface is to be trusted: identified, off its bounds, and the same without its extreme rows."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from flopscape.fitting import guards, varpro
from flopscape.fitting.profile import Local
from flopscape.fitting.table import RunTable
from flopscape.fitting.varpro import Problem, Solution
from flopscape.laws.arrays import Array

ON_A_LINE = 0.01
"""Standard deviation across a line in (ln N, ln D) below which the runs lie on it."""
Diagnostics = dict[str, object]


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


def judge(
    verdict: guards.Verdict,
    diagnostics: Diagnostics,
    table: RunTable,
    fit: Local,
    best: Solution,
    draws: pd.DataFrame,
    se_a: float,
) -> None:
    """Whether the parameters are identified, off their bounds, and globally optimal."""
    if len(table) > table.n_runs:
        se_a = float(draws["a"].std())
        verdict.warn(
            "rows share runs: the intervals come from resampling whole runs, and profile-F would be too narrow"
        )
    condition = fit.condition()
    diagnostics["se_a"] = se_a
    if condition > guards.CONDITION_REFUSED:
        verdict.add(
            "refused", f"N and D are not told apart by these runs: the scaled condition number is {condition:.2g}"
        )
    elif condition > guards.CONDITION_WEAK:
        verdict.add("weak", f"N and D are barely told apart: the scaled condition number is {condition:.2g}")
    guards.judge_uncertainty(verdict, se_a)
    if table.n_runs < guards.FEW:
        verdict.add("weak", f"only {table.n_runs} runs for five parameters")
    if fit.p[0] <= 0:
        verdict.add("boundary", "the irreducible loss E is at its bound, zero")
    for name, value in zip(("α", "β"), best.exponents[0], strict=True):
        if value <= varpro.LOWEST or value >= varpro.HIGHEST:
            verdict.add("boundary", f"the exponent {name} is at its bound, {value:g}")
    if not best.converged[0]:
        verdict.add("weak", "Newton's method did not settle")
    share = float(draws["degenerate"].mean())
    diagnostics["degenerate_share"] = share
    if share > guards.DEGENERATE_SHARE and fit.p[0] > 0:
        verdict.add("weak", f"{share:.1%} of the resamples end on a bound or have too few distinct runs")


def judge_rows(
    verdict: guards.Verdict,
    diagnostics: Diagnostics,
    problem: Problem,
    table: RunTable,
    fit: Local,
    refit_with: Callable[[Problem, Array], Solution],
) -> None:
    """Refit without the smallest budget, without the largest, and without flagged rows, all in one batch."""
    smallest, largest = guards.ends_of_compute(table)
    flagged = guards.outliers(fit.residual, fit.leverage(), 5)
    weights = 1.0 - np.stack([smallest, largest, flagged != 0])
    refit = refit_with(problem, weights)
    exponents = np.array([fit.p[3], fit.p[4], fit.p[4] / (fit.p[3] + fit.p[4])])
    moved = [np.array([*theta, theta[1] / theta.sum()]) - exponents for theta in refit.exponents]
    enough = weights.sum(axis=1) >= guards.FEWEST
    if enough[0]:
        diagnostics["without_smallest"] = dict(zip(("alpha", "beta", "a"), moved[0].tolist(), strict=True))
        if np.abs(moved[0]).max() > guards.DRIFT:
            worst = int(np.abs(moved[0]).argmax())
            text = f"{('α', 'β', 'a')[worst]} by {moved[0][worst]:+.2f}"
            verdict.add("weak", f"leaving out the smallest budget moves {text}: the form may not hold there")
    if enough[1]:
        error = problem.y - _predict(problem, refit, 1)
        diagnostics["predict_largest"] = {
            "rms": float(np.sqrt(np.mean(error[largest] ** 2))),
            "mean": float(error[largest].mean()),
        }
    if (flagged != 0).any() and enough[2]:
        diagnostics["outliers"] = table.run_id[flagged != 0].tolist()
        diagnostics["a_without_outliers"] = float(exponents[2] + moved[2][2])
        verdict.warn(
            f"{guards.describe_rows(table, flagged != 0)}: residual up to {np.abs(flagged).max():.0f} standard errors;"
            f" kept, and without it a = {exponents[2] + moved[2][2]:.3f} instead of {exponents[2]:.3f}"
        )


def _predict(problem: Problem, solution: Solution, index: int) -> Array:
    c, theta = solution.coefficients[index], solution.exponents[index]
    return np.asarray(c[0] + c[1:] @ np.exp(-theta[:, None] * problem.u))
