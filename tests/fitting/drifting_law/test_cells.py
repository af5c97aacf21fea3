"""Cells: seeds averaged without loss, checkpoints with a common error, long tables thinned and averaged."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from flopscape.fitting.drifting_law.cells import MOST_CELLS, MOST_CHECKPOINTS, cells_of, is_far_off
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import isoflop_frame


def checkpoints(runs=4, points=6):
    n, part = np.geomspace(1e7, 1e8, runs), np.linspace(0.2, 1, points)
    frame = pd.DataFrame({"n_params": np.repeat(n, points), "n_tokens": np.tile(1e9 * part, runs)})
    return frame.assign(run_id=np.repeat([f"r{i}" for i in range(runs)], points), loss=3 - np.tile(part, runs))


def test_the_zero_of_the_coordinates_is_the_middle_of_the_runs_at_twenty_tokens_a_parameter():
    frame = pd.DataFrame({"n_params": [1e8, 4e8], "n_tokens": [1e10, 1e10], "loss": [3.0, 2.0]})
    cells, _ = cells_of(table_of(frame, "x"))
    assert cells.u == pytest.approx([-np.log(2), np.log(2)])
    # At N·D = 2e18 twenty tokens a parameter are N = √(1e17).
    assert cells.x == pytest.approx(np.log([1e8, 4e8]) - np.log(1e17) / 2)
    assert cells.loss == pytest.approx([1.2, 0.8])


def test_seeds_as_cells_are_as_likely_as_one_by_one():
    frame = isoflop_frame(budgets=2, sizes=3, seeds=4).assign(seed=range(24))
    frame = frame.drop(index=[3, 5, 6]).reset_index(drop=True)
    cells, _ = cells_of(table_of(frame, "x"))
    assert (len(cells), sorted(cells.count), cells.dof) == (6, [2, 3, 4, 4, 4, 4], 15)
    logs = []
    for sigma in (0.003, 0.009):
        for shift in (0.0, 0.01):
            median = frame.loss.median()
            means = frame.groupby(["n_params", "n_tokens"]).loss.transform("mean") / median
            by_rows = -0.5 * (((frame.loss / median - means - shift) / sigma) ** 2).sum() - 21 * np.log(sigma)
            residual = np.full((1, 6), shift)
            white = cells.whiten(residual.T, 1.0) / sigma
            by_cells = -0.5 * (white**2).sum() - 6 * np.log(sigma) - 0.5 * cells.log_determinant(1.0)
            by_cells += -cells.dof * np.log(sigma) - cells.squares / (2 * sigma**2)
            logs.append(by_rows - by_cells)
    assert logs == pytest.approx([logs[0]] * 4)


def test_copies_of_a_run_count_once():
    frame = isoflop_frame(budgets=3, sizes=4)
    frame = pd.concat([frame, frame.iloc[[2] * 3]]).assign(loss=lambda f: f.loss.round(2)).reset_index(drop=True)
    cells, _ = cells_of(table_of(frame.assign(run_id=[f"r{i}" for i in range(15)], seed=range(15)), "x"))
    assert (len(cells), cells.dof, cells.count.max()) == (12, 0, 1)


@pytest.mark.parametrize("ratio", [0.2, 1.7])
def test_checkpoints_share_the_error_of_their_run(ratio):
    frame = checkpoints().iloc[:-3]
    cells, told = cells_of(table_of(frame, "x"))
    same = cells.run[:, None] == cells.run
    covariance = ratio**2 * np.eye(21) + same
    residual = np.random.default_rng(0).normal(size=(21, 2))
    white = cells.whiten(residual, ratio)
    assert white.T @ white == pytest.approx(residual.T @ np.linalg.solve(covariance, residual))
    assert cells.log_determinant(ratio) == pytest.approx(np.linalg.slogdet(covariance)[1])
    density = multivariate_normal(np.zeros(21), covariance).logpdf(residual[:, 0])
    constant = -0.5 * 21 * np.log(2 * np.pi)
    assert constant - 0.5 * (white[:, 0] ** 2).sum() - 0.5 * cells.log_determinant(ratio) == pytest.approx(density)
    assert told == []


def test_a_run_of_many_checkpoints_is_thinned_evenly_with_its_ends():
    cells, told = cells_of(table_of(checkpoints(points=300), "x"))
    assert (len(cells), cells.shared) == (4 * MOST_CHECKPOINTS, True)
    log_d = (cells.u - cells.x)[cells.run == 1]
    assert np.ptp(log_d) == pytest.approx(np.log(5))
    assert np.diff(log_d) == pytest.approx(np.log(5) / 11, abs=0.015)
    assert told[0].startswith("of 1,200 checkpoints 48 are used")


def test_of_more_runs_than_cells_the_last_checkpoints_are_used_as_runs():
    cells, _ = cells_of(table_of(checkpoints(runs=800, points=2), "x"))
    assert (len(cells), cells.shared) == (800, False)
    assert cells.loss * cells.center.loss == pytest.approx(2.0)


def test_long_tables_are_averaged():
    r = np.random.default_rng(0)
    n, d = np.exp(r.uniform(16, 22, 20_000)), np.exp(r.uniform(20, 26, 20_000))
    frame = pd.DataFrame({"n_params": n, "n_tokens": d, "loss": 2 + (n / 1e8) ** -0.3})
    cells, told = cells_of(table_of(frame, "x"))
    assert len(cells) <= MOST_CELLS
    assert (cells.count.sum(), cells.dof, cells.squares) == (20_000, 0, 0.0)
    true = 2 + np.exp(-0.3 * (cells.x + cells.center.log_n - np.log(1e8)))
    assert cells.loss * cells.center.loss == pytest.approx(true, rel=2e-3)
    assert told == ["20,000 points are averaged over small rectangles in (ln N, ln D), into at most 1,500"]


def test_a_loss_ten_times_the_middle_one_is_far_off():
    table = table_of(isoflop_frame().assign(loss=lambda f: f.loss.where(f.index != 5, 40.0)), "x")
    assert np.flatnonzero(is_far_off(table)).tolist() == [5]
