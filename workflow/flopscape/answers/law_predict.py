"""Predictions from a finished fit of a law: the optimum at any compute, or the loss of a given size there."""

from typing import Any

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.fitting.any_law.problem import unique_tokens_of
from flopscape.fitting.common.results import finite_or_none, percentile_interval
from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute
from flopscape.laws.law import Inputs, Law
from flopscape.laws.registry import law_named
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.runs.table import UNIQUE, RunTable


def predict_law(
    result: FitResult, draws: pd.DataFrame, flops: float, n_params: float | None, unique_tokens: float | None = None
) -> Prediction:
    """N, D and loss at one compute, in FLOPs; None for what the law does not say.

    Raises
    ------
    FlopscapeError
        The law has no optimum and no size is given, or does not depend on distinct tokens.
    """
    assert result.parameters is not None
    law = law_named(result.law)
    if unique_tokens is not None and UNIQUE not in law.arguments:
        raise FlopscapeError(f"unique_tokens: the law {law.name} does not depend on it, constrained does; leave it out")
    supply = unique_tokens or result.diagnostics.get("unique_tokens") or float("inf")
    compute = Compute.from_json(result.diagnostics["kappa"])
    best = law.kind(**{name: np.asarray(number.estimate) for name, number in result.parameters.items()})
    sampled = law.kind(**{name: draws[name].to_numpy() for name in law.names})
    n, d, loss = (
        _estimate(value, many)
        for value, many in zip(*(_at(law, p, flops, n_params, compute, supply) for p in (best, sampled)), strict=True)
    )
    ratio = None if n is None or d is None else _ratio(n, d)
    return Prediction(flops, n, d, loss, ratio)


@np.errstate(all="ignore")
def _at(
    law: Law, p: Any, flops: float, n_params: float | None, compute: Compute, supply: float
) -> tuple[Array, Array, Array]:
    """N, D and loss at the optimum, or at the given size."""
    if n_params is None:
        if law.optimum is None:
            raise FlopscapeError(
                f"{law.formula} has no optimum at a compute; give n_params (--n-params), or fit a law of N and D"
            )
        return law.optimum(p, flops, compute, supply)
    n = np.full(np.shape(p[0]), n_params)
    d = np.exp(compute.tokens(np.log(n), flops))
    return n, d, law.loss(p, Inputs(n, d, np.full_like(n, flops), np.full_like(n, supply)))


def fitted_loss(table: RunTable, result: FitResult) -> Array:
    """The fitted loss of every row of the table that was fitted, in nats."""
    assert result.parameters is not None
    law = law_named(result.law)
    supply, _ = unique_tokens_of(table, law, result.diagnostics.get("unique_tokens"))
    p = law.kind(**{name: number.estimate for name, number in result.parameters.items()})
    return law.loss(p, Inputs(table.n_params, table.n_tokens, table.flops, supply))


def _estimate(value: Array, draws: Array) -> Estimate | None:
    if not np.isfinite(value):
        return None
    return Estimate(float(value), *(finite_or_none(end) for end in percentile_interval(draws)))


def _ratio(n: Estimate, d: Estimate) -> Estimate:
    """D/N, which falls with N at one compute."""
    ends = ((d.low, n.high), (d.high, n.low))
    return Estimate(d.estimate / n.estimate, *(None if x is None or y is None else x / y for x, y in ends))
