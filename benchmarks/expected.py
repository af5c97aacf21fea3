"""Does the interval that is expected before any run come out? Expected widths beside those of the answer itself.

    python benchmarks/expected.py [--mirror DIR] [--simulated 20]

Each table of runs is first taken as a plan, of which design/expected.py says what half of the 95 % interval of ln N*
and of L* will be; then the method `answer` is fitted to its losses. Simulated tables are of the ten truths of
ten_truths.py in turn, published ones the IsoFLOP tables of benchmarks/backtest.py in the folder of isoflops.csv,
--mirror or $FLOPSCAPE_MIRROR, and are left out without it. Compute is that of the largest budget, and 10 and 100 times
that. A line has medians of half-widths, the median ratio of what was expected to what came, and the share of tables for
which it is within a factor 1.5. Progress goes to stderr.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import ten_truths
from backtest import published

from flopscape.design.expected import expected_intervals
from flopscape.fitting.fit import fit
from flopscape.fitting.methods import ANSWER
from flopscape.laws.law import Array
from flopscape.records.fit_result import Estimate, Prediction
from flopscape.runs.table import RunTable
from flopscape.text.terminal import aligned

CLOSE = 1.5
DRAWS = 2048
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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mirror", type=Path, default=os.environ.get("FLOPSCAPE_MIRROR"))
    parser.add_argument("--simulated", type=int, default=20, help="simulated tables")
    options = parser.parse_args()
    rows = [HEAD, *lines("simulated", [widths(table) for table in simulated(options.simulated)])]
    if options.mirror and (Path(options.mirror) / "isoflops.csv").exists():
        rows += lines("published", [widths(table) for table in published(Path(options.mirror))])
    else:
        print("published tables: skipped: no folder with isoflops.csv", file=sys.stderr)
    print(aligned(rows, right=range(2, len(HEAD))))


if __name__ == "__main__":
    main()
