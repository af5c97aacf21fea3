"""How often the intervals of `flopscape compare` hold the true compute multiplier, and how narrow they are.

    python benchmarks/compare.py [--tables 300] [--halves 200] [--mirror DIR] [--only gains pairs others halves]

gains: two recipes of 35 runs each, five budgets a factor √10 apart from 10¹⁸ to 10²⁰ FLOPs with seven sizes within half
a decade of N*, σ = 0.01 nats; A on the surface of Hoffmann et al. 2022, and B better by a constant factor of data, by
one that shrinks with compute, by parameters, or by a lower floor. Coverage of the 95 % interval of ln m and its median
width at the largest budget and at 10 and 100 times that, and how often B is called better. Four fits side by side:
floors free (what the verb answers with), floor shared, separate, and a constant factor of data alone.

pairs: the same with runs that share seed and budget and have noise in common (ρ), fitted with and without regard to it.
others: the other surfaces, and six truths that no surface is.
halves: published tables, the runs of each split at random into two halves, which are one recipe: how often one half is
called better at the largest budget. The folder of isoflops.csv is --mirror or $FLOPSCAPE_MIRROR.
Progress goes to stderr.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from ten_truths import BUDGETS, FACTORS, SIGMA, Truth, truths

from flopscape.comparison.joint_fit import fit_all, observed
from flopscape.comparison.model import DATA_ALONE, FREE_FLOORS, SEPARATE, SHARED_FLOOR, Kind
from flopscape.comparison.multiplier import Curves, multiplier
from flopscape.errors import FlopscapeError
from flopscape.laws.law import Array, Compute
from flopscape.runs.import_rows import Choice
from flopscape.runs.import_table import import_runs
from flopscape.runs.published import PUBLISHED
from flopscape.runs.read import table_of
from flopscape.runs.table import RunTable
from flopscape.text.terminal import aligned

ASKED = np.array([factor * float(BUDGETS[-1]) for factor in FACTORS])
CENTER = float(BUDGETS[2])
SIZES = np.linspace(-0.5, 0.5, 7) * np.log(10)
KINDS = (FREE_FLOORS, SEPARATE, SHARED_FLOOR, DATA_ALONE)
SECTIONS = ("gains", "pairs", "others", "halves")
FARTHEST = 12.0
"""Width that an open interval counts as, in ln m."""
REFERENCE = [
    ["reference: floors free", ".96–.97", ".95–.97", ".94–.97", ".13", ".33", ".72"],
    ["reference: separate fits", ".94–.97", ".92–.93", ".91–.95", ".13", ".48", "1.2"],
    ["reference: shared floor", ".93–.97", ".82–.97", ".96–.97", ".10", ".16", ".23"],
    ["to reach: floors free", "≥ .93", "≥ .93", "≥ .93", "≤ .14", "", ""],
]
"""What a prototype printed for this design, its ν all on B; the shared floor holds .57 at ×100 where floors differ."""


class Gain(NamedTuple):
    """B beside A: ln of a factor of N and of D, how the latter changes with ln C, and what its floor has less."""

    name: str
    mu_n: float = 0.0
    mu_d: float = 0.0
    nu: float = 0.0
    floor: float = 0.0

    def data(self, flops: Array) -> Array:
        return np.asarray(np.exp(self.mu_d + self.nu * np.log(flops / CENTER)))

    def of(self, truth: Truth) -> Callable[[Array, Array], Array]:
        """B's losses at N and D."""
        return lambda n, d: truth.loss(n * np.exp(self.mu_n), d * self.data(6 * n * d)) - self.floor

    def log_m(self, truth: Truth, flops: float) -> float:
        """ln m: B's lowest loss at C is that of A at C·e^(μ_N + μ_D + ν·x), less the floor's part."""
        shifted = flops * np.exp(self.mu_n) * float(self.data(np.array(flops)))
        target = truth.optimum(shifted)[1] - self.floor
        return float(brentq(lambda x: truth.optimum(flops * np.exp(x))[1] - target, -10, 10))


