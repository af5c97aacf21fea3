"""Prediction against outcome: what the finished fits of a table had said of the runs that stay hidden from them.

flopscape validate results/kjv-gpt/runs.csv --fits results/kjv-gpt/fits/answer.json --out validation.csv

A backtest hides budgets that the fit itself has seen, and makes it again. Here nothing is made again: the fit is the
one that is recommended, its hidden runs were planned to be so, and however many runs and fits come later, no fit has
ever seen them. Of a run the loss is scored, with the noise of a run in its interval; of a budget with three or more
hidden sizes N* and L* too, whose truth has a standard error of its own. A hidden run without a loss, one that is still
to come, is predicted all the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flopscape.answers.archive import add_to_archive, read_archive
from flopscape.answers.predict import predict, read_with_draws
from flopscape.answers.predictive import losses_of, noise_of, predictive
from flopscape.answers.residuals import columns_of, fitted_table, table_inputs
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import refuse_output, write_text
from flopscape.fitting.backtest.cuts import Runs
from flopscape.fitting.backtest.hidden import optima, spent_at
from flopscape.fitting.backtest.yardstick import FEWEST_FOR_PARABOLA, Truth, pooled_noise, truth_of_few
from flopscape.fitting.common.draws_file import draws_file, fit_name
from flopscape.fitting.common.made_from import refuse_another
from flopscape.laws.law import Array, Compute, Mask
from flopscape.records.backtest import OF_TRUTH, OUTCOMES, TO_COME, Outcome
from flopscape.records.fit_result import FitResult
from flopscape.records.stamps import of_validation, text_of
from flopscape.runs.chosen import merged, without
from flopscape.runs.read import read_awaited, read_hidden
from flopscape.runs.table import RunTable

HIDDEN_RUNS = "the runs planned to stay hidden"
NO_LOSS = "the fit says nothing of a run's loss"
NOTHING = Outcome(
    "", "", HIDDEN_RUNS, 0, "", "", "nothing", np.nan, np.nan, left_out="no run of this table is planned to stay hidden"
)


def run(
    runs: str | Path, out: str | Path, fits: Sequence[str | Path], archive: str | Path | None = None, date: str = ""
) -> list[Outcome]:
    """Score the fits of a table against its hidden runs, and write a line a fit and hidden run or optimum as CSV.

    A table without hidden runs gets a file of one line that says so. To `archive`, where one is named, the same is
    added as far as it is new, with the day, `date` or today: see answers/archive.py.

    Raises
    ------
    FlopscapeError
        A file that cannot be read or must not be written, or a fit of another table.
    """
    read = [runs, *fits, *map(draws_file, fits)]
    refuse_output(out, read)
    if archive is not None:
        refuse_output(archive, [*read, out])
        read_archive(archive)  # a damaged one is told of before anything is written
    for path in fits:
        refuse_another(path, runs, None)
    stamp = text_of(of_validation(runs, fits))
    # A line that says so where nothing is hidden: without any the file could not carry its stamp, and would be stale.
    lines = [line for path in fits for line in outcomes(path, runs)] or [NOTHING]
    frame = pd.DataFrame([asdict(line) for line in lines], columns=list(OUTCOMES))
    if archive is not None:
        add_to_archive(archive, runs, fits, lines, stamp, date)
    write_text(out, frame.assign(made_from=stamp).to_csv(index=False))
    return lines


def outcomes(fit: str | Path, runs: str | Path) -> Iterator[Outcome]:
    """What one fit had said of each hidden run, and of the optimum of each hidden budget, beside what came.

    Parameters
    ----------
    fit : path
        FIT.json, with its draws beside it.
    runs : path
        The table that it was made of, hidden runs included.

    Examples
    --------
    From a shell, for all fits of a study:
    `flopscape validate results/quick/runs.csv --fits results/quick/fits/answer.json --out validation.csv`
    """
    result, draws = read_with_draws(fit)
    columns, exclude = columns_of(result), result.choice.exclude
    table = read_hidden(runs, columns)
    if not len(table) and not table.excluded:
        return
    hidden, to_come = (
        Runs.of(without(one, exclude) if exclude else one) for one in (table, read_awaited(runs, columns))
    )
    seeds = result.made_from.get("options", {}).get("seeds")
    # As the fit itself read it: rows chosen, and seeds merged where it was told so.
    fitted = merged(fitted_table(runs, result), seeds)
    said: dict[str, Any] = {
        "fit": fit_name(fit), "method": result.method, "cut": HIDDEN_RUNS, "n_runs": result.n_runs,
        "status": result.status, "reason": result.reason,
    }  # fmt: skip
    most = float(np.max(Runs.of(fitted).spent, initial=0.0)) or np.nan
    found, asked = (
        [
            *_optima(said, result, draws, one, fitted, most),
            *_runs(said, result, draws, one, fitted, most),
        ]
        for one in (hidden, to_come)
    )
    yield from found
    yield from _without_truth(asked, [line.flops for line in found if line.what == "optimum"])
    yield from (
        Outcome(**said, what="run", flops=np.nan, extrapolation=np.nan, run_id=name, left_out=exclusion.reason)
        for exclusion in hidden.table.excluded
        for name in exclusion.rows
        if name not in {line.run_id for line in asked}
    )


def _without_truth(lines: Iterable[Outcome], known: Sequence[float]) -> Iterator[Outcome]:
    """The predictions of runs that have only a placeholder of a loss, less the optima that other runs tell already."""
    truth: dict[str, Any] = dict.fromkeys(OF_TRUTH)
    for line in lines:
        if line.what == "run" or line.flops not in known:
            yield replace(line, **truth | {"left_out": line.left_out if line.left_out == NO_LOSS else TO_COME})


def _optima(
    said: Mapping[str, Any], result: FitResult, draws: pd.DataFrame, hidden: Runs, fitted: RunTable, most: float
) -> Iterator[Outcome]:
    """N* and L* of each budget that has hidden runs of three sizes or more."""
    of_budgets = _budgets(hidden)
    if not of_budgets or result.status == "refused":
        return
    compute = Compute.from_runs(fitted.n_params, fitted.n_tokens, fitted.flops)
    asked = [spent_at(hidden.table, rows, compute) for rows in of_budgets.values()]
    try:
        predictions = predict(result, draws, asked)
    except FlopscapeError:  # a fit that has no optimum to tell is judged by nothing here
        return
    noise = _noise(fitted, result)
    truths: dict[float, Truth | str] = {
        budget: truth_of_few(np.log(hidden.table.n_params[rows]), hidden.table.loss[rows], noise)
        for budget, rows in of_budgets.items()
    }
    for line in optima(said, replace(result, predictions=predictions), [*of_budgets], truths, most):
        yield Outcome(**asdict(line))


def _budgets(hidden: Runs) -> dict[float, Mask]:
    """The rows of each budget that has hidden runs of three sizes or more, ascending."""
    table = hidden.table
    found = {}
    for budget in np.unique(table.budget[hidden.ends & np.isfinite(table.budget)]).tolist():
        rows = hidden.ends & (table.budget == budget)
        if len(np.unique(table.n_params[rows])) >= FEWEST_FOR_PARABOLA:
            found[budget] = rows
    return found


def _noise(fitted: RunTable, result: FitResult) -> float:
    """σ of a run: about the curves of the fitted budgets where they tell it, else about the fit."""
    noise = pooled_noise(fitted, Runs.of(fitted).ends)
    return noise if np.isfinite(noise) else noise_of(fitted, result)


def _runs(
    said: Mapping[str, Any], result: FitResult, draws: pd.DataFrame, hidden: Runs, fitted: RunTable, most: float
) -> Iterator[Outcome]:
    """The loss of each hidden run."""
    table, places = hidden.table, np.flatnonzero(hidden.ends)
    losses = losses_of(result, draws, table_inputs(result, table, places))
    noise = np.nan if losses is None else noise_of(fitted, result)
    for i, place in enumerate(places):
        n_params, n_tokens, flops, true = (
            float(values[place]) for values in (table.n_params, table.n_tokens, table.flops, table.loss)
        )
        line: dict[str, Any] = {
            "what": "run", "flops": flops, "extrapolation": float(hidden.spent[place]) / most,
            "run_id": str(table.run_id[place]), "run_n_params": n_params, "run_n_tokens": n_tokens, "true_loss": true,
        }  # fmt: skip
        yield Outcome(**said, **line, **_predicted(None if losses is None else losses[:, i], noise, true))


def _predicted(losses: Array | None, noise: float, true: float) -> dict[str, Any]:
    """The predicted loss of a run with its interval, and how far the outcome is from it."""
    finite = np.zeros(0) if losses is None else losses[np.isfinite(losses)]
    if not len(finite):
        return {"left_out": NO_LOSS}
    said = predictive(finite, noise, true)
    spread = float(np.hypot(finite.std(), noise))
    return said | {"deviations": (true - said["loss"]) / spread if spread > 0 else None}
