"""How well a law describes the losses: beside the scatter of seeds, and where its optima and terms lie among the runs.

It is said in units that a reader knows: nats, per cent, and the seeds' scatter. Where seeds repeat, an F test sets the
law's misfit against theirs; what it misses besides is for judge/departures.py.
"""

from typing import Any

import numpy as np
from scipy.stats import f as fisher

from flopscape.fitting.any_law.task import LawFit
from flopscape.fitting.common.linear import EXACT_SQUARE, TINY
from flopscape.fitting.judge.verdict import Diagnostics, Verdict
from flopscape.fitting.surface.global_starts import centred_problem
from flopscape.laws.surface import optimum
from flopscape.runs.table import design_index, seed_scatter
from flopscape.text import numbers

MISFIT = 0.01
"""Chance of calling a form that is right a misfit."""


def describe_fit(fit: LawFit) -> Diagnostics:
    """Root-mean-square residuals of the loss and of its logarithm beside the seeds' scatter; R² only after them."""
    table, raw = fit.table, fit.linearised.raw
    seed_sd, seed_dof = seed_scatter(table)
    log_residual = np.log(table.loss) - np.log(np.maximum(table.loss - raw, TINY))
    spread = float(np.sum((table.loss - table.loss.mean()) ** 2))
    return {
        "rss": float(raw @ raw),
        "n_rows": len(table),
        "log_rmse": float(np.sqrt(np.mean(log_residual**2))),
        "residual_sd": fit.noise,
        "seed_sd": seed_sd if seed_dof else None,
        "seed_dof": seed_dof,
        "r2": 1 - float(raw @ raw) / spread if spread > 0 else None,
        "lack_of_fit": lack_of_fit(fit),
    }


def lack_of_fit(fit: LawFit) -> Diagnostics | None:
    """F test of the form against the scatter of repeated runs at one N and D.

    Draper & Smith 1998, section 2.1: the residual sum of squares is pure error, within repeats, plus lack of fit, over
    n − m and m − 5 degrees of freedom for m pairs of N and D. None without repeats, or where rows share runs, whose
    errors are not independent.
    """
    residual, weight = fit.linearised.residual, fit.task.weights
    design = design_index(fit.table)
    pairs = int(design.max()) + 1
    pure_dof, lack_dof = len(residual) - pairs, pairs - len(fit.linearised.p)
    if fit.shared or pure_dof < 1 or lack_dof < 1:
        return None
    # The residuals are √w·r: Σ w·r over Σ w is the mean of each pair, and what is left about it is pure error.
    mean = np.bincount(design, residual * np.sqrt(weight)) / np.bincount(design, weight)
    pure = float(np.sum((residual - np.sqrt(weight) * mean[design]) ** 2))
    lack = max(fit.linearised.rss - pure, 0.0)
    ratio = (lack / lack_dof) / max(pure / pure_dof, EXACT_SQUARE)
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


def judge_sampled(verdict: Verdict, diagnostics: Diagnostics, fit: LawFit) -> None:
    """Budgets whose fitted optimum lies outside their sizes, and terms that hardly change over the runs."""
    outside = _outside(fit)
    diagnostics["optimum_outside"] = outside
    if outside:
        named = ", ".join(
            f"{numbers.flops(entry['budget'])} (×{entry['factor']:.2g} {entry['side']})" for entry in outside
        )
        verdict.warn(f"the fitted optimum lies outside the sampled sizes at budget {named}", "outside sizes")
    span = _spans(fit)
    diagnostics["span_of_terms"] = span
    for name, nats in span.items():
        if nats < fit.noise:
            verdict.warn(
                f"the surface is nearly flat in {name}: over the sampled range its term changes by {nats:.2g} nats,"
                f" less than the noise, {fit.noise:.2g}"
            )


def _outside(fit: LawFit) -> list[dict[str, Any]]:
    """Budgets with the optimum of the surface at their mean compute outside their sizes, by which factor and side."""
    table, surface = fit.table, fit.quantities.parameters(fit.linearised.p)
    outside: list[dict[str, Any]] = []
    for budget in np.unique(table.budget[np.isfinite(table.budget)]):
        rows = table.budget == budget
        flops = float(np.exp(np.log(table.flops[rows]).mean()))
        best = float(optimum(surface, flops, fit.quantities.compute).n_params)
        low, high = float(table.n_params[rows].min()), float(table.n_params[rows].max())
        if 0 < best < np.inf and not low <= best <= high:
            side, factor = ("below", low / best) if best < low else ("above", best / high)
            outside.append({"budget": float(budget), "n_params": best, "side": side, "factor": factor})
    return outside


def _spans(fit: LawFit) -> dict[str, float]:
    """Change in nats of A·N^−α over the sampled N and of B·D^−β over the sampled D."""
    p, logs = fit.linearised.p, centred_problem(fit.table)[0].u
    terms = np.exp(p[1:3, None] - p[3:, None] * logs)
    return dict(zip(("N", "D"), np.ptp(terms, axis=1).tolist(), strict=True))
