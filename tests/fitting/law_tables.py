"""Tables of runs simulated from each law, with parameters like published ones."""

from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.laws.constrained import Constrained
from flopscape.laws.coupled import Coupled
from flopscape.laws.kaplan import Kaplan
from flopscape.laws.law import Inputs
from flopscape.laws.power import Power
from flopscape.laws.registry import LAWS
from flopscape.runs.table import RunTable
from tests.fitting.fit_tables import CHINCHILLA, as_table

TRUTH = {
    "surface": CHINCHILLA,
    "coupled": Coupled(1.8, 3900.0, 33000.0, 0.45, 0.49, 0.74),
    "kaplan": Kaplan(6.4e13, 1.8e13, 0.076, 0.103),
    "constrained": Constrained(1.8691436, 520.82495, 1487.7161, 0.3526596, 0.3526596, 15.387756, 5.309743),
    "power-n": Power(8.8e13, 0.076),
    "power-n-floor": Power(8.8e8, 0.3, 1.7),
    "power-d": Power(5.4e13, 0.095),
    "power-d-floor": Power(5.4e9, 0.3, 1.7),
    "power-c": Power(2.7e28, 0.05),
    "power-c-floor": Power(2.7e20, 0.15, 1.7),
}
SUPPLIES = (1e8, 1e9, 1e10)
EPOCHS = (0.5, 1, 4, 16, 60)


def law_frame(name: str, sigma: float = 0.0, seed: int = 0, truth: object = None) -> pd.DataFrame:
    """Six sizes × three supplies of distinct tokens × five numbers of epochs: 90 runs, noise σ on the log loss."""
    rows = [(n, u * epochs, u) for n in np.geomspace(1e7, 8e9, 6) for u in SUPPLIES for epochs in EPOCHS]
    frame = pd.DataFrame(rows, columns=["n_params", "n_tokens", "unique_tokens"])
    n, d, u = (frame[column].to_numpy() for column in frame)
    noise = np.exp(np.random.default_rng(seed).normal(0, sigma, len(frame)))
    frame["loss"] = LAWS[name].loss(truth or TRUTH[name], Inputs(n, d, 6 * n * d, u)) * noise
    frame["run_id"] = [f"run{i}" for i in range(len(frame))]
    return frame


def law_table(name: str, folder: Path, sigma: float = 0.0, seed: int = 0) -> RunTable:
    return as_table(law_frame(name, sigma, seed), folder)
