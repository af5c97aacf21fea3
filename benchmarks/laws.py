"""Time `law: constrained` beside scipy's least_squares, in one run on one thread.

    python benchmarks/laws.py [--replicates 400] [--reference 20]

Simulated tables with the parameters of Muennighoff et al. 2023: one whose runs tell all seven apart, one whose data
hardly repeat, and one of a single dataset. Ours is the whole fit with its starts, intervals and judgement, and the
optimum at three budgets; scipy's is one start a resample with the same exact derivatives, timed on `--reference`
resamples and scaled. Its excess is the largest relative excess of its objective over ours on the same resamples.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from flopscape.fitting.any_law.search import law_task
from flopscape.fitting.any_law.task import LawFit
from flopscape.fitting.common.row_weights import run_weights
from flopscape.fitting.fit import fit
from flopscape.fitting.judge.verdict import empty_draws
from flopscape.laws.constrained import LAW, Constrained, loss
from flopscape.runs.read import read_runs
from flopscape.runs.table import RunTable
from flopscape.text.terminal import aligned

TRUTH, NOISE = Constrained(1.8691436, 520.82495, 1487.7161, 0.3526596, 0.3526596, 15.387756, 5.309743), 0.01
SIZES = np.geomspace(1e7, 8e9, 6)
DESIGNS = {
    "90 runs, up to 60 epochs": [(n, u * e, u) for n in SIZES for u in (1e8, 1e9, 1e10) for e in (0.5, 1, 4, 16, 60)],
    "54 runs, up to 1.2 epochs": [(n, u * e, u) for n in SIZES for u in (1e8, 1e9, 25e9) for e in (0.5, 1, 1.2)],
    "240 runs of 1e10 tokens": [(n, d, 1e10) for n in np.geomspace(5e7, 2e10, 15) for d in np.geomspace(1e9, 3e11, 16)],
}
BUDGETS = (1e20, 1e22, 1e24)


def simulated(design: list[tuple[float, float, float]], folder: Path) -> RunTable:
    """A design's runs with noise on the log loss."""
    frame = pd.DataFrame(design, columns=["n_params", "n_tokens", "unique_tokens"])
    n, d, u = (frame[column].to_numpy(float) for column in frame)
    frame["loss"] = loss(TRUTH, n, d, u) * np.exp(np.random.default_rng(0).normal(0, NOISE, len(frame)))
    frame.to_csv(folder / "runs.csv", index=False)
    return read_runs(folder / "runs.csv", {})


def row(name: str, table: RunTable, replicates: int, few: int) -> list[str]:
    """Ours and scipy's CPU seconds, their ratio, and scipy's worst excess."""
    start = time.process_time()
    fit(table, "law", law="constrained", bootstrap=replicates, flops=list(BUDGETS))
    ours = time.process_time() - start
    task = law_task(LAW, table, table.columns["unique_tokens"].to_numpy(float))
    problem, optimum = task.problem, task.find(0)
    weights = next(run_weights(table.run_id, few, 0, few))
    best, _ = task.resampler(LawFit(task, optimum, task.linearise(optimum.p), empty_draws(()), 0))(weights)
    reached, start = [], time.process_time()
    for one in np.sqrt(weights):
        found = least_squares(
            lambda theta, one=one: one * problem.evaluate(theta[None])[0][0],
            optimum.p,
            jac=lambda theta, one=one: (one * problem.evaluate(theta[None])[1][0]).T,
            bounds=(problem.bounds[0] - 1e-9, problem.bounds[1] + 1e-9),
            x_scale="jac",
        )
        reached.append(2 * found.cost)
    theirs = (time.process_time() - start) * replicates / few
    lowest = (weights * problem.evaluate(best)[0] ** 2).sum(axis=1)
    excess = np.max(np.array(reached) / lowest - 1)
    return [name, f"{ours:.2f}", f"{theirs:.1f}", f"{theirs / ours:.0f}", f"{excess:.1e}"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--reference", type=int, default=20)
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    lines = [["table", f"whole fit, {options.replicates} resamples, s", "scipy, s", "ratio", "its worst excess"]]
    with tempfile.TemporaryDirectory() as folder:
        for name, design in DESIGNS.items():
            table = simulated(design, Path(folder))
            lines.append(row(name, table, options.replicates, options.reference))
    print(aligned(lines, right={1, 2, 3, 4}))


if __name__ == "__main__":
    main()
