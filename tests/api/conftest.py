"""A small table and a fit of it, made once."""

from pathlib import Path

import pandas as pd
import pytest

import flopscape as fs
from tests.fitting.fit_tables import isoflop_frame


@pytest.fixture(autouse=True)
def closed_figures():
    """New axes are pyplot's, which keeps them until they are closed."""
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return isoflop_frame()


@pytest.fixture(scope="session")
def made(frame: pd.DataFrame) -> fs.Fit:
    return fs.fit(frame, "vpnls", flops=1e22, bootstrap=100)


SMALL = {"simulations": 4, "bootstrap": 20, "answer_simulations": 0}
"""Of a twin: copies enough to run through."""


@pytest.fixture(scope="session")
def study(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study, made in Python as the workflow makes it by its commands."""
    folder = tmp_path_factory.mktemp("results") / "own"
    (folder / "fits").mkdir(parents=True)
    frame.to_csv(folder / "runs.csv", index=False)
    for name, method in (("approach2", "approach2"), ("answer", "answer")):
        fs.fit(folder / "runs.csv", method, flops=1e22, bootstrap=100, out=folder / f"fits/{name}.json")
    fs.backtest(folder / "runs.csv", "approach2", bootstrap=100, out=folder / "backtest.csv")
    fs.twin(folder / "runs.csv", flops=1e22, out=folder / "twin", **SMALL)
    return folder
