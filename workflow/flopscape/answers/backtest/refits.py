"""A fit made again without the hidden runs, by its own method and options, and what that says of them.

Of a hidden budget it is asked N* and L* at the compute that the budget's runs spent, with the intervals that it reports
itself. Of a hidden run it is asked the loss: the law with the parameters of each draw, plus the noise of a run.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp, ndtr, ndtri

from flopscape.answers.backtest.cuts import Cut, Runs
from flopscape.answers.backtest.methods import Method
from flopscape.answers.backtest.yardstick import Truth
from flopscape.answers.evaluate import FittedPowerLaws, evaluator
from flopscape.answers.residuals import residuals, supply_of
from flopscape.fitting.fit import fit
from flopscape.laws.law import Array, Compute, Inputs, Mask
from flopscape.records.backtest import Forecast
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.runs.chosen import merged
from flopscape.runs.table import RunTable

NORMAL_95 = float(ndtri(0.975))
HIDDEN = "hidden for the backtest"
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
    budgets = runs.hidden_budgets(cut)
    compute = Compute.from_runs(kept.n_params, kept.n_tokens, kept.flops)
    asked = [_spent_at(runs.table, runs.ends & (runs.table.budget == budget), compute) for budget in budgets]
    common: dict[str, Any] = {"flops": asked, "bootstrap": bootstrap, "seed": one.seed, "seeds": one.seeds}
    result, draws = fit(kept, one.method, **common, **one.own)
    most = float(runs.spent[runs.ends & ~cut.hidden].max())
    said: dict[str, Any] = {
        "fit": one.name, "method": result.method, "cut": cut.name, "n_runs": result.n_runs, "status": result.status,
        "reason": result.reason,
    }  # fmt: skip
    for budget, prediction in zip(budgets, result.predictions, strict=False):
        place: dict[str, Any] = {"what": "optimum", "flops": budget, "extrapolation": budget / most}
        yield Forecast(**said, **place, **_optimum(truths[budget], prediction.n_params, prediction.loss))
    yield from _of_runs(said, result, draws, merged(kept, one.seeds), runs, runs.ends & cut.hidden, most)


def _spent_at(table: RunTable, rows: Mask, compute: Compute) -> float:
    """The compute C = κ(N)·N·D of a budget's runs as a refit counts it: their mean in logs.

    A budget is a line in (ln N, ln D), on which its runs scatter where they were read off a figure. The mean puts the
    fit's own line of that compute through the middle of them, wherever the budget's nominal C would put it.
    """
    log_n, log_d = np.log(table.n_params[rows]), np.log(table.n_tokens[rows])
    return float(np.exp(np.mean(log_n + log_d + compute.curve(log_n)[0])))


def _optimum(truth: Truth | str, n_params: Estimate | None, loss: Estimate | None) -> dict[str, Any]:
    """Truth and prediction of a hidden budget, and whether the intervals hold."""
    predicted = _predicted("n_params", n_params) | _predicted("loss", loss)
    if isinstance(truth, str):
        return predicted | {"left_out": truth}
    found: dict[str, Any] = {"true_n_params": float(np.exp(truth.log_n_params)), "true_loss": truth.loss}
    found |= {"se_log_n_params": truth.se_log_n_params, "se_loss": truth.se_loss}
    if n_params is not None:
        ends = (n_params.estimate, n_params.low, n_params.high)
        logs = [None if end is None else float(np.log(end)) if end > 0 else -np.inf for end in ends]
        found["n_params_holds"] = holds(truth.log_n_params, truth.se_log_n_params, Estimate(*logs))  # type: ignore[arg-type]
        found["regret"] = truth.regret(float(np.log(n_params.estimate)))
    if loss is not None:
        found["loss_holds"] = holds(truth.loss, truth.se_loss, loss)
    return predicted | found


def _predicted(name: str, number: Estimate | None) -> dict[str, float | None]:
    if number is None:
        return {}
    return {name: number.estimate, f"{name}_low": number.low, f"{name}_high": number.high}


def holds(truth: float, se: float, number: Estimate) -> bool:
    """Whether an interval holds a truth that is itself known only within ± 1.96·se.

    The two errors are independent, for the runs that tell the truth were hidden: each half of the interval grows to
    √(half² + (1.96·se)²). An open end reaches everything.

    Examples
    --------
    >>> holds(1.0, 0.0, Estimate(0.5, 0.2, 0.9)), holds(1.0, 0.2, Estimate(0.5, 0.2, 0.9))
    (False, True)
    >>> holds(9.0, 0.0, Estimate(0.5, 0.2, None))
    True
    """
    end = number.high if truth > number.estimate else number.low
    if end is None:
        return True
    return abs(truth - number.estimate) <= float(np.hypot(end - number.estimate, NORMAL_95 * se))


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

    Mean squared residuals over n − k rows, k the law's parameters.
    """
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
