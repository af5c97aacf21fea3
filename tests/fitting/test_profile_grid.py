"""The grid of (α, β) is the objective itself, with E, A and B at their best."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import nnls

from flopscape.fitting.vpnls import LEVELS, estimate, profile_grid
from flopscape.records.fit_result import Estimate
from tests.fitting.fit_tables import isoflop


def test_the_grid_is_the_f_statistic_of_least_squares_at_each_pair(tmp_path: Path) -> None:
    table = isoflop(tmp_path, seed=2)
    fit = estimate(table, bootstrap=100)[0]
    grid = fit.diagnostics["profile_grid"]
    dof = len(table) - 5
    for i, j in ((0, 0), (4, 20), (15, 15), (30, 7)):
        columns = [np.ones(len(table)), table.n_params ** -grid["alpha"][i], table.n_tokens ** -grid["beta"][j]]
        scale = np.linalg.norm(columns, axis=1)
        rss = nnls((np.array(columns) / scale[:, None]).T, table.loss)[1] ** 2
        assert grid["F"][i][j] == pytest.approx((rss / fit.diagnostics["rss"] - 1) * dof / 2, rel=1e-4, abs=1e-6)


def test_the_grid_reaches_beyond_the_95_per_cent_region(tmp_path: Path) -> None:
    grid = estimate(isoflop(tmp_path, seed=2), bootstrap=400)[0].diagnostics["profile_grid"]
    height = np.array(grid["F"])
    edge = np.concatenate([height[0], height[-1], height[:, 0], height[:, -1]])
    assert edge.min() > grid["levels"][f"{LEVELS[-1]:.0%}"]


def test_rows_that_share_runs_and_open_intervals_have_no_grid(tmp_path: Path) -> None:
    table = isoflop(tmp_path)
    surface = estimate(table, bootstrap=100)[0].surface
    assert surface
    assert profile_grid(table, surface)
    assert profile_grid(replace(table, run_id=np.array(["one"] * len(table))), surface) == {}
    assert profile_grid(table, surface | {"alpha": Estimate(0.3)}) == {}


def test_exact_data_have_no_grid(tmp_path: Path) -> None:
    table = isoflop(tmp_path, sigma=0.0)
    surface = {"alpha": Estimate(0.34, 0.33, 0.35), "beta": Estimate(0.28, 0.27, 0.29)}
    assert profile_grid(table, surface) == {}
