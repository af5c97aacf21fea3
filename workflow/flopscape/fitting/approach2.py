"""Method `approach2`: one curve of the loss in ln N per budget, and power laws through the vertices.

Hoffmann et al. 2022, section 3.2. The curve is a parabola, as published, or with `variant="exact"` the slice of a
surface, which has no bias; see parabola.py and exact_shape.py. Budgets without an interior lowest point are left out by
name. a is the slope of ln N* in ln C and b that of ln D*, D = C/(κ(N)·N) at each vertex; the vertices' covariance is
carried through. L*(C) is E + K·C^−γ through the vertices' losses. With fewer than three usable budgets there is no fit.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.fitting.common.loss_law import loss_along
from flopscape.fitting.common.results import column, finite_or_none, percentile_interval, prediction, refused
from flopscape.fitting.common.seed_weights import SeedWeights, weights_of
from flopscape.fitting.isoflop import exact_curves, parabola
from flopscape.fitting.isoflop.bias import corrected
from flopscape.fitting.isoflop.curves import CurveFit
from flopscape.fitting.isoflop.power_law import Line, LowestPoints, loss_law, power_laws, simulate
from flopscape.fitting.judge.isoflop import (
    FEWEST_BUDGETS,
    flag_rows,
    independent_rows,
    judge,
    judge_floor,
    judge_shape,
    list_excluded,
    outside_budgets,
    why_too_few,
)
from flopscape.fitting.judge.verdict import Verdict, judge_extrapolation, why_too_many_budgets
from flopscape.laws.arrays import Array
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.runs.table import RunTable, seed_scatter

INTERVAL = "vertices' covariance through the power law, Student's t; loss by simulated vertices"


class Variant(NamedTuple):
    """A shape of the curves: its objective in words, and the fit of all budgets' curves to a table with weights."""

    objective: str
    fit_curves: Callable[[RunTable, Array | None], CurveFit]


VARIANTS = {
    "parabola": Variant(parabola.OBJECTIVE, parabola.fit_curves),
    "exact": Variant(exact_curves.OBJECTIVE, exact_curves.fit_curves),
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
    if variant not in VARIANTS:
        raise FlopscapeError(f"variant {variant!r}: approach2 has {', '.join(VARIANTS)}")
    if bias_correction and variant != "parabola":
        raise FlopscapeError(f"bias_correction: only parabolas have a bias to correct, the variant {variant} has none")
    verdict, shape = Verdict(), VARIANTS[variant]
    table = independent_rows(table)
    made = weights_of(table, weights)
    result = FitResult("ok", "", "approach2", "power law", _objective(shape, made))
    if not len(table):
        result.excluded = outside_budgets(table)
        return refused(result, f"no runs share a budget; at least {FEWEST_BUDGETS} budgets are needed", flops)
    if why := why_too_many_budgets(table):
        return refused(result, why, flops)
    fitted = shape.fit_curves(table, made.weights if made and made.dof else None)
    list_excluded(result, verdict, table, fitted)
    result.optima = [curve.to_json(fitted.compute) for curve in fitted.curves]
    result.diagnostics = {"kappa": fitted.compute.to_json()} | _of_weights(verdict, made) | fitted.diagnostics
    if why := why_too_few(fitted):
        result.warnings = verdict.all_warnings
        return refused(result, why, flops)
    verdict.warnings += fitted.warnings
    vertices = LowestPoints.of(fitted)
    if bias_correction:
        vertices = corrected(verdict, result, table, fitted, vertices, power_laws(vertices)[0])
    return _through_vertices(result, verdict, table, fitted, vertices, [float(c) for c in flops], bootstrap, seed)


def _through_vertices(
    result: FitResult,
    verdict: Verdict,
    table: RunTable,
    fitted: CurveFit,
    vertices: LowestPoints,
    flops: Sequence[float],
    bootstrap: int,
    seed: int,
) -> tuple[FitResult, pd.DataFrame]:
    """Fit, simulate and judge the power laws."""
    lines = power_laws(vertices)
    draws = simulate(vertices, lines[0], flops, bootstrap, seed)
    result.diagnostics |= _diagnostics(table, fitted, vertices, lines[0])
    judge(verdict, result, fitted, vertices, lines[0])
    judge_floor(verdict, loss_law(vertices))
    if exact_curves.SHAPE in fitted.diagnostics:
        judge_shape(verdict, fitted.diagnostics[exact_curves.SHAPE], vertices, lines[0])
    flag_rows(verdict, result, table, fitted)
    return _fill(result, verdict, table, vertices, lines, draws, flops), draws


def _objective(shape: Variant, made: SeedWeights | None) -> str:
    return shape.objective + (", rows weighted by the scatter between seeds" if made and made.dof else "")


def _of_weights(verdict: Verdict, made: SeedWeights | None) -> dict[str, object]:
    """How the weights were made, or a warning that there are none."""
    if made is None:
        return {}
    if not made.dof:
        verdict.warn(made.sentence)
    return {"weights": made.to_json()}


def _diagnostics(table: RunTable, fitted: CurveFit, vertices: LowestPoints, line: Line) -> dict[str, object]:
    seed_sd, seed_dof = seed_scatter(table)
    used = fitted.used
    return {
        "rss": float(sum(fitted.weights[curve.budget.rows] @ curve.residual**2 for curve in used)),
        "n_rows": sum(len(curve.budget.rows) for curve in used),
        "n_budgets": len(used),
        "residual_sd": float(np.sqrt(fitted.variance.mean())) if vertices.dof else None,
        "residual_dof": vertices.dof,
        "seed_sd": seed_sd if seed_dof else None,
        "seed_dof": seed_dof,
        "scatter_log_n_params": float(np.sqrt(line.scatter)),
        "interval_dof": line.dof,
        "se_a": line.slope_error,
        "power_law": {"center_log_flops": line.center, "log_n_params": line.intercept, "a": line.slope}
        | {name: float(value[0]) for name, value in loss_law(vertices).items()},
    }


@np.errstate(all="ignore")
def _fill(
    result: FitResult,
    verdict: Verdict,
    table: RunTable,
    vertices: LowestPoints,
    lines: tuple[Line, Line],
    draws: pd.DataFrame,
    flops: Sequence[float],
) -> FitResult:
    """Put estimates, intervals and the verdict into the result."""
    line, law = lines[0], loss_law(vertices)
    result.interval = INTERVAL
    for c in flops:
        log_n, error = line.at(np.log(c)), line.t * line.error_at(np.log(c))
        n_params = Estimate(*np.exp([log_n, log_n - error, log_n + error]).tolist())
        ends = percentile_interval(draws[column("loss", c)].to_numpy())
        lowest = float(loss_along(law, np.log(c) - vertices.center)[0])
        best = Estimate(lowest, *(finite_or_none(end) for end in ends))
        result.predictions.append(prediction(c, n_params, best, vertices.compute))
        judge_extrapolation(verdict, table, c, n_params.estimate)
    result.exponents = {
        name: Estimate(x.slope, x.slope - x.t * x.slope_error, x.slope + x.t * x.slope_error)
        for name, x in zip(("a", "b"), lines, strict=True)
    }
    result.status, result.warnings = verdict.status, verdict.all_warnings
    result.reason = verdict.reason(f"{len(vertices.points)} interior lowest points on a power law")
    if result.status == "refused":
        return refused(result, result.reason, flops)[0]
    return result
