"""Method `approach2`: one curve of the loss in ln N per budget, and power laws through the vertices.

Hoffmann et al. 2022, section 3.2. The curve is a parabola, as published, or with `variant="exact"` the slice of a
surface, which has no bias; see isoflop/parabola.py and isoflop/exact_shape.py. Budgets without an interior lowest point
are left out by name. a is the slope of ln N* in ln C and b that of ln D*, D = C/(κ(N)·N) at each vertex; the vertices'
covariance is carried through. L*(C) is E + K·C^−γ through the vertices' losses. With fewer than three usable budgets
there is no fit.

The way of the data: the table's independent rows → curves and their lowest points (isoflop/curves.py) → power laws
(isoflop/power_law.py) → an `IsoflopFit`, which is simulated, judged (judge/isoflop.py) and told in a FitResult.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.fitting.common.loss_law import loss_along
from flopscape.fitting.common.row_weights import SeedWeights, percentile_interval, weights_of
from flopscape.fitting.isoflop import exact_curves, parabola
from flopscape.fitting.isoflop.bias import corrected
from flopscape.fitting.isoflop.curves import CurveFit, LowestPoints
from flopscape.fitting.isoflop.power_law import IsoflopFit, Line, PowerLaws, simulate
from flopscape.fitting.judge.isoflop import (
    FEWEST_BUDGETS,
    independent_rows,
    judge,
    list_excluded,
    outside_budgets,
    why_too_few,
)
from flopscape.fitting.judge.verdict import (
    Verdict,
    column,
    finite_or_none,
    judge_extrapolation,
    prediction,
    refuse,
    why_too_many_budgets,
)
from flopscape.laws.law import Array
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.runs.table import RunTable, seed_scatter

INTERVAL = "vertices' covariance through the power law, Student's t; loss by simulated vertices"


class Variant(NamedTuple):
    """A shape of the curves: its objective in words, and its fits."""

    objective: str
    fit_curves: Callable[[RunTable, Array | None], CurveFit]
    """The curves of all budgets of a table, with weights of its rows."""
    fit_tables: Callable[[RunTable, Array], Iterator[LowestPoints]]
    """Their lowest points for the losses (R, n) of many tables of one design."""


VARIANTS = {
    "parabola": Variant(parabola.OBJECTIVE, parabola.fit_curves, parabola.fit_tables),
    "exact": Variant(exact_curves.OBJECTIVE, exact_curves.fit_curves, exact_curves.fit_tables),
}


def estimate(
    table: RunTable,
    *,
    flops: Sequence[float] = (),
    bootstrap: int = 4000,
    seed: int = 0,
    variant: Literal["parabola", "exact"] = "parabola",
    bias_correction: bool = False,
    weights: Literal["seeds"] | None = None,
) -> tuple[FitResult, pd.DataFrame]:
    """Fit curves and power laws.

    Parameters
    ----------
    table : RunTable
        Rows outside every budget are not used.
    flops : sequence of float
        Compute budgets C, in FLOPs, to predict the optimum for.
    bootstrap : int
        Number of simulated sets of vertices.
    seed : int
        Seed of the simulation.
    variant : {"parabola", "exact"}
        The curve of each budget: a parabola in ln N, or the slice of a surface, E + P·exp(−α·ln N) + R·exp(−β·ln D)
        with α and β shared by all budgets.
    bias_correction : bool
        Take the parabolas' bias off the vertices, by the exponents of a surface fitted to the same runs. The fit's
        `diagnostics["bias_correction"]` keeps the raw line.
    weights : {"seeds"}, optional
        `seeds` weights rows by the variance between seeds; all weigh the same when left out.

    Returns
    -------
    FitResult, and one row for each simulated set of vertices.

    Raises
    ------
    FlopscapeError
        An unknown variant or kind of weights, or a correction of curves that have no bias.
    """
    _refuse_options(variant, bias_correction)
    result, verdict = FitResult("ok", "", "approach2", "power law", ""), Verdict()
    fit = _fit(table, VARIANTS[variant], weights, bias_correction, result, verdict)
    if isinstance(fit, str):
        result.warnings = verdict.all_warnings
        return refuse(result, fit, flops)
    draws = simulate(fit, flops, bootstrap, seed)
    return _judged(fit, draws, flops, result, verdict), draws


def _refuse_options(variant: str, bias_correction: bool) -> None:
    """Raise FlopscapeError for options that no fit has."""
    if variant not in VARIANTS:
        raise FlopscapeError(f"variant {variant!r}: approach2 has {', '.join(VARIANTS)}")
    if bias_correction and variant != "parabola":
        raise FlopscapeError(f"bias_correction: only parabolas have a bias to correct, the variant {variant} has none")


def _fit(
    table: RunTable, shape: Variant, weights: str | None, bias_correction: bool, result: FitResult, verdict: Verdict
) -> IsoflopFit | str:
    """Curves and power laws, what the result tells of the curves, and their warnings; or why there is no power law."""
    table = independent_rows(table)
    row_weights = weights_of(table, weights)
    weighted = row_weights is not None and row_weights.dof > 0
    result.objective = shape.objective + (", rows weighted by the scatter between seeds" if weighted else "")
    if not len(table):
        result.excluded = outside_budgets(table)
        return f"no runs share a budget; at least {FEWEST_BUDGETS} budgets are needed"
    if why := why_too_many_budgets(table):
        return why
    curves = shape.fit_curves(table, row_weights.weights if row_weights and weighted else None)
    lowest = curves.lowest
    list_excluded(result, verdict, table, curves)
    result.optima = [curve.to_json(lowest.compute) for curve in curves.curves]
    weighting = _describe_weights(verdict, row_weights)
    result.diagnostics = {"kappa": lowest.compute.to_json()} | weighting | curves.diagnostics
    if why := why_too_few(curves):
        return why
    verdict.warnings += curves.warnings
    if bias_correction:
        lowest = corrected(verdict, result, table, lowest)
    return IsoflopFit(table, curves, lowest, PowerLaws.through(lowest).of_table(0))


def _describe_weights(verdict: Verdict, row_weights: SeedWeights | None) -> dict[str, object]:
    """How the weights were made, or a warning that there are none."""
    if row_weights is None:
        return {}
    if not row_weights.dof:
        verdict.warn(row_weights.sentence)
    return {"weights": row_weights.to_json()}


def _judged(
    fit: IsoflopFit, draws: pd.DataFrame, flops: Sequence[float], result: FitResult, verdict: Verdict
) -> FitResult:
    """The result with diagnostics, estimates with intervals, and the verdict on them."""
    result.diagnostics |= _diagnostics(fit)
    judge(verdict, result, fit)
    result.interval = INTERVAL
    for c in map(float, flops):
        _predict(fit, draws, c, result, verdict)
    result.exponents = {"a": _exponent(fit.laws.n_params), "b": _exponent(fit.laws.n_tokens)}
    result.status, result.warnings = verdict.status, verdict.all_warnings
    result.reason = verdict.reason(f"{len(fit.lowest.budgets)} interior lowest points on a power law")
    return refuse(result, result.reason, flops)[0] if result.status == "refused" else result


def _diagnostics(fit: IsoflopFit) -> dict[str, object]:
    """Residuals, noise and the power law in numbers."""
    seed_sd, seed_dof = seed_scatter(fit.table)
    used, line, dof = fit.curves.used, fit.laws.n_params, fit.lowest.dof
    return {
        "rss": float(sum(fit.curves.weights[curve.budget.rows] @ curve.residual**2 for curve in used)),
        "n_rows": sum(len(curve.budget.rows) for curve in used),
        "n_budgets": len(used),
        "residual_sd": float(np.sqrt(fit.lowest.variance[0].mean())) if dof else None,
        "residual_dof": dof,
        "seed_sd": seed_sd if seed_dof else None,
        "seed_dof": seed_dof,
        "scatter_log_n_params": float(np.sqrt(line.scatter)),
        "interval_dof": line.dof,
        "se_a": float(line.slope_error),
        "power_law": {"center_log_flops": line.center, "log_n_params": line.intercept, "a": line.slope}
        | {name: float(value[0]) for name, value in fit.laws.loss.items()},
    }


@np.errstate(all="ignore")
def _predict(fit: IsoflopFit, draws: pd.DataFrame, flops: float, result: FitResult, verdict: Verdict) -> None:
    """Add N*, D* and L* at one compute: N* by the line and Student's t, L* by the laws of the simulated vertices."""
    line, x = fit.laws.n_params, np.log(flops)
    log_n, reach = line.at(x), line.t * line.error_of_optimum_at(x)
    n_params = Estimate(*np.exp([log_n, log_n - reach, log_n + reach]).tolist())
    ends = percentile_interval(draws[column("loss", flops)].to_numpy())
    lowest = float(loss_along(fit.laws.loss, x - fit.lowest.center)[0])
    best = Estimate(lowest, *(finite_or_none(end) for end in ends))
    result.predictions.append(prediction(flops, n_params, best, fit.lowest.compute))
    judge_extrapolation(verdict, fit.table, flops, n_params.estimate)


@np.errstate(all="ignore")
def _exponent(line: Line) -> Estimate:
    """The slope with its 95 % interval."""
    reach = float(line.t * line.slope_error)
    return Estimate(line.slope, line.slope - reach, line.slope + reach)