GAINS = (
    Gain("none"),
    Gain("1.1 in D", mu_d=np.log(1.1)),
    Gain("1.3 in D", mu_d=np.log(1.3)),
    Gain("shrinks in D", mu_d=0.3, nu=-0.05),
    Gain("1.3 in N", mu_n=np.log(1.3)),
    Gain("floor −0.02", floor=0.02),
)


@cache
def template() -> RunTable:
    """A table of as many runs as a simulated sweep has; reading one takes longer than a fit."""
    n = np.geomspace(1e8, 1e9, len(BUDGETS) * len(SIZES))
    frame = pd.DataFrame({"n_params": n, "n_tokens": 20 * n, "loss": 3.0 + 1 / np.arange(1, len(n) + 1)})
    return table_of(frame.assign(run_id=[f"run{i}" for i in range(len(n))]), "simulated")


def design(truth: Truth) -> tuple[Array, Array]:
    """N and C of one sweep, around the true optimum of A."""
    log_n = [np.log(truth.optimum(float(c))[0]) for c in BUDGETS]
    return np.exp(np.add.outer(log_n, SIZES)).ravel(), np.repeat(BUDGETS, len(SIZES))


def tables(truth: Truth, gain: Gain, rng: np.random.Generator, rho: float, paired: bool) -> tuple[RunTable, RunTable]:
    """Both recipes' runs of one design; pairs have a correlation ρ of their noise."""
    n, c = design(truth)
    d = c / 6 / n
    shared, *own = rng.normal(0, SIGMA, (3, len(n)))
    both = []
    for losses, noise in zip((truth.loss(n, d), gain.of(truth)(n, d)), own, strict=True):
        loss = losses + np.sqrt(rho) * shared + np.sqrt(1 - rho) * noise
        seed = np.full(len(n), "0" if paired else "")
        both.append(replace(template(), n_params=n, n_tokens=d, flops=c, budget=c, loss=loss, seed=seed))
    return both[0], both[1]


def lines(
    truths_: Sequence[Truth],
    gain: Gain,
    count: int,
    kinds: Sequence[Kind] = KINDS,
    rho: float = 0.0,
    paired: bool = False,
) -> Iterator[dict[str, object]]:
    """For each table, fit and asked compute whether the interval holds, its width and what is called better."""
    compute = Compute.constant(), Compute.constant()
    for seed in range(count):
        truth = truths_[seed % len(truths_)]
        true = np.array([gain.log_m(truth, float(c)) for c in ASKED])
        data = observed(*tables(truth, gain, np.random.default_rng([seed, 16]), rho, paired))
        for kind, found in fit_all(data, kinds).items():
            said = multiplier(Curves(found, data.center, compute), ASKED)
            width = np.minimum(said.high, FARTHEST / 2) - np.maximum(said.low, -FARTHEST / 2)
            for i, factor in enumerate(FACTORS):
                holds = said.low[i] <= true[i] <= said.high[i]
                better, worse = bool(said.low[i] > 0), bool(said.high[i] < 0)
                yield {
                    "fit": kind.name, "factor": factor, "holds": holds, "width": width[i], "better": better,
                    "worse": worse, "rho": found.rho,
                }  # fmt: skip


def rows(name: str, found: pd.DataFrame) -> Iterator[list[str]]:
    for fit, own in found.groupby("fit", sort=False):
        at = own.groupby("factor")
        cells = [*at["holds"].mean(), *at["width"].median(), *at["better"].mean()]
        worse = own[own["factor"] == 1]["worse"].mean()
        yield [name, str(fit), *(short(float(cell)) for cell in [*cells, worse])]


def short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if value < 1 else f"{value:.2f}"


HEAD = [
    "gain", "fit", *(f"{what} ×{factor:g}" for what in ("coverage", "width", "B better") for factor in FACTORS),
    "A better ×1",
]  # fmt: skip


