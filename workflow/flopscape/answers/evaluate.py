"""A fit of method `law` over the runs of a table and along compute. Evaluates laws; fits nothing."""

import numpy as np
import pandas as pd

from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute
from flopscape.laws.law import Inputs, Optimum
from flopscape.laws.registry import law_named
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import UNIQUE


def best_run(fit: FitResult, flops: Array, compute: Compute) -> Optimum | None:
    """N*, D* and L* along a range of compute; None for a law that has no optimum at a compute."""
    law, values = law_named(fit.law), fit.parameters or {}
    parameters = law.kind(**{name: number.estimate for name, number in values.items()})
    return law.optimum(parameters, flops, compute, _supply(fit)) if law.optimum else None


def sampled_runs(fit: FitResult, draws: Array, flops: Array, compute: Compute) -> Optimum | None:
    """The same, shape (draws, compute), for draws of `names(fit)`, shape (draws, names)."""
    law = law_named(fit.law)
    parameters = law.kind(**dict(zip(law.names, draws.T[:, :, None], strict=True)))
    return law.optimum(parameters, flops[None, :], compute, _supply(fit)) if law.optimum else None


def names(fit: FitResult) -> list[str]:
    """The law's parameters."""
    return list(law_named(fit.law).names)


def fitted_loss(fit: FitResult, runs: pd.DataFrame) -> pd.Series:
    """The law's loss of each run."""
    law, values = law_named(fit.law), fit.parameters or {}
    parameters = law.kind(**{name: number.estimate for name, number in values.items()})
    n, d, c = (_column(runs, fit, name) for name in ("n_params", "n_tokens", "flops"))
    supply = runs[UNIQUE].fillna(np.inf).to_numpy(float) if UNIQUE in runs else np.full(len(runs), _supply(fit))
    return pd.Series(law.loss(parameters, Inputs(n, d, c, supply)), index=runs.index)


def _column(runs: pd.DataFrame, fit: FitResult, name: str) -> Array:
    """The column that the fit used; C = 6·N·D is no column of a file."""
    chosen = fit.conventions.get(name, name)
    return runs[chosen if chosen in runs else name].to_numpy(float)


def _supply(fit: FitResult) -> float:
    """Distinct tokens that the fit was told of."""
    return float(fit.diagnostics.get(UNIQUE) or np.inf)
