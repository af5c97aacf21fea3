"""Simulated tables with a known surface, for the benchmarks: L = 1.69 + 406.4·N^−0.34 + 410.7·D^−0.28.

The surface is that of Hoffmann et al. 2022 (arXiv 2203.15556, equation 10).
"""

import numpy as np
import pandas as pd

from flopscape.laws.surface import Surface, closed_form_optimum, loss

TRUTH = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
A_TRUE = 0.28 / (0.34 + 0.28)
BUDGETS = np.geomspace(1e17, 1e21, 5)
SIZES = np.linspace(-1, 1, 7)
"""Sizes of a budget, in powers of 4 from the optimum."""


def isoflop(seed: int, sigma: float) -> pd.DataFrame:
    """Five budgets × seven sizes, each budget shifted off the grid by a random part of a step; noise in nats."""
    rng = np.random.default_rng(seed)
    step = SIZES[1] - SIZES[0]
    frames = []
    for flops in BUDGETS:
        n = closed_form_optimum(TRUTH, flops).n_params * 4.0 ** (SIZES + step * rng.uniform(-0.5, 0.5))
        frames.append(pd.DataFrame({"n_params": n, "n_tokens": flops / (6 * n), "budget": flops}))
    frame = pd.concat(frames, ignore_index=True)
    frame["run_id"] = [f"run{i}" for i in range(len(frame))]
    return _measured(frame, rng.normal(0, sigma, len(frame)))


def checkpoints(seed: int, sigma: float, count: int = 15) -> pd.DataFrame:
    """The same runs measured `count` times along the way; all checkpoints of a run share its error."""
    rng = np.random.default_rng(seed)
    runs = isoflop(seed, 0.0).drop(columns="budget")
    error = rng.normal(0, sigma, len(runs))
    frame = runs.loc[runs.index.repeat(count)].reset_index(drop=True)
    frame["n_tokens"] *= np.tile(np.linspace(1 / count, 1, count), len(runs))
    return _measured(frame, np.repeat(error, count))


def _measured(frame: pd.DataFrame, error: np.ndarray) -> pd.DataFrame:
    true = loss(TRUTH, frame["n_params"].to_numpy(), frame["n_tokens"].to_numpy())
    return frame.assign(loss=true + error, flops=6 * frame["n_params"] * frame["n_tokens"])
