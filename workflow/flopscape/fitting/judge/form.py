"""Whether the form of a law describes the losses: beside the scatter of seeds, at every budget, and among the runs.

How well a surface describes them is said in units that a reader knows: nats, per cent, and the seeds' scatter. Where
seeds repeat, an F test sets its misfit against theirs.

Without seeds its residuals are set against parabolas of each budget's own. A law ties the budgets' curves together.
Where it is wrong, its residuals shift and bend with the budget, and parabolas in ln N, free in every budget, follow
them. They are added to the fit's tangent space, so that the test has its level whatever the curves' true shape is: a
Gauss–Newton regression (Davidson & MacKinnon 1993, chapter 6), whose F is that of nested linear models (Draper & Smith
1998, section 6.1). Repeats of one N and D count as their mean.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import f as fisher

from flopscape.fitting.any_law.task import LawFit
from flopscape.fitting.common.linear import EXACT_SQUARE, ROUNDED_FIT, TINY
from flopscape.fitting.judge.verdict import Diagnostics, Verdict
from flopscape.fitting.surface.global_starts import centred_problem
from flopscape.laws.law import Array, Mask
from flopscape.laws.surface import optimum
from flopscape.runs.table import RunTable, design_index, seed_scatter

MISFIT = 0.01
"""Chance of calling a form that is right a misfit."""
BEATEN = 1e-3
"""Chance of F below which parabolas clearly beat the form. F takes the noise as normal and equal in all budgets, and
the margin below the usual 1 % is for noise that is neither. In 1,000 tables of a true surface (5 budgets × 7 sizes, or
9 × 14) 0.1 % fall below it, 1 % to 1.5 % where the smallest budget is three times as noisy, 0.4 % to 1.2 % with
Student's t of 3 degrees of freedom; 5 % where the noise falls 50-fold over nine budgets."""
FEWEST_SIZES = 4
"""Sizes from which a budget's parabola can miss one."""
IN_THE_SPACE = 1e-6
"""Length outside the tangent space, of unit vectors, below which a direction is within it but for rounding."""


BROKEN = "the form does not hold within these runs"
"""How the verdict begins."""


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
        named = ", ".join(f"{entry['budget']:.4g} (×{entry['factor']:.2g} {entry['side']})" for entry in outside)
        verdict.warn(f"the fitted optimum lies outside the sampled sizes at budget {named}", "outside sizes")
    span = _spans(fit)
    diagnostics["span_of_terms"] = span
    for name, nats in span.items():
        if nats < fit.noise:
            verdict.warn(
                f"the surface is nearly flat in {name}: over the sampled range its term changes by {nats:.2g} nats,"
                f" less than the noise, {fit.noise:.2g}"
            )


def _outside(fit: LawFit) -> list[Diagnostics]:
    """Budgets with the optimum of the surface at their mean compute outside their sizes, by which factor and side."""
    table, surface = fit.table, fit.quantities.parameters(fit.linearised.p)
    outside: list[Diagnostics] = []
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


class CurveTest(NamedTuple):
    """F with its degrees of freedom and chance, and the residual standard deviations, in the residual's unit."""

    F: float
    dof: tuple[int, int]
    p: float
    sd_form: float
    sd_curves: float

    @property
    def beaten(self) -> bool:
        """Whether the parabolas clearly beat the form."""
        return self.p < BEATEN

    def to_json(self) -> Diagnostics:
        """For the diagnostics of a fit."""
        return {**self._asdict(), "dof": list(self.dof), "beaten": self.beaten}


class Linear(NamedTuple):
    """The fit's linear model, a row a size: residual (m,), derivatives (m, k), the parabolas' columns (m, q)."""

    residual: Array
    tangent: Array
    parabolas: Array


def judge_curves(verdict: Verdict, diagnostics: Diagnostics, test: CurveTest | None) -> None:
    """Weak where the parabolas clearly beat the form: its exponents then depend on which runs there are."""
    diagnostics["budget_curves"] = test and test.to_json()
    if test and test.beaten:
        verdict.add(
            "weak",
            f"{BROKEN}: a parabola for each budget leaves a residual sd"
            f" {test.sd_form / test.sd_curves:.2g} times smaller, F({test.dof[0]}, {test.dof[1]}) = {test.F:.3g},"
            f" p = {test.p:.1g}; the intervals are too narrow; compare with approach2, whose curves are free in"
            " each budget",
        )


