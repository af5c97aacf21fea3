"""A fit's N*, D* or L* along a range of compute, with the band of its draws. Evaluates laws; fits nothing."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from flopscape.laws.compute import Compute, optimum
from flopscape.laws.surface import Surface
from flopscape.records import FitResult

PARAMETERS = ["E", "A", "B", "alpha", "beta"]
FEWEST_DRAWS = 40
"""Fewer draws make no 95 % band."""
BAND_POINTS = 25
MOST_DRAWS = 1000
"""Draws behind a band: more change it by less than a line's width."""


class Path(NamedTuple):
    """Central line and 95 % band, each of the length of the compute range; no band where a fit has no draws."""

    centre: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None


def path(fit: FitResult, draws: pd.DataFrame | None, quantity: str, flops: np.ndarray) -> Path | None:
    """Evaluate a fit along `flops`; None for a quantity that it has no law of.

    Parameters
    ----------
    fit, draws
        The fit, and its draws as its method wrote them; None where it has none.
    quantity : {"n_params", "n_tokens", "loss"}
        What to evaluate.
    flops : array
        Ascending compute in FLOPs.
    """
    known = fit.diagnostics.get("kappa")
    compute = Compute.from_json(known) if known else Compute.constant()
    if fit.surface is not None:
        return _on_surface(fit, draws, compute, quantity, flops)
    anchor = next((p for p in fit.predictions if p.n_params is not None), None)
    if fit.exponents is None or anchor is None or quantity == "loss":
        return None
    n_params = _power_law(fit, draws, anchor, flops)
    return n_params if quantity == "n_params" else _tokens(n_params, compute, flops)


def _on_surface(fit: FitResult, draws: pd.DataFrame | None, compute: Compute, quantity: str, flops: np.ndarray) -> Path:
    """The optimum of the surface at each C; the band is the percentiles over draws, interpolated in logs."""
    assert fit.surface is not None
    best = Surface(*(fit.surface[name].estimate for name in PARAMETERS))
    centre = getattr(optimum(best, flops, compute), quantity)  # type: ignore[arg-type]
    knots = np.geomspace(flops[0], flops[-1], BAND_POINTS)
    many = Surface(*(column[:, None] for column in _some(draws, PARAMETERS).T))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        values = getattr(optimum(many, knots[None, :], compute), quantity)  # type: ignore[arg-type]
    ends = _percentiles(np.log(values))
    return Path(centre) if ends is None else Path(centre, *(_between(flops, knots, np.exp(end)) for end in ends))


def _power_law(fit: FitResult, draws: pd.DataFrame | None, anchor: Any, flops: np.ndarray) -> Path:
    """N* through its prediction at one C with the exponent a, and each draw's line through its own."""
    assert fit.exponents is not None
    steps = np.log(flops / anchor.flops)
    centre = anchor.n_params.estimate * np.exp(fit.exponents["a"].estimate * steps)
    at_anchor = [f"n_params@{float(anchor.flops)!r}", "a"]
    n_params, a = _some(draws, at_anchor).T[:, :, None]
    ends = _percentiles(np.log(n_params) + a * steps)
    return Path(centre) if ends is None else Path(centre, *np.exp(ends))


def _tokens(n_params: Path, compute: Compute, flops: np.ndarray) -> Path:
    """The tokens that C leaves for N: most where N is least."""
    low, high = (None if n is None else np.exp(compute.tokens(np.log(n), flops)) for n in (n_params.high, n_params.low))
    return Path(np.exp(compute.tokens(np.log(n_params.centre), flops)), low, high)


def _some(draws: pd.DataFrame | None, columns: list[str]) -> np.ndarray:
    """Complete draws of some columns, shape (R, columns); R = 0 where the fit wrote none."""
    if draws is None or not set(columns) <= set(draws):
        return np.empty((0, len(columns)))
    return draws[columns].dropna().iloc[:MOST_DRAWS].to_numpy(float)


def _percentiles(values: np.ndarray) -> np.ndarray | None:
    """2.5 % and 97.5 % over draws, shape (2, points)."""
    usable = values[np.isfinite(values).all(axis=1)]
    return np.percentile(usable, [2.5, 97.5], axis=0) if len(usable) >= FEWEST_DRAWS else None


def _between(flops: np.ndarray, knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.exp(np.interp(np.log(flops), np.log(knots), np.log(values)))
