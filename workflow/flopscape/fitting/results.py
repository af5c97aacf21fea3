"""From numbers to a FitResult: estimates with intervals, predictions, draws, refusals. Shared by the methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flopscape.fitting.quantities import PARAMETERS, Quantities, column
from flopscape.laws.arrays import Array, Mask
from flopscape.laws.compute import Compute, optimum
from flopscape.laws.surface import Surface
from flopscape.records import Estimate, FitResult, Prediction

DRAW_COLUMNS = ("replicate", *PARAMETERS, "a", "b", "degenerate")
ASKED = ("n_params", "n_tokens", "loss")
Interval = tuple[float | None, float | None]


@dataclass(frozen=True)
class Intervals:
    """The reported 95 % intervals by quantity, how they were made, and both kinds for comparison.

    `profile` is empty for an objective that has no profile-F interval.
    """

    reported: dict[str, tuple[float, float]]
    kind: str
    profile: dict[str, tuple[float, float]]
    bootstrap: dict[str, tuple[float, float]]

    def of(self, name: str) -> Interval:
        """Low and high, None where there is no finite end."""
        low, high = self.reported[name]
        return finite_or_none(low), finite_or_none(high)

    def estimate(self, name: str, value: float) -> Estimate:
        return Estimate(value, *self.of(name))

    def disagreement(self, name: str) -> float:
        """Ratio of the wider to the narrower of the two kinds; infinite where one has no end."""
        first, second = (high - low for low, high in (self.profile[name], self.bootstrap[name]))
        if not (np.isfinite(first) and np.isfinite(second)):
            return float("inf")
        return max(first, second) / max(min(first, second), 1e-300) if max(first, second) > 1e-9 else 1.0

    def to_json(self) -> dict[str, dict[str, list[float | None]]]:
        """Both kinds, to stand among the diagnostics."""
        kinds = {"profile F": self.profile, "bootstrap": self.bootstrap}
        return {
            kind: {name: [finite_or_none(low), finite_or_none(high)] for name, (low, high) in values.items()}
            for kind, values in kinds.items()
            if values
        }


def finite_or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None


@np.errstate(all="ignore")
def surface_draws(parameters: Array, degenerate: Mask, quantities: Quantities) -> pd.DataFrame:
    """Table of resamples from p = (E, ln A', ln B', α, β), shape (R, 5); undefined exponents are NaN."""
    surface = quantities.surface(parameters)
    absent_a, absent_b = ~np.isfinite(parameters[:, 1]), ~np.isfinite(parameters[:, 2])
    alpha, beta = np.where(absent_a, np.nan, surface.alpha), np.where(absent_b, np.nan, surface.beta)
    surface = Surface(surface.E, surface.A, surface.B, alpha, beta)
    columns: dict[str, Any] = {"replicate": np.arange(len(parameters))} | surface._asdict()
    columns |= {"a": beta / (alpha + beta), "b": alpha / (alpha + beta), "degenerate": degenerate}
    for flops in quantities.flops:
        best = optimum(surface, flops, quantities.compute)
        columns |= {column(name, flops): value for name, value in zip(ASKED, best, strict=True)}
    return pd.DataFrame(columns)


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
        predictions.append(prediction(flops, n_params, loss, quantities.compute))
    return predictions


def prediction(flops: float, n_params: Estimate, loss: Estimate | None, compute: Compute) -> Prediction:
    """Complete N* to D* and tokens per parameter through C = κ(N)·N·D, along which both fall with N."""

    def tokens(n: float | None) -> float | None:
        return None if n is None else float(np.exp(compute.tokens(np.log(n), flops)))

    def ratio(n: float | None) -> float | None:
        d = tokens(n)
        return None if n is None or d is None else d / n

    ends = (n_params.estimate, n_params.high, n_params.low)
    n_tokens = Estimate(*(tokens(n) for n in ends))  # type: ignore[arg-type]
    return Prediction(flops, n_params, n_tokens, loss, Estimate(*(ratio(n) for n in ends)))  # type: ignore[arg-type]


def refused(result: FitResult, reason: str, flops: Sequence[float]) -> tuple[FitResult, pd.DataFrame]:
    """A fit without numbers, and draws without rows."""
    result.status, result.reason = "refused", reason
    result.exponents = None
    result.predictions = [Prediction(float(c), None, None, None, None) for c in flops]
    return result, empty_draws(flops)


def empty_draws(flops: Sequence[float]) -> pd.DataFrame:
    """The columns of the draws, without rows."""
    asked = [column(name, c) for c in flops for name in ASKED]
    return pd.DataFrame({name: np.empty(0) for name in (*DRAW_COLUMNS, *asked)})
