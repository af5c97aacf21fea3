"""From a method's numbers to a FitResult: predictions, draws and refusals, as a reader and JSON can hold them.

A number in a fit is finite, or it is not there and the reason stands in words. Tables at the limits of floating point
overflow somewhere in every method, and where that happens differs from one to the next: so it is judged once, here, on
what comes out of a method (`representable`), and the methods may compute with infinities and NaN on the way.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from flopscape.laws.law import Compute
from flopscape.laws.surface import Surface
from flopscape.records.fit_result import Estimate, FitResult, Prediction

DRAW_COLUMNS = ("replicate", *Surface._fields, "a", "b", "degenerate")
ASKED = ("n_params", "n_tokens", "loss")


def finite_or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None


def column(quantity: str, flops: float) -> str:
    """Name of a quantity at one asked compute, as in the draws.

    >>> column("n_params", 1e24)
    'n_params@1e+24'
    """
    return f"{quantity}@{float(flops)!r}"


def prediction(flops: float, n_params: Estimate, loss: Estimate | None, compute: Compute) -> Prediction:
    """Complete N* to D* and tokens per parameter through C = κ(N)·N·D, along which both fall with N."""

    def tokens(n: float | None) -> float | None:
        return finite_or_none(float(np.exp(compute.tokens(np.log(n), flops)))) if n else None

    def ratio(n: float | None) -> float | None:
        d = tokens(n)
        return None if not n or d is None else d / n

    ends = (n_params.estimate, n_params.high, n_params.low)
    n_tokens = Estimate(*(tokens(n) for n in ends))  # type: ignore[arg-type]
    return Prediction(flops, n_params, n_tokens, loss, Estimate(*(ratio(n) for n in ends)))  # type: ignore[arg-type]


def refuse(result: FitResult, reason: str, flops: Sequence[float]) -> tuple[FitResult, pd.DataFrame]:
    """A fit without numbers, and draws without rows."""
    result.status, result.reason = "refused", reason
    result.exponents = None
    result.predictions = [Prediction(float(c), None, None, None, None) for c in flops]
    return result, empty_draws(flops)


def empty_draws(flops: Sequence[float]) -> pd.DataFrame:
    """The columns of the draws, without rows."""
    columns = [column(name, c) for c in flops for name in ASKED]
    return pd.DataFrame({name: np.empty(0) for name in (*DRAW_COLUMNS, *columns)})


QUANTITIES = ("n_params", "n_tokens", "loss", "tokens_per_param")


def representable(result: FitResult, draws: pd.DataFrame, flops: Sequence[float]) -> tuple[FitResult, pd.DataFrame]:
    """The fit, refused where a parameter or exponent is not finite; a prediction that is not has no numbers."""
    result.diagnostics, result.optima = _plain(result.diagnostics), _plain(result.optima)
    if lost := _not_finite(result):
        why = (
            f"the fitted {', '.join(lost)} {'is' if len(lost) == 1 else 'are'} no finite number: N, D, C or the losses"
            " of this table are too large or too small to compute with; are they in single units, and in nats?"
        )
        result.surface = result.parameters = None
        return refuse(result, why, flops)
    result.predictions = [_prediction(result, predicted) for predicted in result.predictions]
    for group in _groups(result):
        group |= {name: _ends(number) for name, number in group.items()}
    return result, draws


def _groups(result: FitResult) -> list[dict[str, Estimate]]:
    return [group for group in (result.surface, result.parameters, result.exponents) if group]


def _not_finite(result: FitResult) -> list[str]:
    return [name for group in _groups(result) for name, number in group.items() if not math.isfinite(number.estimate)]


def _prediction(result: FitResult, predicted: Prediction) -> Prediction:
    """The prediction with finite ends, or without numbers where the optimum is beyond what a float can hold."""
    numbers = {name: number for name in QUANTITIES if (number := getattr(predicted, name)) is not None}
    if not all(_is_usable(name, number.estimate) for name, number in numbers.items()):
        result.warnings = [
            *result.warnings,
            f"C = {predicted.flops:g}: the optimum of this law is beyond the numbers that can be computed with",
        ]
        return Prediction(predicted.flops, None, None, None, None)
    for name, number in numbers.items():
        setattr(predicted, name, _ends(number))
    if not all(map(math.isfinite, predicted.near_optimal_n_params or ())):
        predicted.near_optimal_n_params = None
    return predicted


def _is_usable(name: str, value: float | None) -> bool:
    return value is not None and math.isfinite(value) and (value > 0 or name == "loss")


def _ends(number: Estimate) -> Estimate:
    low, high = (None if end is None else finite_or_none(end) for end in (number.low, number.high))
    return Estimate(number.estimate, low, high)


def _plain(value: Any) -> Any:
    """JSON's values, None for a number that is not finite."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return finite_or_none(value) if isinstance(value, float) else value