def curve_test(table: RunTable, residual: Array, jacobian: Array, root: Array | float, rows: Mask) -> CurveTest | None:
    """F test of a fitted form against parabolas of ln N, free in each budget of at least 4 sizes.

    Parameters
    ----------
    table : RunTable
    residual : array, shape (n,)
        Of the loss or its logarithm, times `root`.
    jacobian : array, shape (k, n)
        Derivatives of the prediction in the fit's free parameters, times `root`.
    root : array, shape (n,), or float
        Root of each row's weight.
    rows : array of bool, shape (n,)
        Rows to test: all but wild ones, which a budget's parabola follows further than a surface does.

    Returns
    -------
    None where rows share runs, no budget has enough sizes, or too few are left to tell the noise.
    """
    model = None if len(table) > table.n_runs else _linear(table, residual, jacobian, root, rows)
    if model is None:
        return None
    # What the form could follow itself is projected out of the residuals and of the parabolas alike: the regression on
    # what is left is that on both (Frisch–Waugh).
    tangent = np.linalg.qr(_unit(model.tangent))[0]
    y, parabolas = (x - tangent @ (tangent.T @ x) for x in (model.residual, _unit(model.parabolas)))
    # A direction of the parabolas within the tangent space has no length left, and is no degree of freedom.
    left, length, _ = np.linalg.svd(parabolas, full_matrices=False)
    followed = left[:, length > IN_THE_SPACE].T @ y
    whole, gain = float(y @ y), float(followed @ followed)
    dof = len(followed), len(y) - tangent.shape[1] - len(followed)
    if min(dof) < 1 or whole < len(y) * (ROUNDED_FIT * table.loss.mean()) ** 2:
        return None
    variance = max(whole - gain, 0.0) / dof[1]
    ratio = gain / dof[0] / max(variance, TINY)
    return CurveTest(
        ratio, dof, float(fisher.sf(ratio, *dof)), float(np.sqrt(whole / sum(dof))), float(np.sqrt(variance))
    )


def _unit(columns: Array) -> Array:
    """Columns of unit length, without those that have none: a parameter that these rows do not depend on."""
    lengths = np.linalg.norm(columns, axis=0)
    kept = np.isfinite(lengths) & (lengths > 0)
    return np.asarray(columns[:, kept] / lengths[kept])


def _linear(table: RunTable, residual: Array, jacobian: Array, root: Array | float, rows: Mask) -> Linear | None:
    """Weighted means of the repeats of each N and D; None where no budget has enough sizes, or nothing is free."""
    size = np.unique(design_index(table)[rows], return_inverse=True)[1].ravel()
    first = np.unique(size, return_index=True)[1]
    root = np.broadcast_to(root, residual.shape)[rows]
    # A mean of repeats has the sum of their weights, of which this is the root.
    weight = np.sqrt(np.bincount(size, root**2))
    y, *J = (np.bincount(size, root * values[rows]) / weight for values in (residual, *jacobian))
    columns = _parabolas(np.log(table.n_params[rows][first]), table.budget[rows][first])
    return Linear(y, np.stack(J, axis=1), columns * weight[:, None]) if columns.size and J else None


def _parabolas(log_n: Array, budget: Array) -> Array:
    """1, x and x² of each budget with enough sizes, zero elsewhere: x is ln N over the budget's half-span."""
    columns = [np.empty((len(log_n), 0))]
    for name in np.unique(budget[np.isfinite(budget)]):
        own = budget == name
        if len(np.unique(log_n[own])) >= FEWEST_SIZES:
            low, high = log_n[own].min(), log_n[own].max()
            # Between −1 and 1, so that 1, x and x² are well conditioned whatever the sizes are.
            x = (2 * log_n - low - high) / (high - low)
            columns.append(np.where(own, np.stack([np.ones_like(x), x, x**2]), 0.0).T)
    return np.concatenate(columns, axis=1)
