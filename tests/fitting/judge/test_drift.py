"""Whether the form holds: at the smallest budget, and beyond what seeds scatter."""

import numpy as np
import pytest

from flopscape.answers.sensitivity import sensitivity
from flopscape.fitting.fit import fit
from flopscape.runs.read import read_runs
from tests.fitting.fit_tables import CHINCHILLA, as_table, isoflop, isoflop_frame, published


def bent(frame, size):
    """Another law at the smallest budget: losses tilted there by `size` nats an e-fold of N."""
    first = (frame["budget"] == frame["budget"].min()).to_numpy()
    tilt = np.log(frame["n_params"] / frame.loc[first, "n_params"].mean())
    return frame.assign(loss=frame["loss"] + np.where(first, size * tilt, 0.0))


def test_a_form_that_fails_at_the_smallest_budget_is_weak_and_advises_a_floor(tmp_path):
    result = fit(as_table(bent(isoflop_frame(sigma=0.003), 0.2), tmp_path), "vpnls", bootstrap=50)[0]
    assert result.status == "weak"
    assert "the form may not hold there; compare with a floor of C > 1e+17" in result.reason
    moved = result.diagnostics["without_smallest"]
    assert max(abs(moved[name]) / moved[f"se_{name}"] for name in ("alpha", "beta", "a")) > 2.4


def test_a_move_that_chance_explains_is_only_a_warning(tmp_path):
    frame = isoflop_frame(sigma=0.1, seed=0)
    result = fit(as_table(frame, tmp_path), "vpnls", bootstrap=50)[0]
    moved = result.diagnostics["without_smallest"]
    assert max(abs(moved[name]) for name in ("alpha", "beta", "a")) > 0.1
    assert any("no more than chance explains" in text for text in result.warnings)
    assert "leaving out" not in result.reason


def test_the_error_of_the_move_is_its_scatter_over_tables(tmp_path):
    moves = []
    for seed in range(25):
        found = fit(isoflop(tmp_path, seed=seed), "vpnls", bootstrap=5)[0].diagnostics["without_smallest"]
        moves.append([found["a"], found["se_a"]])
    moved, error = np.array(moves).T
    assert np.median(error) == pytest.approx(moved.std(), rel=0.3)


def test_chinchilla_s_smallest_fifth_moves_beta_beyond_chance(tmp_path):
    result = fit(published("chinchilla", tmp_path), "vpnls", bootstrap=500)[0]
    moved = result.diagnostics["without_smallest"]
    assert moved["beta"] == pytest.approx(-0.14, abs=0.01)
    assert abs(moved["beta"]) > 3 * moved["se_beta"]
    assert result.status == "weak"


def test_seeds_tell_a_misfit_from_noise(tmp_path):
    frame = isoflop_frame(seeds=3, sigma=0.005)
    good, bad = (fit(as_table(f, tmp_path), "vpnls", bootstrap=50)[0] for f in (frame, bent(frame, 0.1)))
    assert good.diagnostics["lack_of_fit"]["p"] > 0.01
    assert bad.diagnostics["lack_of_fit"]["p"] < 1e-6
    assert any("misses the losses by more than seeds scatter" in text for text in bad.warnings)
    assert bad.diagnostics["lack_of_fit"]["dof"] == [30, 70]


def test_lack_of_fit_is_the_textbook_s_ratio(tmp_path):
    table = isoflop(tmp_path, seeds=2)
    found = fit(table, "vpnls", bootstrap=20)[0].diagnostics
    pure = (np.diff(table.loss.reshape(35, 2), axis=1) ** 2).sum() / 2
    assert found["lack_of_fit"]["F"] == pytest.approx((found["rss"] - pure) / 30 / (pure / 35), rel=1e-9)


def test_without_repeats_there_is_no_lack_of_fit_and_r2_stands_beside_the_residuals(tmp_path):
    found = fit(isoflop(tmp_path), "vpnls", bootstrap=20)[0].diagnostics
    assert found["lack_of_fit"] is None
    assert 0.99 < found["r2"] < 1
    assert found["log_rmse"] == pytest.approx(0.01 / read_runs(tmp_path / "runs.parquet").loss.mean(), rel=0.4)
    assert found["residual_sd"] < CHINCHILLA.E


@pytest.mark.parametrize("method", ["vpnls", "law"])
def test_without_budgets_it_is_a_fifth_of_compute_that_is_left_out(method, tmp_path):
    frame = bent(isoflop_frame(sigma=0.002), 0.3).drop(columns="budget")
    frame["n_tokens"] *= np.random.default_rng(0).uniform(0.4, 2.5, len(frame))
    said = fit(as_table(frame, tmp_path), method, bootstrap=100)[0]
    text = " ".join([said.reason, *said.warnings])
    assert "leaving out the lowest fifth of compute moves" in text
    assert "smallest budget" not in text


def test_the_sensitivity_table_says_a_fifth_of_compute_too(tmp_path):
    table = as_table(isoflop_frame(budgets=2, sizes=10, sigma=0.002), tmp_path)
    settings = set(sensitivity(table, bootstrap=10).setting)
    assert {"without the lowest fifth of compute", "without the highest fifth of compute"} < settings
