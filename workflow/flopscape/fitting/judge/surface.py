"""Whether a fitted surface is to be trusted: identified, off its bounds, and the same without its extreme rows.

How well the surface describes the losses, in units that a reader knows: nats, per cent, and the seeds' scatter.

Whether the runs surround what they are fitted for: optima inside the sampled sizes, terms above the noise.
"""

import numpy as np
from scipy.stats import f as fisher

from flopscape.fitting.judge.drift import judge_ends
from flopscape.fitting.judge.form import curve_test, judge_curves
from flopscape.fitting.judge.outliers import judge_outliers
from flopscape.fitting.judge.verdict import (
    CONDITION_REFUSED,
    CONDITION_WEAK,
    DEGENERATE_SHARE,
    FEW,
    FEWEST,
    NOISE_FACTOR,
    Diagnostics,
    Verdict,
    judge_uncertainty,
)
from flopscape.fitting.surface import variable_projection
from flopscape.fitting.surface.fitted import Fitted
from flopscape.fitting.surface.intervals import errors
from flopscape.laws.surface import optimum
from flopscape.runs.table import RunTable, design_index, seed_scatter

ON_A_LINE = 0.01
"""Standard deviation across a line in (ln N, ln D) below which the runs lie on it."""


def too_little(table: RunTable) -> str:
    """Why no surface can be fitted at all, or nothing."""
    if table.n_runs < FEWEST:
        return f"{table.n_runs} completed runs for five parameters; at least {FEWEST} are needed"
    for name, values in (("N", table.n_params), ("D", table.n_tokens)):
        if np.ptp(np.log(values)) < 1e-6:
            return f"all runs have the same {name} = {values[0]:g}: the surface's dependence on it cannot be seen"
    logs = np.log(np.stack([table.n_params, table.n_tokens]))
    if np.linalg.svd(logs - logs.mean(axis=1, keepdims=True), compute_uv=False)[1] < ON_A_LINE * np.sqrt(len(table)):
        return (
            "all runs lie on one line in ln N and ln D (one budget, or one number of tokens per parameter):"
            " N and D are not told apart"
        )
    if len(np.unique(design_index(table))) < FEWEST:
        return f"fewer than {FEWEST} distinct pairs of N and D for five parameters"
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
    if condition > CONDITION_REFUSED:
        verdict.add(
            "refused", f"N and D are not told apart by these runs: the scaled condition number is {condition:.2g}"
        )
    elif condition > CONDITION_WEAK:
        verdict.add("weak", f"N and D are barely told apart: the scaled condition number is {condition:.2g}")
    if ratio > NOISE_FACTOR:
        verdict.warn(
            f"this design turns a relative noise σ of the loss into a standard error of {ratio:.3g}·σ in a (5 budgets ×"
            " 7 sizes ±0.6 dex: 2.4): a wider range of sizes in each budget helps most"
        )
    judge_uncertainty(verdict, se_a)
    if fitted.table.n_runs < FEW:
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
        if value <= variable_projection.LOWEST or value >= variable_projection.HIGHEST:
            verdict.add("boundary", f"the exponent {name} is at its bound, {value:g}")
    if not fitted.best.converged[0]:
        verdict.add("weak", "Newton's method did not settle")
    share = float(fitted.draws["degenerate"].mean())
    diagnostics["degenerate_share"] = share
    if share > DEGENERATE_SHARE and not at_zero:
        verdict.add("weak", f"{share:.1%} of the resamples end on a bound or have too few distinct runs")


MISFIT = 0.01
"""Chance of calling a form that is right a misfit."""


def describe_fit(fitted: Fitted) -> Diagnostics:
    """Root-mean-square residuals of the loss and of its logarithm beside the seeds' scatter; R² only after them."""
    table, raw = fitted.table, fitted.local.raw
    seed_sd, seed_dof = seed_scatter(table)
    log_residual = np.log(table.loss) - np.log(np.maximum(table.loss - raw, 1e-300))
    spread = float(np.sum((table.loss - table.loss.mean()) ** 2))
    return {
        "rss": float(raw @ raw),
        "n_rows": len(table),
        "log_rmse": float(np.sqrt(np.mean(log_residual**2))),
        "residual_sd": fitted.noise,
        "seed_sd": seed_sd if seed_dof else None,
        "seed_dof": seed_dof,
        "r2": 1 - float(raw @ raw) / spread if spread > 0 else None,
        "lack_of_fit": lack_of_fit(fitted),
    }


