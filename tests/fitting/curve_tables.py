"""Training curves simulated from a known surface, for the tests of the envelope."""

from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.laws.surface import closed_form_optimum, loss
from flopscape.runs.read import read_runs
from flopscape.runs.table import RunTable
from tests.fitting.fit_tables import A_TRUE, CHINCHILLA


def ladder(sizes: int = 12, points: int = 60, sigma: float = 0.0, seed: int = 0) -> pd.DataFrame:
    """Curves of sizes 3e7 to 1.6e10, each from 1/30 to 30 times the compute that it is best for; an error a run."""
    rng = np.random.default_rng(seed)
    parts = []
    for i, n in enumerate(np.geomspace(3e7, 1.6e10, sizes)):
        best_for = (n / closed_form_optimum(CHINCHILLA, 1.0).n_params) ** (1 / A_TRUE)
        flops = best_for * np.geomspace(1 / 30, 30, points)
        tokens = flops / (6 * n)
        curve = loss(CHINCHILLA, n, tokens) + rng.normal(0, sigma)
        parts.append(
            pd.DataFrame({"run_id": f"r{i:02d}", "n_params": n, "n_tokens": tokens, "flops": flops, "loss": curve})
        )
    return pd.concat(parts, ignore_index=True)


def study(frame: pd.DataFrame, folder: Path, **columns: object) -> tuple[RunTable, Path]:
    """The runs' table and their curves.parquet, as a study has them; columns of the curves may be added or replaced."""
    curves = frame[["run_id", "n_tokens", "flops"]].assign(heldout_loss=frame["loss"], train_loss=frame["loss"])
    curves = curves.assign(**{"learning_rate": 0.01, **columns})
    frame.groupby("run_id", as_index=False).last().to_parquet(folder / "runs.parquet")
    curves.to_parquet(folder / "curves.parquet")
    return read_runs(folder / "runs.parquet"), folder / "curves.parquet"
