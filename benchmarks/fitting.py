"""Time the fits beside what a user would write with scipy, in one run on one thread.

    python benchmarks/fitting.py [--replicates 4000] [--reference 20] [--limits] [--package]

The table is simulated: 240 runs of the surface of Hoffmann et al. 2022 with 0.5 % noise, so that no published file is
needed. A reference is scipy's BFGS on logsumexp, one start a replicate, timed on `--reference` replicates and scaled;
its excess is the largest relative excess of its objective over ours on the same resamples. `--limits` adds time and
memory against the number of rows; `--package` one fit of the `chinchilla` package, some four minutes of CPU
time, where installed.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import chinchilla_package
import numpy as np
from limits import grid_seconds, rows_table, simulated
from scipy.optimize import minimize

from flopscape.fitting.common.row_weights import run_weights
from flopscape.fitting.surface import variable_projection
from flopscape.fitting.surface.global_starts import LeastSquares, Search, from_optimum, global_fit
from flopscape.fitting.surface.log_residuals import DELTA, LogResiduals
from flopscape.fitting.surface.variable_projection import Problem, Solution, parameters
from flopscape.laws.law import Array
from flopscape.text.terminal import aligned

ROWS = 240
SEARCHES: dict[str, Search] = {
    "vpnls": LeastSquares(),
    "approach3 log_lsq": LogResiduals(np.inf),
    "approach3 huber": LogResiduals(DELTA),
    "approach3 lad": LogResiduals(0.0),
}


class Timed(NamedTuple):
    """CPU seconds and what was computed."""

    seconds: float
    value: object


def timed(function: Callable[[], object]) -> Timed:
    start = time.process_time()
    value = function()
    return Timed(time.process_time() - start, value)


def resamples(search: Search, problem: Problem, replicates: int) -> list[Solution]:
    """Every replicate from its own global start, as the fits do it."""
    best, _, _ = global_fit(search, problem)
    draws = run_weights(np.arange(ROWS).astype(str), replicates, 0, variable_projection.CHUNK_ELEMENTS // ROWS)
    return [from_optimum(search, problem, weights, parameters(best)[0]) for weights in draws]


def reference_objective(
    problem: Problem, weights: Array, delta: float | None
) -> Callable[[Array], tuple[float, Array]]:
    """Huber on logsumexp and its gradient in (e, a, b, α, β).

    Σ|r| where δ is zero, and least squares on the loss where there is none.
    """
    u, v = problem.u

    def value(p: Array) -> tuple[float, Array]:
        E, x, y = np.exp(p[0]), np.exp(p[1] - p[3] * u), np.exp(p[2] - p[4] * v)
        predicted = E + x + y
        slope = np.stack([np.full(ROWS, E), x, y, -u * x, -v * y])
        if delta is None:
            r = predicted - problem.y
            return float(weights @ r**2), 2 * slope @ (weights * r)
        r = np.log(predicted / problem.y)
        if not delta:
            return float(weights @ np.abs(r)), slope @ (weights * np.sign(r) / predicted)
        psi = np.clip(r, -delta, delta)
        # Doubled where δ is infinite, so that both sides report Σ w·r².
        scale = 2.0 if np.isinf(delta) else 1.0
        return scale * float(weights @ (psi * (r - psi / 2))), scale * slope @ (weights * psi / predicted)

    return value


def reference(problem: Problem, delta: float | None, replicates: int, gradient: bool) -> list[float]:
    """Objectives that BFGS reaches from one start, replicate by replicate."""
    start = np.array([np.log(0.8 * problem.y.min()), np.log(0.2), np.log(0.2), 0.5, 0.5])
    weights = next(run_weights(np.arange(ROWS).astype(str), replicates, 0, replicates))
    reached = []
    for row in weights:
        value = reference_objective(problem, row, delta)
        function = value if gradient else lambda p, value=value: value(p)[0]
        reached.append(float(minimize(function, start, jac=gradient, method="BFGS", options={"gtol": 1e-8}).fun))
    return reached


def rows_of(name: str, search: Search, replicates: int, few: int) -> list[list[str]]:
    """One row a way of fitting: ours, scipy with and without the gradient."""
    problem = simulated(ROWS)
    single = min((timed(lambda: global_fit(search, problem)) for _ in range(5)), key=lambda one: one.seconds)
    ours = timed(lambda: resamples(search, problem, replicates))
    best = np.concatenate([s.objective for s in ours.value])[:few]  # type: ignore[attr-defined]
    out = [[name, f"{1e3 * single.seconds:.1f}", f"{ours.seconds:.2f}", "1", ""]]
    delta = search.delta if isinstance(search, LogResiduals) else None
    for words, gradient in (("scipy BFGS, gradient", True), ("scipy BFGS, differences", False)):
        theirs = timed(lambda gradient=gradient: reference(problem, delta, few, gradient))
        seconds = theirs.seconds * replicates / few
        excess = np.max(np.array(theirs.value) / best - 1)
        out.append([f"  {words}", f"{1e3 * seconds / replicates:.1f}", f"{seconds:.1f}",
                    f"{seconds / ours.seconds:.0f}", f"{excess:.1e}"])  # fmt: skip
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=4000)
    parser.add_argument("--reference", type=int, default=20)
    parser.add_argument("--limits", action="store_true")
    parser.add_argument("--package", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    lines = [["fit", "one fit, ms", f"{options.replicates} resamples, s", "ratio", "worst excess"]]
    for name, search in SEARCHES.items():
        lines += rows_of(name, search, options.replicates, options.reference)
    print(aligned(lines, right={1, 2, 3, 4}), end="\n\n")
    print(f"256 × 256 exponents, {ROWS} rows: {1e3 * grid_seconds(simulated(ROWS)):.1f} ms")
    if options.package:
        print(chinchilla_package.comparison(simulated(ROWS)))
    if options.limits:
        print("", aligned(rows_table(), right={0, 1, 2}), sep="\n")


if __name__ == "__main__":
    main()