def gains(count: int) -> str:
    plain, table = truths()[:1], [HEAD]
    for gain in GAINS:
        started = time.process_time()
        table += rows(gain.name, pd.DataFrame(lines(plain, gain, count)))
        print(f"gains: {gain.name}, {(time.process_time() - started) / count:.2f} CPU s a table", file=sys.stderr)
    said = [[name, "", *cells, "", "", "", ""] for name, *cells in REFERENCE]
    return f"{count} pairs of tables a cell, 35 + 35 runs\n{aligned([*table, *said], right=range(2, 12))}"


def pairs(count: int) -> str:
    table = [HEAD]
    for rho in (0.0, 0.5, 0.8):
        for paired in (True, False):
            found = pd.DataFrame(lines(truths()[:1], GAINS[1], count, (FREE_FLOORS, SHARED_FLOOR), rho, paired))
            name = f"1.1 in D, ρ = {rho:g}, " + (f"paired, ρ̂ = {found['rho'].mean():.2f}" if paired else "as if not")
            table += rows(name, found)
            print(f"pairs: {name}", file=sys.stderr)
    return f"Runs that share the order of their data\n{aligned(table, right=range(2, 12))}"


def others(count: int) -> str:
    known, table = truths(), [HEAD]
    for name, chosen in [*((one.name, [one]) for one in known[1:4]), ("no surface", known[4:])]:
        for gain in (GAINS[0], GAINS[2]):
            found = pd.DataFrame(lines(chosen, gain, count, (FREE_FLOORS, SEPARATE)))
            table += rows(f"{name}: {gain.name}", found)
        print(f"others: {name}", file=sys.stderr)
    return f"Other truths\n{aligned(table, right=range(2, 12))}"


def halves(mirror: Path, count: int) -> str:
    """Each split is stratified by nothing: some halves have no run of a size, as two recipes would not."""
    table = [["table", "runs", "splits", "one half called better ×1", "×10", "×100", "undetermined"]]
    for name in PUBLISHED:
        frame = import_runs(name, mirror, {}, Choice([], None, False)).frame
        flagged = frame.get("outlier", pd.Series(False, index=frame.index)).astype(str).str.lower() == "true"
        whole = table_of(frame[~flagged].reset_index(drop=True), name)
        found = [_rejections(whole, np.random.default_rng([seed, 3])) for seed in range(count)]
        told = np.array([one for one in found if one is not None])
        shares = [f"{100 * share:.1f} %" for share in told.mean(axis=0)]
        table.append([name, str(len(whole)), str(count), *shares, str(count - len(told))])
        print(f"halves: {name}", file=sys.stderr)
    return f"Published tables, halves of their runs beside each other\n{aligned(table, right=range(1, 7))}"


def _rejections(whole: RunTable, rng: np.random.Generator) -> Array | None:
    first = np.zeros(len(whole), bool)
    first[rng.permutation(len(whole))[: len(whole) // 2]] = True
    a, b = whole.keep(first, "the other half"), whole.keep(~first, "the other half")
    try:
        data = observed(a, b, use_pairs=False)
    except FlopscapeError:
        return None
    found = fit_all(data, ())[FREE_FLOORS]
    if not (found.converged and np.isfinite(found.covariance).all()):
        return None
    compute = [Compute.from_runs(one.n_params, one.n_tokens, one.flops) for one in (a, b)]
    flops = np.array([factor * float(np.nanmax(whole.budget)) for factor in FACTORS])
    said = multiplier(Curves(found, data.center, (compute[0], compute[1])), flops)
    return np.asarray((said.low > 0) | (said.high < 0))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=300, help="pairs of simulated tables a cell")
    parser.add_argument("--halves", type=int, default=200, help="splits of each published table")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--mirror", type=Path, default=os.environ.get("FLOPSCAPE_MIRROR"))
    options = parser.parse_args()
    for name, section in (("gains", gains), ("pairs", pairs), ("others", others)):
        if name in options.only:
            print(section(options.tables), end="\n\n", flush=True)
    if "halves" in options.only:
        if options.mirror and Path(options.mirror, "isoflops.csv").is_file():
            print(halves(Path(options.mirror), options.halves))
        else:
            print("skipped: no folder with isoflops.csv; name it by --mirror or FLOPSCAPE_MIRROR", file=sys.stderr)


if __name__ == "__main__":
    main()
