"""Do expected intervals come out? Those before any run, and those after the runs that `flopscape next` would buy.

    python benchmarks/expected.py [--only plan] [--mirror DIR] [--simulated 20]

plan: each table of runs is first taken as a plan, of which design/expected.py says what half of the 95 % interval of
ln N* and of L* will be; then the method `answer` is fitted to its losses. Simulated tables are of the ten truths of
ten_truths.py in turn, published ones the IsoFLOP tables of benchmarks/backtest.py in the folder of isoflops.csv,
--mirror or $FLOPSCAPE_MIRROR, and are left out without it. Compute is that of the largest budget, and 10 and 100 times
that. A line has medians of half-widths, the median ratio of what was expected to what came, and the share of tables for
which it is within a factor 1.5.

next: of simulated sweeps so many runs at random are finished, `next` spends three times what the costliest has cost for
a target ten times above the sweep, the losses of its runs are simulated, and the answer is fitted anew. A line has
medians of the part that is left of the widths of ln N* and L*, as it came and as it was expected, and the median over
tables of |ln(expected/came)|: by `next`, which is linear around one typical draw, and by the median over sixteen draws
of the posterior, each with a linear model of its own. Progress goes to stderr.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import ten_truths
from backtest import published

from flopscape.design.expected import expected_intervals
from flopscape.design.gains import known
from flopscape.design.next_runs import NextRuns, Spend, next_runs
from flopscape.fitting.drifting_law.fit import Posterior, posterior
from flopscape.fitting.drifting_law.posterior import SCALE_PRIORS, Conditional, Scales
from flopscape.fitting.drifting_law.shares import BLOCKS, Shares
from flopscape.fitting.fit import fit
from flopscape.fitting.methods import ANSWER
from flopscape.laws.law import Array, Compute
from flopscape.records.fit_result import Estimate, Prediction
from flopscape.runs.read import table_of
from flopscape.runs.table import RunTable
from flopscape.text.terminal import aligned

CLOSE = 1.5
DRAWS = 2048
SECTIONS = ("plan", "next")
FINISHED = (1, 3, 7, 14, 35)
"""Runs of a sweep of 35 before more are bought."""
SPENT, ABOVE = 3.0, 10.0
"""Times the compute of the costliest finished run, and of the sweep's largest budget: what is spent, what is asked."""
LAWS = 16
"""Draws of the posterior with a linear model each."""
WAYS = ["next", "16 draws", "error", "error"]
HEAD_OF_NEXT = ["finished", "bought", "N*: came", *WAYS, "L*: came", *WAYS]
HEAD = ["", "C", "N*: expected", "came", "ratio", "within 1.5", "L* %: expected", "came", "ratio", "within 1.5"]


def simulated(count: int) -> Iterator[RunTable]:
    """Tables of the ten truths in turn."""
    truths = ten_truths.truths()
    for seed in range(count):
        yield ten_truths.simulated(truths[seed % len(truths)], np.random.default_rng(seed))


def widths(table: RunTable) -> Array:
    """Half-widths of ln N* and of L* as a part of it, expected and as they came: shape (factors, 2, 2)."""
    print(f"{table.path}: {len(table)} runs", file=sys.stderr)
    asked = [float(factor * np.nanmax(table.budget)) for factor in ten_truths.FACTORS]
    expected = expected_intervals(table.n_params, table.n_tokens, table.flops, asked)
    came, _ = fit(table, ANSWER, flops=asked, bootstrap=DRAWS, seed=0)
    both = zip(expected, came.predictions, strict=True)
    return np.array([[(said.n_params.typical, said.loss.typical), _half_widths(found)] for said, found in both])


def _half_widths(found: Prediction) -> tuple[float, float]:
    """Of ln N* and of L*; NaN for an interval with an open end."""
    return _half(found.n_params, np.log), _half(found.loss, float) / (found.loss.estimate if found.loss else np.nan)


def _half(number: Estimate | None, scale: np.ufunc | type[float]) -> float:
    if number is None or number.low is None or number.high is None:
        return float("nan")
    return float(scale(number.high) - scale(number.low)) / 2


def lines(name: str, tables: Sequence[Array]) -> Iterator[list[str]]:
    """A line for each compute."""
    for factor, at in zip(ten_truths.FACTORS, np.stack(tables, axis=1), strict=True):
        cells = []
        for (expected, came), unit in zip(at.T, (1, 100), strict=True):
            ratio = expected / came
            close = np.abs(np.log(ratio)) < np.log(CLOSE)
            cells += [f"{unit * np.nanmedian(expected):.2f}", f"{unit * np.nanmedian(came):.2f}"]
            cells += [f"{np.nanmedian(ratio):.2f}", f"{100 * close.mean():.0f} %"]
        yield [name, f"×{factor:g}", *cells]


