"""Which rows and budgets approach2 can use, and whether its power laws are to be trusted.

A power law is judged by the error of its exponent, by what it says without its outer budgets, by whether its curves
have the shape that was drawn and agree with the line through their lowest points, and by whether the loss along it has
a floor.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import f as fisher
from scipy.stats import t as student

from flopscape.fitting.common.linear import TINY
from flopscape.fitting.isoflop.curves import BudgetCurve, CurveFit, noise_floor
from flopscape.fitting.isoflop.exact_curves import SHAPE
from flopscape.fitting.isoflop.power_law import IsoflopFit, projector
from flopscape.fitting.judge.verdict import BEATEN, DRIFT, Verdict, judge_uncertainty, outliers
from flopscape.laws.law import Array
from flopscape.records.fit_result import Exclusion, FitResult
from flopscape.runs.table import RunTable, describe_rows
from flopscape.text import numbers

FEWEST_BUDGETS, FEW_BUDGETS = 3, 5
FLAT = 0.5
"""A vertex less certain than this part of its budget's span in ln N lies on a flat curve."""
FEWEST_OF_CUBIC = 5
"""Sizes from which a budget tells a cubic from its parabola and leaves something over."""
BEARABLE = 0.93
"""Bias in standard errors at which a 95 % interval holds the truth in 85 %: Φ(1.96 − b) − Φ(−1.96 − b) = 0.85."""
NO_BUDGET = "belongs to no budget"
CHECKPOINTS = (
    "a checkpoint of a run that went on, and so no run of its own: approach1 follows the curves of runs, and vpnls and "
    "approach3 resample whole runs"
)


def independent_rows(table: RunTable) -> RunTable:
    """The rows in budgets, and of those the last of each run: parabolas take rows as independent.

    A run has one N: rows of another N under the same run id, such as a sweep's name, are no checkpoints of it.
    """
    table = table.keep(np.isfinite(table.budget), NO_BUDGET)
    longest = pd.Series(table.n_tokens).groupby([table.run_id, table.n_params]).transform("max").to_numpy()
    return table.keep(table.n_tokens >= longest, CHECKPOINTS)


def outside_budgets(table: RunTable) -> list[Exclusion]:
    """The rows that were left out for belonging to no budget, or to a run that is there already."""
    return [exclusion for exclusion in table.excluded if exclusion.reason in (NO_BUDGET, CHECKPOINTS)]


def list_excluded(result: FitResult, verdict: Verdict, table: RunTable, fitted: CurveFit) -> None:
    """Name the budgets that are left out, and the rows outside every budget."""
    result.excluded = outside_budgets(table)
    for curve in fitted.curves:
        if curve.reason:
            sentence = f"{curve.name}: {curve.reason}"
            rows = [str(name) for name in table.run_id[curve.budget.rows]]
            result.excluded.append(Exclusion(rows, sentence))
            if curve.reason != fitted.refusal:
                verdict.warn(f"left out {sentence}", "budget left out")


def why_too_few(fitted: CurveFit) -> str:
    """Why there are not enough vertices for a power law, or nothing."""
    if fitted.refusal:
        return fitted.refusal
    if len(fitted.used) >= FEWEST_BUDGETS:
        return ""
    usable = f"{len(fitted.used)} of {len(fitted.curves)} budgets have an interior lowest point"
    return f"{usable}; at least {FEWEST_BUDGETS} are needed"


def judge(verdict: Verdict, result: FitResult, fit: IsoflopFit) -> None:
    """Every check of a power law; findings go to the verdict, numbers to the result's diagnostics."""
    judge_uncertainty(verdict, float(fit.laws.n_params.slope_error))
    _judge_budgets(verdict, fit.curves.used)
    if len(fit.lowest.budgets) > FEWEST_BUDGETS:
        _leave_out(verdict, result, fit)
    _judge_floor(verdict, fit.laws.loss)
    if SHAPE in fit.curves.diagnostics:
        _judge_shape(verdict, result, fit.curves.diagnostics[SHAPE], fit)
    else:
        _judge_parabolas(verdict, result, fit)
    _flag_rows(verdict, result, fit)


def _judge_budgets(verdict: Verdict, used: list[BudgetCurve]) -> None:
    """Whether enough budgets are used, and enough of their curves bent so much that they place a lowest point."""
    if len(used) < FEW_BUDGETS:
        verdict.add("weak", f"only {len(used)} usable budgets; {FEW_BUDGETS} are needed for a trustworthy slope")
    # The lowest point of a flat curve moves far with little noise: its standard error is set beside the sizes that were
    # run.
    flat = [curve for curve in used if np.sqrt(curve.covariance[0, 0]) > FLAT * np.ptp(curve.budget.log_n)]
    for curve in flat:
        verdict.warn(f"{curve.name}: the curve is too flat to place its lowest point")
    if len(used) - len(flat) < FEWEST_BUDGETS:
        verdict.add("refused", f"{len(flat)} of {len(used)} curves are too flat to place their lowest points")


