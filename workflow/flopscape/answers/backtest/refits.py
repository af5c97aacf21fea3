"""A fit made again without the hidden runs, by its own method and options, and what that says of them.

Of a hidden budget it is asked N* and L* at the compute that the budget's runs spent, with the intervals that it reports
itself. Of a hidden run it is asked the loss: the law with the parameters of each draw, plus the noise of a run.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp, ndtr

from flopscape.answers.backtest.methods import Method
from flopscape.answers.evaluate import FittedPowerLaws, evaluator
from flopscape.answers.residuals import residuals, supply_of
from flopscape.fitting.backtest.cuts import Cut, Runs
from flopscape.fitting.backtest.hidden import HIDDEN, compute_of_hidden, optima
from flopscape.fitting.backtest.yardstick import Truth
from flopscape.fitting.fit import fit
from flopscape.laws.law import Array, Inputs, Mask
from flopscape.records.backtest import Forecast
from flopscape.records.fit_result import FitResult
from flopscape.runs.chosen import merged
from flopscape.runs.table import RunTable

LEAST_NOISE = 1e-12
"""Of a loss: exact data have no noise, and a density needs some."""
BISECTIONS = 40
"""Halvings of a bracket of a few standard deviations: twelve digits."""


def forecasts(
    one: Method, runs: Runs, truths: Mapping[float, Truth | str], cut: Cut, bootstrap: int
) -> Iterator[Forecast]:
    """What a method says of all that one cut hides from it: each hidden budget, then each hidden run.

    Parameters
    ----------
    one : Method
        Its choice of rows is made already.
    runs : Runs
        All runs.
    truths : mapping
        Budget in FLOPs → its optimum, or why it is not known.
    cut : Cut
        Of the same runs.
    bootstrap : int
        Resamples behind the intervals.
    """
    kept = runs.table.keep(~cut.hidden, HIDDEN)
    asked = compute_of_hidden(runs, cut, kept)
    common: dict[str, Any] = {
        "flops": [*asked.values()], "bootstrap": bootstrap, "seed": one.seed, "seeds": one.seeds,
    }  # fmt: skip
    result, draws = fit(kept, one.method, **common, **one.own)
    most = float(runs.spent[runs.ends & ~cut.hidden].max())
    said: dict[str, Any] = {
        "fit": one.name, "method": result.method, "cut": cut.name, "n_runs": result.n_runs, "status": result.status,
        "reason": result.reason,
    }  # fmt: skip
    yield from optima(said, result, [*asked], truths, most)
    yield from _of_runs(said, result, draws, merged(kept, one.seeds), runs, runs.ends & cut.hidden, most)


def _of_runs(
    said: Mapping[str, Any],
    result: FitResult,
    draws: pd.DataFrame,
    kept: RunTable,
    runs: Runs,
    hidden: Mask,
    most: float,
) -> Iterator[Forecast]:
    """The loss of each hidden run; nothing of a fit that knows no loss beside the optimum."""
    table, supply = runs.table, supply_of(result, runs.table.columns)
    inputs = Inputs(table.n_params[hidden], table.n_tokens[hidden], table.flops[hidden], supply[hidden])
    losses = losses_of(result, draws, inputs)
    if losses is None:
        return
    noise = noise_of(kept, result)
    for place, losses_of_run in zip(np.flatnonzero(hidden), losses.T, strict=True):
        finite = losses_of_run[np.isfinite(losses_of_run)]
        spent, true = float(runs.spent[place]), float(table.loss[place])
        line: dict[str, Any] = {"what": "run", "flops": spent, "extrapolation": spent / most}
        if len(finite):
            name = str(table.run_id[place])
            yield Forecast(**said, **line, run_id=name, true_loss=true, **predictive(finite, noise, true))


@np.errstate(all="ignore")  # a draw may overflow: what is not finite is left out by the reader
def losses_of(result: FitResult, draws: pd.DataFrame, runs: Inputs) -> Array | None:
    """The loss of runs (n,) by each draw of a fit, shape (R, n), without noise.

    None for a fit that says nothing beside the optimum, or that has no draws.
    """
    law = None if result.status == "refused" else evaluator(result)
    if law is None or isinstance(law, FittedPowerLaws) or not len(draws) or not len(runs.n_params):
        return None
    return law.of_draws(draws).loss(*runs)


def noise_of(table: RunTable, result: FitResult) -> float:
    """Standard deviation of a run's loss about a law that was fitted to a table, in the loss's own unit.

    Mean squared residuals over n − k rows, k the law's parameters; or what the fit itself has inferred, where it has a
    discrepancy too, which follows the runs more closely than k parameters can.
    """
    if result.inferred_noise is not None:
        return result.inferred_noise
    residual = residuals(table, result).residual.to_numpy(float)
    return float(np.sqrt(residual @ residual / max(len(residual) - len(result.law_parameters), 1)))


def predictive(losses: Array, noise: float, true: float) -> dict[str, Any]:
    """What the draws' losses (R,) of a run say of its measured loss: a mixture of normals of that noise around them.

    Returns
    -------
    dict
        `loss` (the median), `loss_low` and `loss_high` (95 %), `loss_holds` and `log_score`, as fields of a Forecast.
    """
    sd = max(noise, LEAST_NOISE * float(np.abs(losses).max()))
    low, middle, high = (_quantile(losses, sd, level) for level in (0.025, 0.5, 0.975))
    density = logsumexp(-(((true - losses) / sd) ** 2) / 2) - np.log(len(losses) * sd * np.sqrt(2 * np.pi))
    return {
        "loss": middle,
        "loss_low": low,
        "loss_high": high,
        "loss_holds": low <= true <= high,
        "log_score": float(density),
    }


def _quantile(losses: Array, sd: float, level: float) -> float:
    """Where the mixture's distribution function, a mean of normal ones, reaches a level: by bisection, for it rises."""
    reach = 8 * sd
    low, high = float(losses.min() - reach), float(losses.max() + reach)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        below = float(ndtr((middle - losses) / sd).mean()) < level
        low, high = (middle, high) if below else (low, middle)
    return (low + high) / 2
