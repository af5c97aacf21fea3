"""Tables of runs for the tests: simulated from a known surface, and the published ones where a mirror is there."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flopscape.laws.surface import closed_form_optimum, loss
from flopscape.runs.read import read_runs
from flopscape.runs.table import RunTable
from tests.laws.examples import CHINCHILLA

A_TRUE = 0.28 / 0.62
MIRROR = Path(os.environ.get("FLOPSCAPE_PUBLISHED", Path(__file__).parents[3] / "shared" / "data" / "published"))


def isoflop_frame(
    seed: int = 0, sigma: float = 0.01, budgets: int = 5, sizes: int = 7, seeds: int = 1, shift: bool = True
) -> pd.DataFrame:
    """Budgets 1e17 to 1e21 × sizes ×4 each side of the optimum, each budget shifted by a random part of a step."""
    rng = np.random.default_rng(seed)
    rows = []
    for flops in np.geomspace(1e17, 1e21, budgets):
        offset = np.linspace(-1, 1, sizes) + (rng.uniform(-1, 1) / (sizes - 1) if shift else 0)
        n_params = closed_form_optimum(CHINCHILLA, flops).n_params * 4.0**offset
        rows += [(n, flops / 6 / n, flops, s) for n in n_params for s in range(seeds)]
    frame = pd.DataFrame(rows, columns=["n_params", "n_tokens", "budget", "seed"])
    true = loss(CHINCHILLA, frame["n_params"].to_numpy(), frame["n_tokens"].to_numpy())
    frame["loss"] = true + rng.normal(0, sigma, len(frame))
    frame["run_id"] = [f"run{i}" for i in range(len(frame))]
    return frame


def as_table(frame: pd.DataFrame, folder: Path, **columns: str) -> RunTable:
    """Through a file, as users do."""
    path = folder / "runs.parquet"
    frame.to_parquet(path)
    return read_runs(path, columns)


def no_copies(frame: pd.DataFrame, steps: Any = 1) -> pd.DataFrame:
    """The same rows with losses that differ in the last digits, so that they are runs of their own beside the first."""
    return frame.assign(loss=frame["loss"] + 1e-12 * steps)


def isoflop(folder: Path, **options: Any) -> RunTable:
    return as_table(isoflop_frame(**options), folder)


def published(name: str, folder: Path, outliers: bool = True) -> RunTable:
    """One published table, with its columns mapped: `chinchilla`, or an experiment of isoflops.csv."""
    path = MIRROR / ("chinchilla_svg.csv" if name == "chinchilla" else "isoflops.csv")
    if not path.is_file():
        pytest.skip(f"no published tables: {path} is not there (set FLOPSCAPE_PUBLISHED)")
    frame = pd.read_csv(path)
    if name == "chinchilla":
        frame = frame.rename(columns={"Model Size": "n_params", "Training FLOP": "flops"})
        frame = frame.sort_values("loss", kind="stable").iloc[:-5]
        frame["n_tokens"] = frame["flops"] / (6 * frame["n_params"])
    else:
        frame = frame[frame["experiment"] == name].rename(columns={"params": "n_params", "tokens": "n_tokens"})
        frame = frame if outliers else frame[~frame["outlier"]]
    return as_table(frame.reset_index(drop=True), folder)
