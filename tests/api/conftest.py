"""A small table and a fit of it, made once."""

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
