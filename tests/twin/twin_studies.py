"""Studies with a known surface for the tests of the twin."""

from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.bias.designs import Bias, isoflop_design
from flopscape.laws.named_surfaces import named_surface
from flopscape.laws.surface import loss
from flopscape.runs.read import table_of
from flopscape.runs.table import RunTable


def frame(name="chinchilla", width=0.6, points=7, budgets=5, drift=0.0, seeds=1, sigma=None) -> pd.DataFrame:
    """A plan, or runs where σ is given: sizes within ± width decades of the optimum at budgets 1e17 to 1e21."""
    exact = named_surface(name)
    design = isoflop_design(exact, np.geomspace(1e17, 1e21, budgets), width, points, Bias(drift=drift))
    flops = np.repeat(design.flops, points)
    rows = pd.DataFrame({"n_params": design.n_params.ravel(), "n_tokens": design.n_tokens.ravel(), "flops": flops})
    rows = pd.concat([rows.assign(budget=flops, seed=seed) for seed in range(seeds)], ignore_index=True)
    rows["run_id"] = [f"run{i}" for i in range(len(rows))]
    if sigma is not None:
        noise = np.random.default_rng(11).normal(0, sigma, len(rows))
        rows["loss"] = loss(exact, rows["n_params"].to_numpy(), rows["n_tokens"].to_numpy()) + noise
    return rows


def table(**options) -> RunTable:
    """The design as a table with a loss of one everywhere."""
    return table_of(frame(**options).assign(loss=1.0), "a study")


def write(folder: Path, **options) -> Path:
    path = folder / "runs.csv"
    frame(**options).to_csv(path, index=False)
    return path
