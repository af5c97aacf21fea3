"""The backtest of a table: every fit again without the largest budgets, judged by what the hidden runs say.

flopscape backtest results/quick/runs.csv --out backtest.csv
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from flopscape.answers.backtest.methods import Method
from flopscape.answers.backtest.refits import forecasts
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import refuse_output, write_text
from flopscape.fitting.backtest.cuts import Cut, Runs, cuts_of
from flopscape.fitting.backtest.hidden import truths_of
from flopscape.fitting.backtest.yardstick import Truth
from flopscape.fitting.methods import RESAMPLES_OF_SENSITIVITY, modules_of_backtest
from flopscape.records.backtest import COLUMNS, Forecast
from flopscape.records.stamps import of_backtest, text_of
from flopscape.runs.chosen import chosen_rows
from flopscape.runs.read import read_runs
from flopscape.runs.table import RunTable

BOOTSTRAP = RESAMPLES_OF_SENSITIVITY
Report = Callable[[int, int, str], None]


class Refit(NamedTuple):
    """One refit to make."""

    method: Method
    runs: Runs
    truths: Mapping[float, Truth | str]
    cut: Cut


def backtest(
    methods: Iterable[Method],
    read: Callable[[Mapping[str, str]], RunTable],
    bootstrap: int = BOOTSTRAP,
    report: Report | None = None,
) -> list[Forecast]:
    """Hide the largest budgets, refit each method on the rest, and compare.

    Parameters
    ----------
    methods : iterable of Method
        What to refit.
    read : callable
        From columns, as `Method.columns` has them, to a table.
    bootstrap : int
        Resamples behind each interval; few, for they decide nothing but its noise.
    report : callable, optional
        Called before each refit with its number, their total and its name.

    Returns
    -------
    list of Forecast
        Of each method the hidden optima and runs of each cut, or one line that says why nothing is hidden.

    Examples
    --------
    >>> from flopscape.runs.read import table_of
    >>> import numpy as np
    >>> n = np.geomspace(1e6, 1e8, 7)
    >>> three = table_of(pd.DataFrame({"n_params": n, "n_tokens": 1e18 / 6 / n, "loss": 3 + 1e6 / n}), "three")
    >>> [line.left_out for line in backtest([Method("f", {"method": "vpnls"})], lambda _: three)]
    ["the table's 7 runs are too few, or cost too much alike, to hide the costliest and fit the rest"]
    """
    work = [job for one in methods for job in _jobs(one, read(one.columns))]
    total = sum(isinstance(job, Refit) for job in work)
    lines: list[Forecast] = []
    number = 0
    for job in work:
        if isinstance(job, Forecast):
            lines.append(job)
            continue
        number += 1
        if report:
            report(number, total, f"{job.method.name} without {job.cut.name}")
        lines += forecasts(*job, bootstrap)
    return lines


def _jobs(one: Method, table: RunTable) -> list[Refit | Forecast]:
    """The refits of a method, or why there are none."""
    chosen = chosen_rows(table, one.exclude, one.min_flops)
    if not len(chosen):
        return [_nothing(one, chosen, "no rows are left to fit")]
    runs = Runs.of(chosen)
    cuts, why = cuts_of(runs)
    truths = truths_of(runs)
    return [Refit(one, runs, truths, cut) for cut in cuts] or [_nothing(one, chosen, why)]


def _nothing(one: Method, table: RunTable, why: str) -> Forecast:
    return Forecast(one.name, one.method, "", table.n_runs, "", "", "nothing", math.nan, math.nan, left_out=why)


def run(
    runs: str | Path,
    out: str | Path,
    methods: Sequence[Method],
    *,
    bootstrap: int = BOOTSTRAP,
    report: Report | None = None,
) -> list[Forecast]:
    """Read a table, backtest the methods, and write a line a hidden optimum or run as CSV; see `backtest`.

    Raises
    ------
    FlopscapeError
        As `read_runs` and `fit.fit`, two methods of one name, or a file that must not be written.
    """
    curves = next((one.curves for one in methods if one.curves), None)
    refuse_output(out, [runs, curves])
    try:
        modules = modules_of_backtest([one.method for one in methods])
        stamp = of_backtest(modules, runs, curves, {one.name: one.options for one in methods})
    except OSError as error:
        raise FlopscapeError(f"{error.filename}: cannot be read ({error.strerror})") from error
    lines = backtest(methods, lambda columns: read_runs(runs, columns), bootstrap, report)
    frame = pd.DataFrame([asdict(line) for line in lines], columns=list(COLUMNS))
    write_text(out, frame.assign(made_from=text_of(stamp)).to_csv(index=False))
    return lines
