"""From a fitted surface and its intervals to the numbers of its FitResult."""

import numpy as np
import pandas as pd

from flopscape.fitting import guards
from flopscape.fitting.fitted import Fitted
from flopscape.fitting.intervals import Intervals
from flopscape.fitting.near_optimal import near_optimal_sizes
from flopscape.fitting.outliers import judge_outliers
from flopscape.fitting.quantities import PARAMETERS, Quantities, column
from flopscape.fitting.results import prediction, refused
from flopscape.laws.compute import optimum
from flopscape.laws.surface import Surface, exponents
from flopscape.records import Estimate, FitResult, Prediction


def fill(result: FitResult, verdict: guards.Verdict, fitted: Fitted, intervals: Intervals) -> FitResult:
    """Put estimates, intervals and the verdict into the result."""
    surface = fitted.quantities.surface(fitted.local.p)
    result.surface = {
        name: intervals.estimate(name, float(value)) for name, value in zip(PARAMETERS, surface, strict=True)
    }
    result.diagnostics["intervals"] = intervals.to_json(fitted.quantities)
    result.interval = intervals.kind
    result.predictions = optimum_predictions(surface, fitted.quantities, intervals)
    for at_budget in result.predictions:
        if at_budget.n_params:
            guards.judge_extrapolation(verdict, fitted.table, at_budget.flops, at_budget.n_params.estimate)
    low, high = intervals.of("a")
    a, b = (float(value) for value in exponents(surface))
    result.exponents = {
        "a": Estimate(a, low, high),
        "b": Estimate(b, None if high is None else 1 - high, None if low is None else 1 - low),
    }
    result.status = verdict.status
    result.reason = verdict.reason("global optimum, parameters identified, nothing on a bound")
    result.warnings = verdict.all_warnings
    if verdict.status == "refused":
        return refused(result, result.reason, fitted.quantities.flops)[0]
    return result


@np.errstate(all="ignore")
def optimum_predictions(surface: Surface, quantities: Quantities, intervals: Intervals) -> list[Prediction]:
    """The optimum at every asked compute."""
    predictions = []
    for flops in quantities.flops:
        best = optimum(surface, flops, quantities.compute)
        if not np.isfinite(best).all() or best.n_params <= 0:
            predictions.append(Prediction(flops, None, None, None, None))
            continue
        n_params = intervals.estimate(column("n_params", flops), float(best.n_params))
        loss = intervals.estimate(column("loss", flops), float(best.loss))
        found = prediction(flops, n_params, loss, quantities.compute)
        found.near_optimal_n_params = near_optimal_sizes(surface, flops, quantities.compute)
        predictions.append(found)
    return predictions


def one_sided(result: FitResult, fitted: Fitted) -> tuple[FitResult, pd.DataFrame]:
    """The result where A or B is zero: there is a surface, and no optimum. A wild row may be why: it is named."""
    best = fitted.best
    absent = [name for name, c in zip(("A", "B"), best.coefficients[0, 1:], strict=True) if c <= 0]
    bound = f"{absent[0]} is at its bound" if len(absent) == 1 else "A and B are at their bounds"
    amplitude = best.coefficients[0, 1:] * np.exp(best.exponents[0] * np.array(fitted.quantities.center))
    values = (best.coefficients[0, 0], *amplitude, *best.exponents[0])
    why, verdict = f"{bound}, zero: the loss does not depend on that size", guards.Verdict()
    result, draws = refused(result, why, fitted.quantities.flops)
    result.status = "boundary"
    result.surface = {name: Estimate(float(value)) for name, value in zip(PARAMETERS, values, strict=True)}
    result.diagnostics = {"rss": float(best.objective[0]), "n_rows": len(fitted.table)}
    judge_outliers(verdict, result.diagnostics, fitted)
    result.warnings = verdict.all_warnings
    return result, draws
