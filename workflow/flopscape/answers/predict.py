"""Predictions from a finished fit: the optimum at any compute, or the loss of a given size there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flopscape.answers.extrapolation import refuse_absurd
from flopscape.answers.law_predict import predict_law
from flopscape.errors import FlopscapeError
from flopscape.fitting.common.draws_file import read_draws
from flopscape.fitting.common.results import percentile_interval
from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute
from flopscape.laws.surface import Surface, loss, near_optimal_sizes, optimum
from flopscape.records.fit_result import Estimate, FitResult, Prediction


def read_fit(path: str | Path) -> tuple[FitResult, pd.DataFrame]:
    """FIT.json and the draws beside it; raises FlopscapeError where they cannot be read or do not belong together."""
    result = FitResult.read(path)
    return result, read_draws(path, result)


@np.errstate(all="ignore")
def predict(
    result: FitResult,
    draws: pd.DataFrame,
    flops: Sequence[float],
    n_params: float | None = None,
    unique_tokens: float | None = None,
) -> list[Prediction]:
    """The compute-optimal N, D and loss at each C, or D and loss for a given N; intervals from the fit's draws.

    Parameters
    ----------
    result, draws
        As `fit` returns them.
    flops : sequence of float
        Compute C in FLOPs.
    n_params : float, optional
        Use this size instead of the optimal one.
    unique_tokens : float, optional
        Of the law constrained: distinct tokens, when not those that the fit was told.

    Raises
    ------
    FlopscapeError
        The fit cannot answer, a number is not positive, or the answer has less than one parameter or token.
    """
    if result.status == "refused" or (result.exponents is None and result.parameters is None):
        raise FlopscapeError(f"the fit has no prediction: {result.reason}")
    given = {"n_params": n_params, "unique_tokens": unique_tokens}
    for name, value in [*(("flops", c) for c in flops), *given.items()]:
        if value is not None and not 0 < value < np.inf:
            raise FlopscapeError(f"{name}: {value!r} is not a positive number")
    found = list(_predictions(result, draws, flops, n_params, unique_tokens))
    for at in found:
        refuse_absurd(f"flops {at.flops:g}", *(x.estimate if x else None for x in (at.n_params, at.n_tokens)))
    return found


def _predictions(
    result: FitResult,
    draws: pd.DataFrame,
    flops: Sequence[float],
    n_params: float | None,
    unique_tokens: float | None,
) -> list[Prediction]:
    """By what kind of fit it is."""
    if result.parameters is not None:
        return [predict_law(result, draws, float(c), n_params, unique_tokens) for c in flops]
    if unique_tokens is not None:
        raise FlopscapeError(
            f"unique_tokens: {result.method} does not depend on it, only the law constrained; leave it out"
        )
    if result.surface is None:
        return [_from_power_law(result, draws, float(c), n_params) for c in flops]
    best = Surface(**{name: np.asarray(number.estimate) for name, number in result.surface.items()})
    sampled = Surface(**{name: draws[name].to_numpy() for name in Surface._fields})
    compute = Compute.from_json(result.diagnostics["kappa"])
    return [_from_surface(best, sampled, float(c), n_params, compute) for c in flops]


def _from_surface(
    best: Surface, sampled: Surface, flops: float, n_params: float | None, compute: Compute
) -> Prediction:
    n, d, L = _at(best, flops, n_params, compute)
    ns, ds, Ls = _at(sampled, flops, n_params, compute)
    band = near_optimal_sizes(best, flops, compute) if n_params is None else None
    return Prediction(flops, _estimate(n, ns), _estimate(d, ds), _estimate(L, Ls), _estimate(d / n, ds / ns), band)


def _at(surface: Surface, flops: float, n_params: float | None, compute: Compute) -> tuple[Array, Array, Array]:
    """N, D and loss at the optimum, or at the given size."""
    if n_params is None:
        return optimum(surface, flops, compute)
    n = np.full(np.shape(surface.E), n_params)
    d = np.exp(compute.tokens(np.log(n), flops))
    return n, d, loss(surface, n, d)


def _from_power_law(result: FitResult, draws: pd.DataFrame, flops: float, n_params: float | None) -> Prediction:
    """approach2: N* along its line, and the loss along the law of its vertices; another size has no loss."""
    if n_params is not None:
        raise FlopscapeError(f"{result.method} has no loss surface; a prediction at a given size needs one")
    law, compute = result.diagnostics["power_law"], Compute.from_json(result.diagnostics["kappa"])
    x = np.log(flops) - law["center_log_flops"]
    sampled = {name: draws[name].to_numpy() for name in ("log_n_params", "a", "loss_E", "loss_K", "loss_gamma")}
    (n, d, L), (ns, ds, Ls) = (_along(numbers, x, flops, compute) for numbers in (law, sampled))
    return Prediction(flops, _estimate(n, ns), _estimate(d, ds), _estimate(L, Ls), _estimate(d / n, ds / ns))


def _along(law: Mapping[str, Any], x: float, flops: float, compute: Compute) -> tuple[Array, Array, Array]:
    """N*, D* and L* at ln C = center + x."""
    log_n = np.asarray(law["log_n_params"] + law["a"] * x)
    loss_there = np.asarray(law["loss_E"] + law["loss_K"] * np.exp(-law["loss_gamma"] * x))
    return np.exp(log_n), np.exp(compute.tokens(log_n, flops)), loss_there


def _estimate(value: Array, draws: Array) -> Estimate:
    low, high = percentile_interval(draws)
    if not np.isfinite(low):
        return Estimate(float(value))
    return Estimate(float(value), low, high)
