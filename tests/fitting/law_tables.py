"""Tables of runs simulated from each law, with parameters like published ones."""

from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.laws.law import Inputs
from flopscape.laws.registry import LAWS
from flopscape.runs.table import RunTable
from tests.fitting.fit_tables import as_table
from tests.laws.examples import TRUTH

SUPPLIES = (1e8, 1e9, 1e10)
EPOCHS = (0.5, 1, 4, 16, 60)


def law_frame(name: str, sigma: float = 0.0, seed: int = 0, truth: object = None) -> pd.DataFrame:
    """Six sizes × three supplies of distinct tokens × five numbers of epochs: 90 runs, noise σ on the log loss."""
    rows = [(n, u * epochs, u) for n in np.geomspace(1e7, 8e9, 6) for u in SUPPLIES for epochs in EPOCHS]
    frame = pd.DataFrame(rows, columns=["n_params", "n_tokens", "unique_tokens"])
    n, d, u = (frame[column].to_numpy() for column in frame)
    drawn = np.random.default_rng(7)
    bits, sparsity = drawn.choice([3, 4, 6, 8, 16], len(n)), drawn.choice([0, 0.5, 0.75, 0.9, 0.95, 0.98], len(n))
    columns = {"depth": (2, 4, 8, 16, 32), "width": (128, 256, 512, 1024), "context": (64, 256, 1024, 4096)}
    others = {name: drawn.choice(values, len(n)).astype(float) for name, values in columns.items()}
    others["vocabulary_params"] = 1e3 * others["width"]
    covariates = {"precision": bits.astype(float), "1 - sparsity": 1 - sparsity, **others}
    frame = frame.assign(precision=bits, sparsity=sparsity, **others)
    noise = np.exp(np.random.default_rng(seed).normal(0, sigma, len(frame)))
    frame["loss"] = LAWS[name].loss(truth or TRUTH[name], Inputs(n, d, 6 * n * d, u, covariates)) * noise
    frame["run_id"] = [f"run{i}" for i in range(len(frame))]
    return frame


def law_table(name: str, folder: Path, sigma: float = 0.0, seed: int = 0) -> RunTable:
    return as_table(law_frame(name, sigma, seed), folder)
