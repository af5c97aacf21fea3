"""Statuses: what is refused, what is weak, and what is only warned about."""

import numpy as np
import pandas as pd
import pytest

from flopscape.errors import kind_of
from flopscape.fitting.fit import fit
from flopscape.laws.surface import Surface, loss
from tests.fitting.fit_tables import CHINCHILLA, as_table, isoflop, isoflop_frame


def judged(frame, folder, method="vpnls", **options):
    return fit(as_table(frame.reset_index(drop=True), folder), method, bootstrap=200, **options)[0]


def runs(n_params, n_tokens, surface=CHINCHILLA, sigma=0.002):
    n, d = (np.asarray(values, float).ravel() for values in np.broadcast_arrays(n_params, n_tokens))
    noise = np.random.default_rng(0).normal(0, sigma, len(n))
    return pd.DataFrame({"n_params": n, "n_tokens": d, "loss": loss(surface, n, d) + noise})


@pytest.mark.parametrize("rows", [1, 3, 4, 5])
@pytest.mark.parametrize("method", ["approach2", "vpnls"])
def test_too_few_rows_are_refused(rows, method, tmp_path):
    result = judged(isoflop_frame().iloc[:rows], tmp_path, method, flops=[1e20])
    assert result.status == "refused"
    assert result.exponents is None
    assert result.predictions[0].n_params is None


def test_the_sentence_counts_the_runs(tmp_path):
    assert "5 completed runs for five parameters" in judged(isoflop_frame().iloc[:5], tmp_path).reason


def test_a_single_budget_is_refused(tmp_path):
    frame = isoflop_frame(budgets=1, sizes=15, sigma=0.001)
    assert "at least 3 are needed" in judged(frame, tmp_path, "approach2").reason
    assert judged(frame, tmp_path).status == "refused"


@pytest.mark.parametrize("same", ["N", "D"])
def test_all_runs_at_one_size_are_refused(same, tmp_path):
    many = np.geomspace(1e8, 1e10, 20)
    frame = runs(1e8, many) if same == "N" else runs(many, 1e9)
    assert f"all runs have the same {same}" in judged(frame, tmp_path).reason


def test_a_ray_is_refused(tmp_path):
    n = np.geomspace(1e7, 1e10, 40)
    result = judged(runs(n, 20 * n), tmp_path)
    assert result.status == "refused"
    assert "not told apart" in result.reason


def test_good_designs_are_ok(tmp_path):
    for method in ("approach2", "vpnls"):
        result = fit(isoflop(tmp_path, sigma=0.005), method, bootstrap=500)[0]
        assert (result.status, result.warnings) == ("ok", [])


def test_few_runs_are_weak(tmp_path):
    result = judged(isoflop_frame(budgets=3, sizes=3, sigma=0.001), tmp_path)
    assert result.status == "weak"
    assert "only 9 runs" in result.reason
    assert result.interval == "profile F"


def test_an_irreducible_loss_of_zero_is_a_boundary(tmp_path):
    n, d = np.meshgrid(np.geomspace(1e6, 1e9, 7), np.geomspace(1e7, 1e10, 7))
    frame = runs(n, d, Surface(0, 40, 60, 0.2, 0.22), sigma=0)
    result = judged(frame.assign(loss=frame["loss"] - 0.05), tmp_path)
    assert result.status == "boundary"
    assert result.surface["E"].estimate == 0
    assert result.exponents["a"].low < result.exponents["a"].high


def test_no_dependence_on_tokens_is_a_boundary_without_an_optimum(tmp_path):
    n, d = np.meshgrid(np.geomspace(1e6, 1e9, 7), np.geomspace(1e7, 1e10, 7))
    frame = runs(n, d, CHINCHILLA._replace(B=0), sigma=0)
    result = judged(frame.assign(loss=lambda f: f["loss"] + 0.01 * np.log(f["n_tokens"])), tmp_path, flops=[1e20])
    assert result.status == "boundary"
    assert result.exponents is None
    assert "B is at its bound" in result.reason


def test_one_wild_loss_is_flagged_and_kept(tmp_path):
    frame = isoflop_frame()
    frame.loc[10, "loss"] *= 10
    for method in ("approach2", "vpnls"):
        result = judged(frame, tmp_path, method)
        assert "run10" in str(*result.diagnostics["outliers"])
        assert any("run10" in text and "kept" in text for text in result.warnings)
        assert result.status != "ok"


