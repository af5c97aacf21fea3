"""How often each method's default 95 % interval holds the truth, and how far its exponent is off, on simulated tables.

    python benchmarks/coverage.py [--tables 600] [--bootstrap 1000] [--methods vpnls approach2 ...]

Five budgets × seven sizes of a known surface, with 0.01 nats of noise; the interval of a, and of D* at ten times the
largest budget, are what `flopscape.fitting.fit.fit` reports. The rows with checkpoints have 15 a run, which share the
run's error. All rows take an hour or more of one core; `--tables` shortens
it. The second table is the mean error of a without noise and with two levels of it. Progress goes to stderr.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import designs
import numpy as np
import pandas as pd

from flopscape.fitting.fit import fit
from flopscape.laws.surface import closed_form_optimum
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.runs.read import table_of
from flopscape.text.terminal import aligned

SIGMA, FLOPS = 0.01, 10 * designs.BUDGETS[-1]


class Case(NamedTuple):
    """A method with its options on a design, and the coverage that is aimed at."""

    name: str
    method: str
    options: dict[str, object]
    design: Callable[[int, float], pd.DataFrame]
    aim: tuple[float, float]
    errors: dict[float, float] | None = None
    """Mean error of a, by σ, to match or beat: a parabola's and a parametric fit's of the reference."""


PARABOLA, PARAMETRIC = {0.0: 0.0001, 0.005: 0.0026, 0.02: 0.0128}, {0.0: 0.0001, 0.005: 0.0020, 0.02: 0.0087}
CASES = [
    Case("vpnls", "vpnls", {}, designs.isoflop, (0.93, 0.97), PARAMETRIC),
    Case("approach3 log_lsq", "approach3", {"objective": "log_lsq"}, designs.isoflop, (0.93, 0.97), PARAMETRIC),
    Case("approach2", "approach2", {}, designs.isoflop, (0.92, 0.98), PARABOLA),
    Case("approach2 exact", "approach2", {"variant": "exact"}, designs.isoflop, (0.92, 0.98), PARABOLA),
    Case("approach3 huber, δ scaled", "approach3", {"delta": "scaled"}, designs.isoflop, (0.92, 0.98), PARAMETRIC),
    Case("approach3 huber, δ = 1e-3", "approach3", {}, designs.isoflop, (0.0, 1.0)),
    Case("vpnls, checkpoints", "vpnls", {}, designs.checkpoints, (0.92, 0.97)),
    Case("approach1, checkpoints", "approach1", {}, designs.checkpoints, (0.0, 1.0)),
]


def estimates(case: Case, sigma: float, tables: int, bootstrap: int) -> Iterator[FitResult]:
    """The case's fit of every table; the seed of a table is its number."""
    for seed in range(tables):
        table = table_of(case.design(seed, sigma), f"table {seed}")
        yield fit(table, case.method, flops=[FLOPS], bootstrap=bootstrap, seed=seed, **case.options)[0]
        if seed % 50 == 49:
            print(f"{case.name}, σ = {sigma:g}: {seed + 1} of {tables}", file=sys.stderr)


def holds(estimate: Estimate | None, truth: float) -> bool:
    """Whether an interval has both ends and the truth between them."""
    return None not in (estimate, estimate and estimate.low, estimate and estimate.high) and (
        estimate.low <= truth <= estimate.high
    )


def coverage_row(case: Case, tables: int, bootstrap: int) -> list[str]:
    """Shares of intervals that hold a and D*, with the share of fits that give an exponent at all."""
    d_true = float(closed_form_optimum(designs.TRUTH, FLOPS).n_tokens)
    hits, widths, refused = [], [], 0
    for result in estimates(case, SIGMA, tables, bootstrap):
        a = result.exponents["a"] if result.exponents else None
        d = result.predictions[0].n_tokens if result.predictions else None
        refused += a is None
        hits.append([holds(a, designs.A_TRUE), holds(d, d_true)])
        if a is not None and a.low is not None and a.high is not None:
            widths.append(a.high - a.low)
    shares = np.mean(hits, axis=0)
    aim = "" if case.aim == (0.0, 1.0) else f"{case.aim[0]:.2f} to {case.aim[1]:.2f}"
    width = f"{np.median(widths):.3f}" if widths else ""
    return [case.name, f"{shares[0]:.3f}", f"{shares[1]:.3f}", aim, width, str(refused)]


def error_row(case: Case, tables: int) -> list[str]:
    """Mean |a − truth| at each noise; the bootstrap has no say in it."""
    row = [case.name]
    for sigma, aim in (case.errors or {}).items():
        exponents = [r.exponents["a"].estimate for r in estimates(case, sigma, tables, 2) if r.exponents]
        row.append(f"{np.mean(np.abs(np.array(exponents) - designs.A_TRUE)):.4f} ({aim:.4f})")
    return row


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=600)
    parser.add_argument("--bootstrap", type=int, default=1000)
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="rows whose name starts with one of these")
    options = parser.parse_args()
    chosen = [case for case in CASES if not options.methods or case.name.startswith(tuple(options.methods))]
    there = [case for case in chosen if importlib.util.find_spec(f"flopscape.fitting.{case.method}")]
    rows = [coverage_row(case, options.tables, options.bootstrap) for case in there]
    noise = 1.96 * np.sqrt(0.95 * 0.05 / options.tables)
    print(f"Coverage of 95 % intervals, {options.tables} tables (±{noise:.3f}), {options.bootstrap} resamples")
    header = ["method", "a", "D* at 10×", "aim", "width of a", "refused"]
    print(aligned([header, *rows], right={1, 2, 3, 4, 5}), end="\n\n", flush=True)
    errors = [error_row(case, options.tables) for case in there if case.errors]
    if errors:
        print("Mean error of a (aim)")
        print(aligned([["method", *(f"σ = {sigma:g}" for sigma in PARABOLA)], *errors], right={1, 2, 3}))


if __name__ == "__main__":
    main()
