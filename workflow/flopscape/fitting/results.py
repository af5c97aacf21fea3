"""From numbers to a FitResult: predictions, draws, refusals. Shared by the methods."""

from collections.abc import Sequence
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
