"""The limits of the fits: time and memory against the number of rows, and the exponent grid. Called by fitting.py."""

import resource
import subprocess
import sys
import time

import numpy as np

from flopscape.fitting.surface import global_starts
from flopscape.fitting.surface.global_starts import LeastSquares, global_fit
from flopscape.fitting.surface.variable_projection import Problem
from flopscape.laws.surface import Surface, loss

TRUTH, NOISE = Surface(1.69, 406.4, 410.7, 0.34, 0.28), 0.005
SIZES = (1_000, 10_000, 100_000)


def simulated(rows: int, seed: int = 0) -> Problem:
    """Centred logs and losses of simulated runs over the ranges of Hoffmann et al. 2022."""
    rng = np.random.default_rng(seed)
    n, d = np.exp(rng.uniform(np.log([5e7, 1e9]), np.log([2e10, 5e11]), (rows, 2))).T
    logs = np.log(np.stack([n, d]))
    return Problem(logs - logs.mean(axis=1, keepdims=True), loss(TRUTH, n, d) * np.exp(rng.normal(0, NOISE, rows)))


def grid_seconds(problem: Problem, points: int = 256) -> float:
    """CPU seconds for the projected objective on points × points exponents, the best of five."""
    grid, weights, times = np.geomspace(0.03, 2.5, points), np.ones((1, len(problem.y))), []
    for _ in range(5):
        start = time.process_time()
        global_starts.objective(problem, weights, grid)
        times.append(time.process_time() - start)
    return min(times)


def rows_table(sizes: tuple[int, ...] = SIZES) -> list[list[str]]:
    """One vpnls fit of each size in a process of its own: CPU seconds and peak memory."""
    lines = [["rows", "one vpnls fit, s", "peak memory, MB"]]
    for rows in sizes:
        done = subprocess.run([sys.executable, __file__, str(rows)], capture_output=True, text=True, check=True)
        lines.append([f"{rows:,}", *done.stdout.split()])
    return lines


if __name__ == "__main__":
    data = simulated(int(sys.argv[1]))
    begin = time.process_time()
    global_fit(LeastSquares(), data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.process_time() - begin:.2f} {peak:.0f}")
