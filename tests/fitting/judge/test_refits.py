"""What a surface says without an end of compute, and without rows that are far off."""

import numpy as np
import pytest

from flopscape.answers.sensitivity import sensitivity
from flopscape.fitting.fit import fit
from flopscape.fitting.judge.refits import suspects
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
    assert "the form may not hold there; compare with a floor of C > 10¹⁷" in result.reason
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


def flagged(frame, folder):
    found = fit(as_table(frame, folder), "vpnls", bootstrap=50)[0].diagnostics
    return {row["run_id"] for row in found.get("outliers", [])}, found


@pytest.mark.parametrize("row", [0, 3, 6, 17, 28, 34])
@pytest.mark.parametrize("factor", [10, 1.05, 0.95])
def test_one_wild_loss_hides_neither_itself_nor_blames_others(row, factor, tmp_path):
    frame = isoflop_frame()
    frame.loc[row, "loss"] *= factor
    assert flagged(frame, tmp_path)[0] == {f"run{row}"}


@pytest.mark.parametrize("rows", [(14, 20), (14, 15), (16, 17), (0, 34), (2, 9, 16, 23, 30)])
@pytest.mark.parametrize("factor", [10, 1.1])
def test_several_wild_losses_do_not_hide_each_other(rows, factor, tmp_path):
    frame = isoflop_frame()
    frame.loc[list(rows), "loss"] *= factor
    assert flagged(frame, tmp_path)[0] == {f"run{row}" for row in rows}


def test_a_flag_names_row_and_reason_and_the_fit_without_and_with(tmp_path):
    frame = isoflop_frame()
    clean = fit(as_table(frame.drop(index=10), tmp_path), "vpnls", bootstrap=50)[0]
    frame.loc[10, "loss"] += 0.3
    _, found = flagged(frame, tmp_path)
    (entry,) = found["outliers"]
    assert (entry["row"], entry["budget"]) == (11, 1e18)
    assert 0 < entry["residual"] < 0.3
    assert "standard errors above the fit without it" in entry["reason"]
    assert found["without_outliers"]["a"] == pytest.approx(clean.exponents["a"].estimate, abs=1e-9)
    assert found["with_outliers"]["a"] != pytest.approx(clean.exponents["a"].estimate, abs=1e-3)
    assert found["n_rows"] == 35


@pytest.mark.parametrize("sigma", [0, 1e-6, 0.01])
def test_the_curvature_that_a_parabola_lacks_is_no_outlier(sigma, tmp_path):
    assert flagged(isoflop_frame(sigma=sigma, shift=False), tmp_path)[0] == set()


def test_clean_tables_are_rarely_flagged(tmp_path):
    """Level 1 % a table: two or more of 15 have a chance of 1 %, and the seeds are fixed."""
    assert sum(bool(flagged(isoflop_frame(seed=s), tmp_path)[0]) for s in range(15)) < 2


def test_suspicion_does_not_depend_on_the_order_of_rows(tmp_path):
    frame = isoflop_frame(sizes=23, seeds=2)
    frame.loc[[20, 21, 60], "loss"] *= 1.1
    order = np.random.default_rng(0).permutation(len(frame))
    plain = suspects(as_table(frame, tmp_path))
    mixed = suspects(as_table(frame.iloc[order].reset_index(drop=True), tmp_path))
    assert (plain[order] == mixed).all()
    assert plain[[20, 21, 60]].all()


def test_budgets_of_four_sizes_cannot_be_told_from_their_curve(tmp_path):
    assert not suspects(isoflop(tmp_path, sizes=4)).any()


def test_a_few_rows_that_move_a_outside_its_interval_make_the_fit_weak(tmp_path):
    result = fit(published("epochai_chinchilla__massivetext__chinchilla", tmp_path), "vpnls", bootstrap=1000)[0]
    without, a = result.diagnostics["without_outliers"]["a"], result.exponents["a"]
    assert without == pytest.approx(0.526, abs=5e-4)
    assert without < a.low
    assert result.status == "weak"
    assert "a few rows decide: without the outliers named below a = 0.526, outside its interval 0.5" in result.reason


def test_an_outlier_that_leaves_a_within_its_interval_is_only_named(tmp_path):
    frame = isoflop_frame()
    frame.loc[17, "loss"] *= 1.05
    result = fit(as_table(frame, tmp_path), "vpnls", bootstrap=200)[0]
    assert len(result.diagnostics["outliers"]) == 1
    assert "a few rows decide" not in " ".join([result.reason, *result.warnings])
