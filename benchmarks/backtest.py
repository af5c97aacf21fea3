"""Every method on hidden budgets: are its 95 % intervals right where it has not seen the runs?

    python benchmarks/backtest.py [--mirror DIR] [--fits approach2 vpnls ...] [--bootstrap 400] [--simulated 300]

First table: four published IsoFLOP tables (rows flagged as outliers left out), the largest one, two and three budgets
hidden, fitted on the rest: 24 hidden optima, and the losses of all hidden runs. The folder of isoflops.csv is --mirror
or $FLOPSCAPE_MIRROR; without it the table is left out. Truth is a local cubic at the hidden budget
(flopscape/fitting/backtest/yardstick.py), whose standard error counts in quadrature. w is the median full width of an
interval, in ln N and in per cent of L; RMS the error; regret the mean excess loss at the recommended N, in 1e-4 of L;
the runs' score is the mean log density of a hidden loss. The second table is of the refits that call themselves `ok`.

With --simulated so many tables of ten truths follow (ten_truths.py): coverage of N*, of L* and of the loss of single
runs, at the largest budget and at 10 and 100 times that, and the width of the interval of ln N*.
Progress goes to stderr.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import ten_truths

from flopscape.answers.backtest.methods import Method, methods_given
from flopscape.answers.backtest.refits import forecasts
from flopscape.answers.backtest.scores import score
from flopscape.fitting.backtest.cuts import Cut, Runs, cuts_of
from flopscape.fitting.backtest.hidden import truths_of
from flopscape.fitting.methods import backtested
from flopscape.records.backtest import Forecast, Score
from flopscape.runs.import_rows import Choice
from flopscape.runs.import_table import import_runs
from flopscape.runs.read import table_of
from flopscape.runs.table import RunTable
from flopscape.text.terminal import aligned

TABLES = ("llama_3_raw", "llama_3_exp", "ml_scalefit", "epochai")
MOST_HIDDEN = 3
NAMED = {"approach3": "approach3-huber", "law": "law-coupled"}
FITS = [NAMED.get(name, name) for name in backtested()]
"""All shipped methods, by the names that the reference has for them."""
HEAD = [
    "",
    "N*: cov %",
    "w",
    "RMS",
    "L*: cov %",
    "w %",
    "RMS %",
    "regret",
    "runs: cov %",
    "log score",
    "cases",
    "CPU s",
]
REFERENCE = [
    ["approach2", "96", ".56", ".23", "100", "2.0", "1.34", "12.2", "", ""],
    ["approach2-exact", "63", ".58", ".29", "100", "1.6", "1.05", "19.6", "", ""],
    ["approach3-huber", "63", ".38", ".25", "50", "1.0", ".64", "14.0", "83", "2.66"],
    ["vpnls", "63", ".36", ".31", "50", ".9", ".80", "22.8", "77", "2.34"],
    ["law-coupled", "58", ".34", ".30", "79", "1.1", "1.47", "21.1", "86", "2.72"],
    ["mean of the five", "92", ".48", ".28", "100", "1.8", ".49", "18.3", "", ""],
    ["estimator X", "96", ".64", ".23", "100", "1.6", ".56", "12.1", "98", "3.20"],
    ["to reach", "90–99", "≤ .64", "≤ .23", "90–99", "≤ 1.6", "≤ .56", "≤ 11", "92–98", "≥ 3.2"],
]
"""What a prototype printed for the same tables, cuts and yardstick, and what is aimed at."""


def published(mirror: Path) -> Iterator[RunTable]:
    """The tables without the rows that their source flags."""
    for name in TABLES:
        frame = import_runs(name, mirror, {}, Choice([], None, False)).frame
        flagged = frame["outlier"].astype(str).str.lower() == "true"
        yield table_of(frame[~flagged].reset_index(drop=True), name)


def cuts(runs: Runs) -> list[Cut]:
    """The first three of the study's own cuts."""
    return cuts_of(runs)[0][:MOST_HIDDEN]


def backtests(tables: Sequence[RunTable], one: Method, bootstrap: int) -> tuple[list[Forecast], float]:
    """All lines of one method, and the CPU seconds of a refit."""
    started, lines, refits = time.process_time(), [], 0
    for table in tables:
        runs = Runs.of(table)
        truths = truths_of(runs)
        for cut in cuts(runs):
            lines += forecasts(one, runs, truths, cut, bootstrap)
            refits += 1
    print(f"{one.name}: {refits} refits", file=sys.stderr)
    return lines, (time.process_time() - started) / refits


def row(name: str, one: Score, seconds: float | None = None) -> list[str]:
    """A score as a line of the table."""
    return [
        name,
        *(share(one.held_n_params, one.n_n_params), number(one.width_n_params), number(one.rms_n_params)),
        *(share(one.held_loss, one.n_loss), number(one.width_loss, 100, 1), number(one.rms_loss, 100)),
        number(one.regret, 1e4, 1),
        *(share(one.held_runs, one.n_runs), number(one.log_score)),
        f"{one.n_n_params}",
        number(seconds),
    ]


def share(held: int, total: int) -> str:
    return f"{100 * held / total:.0f}" if total else ""


def number(value: float | None, scale: float = 1.0, digits: int = 2) -> str:
    return "" if value is None else f"{scale * value:.{digits}f}".replace("0.", ".", 1 if abs(scale * value) < 1 else 0)


def on_published(mirror: Path, methods: Sequence[Method], bootstrap: int) -> None:
    """Print both tables of the hidden budgets."""
    tables = list(published(mirror))
    found = {one.name: backtests(tables, one, bootstrap) for one in methods}
    rows = [row(name, score(lines), seconds) for name, (lines, seconds) in found.items()]
    theirs = [[f"  {cells[0]}", *cells[1:], "", ""] for cells in REFERENCE]
    print(f"Hidden budgets of {len(tables)} published tables, {bootstrap} resamples")
    print(aligned([HEAD, *rows, ["reference (prototype)", *[""] * 11], *theirs], right=range(1, 12)), end="\n\n")
    of_ok = {name: [line for line in lines if line.status == "ok"] for name, (lines, _) in found.items()}
    rows = [row(name, score(lines)) if lines else [name, *[""] * 11] for name, lines in of_ok.items()]
    print("The same of refits that are ok")
    print(aligned([HEAD[:-1], *(cells[:-1] for cells in rows)], right=range(1, 11)), end="\n\n")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mirror", type=Path, default=os.environ.get("FLOPSCAPE_MIRROR"))
    parser.add_argument("--fits", nargs="+", metavar="NAME", default=FITS, help="such as approach3-lad")
    parser.add_argument("--bootstrap", type=int, default=400)
    parser.add_argument("--simulated", type=int, default=0, metavar="TABLES")
    options = parser.parse_args()
    methods = [one for name in options.fits for one in methods_given("", name, [], 0, {}, {})]
    if options.mirror and Path(options.mirror, "isoflops.csv").is_file():
        on_published(Path(options.mirror), methods, options.bootstrap)
    else:
        print("skipped: no folder with isoflops.csv; name it by --mirror or FLOPSCAPE_MIRROR", file=sys.stderr)
    if options.simulated:
        print(ten_truths.coverage(methods, options.simulated, options.bootstrap))


if __name__ == "__main__":
    main()
