"""One fit of the `chinchilla` package from PyPI with its README's grid, beside ours. Called by fitting.py."""

import importlib.util
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.fitting.surface.global_starts import LeastSquares, global_fit
from flopscape.fitting.surface.variable_projection import Problem

GRID = {
    "E": np.linspace(1, 2, 5),
    "a": np.linspace(1, 10, 5),
    "b": np.linspace(1, 10, 5),
    "alpha": np.linspace(0.1, 0.7, 5),
    "beta": np.linspace(0.1, 0.7, 5),
}
CENTER = np.log([1e9, 2e10])
"""Where the centred logs are put back, in parameters and tokens: the package wants sizes."""


def comparison(problem: Problem) -> str:
    """CPU seconds of both fits, their ratio and their sums of squares; or how to get the package."""
    if importlib.util.find_spec("chinchilla") is None:
        return "the package chinchilla is not installed, so its row is left out: pip install 'flopscape[bench]'"
    seconds, rss = theirs(problem)
    begin = time.process_time()
    best, _, _ = global_fit(LeastSquares(), problem)
    ours = time.process_time() - begin
    return (
        f"chinchilla package, one fit: {seconds:.1f} s, RSS {rss:.6g}; ours: {1e3 * ours:.1f} ms,"
        f" RSS {best.objective[0]:.6g}; ratio {seconds / ours:.0f}"
    )


def theirs(problem: Problem) -> tuple[float, float]:
    """CPU seconds of the package's fit, its processes included, and its sum of squares."""
    from chinchilla import Chinchilla

    n, d = np.exp(problem.u + CENTER[:, None])
    with tempfile.TemporaryDirectory() as folder:
        pd.DataFrame({"C": 6 * n * d, "N": n, "D": d, "loss": problem.y}).to_csv(Path(folder) / "df.csv", index=False)
        package = Chinchilla(folder, param_grid=GRID, loss_fn=lambda y, fitted: (y - fitted) ** 2, log_level=40)
        begin = _cpu()
        package.fit()
        seconds = _cpu() - begin
        residual = problem.y - package.predict_loss(n, d)
    return seconds, float(residual @ residual)


def _cpu() -> float:
    """CPU seconds of this process and of those it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