def lack_of_fit(fitted: Fitted) -> Diagnostics | None:
    """F test of the form against the scatter of repeated runs at one N and D.

    Draper & Smith 1998, section 2.1: the residual sum of squares is pure error, within repeats, plus lack of fit, over
    n − m and m − 5 degrees of freedom for m pairs of N and D. None without repeats, or where rows share runs, whose
    errors are not independent.
    """
    residual, weight = fitted.local.residual, fitted.weights
    design = design_index(fitted.table)
    pairs = int(design.max()) + 1
    pure_dof, lack_dof = len(residual) - pairs, pairs - len(fitted.local.p)
    if fitted.shared or pure_dof < 1 or lack_dof < 1:
        return None
    mean = np.bincount(design, residual * np.sqrt(weight)) / np.bincount(design, weight)
    pure = float(np.sum((residual - np.sqrt(weight) * mean[design]) ** 2))
    lack = max(fitted.local.rss - pure, 0.0)
    ratio = (lack / lack_dof) / max(pure / pure_dof, 1e-26)
    return {"F": ratio, "dof": [lack_dof, pure_dof], "p": float(fisher.sf(ratio, lack_dof, pure_dof))}


def judge_fit(verdict: Verdict, diagnostics: Diagnostics) -> None:
    """Say where the form misses the losses by more than seeds scatter."""
    test = diagnostics["lack_of_fit"]
    if isinstance(test, dict) and test["p"] < MISFIT:
        verdict.warn(
            f"the form misses the losses by more than seeds scatter: residual sd {diagnostics['residual_sd']:.2g}"
            f" against {diagnostics['seed_sd']:.2g} nats, lack of fit F({test['dof'][0]}, {test['dof'][1]}) ="
            f" {test['F']:.3g}, p = {test['p']:.1g}; intervals do not cover that"
        )


def judge_sampled(verdict: Verdict, diagnostics: Diagnostics, fitted: Fitted) -> None:
    """Budgets whose fitted optimum lies outside their sizes, and terms that hardly change over the runs."""
    outside = _outside(fitted)
    diagnostics["optimum_outside"] = outside
    if outside:
        named = ", ".join(f"{entry['budget']:.4g} (×{entry['factor']:.2g} {entry['side']})" for entry in outside)
        verdict.warn(f"the fitted optimum lies outside the sampled sizes at budget {named}")
    span = _spans(fitted)
    diagnostics["span_of_terms"] = span
    for name, nats in span.items():
        if nats < fitted.noise:
            verdict.warn(
                f"the surface is nearly flat in {name}: over the sampled range its term changes by {nats:.2g} nats,"
                f" less than the noise, {fitted.noise:.2g}"
            )


def _outside(fitted: Fitted) -> list[Diagnostics]:
    """Budgets with the optimum of the surface at their mean compute outside their sizes, by which factor and side."""
    table, surface = fitted.table, fitted.quantities.surface(fitted.local.p)
    found: list[Diagnostics] = []
    for budget in np.unique(table.budget[np.isfinite(table.budget)]):
        rows = table.budget == budget
        flops = float(np.exp(np.log(table.flops[rows]).mean()))
        best = float(optimum(surface, flops, fitted.quantities.compute).n_params)
        low, high = float(table.n_params[rows].min()), float(table.n_params[rows].max())
        if 0 < best < np.inf and not low <= best <= high:
            side, factor = ("below", low / best) if best < low else ("above", best / high)
            found.append({"budget": float(budget), "n_params": best, "side": side, "factor": factor})
    return found


def _spans(fitted: Fitted) -> dict[str, float]:
    """Change in nats of A·N^−α over the sampled N and of B·D^−β over the sampled D."""
    p, logs = fitted.local.p, fitted.problem.u
    terms = np.exp(p[1:3, None] - p[3:, None] * logs)
    return dict(zip(("N", "D"), np.ptp(terms, axis=1).tolist(), strict=True))