def _leave_out(verdict: Verdict, result: FitResult, fit: IsoflopFit) -> None:
    """Drift of a without the smallest budget, and the error of predicting the largest budget's ln N*."""
    # The power law is a line in logs, whose coefficients are fixed sums of the vertices: `projector` has their weights.
    x, y = fit.lowest.log_flops, fit.lowest.points[0, :, 0]
    drift = float(projector(x[1:])[1] @ y[1:]) - fit.laws.n_params.slope
    result.diagnostics["without_smallest"] = {"a": drift}
    if abs(drift) > DRIFT:
        verdict.add("weak", f"leaving out the smallest budget moves a by {drift:+.2f}: no single power law")
    intercept, slope = projector(x[:-1]) @ y[:-1]
    predicted = float(intercept + slope * (x[-1] - x[:-1].mean()))
    result.diagnostics["predict_largest"] = {"log_n_params": float(y[-1]) - predicted}


def _flag_rows(verdict: Verdict, result: FitResult, fit: IsoflopFit) -> None:
    """Warn of rows far off their budget's curve, budgets that are left out included: the row may be why."""
    table, fitted = fit.table, fit.curves
    curves = [curve for curve in fitted.curves if np.isfinite(curve.residual).all()]
    if not curves:
        return
    rows = np.concatenate([curve.budget.rows for curve in curves])
    # In units of one noise, so that the rows of all budgets are judged together.
    residual = np.sqrt(fitted.weights[rows]) * np.concatenate([curve.residual for curve in curves])
    leverage = np.concatenate([curve.leverage for curve in curves])
    flagged = outliers(residual, leverage, fitted.parameters)
    rows = rows[flagged != 0]
    if len(rows):
        result.diagnostics["outliers"] = table.run_id[rows].tolist()
        far = f"{np.abs(flagged).max():.0f} standard errors"
        verdict.warn(f"{describe_rows(table, rows)}: off its budget's curve by {far}; kept")


DIFFER = 1e-3
"""Chance of calling two exponents of one surface different, were their errors independent. In 400 tables of a true
surface (5 budgets × 7 sizes, σ 0.002 and 0.01) one is."""


def _judge_floor(verdict: Verdict, law: dict[str, Array]) -> None:
    """Warn where L*(C), the law of the losses, falls to zero."""
    if law["loss_E"][0] <= 0:
        verdict.warn(
            "the irreducible loss of L*(C) is at its bound, zero: the losses along the optima bend too little to tell a"
            " floor, and L* far beyond the runs is too low"
        )


class CubicTest(NamedTuple):
    """F of a cubic in place of the parabola in every budget, and what the cubics do to ln N* at a compute.

    `shift` is the N* of a line through the cubics' lowest points less the fit's, `se` the fit's own error there; both
    None where fewer than three cubics have a lowest point among the sizes.
    """

    F: float
    dof: tuple[int, int]
    p: float
    flops: float
    shift: float | None
    se: float | None


def _judge_parabolas(verdict: Verdict, result: FitResult, fit: IsoflopFit) -> None:
    """Weak where cubics are clearly better and move N* by more than its interval can bear; a warning where by less."""
    test = cubic_test(fit)
    result.diagnostics["cubic"] = test and test._asdict()
    if test is None or test.p >= BEATEN:
        return
    said = (
        f"a cubic for each budget describes the losses better than its parabola, F({test.dof[0]}, {test.dof[1]}) ="
        f" {test.F:.3g}, p = {test.p:.1g}"
    )
    if test.shift is None or test.se is None:
        verdict.add("weak", f"{said}, and has no lowest point in most budgets")
        return
    said += f", and moves N* by {100 * np.expm1(test.shift):+.2g} % at C = {numbers.flops(test.flops)}"
    if abs(test.shift) > BEARABLE * test.se:
        verdict.add("weak", f"{said}, {abs(test.shift) / test.se:.2g} times its standard error")
    else:
        verdict.warn(f"{said}, less than its standard error")