def test_an_inverted_budget_is_left_out_by_name(tmp_path):
    frame = isoflop_frame()
    hit = frame["budget"] == frame["budget"].unique()[2]
    frame.loc[hit, "loss"] = 2 * frame.loc[hit, "loss"].mean() - frame.loc[hit, "loss"]
    result = judged(frame, tmp_path, "approach2")
    assert result.status == "weak"
    assert [o["used"] for o in result.optima] == [True, True, False, True, True]
    assert "curvature is not positive" in result.excluded[0].reason
    assert any("left out budget 10¹⁹" in text for text in result.warnings)


def test_a_vertex_outside_its_sizes_is_left_out(tmp_path):
    frame = isoflop_frame(sigma=0)
    first = frame["budget"] == frame["budget"].min()
    frame.loc[first, "n_params"] *= 6
    frame.loc[first, "n_tokens"] /= 6
    frame["loss"] = loss(CHINCHILLA, frame["n_params"].to_numpy(), frame["n_tokens"].to_numpy())
    assert "lies below the sizes" in judged(frame, tmp_path, "approach2").excluded[0].reason


def test_two_sizes_make_no_parabola(tmp_path):
    frame = isoflop_frame()
    frame = frame.drop(frame.index[:5])
    assert "2 distinct sizes" in judged(frame, tmp_path, "approach2").excluded[0].reason


def test_rows_outside_budgets_serve_vpnls_only(tmp_path):
    grid = runs(np.geomspace(1e7, 1e9, 6), 3e9)
    frame = pd.concat([isoflop_frame(), grid.assign(run_id=[f"grid{i}" for i in range(6)])], ignore_index=True)
    assert judged(frame, tmp_path).diagnostics["n_rows"] == 41
    result = judged(frame, tmp_path, "approach2")
    assert result.diagnostics["n_rows"] == 35
    assert result.excluded[0].reason == "belongs to no budget"


def test_extrapolation_is_a_warning_and_beyond_what_hidden_budgets_tested_weak(tmp_path):
    for method in ("approach2", "vpnls"):
        result = fit(isoflop(tmp_path, sigma=0.005), method, flops=[1e24], bootstrap=500)[0]
        # Hidden budgets reach a hundredfold: nothing is known of a thousandfold.
        assert (result.status, result.reason[:9]) == ("weak", "it is ask")
        kinds = {kind_of(text): text for text in result.warnings}
        assert "×1e+03 beyond the largest run" in kinds["extrapolates"]
        assert "above the sampled sizes" in kinds["outside sizes"]


def test_seed_scatter_is_reported(tmp_path):
    for method in ("approach2", "vpnls"):
        found = fit(isoflop(tmp_path, seeds=3, sigma=0.01), method, bootstrap=100)[0].diagnostics
        assert found["seed_dof"] == 70
        assert found["seed_sd"] == pytest.approx(0.01, rel=0.3)


def test_checkpoints_of_a_run_are_resampled_together(tmp_path):
    frame = isoflop_frame(sigma=0)
    rng = np.random.default_rng(0)
    rows = []
    for _, run in frame.iterrows():
        for part in np.linspace(0.3, 1, 8):
            rows.append({"run_id": run["run_id"], "n_params": run["n_params"], "n_tokens": part * run["n_tokens"]})
    checkpoints = pd.DataFrame(rows)
    common = checkpoints["run_id"].map(dict(zip(frame["run_id"], rng.normal(0, 0.01, 35), strict=True)))
    checkpoints["loss"] = common + loss(
        CHINCHILLA, checkpoints["n_params"].to_numpy(), checkpoints["n_tokens"].to_numpy()
    )
    result = judged(checkpoints, tmp_path)
    kinds = {kind: ends["a"] for kind, ends in result.diagnostics["intervals"].items()}
    assert result.n_runs == 35
    assert np.diff(kinds["bootstrap"]) > 1.5 * np.diff(kinds["profile F"])
    assert any("share runs" in text for text in result.warnings)


@pytest.mark.parametrize("method", ["approach2", "vpnls"])
def test_losses_that_do_not_vary_give_no_exponents(method, tmp_path):
    result = judged(isoflop_frame().assign(loss=3.0), tmp_path, method, flops=[1e20])
    assert result.status in ("refused", "boundary")
    assert result.exponents is None


def test_curves_too_flat_to_have_a_lowest_point_are_refused(tmp_path):
    result = judged(isoflop_frame(sigma=0.3, seed=4), tmp_path, "approach2")
    assert result.status == "refused"
