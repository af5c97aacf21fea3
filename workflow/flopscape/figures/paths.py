"""A fit's N*, D* or L* along a range of compute, with the band of its draws. Evaluates laws; fits nothing."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from flopscape.answers import evaluate
from flopscape.laws.compute import Compute
from flopscape.laws.surface import Surface, optimum
from flopscape.records.fit_result import FitResult

PARAMETERS = ["E", "A", "B", "alpha", "beta"]
POWER_LAW = ["log_n_params", "a", "loss_E", "loss_K", "loss_gamma"]
FEWEST_DRAWS = 40
"""Fewer draws make no 95 % band."""
BAND_POINTS = 17
MOST_DRAWS = 1000
"""Draws behind a band: more change it by less than a line's width."""


class Path(NamedTuple):
    """Central line and 95 % band, each of the length of the compute range; no band where a fit has no draws."""

    centre: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None


def path(fit: FitResult, draws: pd.DataFrame | None, quantity: str, flops: np.ndarray) -> Path | None:
    """Evaluate a fit along `flops`; None for a fit that keeps no law.

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
    if fit.parameters is not None:
        return _on_law(fit, draws, compute, quantity, flops)
    law = fit.diagnostics.get("power_law")
    return _on_power_law(law, draws, compute, quantity, flops) if law else None


def _on_surface(fit: FitResult, draws: pd.DataFrame | None, compute: Compute, quantity: str, flops: np.ndarray) -> Path:
    """The optimum of the surface at each C."""
    assert fit.surface is not None
    best = Surface(*(fit.surface[name].estimate for name in PARAMETERS))
    centre = getattr(optimum(best, flops, compute), quantity)  # type: ignore[arg-type]
    many = Surface(*(column[:, None] for column in _some(draws, PARAMETERS).T))
    return _banded(centre, lambda knots: getattr(optimum(many, knots, compute), quantity), flops)  # type: ignore[arg-type]


def _on_law(
    fit: FitResult, draws: pd.DataFrame | None, compute: Compute, quantity: str, flops: np.ndarray
) -> Path | None:
    """The optimum of another law, where it has one; a law of C alone has a loss and no more."""
    best, some = evaluate.best_run(fit, flops, compute), _some(draws, evaluate.names(fit))
    if best is None or not np.isfinite(getattr(best, quantity)).all():
        return None
    return _banded(
        getattr(best, quantity),
        lambda knots: getattr(evaluate.sampled_runs(fit, some, knots, compute), quantity),
        flops,
    )


def _banded(centre: np.ndarray, sampled: Callable[[np.ndarray], np.ndarray], flops: np.ndarray) -> Path:
    """A line with the percentiles over draws, which `sampled` gives at a few compute values, interpolated in logs."""
    knots = np.geomspace(flops[0], flops[-1], BAND_POINTS)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        ends = _percentiles(np.log(sampled(knots)))
    return Path(centre) if ends is None else Path(centre, *(_between(flops, knots, np.exp(end)) for end in ends))


def _on_power_law(
    law: Mapping[str, float], draws: pd.DataFrame | None, compute: Compute, quantity: str, flops: np.ndarray
) -> Path:
    """approach2's laws through its vertices, for the estimate and for each draw."""
    x = np.log(flops) - law["center_log_flops"]
    best = np.array([[law[name] for name in POWER_LAW]], float)
    values = _along(best, x, compute, quantity, flops)[0]
    ends = _percentiles(_along(_some(draws, POWER_LAW), x, compute, quantity, flops))
    return Path(np.exp(values)) if ends is None else Path(np.exp(values), *np.exp(ends))


def _along(laws: np.ndarray, x: np.ndarray, compute: Compute, quantity: str, flops: np.ndarray) -> np.ndarray:
    """ln of N*, D* or L* = E + K·exp(−γ·x) at ln C = centre + x, shape (laws, points)."""
    log_n, a, E, K, gamma = laws.T[:, :, None]
    if quantity == "loss":
        return np.asarray(np.log(E + K * np.exp(-gamma * x)))
    n_params = log_n + a * x
    return n_params if quantity == "n_params" else compute.tokens(n_params, flops)


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
    return np.asarray(np.exp(np.interp(np.log(flops), np.log(knots), np.log(values))))
