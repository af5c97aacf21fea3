"""The answer's draws against a long Markov chain on the same posterior.

    python benchmarks/answer_mcmc.py [--mirror DIR] [--sweeps 20000] [--chains 4]

The method answer draws by importance sampling in half a second. Here Metropolis chains (Metropolis et al. 1953) walk on
the same density of laws, drifts and scales: each sweep takes steps in the law and drift at given scales, then in the
scales at a given law, as wide as the draws' own covariance suggests (Roberts, Gelman & Gilks 1997). The chains start at
different draws; the first fifth is left out. Tables: simulated sweeps of 35 runs and of five, three runs of one budget,
and with a folder of isoflops.csv (--mirror or $FLOPSCAPE_MIRROR) a published one. For N* and L* at the largest compute
and at a factor 100 beyond it the quantiles of both are printed, what of the chains' width the draws have, and how many
independent draws the chains are worth, from the scatter of their means. Progress goes to stderr.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import ten_truths
from backtest import published

from flopscape.fitting.drifting_law.curve import Curves
from flopscape.fitting.drifting_law.fit import Posterior, posterior
from flopscape.fitting.drifting_law.posterior import Conditional
from flopscape.fitting.drifting_law.scales import Hyper
from flopscape.laws.law import Array, Compute
from flopscape.runs.read import table_of
from flopscape.runs.table import RunTable
from flopscape.text.terminal import aligned

QUANTILES = (0.025, 0.5, 0.975)
STEPS = 10
"""In the law and drift, for each step in the scales."""
KEPT = 500
"""Sweeps of a chain whose optima are computed."""
FACTORS = (1.0, 100.0)
SEED = 0


def tables(mirror: Path | None) -> Iterator[tuple[str, RunTable]]:
    """Names and tables."""
    rng = np.random.default_rng(SEED)
    simulated = ten_truths.simulated(ten_truths.truths()[0], rng)
    yield "simulated, 35 runs", simulated
    few = np.zeros(len(simulated), bool)
    few[[3, 10, 17, 24, 31]] = True
    yield "simulated, 5 runs", simulated.keep(few, "few")
    three = pd.DataFrame({"n_params": [5e6, 25e6, 100e6], "n_tokens": [4.5e9, 0.9e9, 0.225e9]})
    yield "3 runs of one budget", table_of(three.assign(loss=[4.66, 4.40, 4.48], run_id=["a", "b", "c"]), "three")
    if mirror and (mirror / "isoflops.csv").is_file():
        yield "published: llama_3", next(iter(published(mirror)))
    else:
        print("skipped: no folder with isoflops.csv; name it by --mirror or FLOPSCAPE_MIRROR", file=sys.stderr)


class Chain:
    """A walk over (law and drift t, logarithms h of the scales)."""

    def __init__(self, found: Posterior, start: int, seed: int) -> None:
        self.hyper = Hyper(found.at.data, found.draws.t[start])
        self.rng = np.random.default_rng(seed)
        self.t, self.h = found.draws.t[start], found.draws.h[start]
        self.root_t = 2.38 / np.sqrt(found.draws.t.shape[1]) * _root(found.draws.t)
        self.root_h = 2.38 / np.sqrt(found.draws.h.shape[1]) * _root(found.draws.h)
        self.at = self.hyper.conditional(self.h)
        self.log_p = self._log_p(self.at, self.t)

    def _log_p(self, at: Conditional, t: Array) -> float:
        return at.log_scales - float(at.costs(t[None])[0])

    def sweep(self) -> None:
        """Some steps in t, two in h: one wide, one narrow."""
        for _ in range(STEPS):
            new = self.t + self.rng.choice([0.3, 1.0]) * self.root_t @ self.rng.standard_normal(len(self.t))
            log_p = self._log_p(self.at, new)
            if np.log(self.rng.random()) < log_p - self.log_p:
                self.t, self.log_p = new, log_p
        for width in (0.3, 1.0):
            h = self.h + width * self.root_h @ self.rng.standard_normal(len(self.h))
            at = self.hyper.conditional(h)
            log_p = self._log_p(at, self.t)
            if np.log(self.rng.random()) < log_p - self.log_p:
                self.h, self.at, self.log_p = h, at, log_p

    def walk(self, sweeps: int) -> tuple[Array, Array]:
        """t (KEPT, p) and c (KEPT, m) at even distances along the last four fifths of a walk."""
        wanted = set(np.linspace(sweeps // 5, sweeps - 1, KEPT).astype(int).tolist())
        t, c = [], []
        for i in range(sweeps):
            self.sweep()
            if i in wanted:
                t.append(self.t)
                c.append(self.at.coefficients(self.t[None], self.rng.standard_normal((1, len(self.at.sd))))[0])
        return np.array(t), np.array(c)


def _root(draws: Array) -> Array:
    covariance = np.cov(draws.T)
    return np.asarray(np.linalg.cholesky(covariance + 1e-9 * np.diag(np.diag(covariance))))


def optima(curves: Curves, flops: float) -> dict[str, Array]:
    """ln N* and L* of each draw."""
    best = curves.lowest(flops)
    return {"ln N*": best.log_n, "L*": best.loss}


def compared(name: str, table: RunTable, sweeps: int, chains: int) -> Iterator[list[str]]:
    """Lines of the table of results."""
    compute = Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    found = posterior(table, compute, 2048, SEED)
    started, walks = time.process_time(), []
    for seed in range(chains):
        walks.append(Chain(found, int(seed * len(found.draws.t) / chains), seed).walk(sweeps))
        print(f"{name}: chain {seed + 1} of {chains}, {time.process_time() - started:.0f} CPU s", file=sys.stderr)
    largest = float((6 * table.n_params * table.n_tokens).max())
    for factor in FACTORS:
        drawn = optima(found.curves, factor * largest)
        walked = [optima(replace(found.curves, t=t, c=c), factor * largest) for t, c in walks]
        for quantity, values in drawn.items():
            by_chain = np.array([one[quantity] for one in walked])
            mine, theirs = np.quantile(values, QUANTILES), np.quantile(by_chain, QUANTILES)
            # Means of independent draws would scatter by their variance over their number.
            worth = chains * by_chain.var() / max(by_chain.mean(axis=1).var(ddof=1), 1e-300)
            yield [
                name,
                f"{quantity} ×{factor:g}",
                *(f"{x:.4g}" for x in (*mine, *theirs)),
                f"{(mine[2] - mine[0]) / (theirs[2] - theirs[0]):.2f}",
                f"{abs(mine[1] - theirs[1]) / (theirs[2] - theirs[0]):.3f}",
                f"{worth:.0f}",
                f"{found.draws.effective:.2f}",
            ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mirror", type=Path, default=os.environ.get("FLOPSCAPE_MIRROR"))
    parser.add_argument("--sweeps", type=int, default=20_000)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--only", help="tables whose name has this in it")
    options = parser.parse_args()
    ends = ["2.5 %", "50 %", "97.5 %"]
    head = ["", "", *ends, *(f"chain {end}" for end in ends), "width", "shift", "worth", "effective"]
    rows = [
        row
        for name, table in tables(Path(options.mirror) if options.mirror else None)
        if not options.only or options.only in name
        for row in compared(name, table, options.sweeps, options.chains)
    ]
    print(aligned([head, *rows], right=range(2, 12)))


if __name__ == "__main__":
    main()
