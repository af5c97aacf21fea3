"""A fit's numbers as a reader and JSON can hold them: finite, or none with the reason in words.

Tables at the limits of floating point overflow somewhere in every method; whatever the method, this is judged here.
"""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from flopscape.fitting.results import finite_or_none, refused
from flopscape.records import Estimate, FitResult, Prediction

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
        return refused(result, why, flops)
    result.predictions = [_prediction(result, known) for known in result.predictions]
    for group in _groups(result):
        group |= {name: _ends(number) for name, number in group.items()}
    return result, draws


def _groups(result: FitResult) -> list[dict[str, Estimate]]:
    return [group for group in (result.surface, result.parameters, result.exponents) if group]


def _not_finite(result: FitResult) -> list[str]:
    return [name for group in _groups(result) for name, number in group.items() if not math.isfinite(number.estimate)]


def _prediction(result: FitResult, known: Prediction) -> Prediction:
    """The prediction with finite ends, or without numbers where the optimum is beyond what a float can hold."""
    numbers = {name: number for name in QUANTITIES if (number := getattr(known, name)) is not None}
    if not all(_usable(name, number.estimate) for name, number in numbers.items()):
        result.warnings = [
            *result.warnings,
            f"C = {known.flops:g}: the optimum of this law is beyond the numbers that can be computed with",
        ]
        return Prediction(known.flops, None, None, None, None)
    for name, number in numbers.items():
        setattr(known, name, _ends(number))
    if not all(map(math.isfinite, known.near_optimal_n_params or ())):
        known.near_optimal_n_params = None
    return known


def _usable(name: str, value: float | None) -> bool:
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
