"""What a refit that has not seen a budget says of its optimum, beside what the budget's own runs say.

Of a hidden budget a refit is asked N* and L* at the compute that the budget's runs spent, with the intervals that it
reports itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from flopscape.fitting.backtest.cuts import Cut, Runs
from flopscape.fitting.backtest.yardstick import Truth, pooled_noise, truth_of
from flopscape.laws.law import Compute, Mask
from flopscape.records.backtest import Forecast
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.runs.table import RunTable

NORMAL_95 = float(ndtri(0.975))
HIDDEN = "hidden for the backtest"


def truths_of(runs: Runs) -> dict[float, Truth | str]:
    """The optimum of each budget by its own runs, or why they do not tell it."""
    table, ends = runs.table, runs.ends
    noise = pooled_noise(table, ends)
    budgets = np.unique(table.budget[ends & np.isfinite(table.budget)]).tolist()
    rows = {budget: ends & (table.budget == budget) for budget in budgets}
    return {budget: truth_of(np.log(table.n_params[at]), table.loss[at], noise) for budget, at in rows.items()}


def compute_of_hidden(runs: Runs, cut: Cut, kept: RunTable) -> dict[float, float]:
    """What a refit is asked: each budget that a cut hides → the compute that its runs spent, as the refit counts it.

    Parameters
    ----------
    runs : Runs
        All runs.
    cut : Cut
        Of these runs.
    kept : RunTable
        The rows that it does not hide.
    """
    compute = Compute.from_runs(kept.n_params, kept.n_tokens, kept.flops)
    return {
        budget: spent_at(runs.table, runs.ends & (runs.table.budget == budget), compute)
        for budget in runs.hidden_budgets(cut)
    }


def spent_at(table: RunTable, rows: Mask, compute: Compute) -> float:
    """The compute C = κ(N)·N·D of a budget's runs: their mean in logs.

    A budget is a line in (ln N, ln D), on which its runs scatter where they were read off a figure. The mean puts the
    fit's own line of that compute through the middle of them, wherever the budget's nominal C would put it.
    """
    log_n, log_d = np.log(table.n_params[rows]), np.log(table.n_tokens[rows])
    return float(np.exp(np.mean(log_n + log_d + compute.curve(log_n)[0])))


def optima(
    said: Mapping[str, Any], result: FitResult, budgets: Sequence[float], truths: Mapping[float, Truth | str],
    most: float,
) -> Iterator[Forecast]:  # fmt: skip
    """A line for each hidden budget.

    Parameters
    ----------
    said : mapping
        What all lines of the refit have in common: `fit`, `method`, `cut`, `n_runs`, `status` and `reason`.
    result : FitResult
        The refit, which was asked at these budgets' compute, in this order.
    budgets : sequence of float
        In FLOPs.
    truths : mapping
        From `truths_of`, of all runs.
    most : float
        Compute of the costliest run that the refit saw.
    """
    for budget, prediction in zip(budgets, result.predictions, strict=False):
        place: dict[str, Any] = {"what": "optimum", "flops": budget, "extrapolation": budget / most}
        yield Forecast(**said, **place, **_optimum(truths[budget], prediction.n_params, prediction.loss))


def _optimum(truth: Truth | str, n_params: Estimate | None, loss: Estimate | None) -> dict[str, Any]:
    """Truth and prediction of a hidden budget, and whether the intervals hold."""
    predicted = _predicted("n_params", n_params) | _predicted("loss", loss)
    if isinstance(truth, str):
        return predicted | {"left_out": truth}
    found: dict[str, Any] = {"true_n_params": float(np.exp(truth.log_n_params)), "true_loss": truth.loss}
    found |= {"se_log_n_params": truth.se_log_n_params, "se_loss": truth.se_loss}
    if n_params is not None:
        found["n_params_holds"] = holds(truth.log_n_params, truth.se_log_n_params, in_logs(n_params))
        found["regret"] = truth.regret(float(np.log(n_params.estimate)))
    if loss is not None:
        found["loss_holds"] = holds(truth.loss, truth.se_loss, loss)
    return predicted | found


def _predicted(name: str, number: Estimate | None) -> dict[str, float | None]:
    if number is None:
        return {}
    return {name: number.estimate, f"{name}_low": number.low, f"{name}_high": number.high}


def in_logs(number: Estimate) -> Estimate:
    """A size and its interval as logarithms; an end at zero is at −∞, an open one stays open."""
    low, high = (
        None if end is None else float(np.log(end)) if end > 0 else -np.inf for end in (number.low, number.high)
    )
    return Estimate(float(np.log(number.estimate)), low, high)


def holds(truth: float, se: float, number: Estimate) -> bool:
    """Whether an interval holds a truth that is itself known only within ± 1.96·se.

    Examples
    --------
    >>> holds(1.0, 0.0, Estimate(0.5, 0.2, 0.9)), holds(1.0, 0.2, Estimate(0.5, 0.2, 0.9))
    (False, True)
    >>> holds(9.0, 0.0, Estimate(0.5, 0.2, None))
    True
    """
    return abs(truth - number.estimate) <= allowed(truth, se, number)


def allowed(truth: float, se: float, number: Estimate) -> float:
    """How far an estimate may be from a truth for its interval to hold it; infinite on the side of an open end.

    The two errors are independent, for the runs that tell the truth were hidden: the half of the interval on the
    truth's side grows to √(half² + (1.96·se)²).

    Examples
    --------
    >>> round(allowed(3.0, 2.0 / 1.96, Estimate(1.0, 0.5, 2.5)), 2)
    2.5
    """
    end = number.high if truth > number.estimate else number.low
    return np.inf if end is None else float(np.hypot(end - number.estimate, NORMAL_95 * se))