def of_next(count: int, numbers_finished: Sequence[int]) -> str:
    """The table of what `next` expects and what came, of so many sweeps for each number of finished runs."""
    rows = [HEAD_OF_NEXT]
    for finished in numbers_finished:
        found = np.array([parts_left(finished, seed) for seed in range(count)])
        cells = [f"{finished}", f"{np.median(found[:, 0, 0]):.0f}"]
        for quantity in (0, 1):
            came, *expected = found[:, 1:, quantity].T
            errors = [np.nanmedian(np.abs(np.log(one / came))) for one in expected]
            cells += [f"{value:.2f}" for value in (*map(np.nanmedian, (came, *expected)), *errors)]
        rows.append(cells)
    return aligned(rows, right=range(len(HEAD_OF_NEXT)))


def parts_left(finished: int, seed: int) -> Array:
    """Of one sweep: how many runs are bought, and the parts left of N*'s and L*'s widths, (4, 2).

    They are those that came, that `next` expects, and of the median of the draws.
    """
    print(f"next: {finished} runs finished, sweep {seed}", file=sys.stderr)
    known_truths, rng = ten_truths.truths(), np.random.default_rng(1000 + seed)
    truth = known_truths[seed % len(known_truths)]
    sweep = ten_truths.simulated(truth, rng)
    table = sweep.keep(np.isin(np.arange(len(sweep)), rng.permutation(len(sweep))[:finished]), "not trained yet")
    target = ABOVE * float(ten_truths.BUDGETS[-1])
    found = next_runs(table, [target], Spend(SPENT * float(table.flops.max()), in_usd=False))
    bought = found.bought
    losses = truth.loss(bought.n_params, bought.n_tokens) + rng.normal(0, ten_truths.SIGMA, len(bought))
    columns = {"n_params": bought.n_params, "n_tokens": bought.n_tokens, "loss": losses}
    both = {name: np.append(getattr(table, name), values) for name, values in columns.items()}
    before, after = (_posterior(one) for one in (table, table_of(pd.DataFrame(both), "with the bought runs")))
    came = _widths_of_draws(after, target) / _widths_of_draws(before, target)
    return np.array([[len(bought)] * 2, came, found.left["all"][-1][0], _of_draws(before, found, target)])


def _posterior(table: RunTable) -> Posterior:
    return posterior(table, Compute.from_runs(table.n_params, table.n_tokens, table.flops), DRAWS, 0)


def _widths_of_draws(found: Posterior, target: float) -> Array:
    """Of the central 95 % of ln N* and of L*."""
    best = found.curves.lowest(target)
    return np.array([np.ptp(np.quantile(values, [0.025, 0.975])) for values in (best.log_n, best.loss)])


def _of_draws(found: Posterior, bought: NextRuns, target: float) -> Array:
    """The parts that are left by linear models around draws of the posterior, each with its own scales: the median."""
    log_n, log_d = np.log(bought.bought.n_params), np.log(bought.bought.n_tokens)
    parts = []
    for i in np.linspace(0, len(found.draws.t) - 1, LAWS).astype(int):
        free = found.draws.h[i]
        scales = Scales(*np.exp(np.append(free, np.log(SCALE_PRIORS[0])[len(free) :])).tolist())
        shares = Shares(found.curves.only(i), Conditional(found.at.data, scales))
        optimum = shares.of_optimum(target)
        if "n_params" in optimum:
            gradients = [optimum["n_params"], optimum["loss"]]
            today = after = known(shares, gradients, shares.gradients(log_n, log_d), scales.noise, tuple(BLOCKS))
            for at in range(len(log_n)):
                after = after.after(at)
            parts.append(after.sd / today.sd)
    return np.median(parts, axis=0) if parts else np.full(2, np.nan)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SECTIONS, help="one section; all when left out")
    parser.add_argument("--mirror", type=Path, default=os.environ.get("FLOPSCAPE_MIRROR"))
    parser.add_argument("--simulated", type=int, default=20, help="simulated tables")
    parser.add_argument("--finished", type=int, nargs="+", default=FINISHED, help="of next: runs that are finished")
    options = parser.parse_args()
    if options.only in (None, "plan"):
        print(of_plans(options), end="\n" if options.only else "\n\n")
    if options.only in (None, "next"):
        print(of_next(options.simulated, options.finished))


def of_plans(options: argparse.Namespace) -> str:
    """The table of what a plan expects and what came."""
    rows = [HEAD, *lines("simulated", [widths(table) for table in simulated(options.simulated)])]
    if options.mirror and (Path(options.mirror) / "isoflops.csv").exists():
        rows += lines("published", [widths(table) for table in published(Path(options.mirror))])
    else:
        print("published tables: skipped: no folder with isoflops.csv", file=sys.stderr)
    return aligned(rows, right=range(2, len(HEAD)))


if __name__ == "__main__":
    main()
