"""A fit made again without the hidden runs, by its own method and options, and what that says of them.

Of a hidden budget it is asked N* and L* at the compute that the budget's runs spent, with the intervals that it reports
itself. Of a hidden run it is asked the loss: the law with the parameters of each draw, plus the noise of a run.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from flopscape.answers.backtest.methods import Method
from flopscape.answers.predictive import losses_of, noise_of, predictive
from flopscape.answers.residuals import table_inputs
from flopscape.fitting.backtest.cuts import Cut, Runs
from flopscape.fitting.backtest.hidden import HIDDEN, compute_of_hidden, optima
from flopscape.fitting.backtest.yardstick import Truth
from flopscape.fitting.fit import fit
from flopscape.laws.law import Mask
from flopscape.records.backtest import Forecast
from flopscape.records.fit_result import FitResult
from flopscape.runs.chosen import merged
from flopscape.runs.table import RunTable


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
    table = runs.table
    losses = losses_of(result, draws, table_inputs(result, table, hidden))
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