def cubic_test(fit: IsoflopFit) -> CubicTest | None:
    """F test over all used budgets with five sizes or more; None where nothing is left to tell the noise.

    With nested models of n rows the squares that m cubic terms take away are set against those that the cubics leave,
    over m and n − 4m degrees of freedom (Draper & Smith 1998, section 6.1).
    """
    tested = [
        (i, curve)
        for i, curve in enumerate(fit.curves.used)
        if curve.budget.n_sizes >= FEWEST_OF_CUBIC and np.isfinite(curve.residual).all()
    ]
    cubics = [_cubic(fit, curve) for _, curve in tested]
    left = sum(squares for squares, _ in cubics)
    before = sum(float(fit.curves.weights[curve.budget.rows] @ curve.residual**2) for _, curve in tested)
    dof = len(tested), sum(len(curve.budget.rows) for _, curve in tested) - 4 * len(tested)
    if min(dof) < 1 or left / dof[1] <= max(float(noise_floor(fit.table.loss[None])[0]), TINY):
        return None
    ratio = (before - left) / dof[0] / (left / dof[1])
    lowest = np.full(len(fit.curves.used), np.nan)
    lowest[[i for i, _ in tested]] = [at for _, at in cubics]
    return CubicTest(ratio, dof, float(fisher.sf(ratio, *dof)), *_moved(fit, lowest))


def _cubic(fit: IsoflopFit, curve: BudgetCurve) -> tuple[float, float]:
    """Weighted squares that a cubic leaves of a budget, and where it is lowest in ln N: NaN for nowhere inside."""
    log_n, rows = curve.budget.log_n, curve.budget.rows
    x, root = log_n - curve.vertex[0], np.sqrt(fit.curves.weights[rows])
    half = float(np.abs(x).max())
    X = (x / half)[:, None] ** np.arange(4)
    b = np.linalg.lstsq(root[:, None] * X, root * fit.table.loss[rows], rcond=None)[0]
    squares = float(np.sum((root * (fit.table.loss[rows] - X @ b)) ** 2))
    # Of the two zeros of the slope b₁ + 2·b₂·z + 3·b₃·z² this form of the root is the minimum, also as b₃ → 0.
    inside = b[2] ** 2 - 3 * b[3] * b[1]
    z = -b[1] / (b[2] + np.sqrt(inside)) if inside > 0 and b[2] + np.sqrt(inside) > 0 else np.nan
    at = curve.vertex[0] + half * z
    return squares, float(at) if log_n.min() < at < log_n.max() else np.nan


def _moved(fit: IsoflopFit, lowest: Array) -> tuple[float, float | None, float | None]:
    """The largest used budget's compute, and there the line's move by other lowest points (m,), and its error."""
    x, known = fit.lowest.log_flops, np.isfinite(lowest)
    flops = float(np.exp(x[-1]))
    if known.sum() < FEWEST_BUDGETS:
        return flops, None, None
    intercept, slope = projector(x[known]) @ (lowest - fit.lowest.points[0, :, 0])[known]
    moved = float(intercept + slope * (x[-1] - x[known].mean()))
    return flops, moved, float(fit.laws.n_params.error_of_optimum_at(x[-1]))


def _judge_shape(verdict: Verdict, result: FitResult, shape: Any, fit: IsoflopFit) -> None:
    """Weak where the curves' shape and the line through their lowest points ask for different a.

    On one surface both are β/(α + β·(1 + d ln κ/d ln N)), from the condition α·A·N^−α = β·B·D^−β·(1 + d ln κ/d ln N)
    under C = κ(N)·N·D; see laws/law.py. `shape` has `alpha`, `beta` and their `covariance`, which the delta method
    carries to a by its derivatives in α and β, (−β, α)/(α + β·growth)²; the difference has the degrees of freedom of
    Satterthwaite (1946): (s₁² + s₂²)²/(s₁⁴/dof₁ + s₂⁴/dof₂).
    """
    alpha, beta, line = shape["alpha"], shape["beta"], fit.laws.n_params
    growth = -float(fit.lowest.slope_of_tokens[0].mean())
    a, gradient = beta / (alpha + beta * growth), np.array([-beta, alpha]) / (alpha + beta * growth) ** 2
    own, along = float(np.sqrt(gradient @ np.array(shape["covariance"]) @ gradient)), float(line.slope_error)
    apart, error = abs(a - line.slope), float(np.hypot(own, along))
    parts = own**4 / max(fit.lowest.dof, 1) + along**4 / max(line.dof, 1)
    chance = float(2 * student.sf(apart / error, error**4 / max(parts, 1e-300)))
    result.diagnostics["shape_and_line"] = {"a_of_shape": a, "se": own, "p": chance}
    if chance < DIFFER:
        verdict.add(
            "weak",
            f"the curves' shape asks for a = {a:.3f} ± {own:.2g} and their lowest points for {line.slope:.3f} ±"
            f" {along:.2g}, p = {chance:.1g}: no one surface gives both",
        )
