"""The twin of a file: what it writes, what it refuses, and that its numbers are the seed's alone."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flopscape.cli.app import app
from flopscape.errors import FlopscapeError
from flopscape.fitting.surface import many_tables, variable_projection
from flopscape.laws.law import Compute
from flopscape.laws.named_surfaces import named_surface
from flopscape.laws.surface import closed_form_optimum
from flopscape.laws.surface import loss as surface_loss
from flopscape.twin import designs, truths
from flopscape.twin.designs import Noise
from flopscape.twin.estimates import METHODS, OBJECTIVES, VARIANTS
from flopscape.twin.run import examine, run
from flopscape.twin.source import parse_surface
from flopscape.twin.summary import ratio, weighted_ratio
from tests.twin.twin_studies import frame, table, write

CHINCHILLA = named_surface("chinchilla")
SIX = Compute.constant()
SMALL = {"simulations": 12, "bootstrap": 20, "answer_simulations": 0}


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """The twin of 35 runs with σ = 0.01, its table and verdict."""
    folder = tmp_path_factory.mktemp("twin")
    text = run(write(folder, sigma=0.01), folder / "out", [1e22], **SMALL | {"answer_simulations": 3})
    content = json.loads((folder / "out/verdict.json").read_text())
    return folder, pd.read_csv(folder / "out/twin.csv"), content, text


def test_every_method_quantity_and_truth_has_a_row(written):
    _, rows, _, _ = written
    assert set(rows["scenario"]) == {"surface", "possible", "coupled", "drift", "cubic"}
    assert set(rows["method"]) == {*METHODS, "answer"}
    assert len(rows) == 5 * (len(METHODS) + 1) * 5
    inside = 1 - 1 / rows["simulations"]
    assert np.allclose(rows["rmse"] ** 2, rows["bias"] ** 2 + rows["spread"] ** 2 * inside, rtol=1e-5)


def test_the_figure_is_there_in_both_formats(written):
    folder, *_ = written
    assert (folder / "out/figure.svg").read_text().startswith("<?xml")
    assert (folder / "out/figure.png").stat().st_size > 10_000


def test_the_verdict_names_a_method_and_what_more_would_buy(written):
    _, _, content, text = written
    assert content["trusted"] in {*METHODS, "answer"}
    assert [row["name"] for row in content["improvements"]] == ["budget", "width", "seed"]
    assert f"Trust {content['trusted']} here" in text
    assert all(sentence in text for sentence in content["sentences"])
    assert "approach1 is left out" in text
    assert "For parabolas to find N* within 5 %" in text


def test_the_same_seed_gives_the_same_files_whatever_the_chunks(written, monkeypatch):
    folder, _, content, _ = written
    monkeypatch.setattr(variable_projection, "CHUNK_ELEMENTS", 700)
    monkeypatch.setattr(many_tables, "TABLES", 5)
    rows, again = examine(folder / "runs.csv", [1e22], **SMALL | {"answer_simulations": 3})
    assert again == {name: value for name, value in content.items() if name != "made_from"}
    assert rows.to_csv(index=False, float_format="%.8g") == (folder / "out/twin.csv").read_text()


def test_another_seed_gives_other_numbers(written):
    folder, rows, _, _ = written
    other, _ = examine(folder / "runs.csv", [1e22], seed=1, **SMALL)
    others = rows[rows["method"] != "answer"].reset_index(drop=True)
    assert not np.allclose(other["bias"], others["bias"])


def test_a_plan_without_runs_says_what_it_assumes(tmp_path):
    plan = write(tmp_path)
    _, content = examine(plan, simulations=4, bootstrap=20, answer_simulations=0)
    assert content["source"].startswith("a plan, simulated from the surface chinchilla with σ = 0.01 nats;")
    assert content["scenarios"][1]["words"].startswith("laws that the answer holds possible after runs like these")
    given = {"surface_name": "1.7,400,400,0.3,0.3", "noise": 0.02}
    _, content = examine(plan, **given, simulations=4, bootstrap=20, answer_simulations=0)
    assert content["source"] == "a plan, simulated from the surface 1.7,400,400,0.3,0.3 with σ = 0.02 nats"


def test_no_noise_has_no_intervals_and_no_spread(tmp_path):
    rows, content = examine(write(tmp_path), [1e22], noise=0.0, simulations=3, bootstrap=20, answer_simulations=0)
    assert rows["coverage"].isna().all()
    assert rows["spread"].max() < 1e-6
    vpnls = rows[(rows["scenario"] == "surface") & (rows["method"] == "vpnls") & (rows["quantity"] == "a")]
    assert abs(vpnls["bias"].item()) < 1e-7
    said = " ".join(content["sentences"])
    assert "its N* at 10²² FLOPs is exact." in said
    assert "Only 3 simulations" not in said
    assert "e-" not in said
    assert "± 0 %" not in said


def test_errors_are_percentages_of_the_number_with_their_monte_carlo_error(written):
    _, _, content, text = written
    best = next(row for row in content["methods"] if row["method"] == content["trusted"])
    possible = best["possible"]
    rmse, error = 100 * np.expm1(possible["rmse"]), 100 * np.exp(possible["rmse"]) * possible["rmse_se"]
    assert f"its N* at 10²² FLOPs is off by {rmse:.2g} ± {error:.1g} % (RMSE)" in text
    assert f"Only {best.get('simulations', 12)} simulations" in text
    assert "100·ln" not in text


def test_where_the_surface_does_not_hold_the_noise_is_that_about_the_answers_law(tmp_path):
    """A level that rises and falls again over the budgets, by far more than σ = 0.003, is no noise."""
    runs = frame(sigma=0.003)
    place = np.unique(runs["budget"], return_inverse=True)[1]
    runs.assign(loss=runs["loss"] + 0.05 * np.sin(place * np.pi / 2)).to_csv(tmp_path / "runs.csv", index=False)
    _, content = examine(tmp_path / "runs.csv", [1e22], **SMALL)
    assert content["noise"]["own"] == pytest.approx(0.003, rel=0.45)
    assert content["noise"]["misfit"] > 0.01
    assert "as the method answer tells it from what a law misses" in content["source"]
    assert content["notes"][0].startswith("The surface does not hold within these runs")


def test_where_the_surface_holds_it_is_nearer_to_the_answers_law_than_a_runs_noise(written):
    content = written[2]
    assert content["noise"]["misfit"] < content["noise"]["own"] == pytest.approx(0.01, rel=0.4)
    assert not any("does not hold" in note for note in content["notes"])


def test_seeds_tell_the_noise_where_there_are_enough(tmp_path):
    runs = frame(sigma=0.01, seeds=2)
    runs.to_csv(tmp_path / "runs.csv", index=False)
    _, content = examine(tmp_path / "runs.csv", [1e22], **SMALL)
    halves = runs["loss"].to_numpy().reshape(2, -1)
    assert content["noise"]["own"] == pytest.approx(np.sqrt(np.mean((halves[0] - halves[1]) ** 2) / 2), rel=1e-6)
    assert content["source"].endswith("nats, between seeds")


def test_runs_without_a_surface_are_refused_in_the_verdict(tmp_path):
    frame(sigma=0.01).iloc[:7].to_csv(tmp_path / "few.csv", index=False)
    text = run(tmp_path / "few.csv", tmp_path / "out", [1e22], **SMALL)
    assert "No twin: vpnls finds no surface in the runs: all runs lie on one line" in text
    assert json.loads((tmp_path / "out/verdict.json").read_text())["status"] == "refused"
    assert (tmp_path / "out/figure.svg").exists()


def test_a_design_too_large_to_simulate_is_refused_with_the_bound(tmp_path):
    _, content = examine(write(tmp_path), [1e22], simulations=10_000_000, bootstrap=200)
    assert content["status"] == "refused"
    assert "35 rows × 10,000,000 simulations are" in content["reason"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--noise", "-0.1"], "--noise σ = -0.1: must be zero or positive"),
        (["--noise", "5"], "makes losses of"),
        (["--surface", "moon"], "surface 'moon': there are"),
        (["--surface", "1,2,3"], "five positive numbers"),
        (["--flops", "-1e22"], "--flops -1e+22: must be positive"),
        (["--simulations", "1"], "at least 2"),
    ],
)
def test_wrong_options_are_refused_in_words(words, sentence, tmp_path):
    answer = CliRunner().invoke(app, ["twin", str(write(tmp_path)), "--out", str(tmp_path / "out"), *words])
    assert isinstance(answer.exception, FlopscapeError)
    assert sentence in str(answer.exception)


@pytest.mark.parametrize("rows", [slice(0, 7), slice(0, 35, 7), slice(0, 5)])
def test_plans_with_one_budget_or_without_spread_are_refused(rows, tmp_path):
    """One budget; one size a budget, which lie on a line; too few runs."""
    frame().iloc[rows].to_csv(tmp_path / "plan.csv", index=False)
    with pytest.raises(FlopscapeError, match="too little spread"):
        run(tmp_path / "plan.csv", tmp_path / "out", **SMALL)


def test_a_surface_is_a_name_or_five_numbers():
    assert parse_surface("llama3") == named_surface("llama3")
    assert parse_surface("1.69, 406.4,410.7,0.34,0.28") == CHINCHILLA


def test_noise_is_of_runs_and_of_their_rows():
    runs = table(seeds=2)
    half = len(runs) // 2
    shared = dataclasses.replace(runs, run_id=np.tile(runs.run_id[:half], 2))
    both = designs.draw_losses(shared, np.full(len(runs), 10.0), Noise(0.03, 0.01), 4000, 0)
    assert both.std(axis=0) == pytest.approx(np.hypot(0.01, 0.03), rel=0.06)
    assert (both[:, 0] - both[:, half]).std() == pytest.approx(0.01 * np.sqrt(2), rel=0.06)


def test_a_longer_design_has_the_same_luck_in_its_first_runs():
    runs = table()
    longer = designs.one_more_budget(runs, 0.5)
    shorter, more = (designs.draw_losses(t, np.full(len(t), 3.0), Noise(0.1), 6, 3) for t in (runs, longer))
    assert np.array_equal(shorter, more[:, : len(runs)])


def test_designs_keep_each_runs_compute():
    runs = table()
    for design in (designs.drifting(runs), designs.wider(runs)):
        assert 6 * design.n_params * design.n_tokens == pytest.approx(runs.flops)
    fall = np.log10(designs.drifting(runs).n_params / runs.n_params)
    assert fall[[0, -1]] == pytest.approx([0.0, -designs.DRIFT], abs=1e-12)
    wide = np.log(designs.wider(runs).n_params)
    assert np.ptp(wide[:7]) == pytest.approx(1.5 * np.ptp(np.log(runs.n_params[:7])))


def test_one_more_budget_is_the_next_geometric_step():
    longer = designs.one_more_budget(table(), 0.28 / 0.62)
    assert np.unique(longer.budget)[-1] == pytest.approx(1e22)
    best = closed_form_optimum(CHINCHILLA, 1e22).n_params
    assert longer.n_params[-4] == pytest.approx(float(best), rel=1e-9)


def test_other_truths_keep_what_they_say():
    """The cubic leaves the optimum; both stay within the noise of the surface."""
    runs = table()
    coupled, gamma = truths.of_coupled(CHINCHILLA, SIX, runs, 0.004)
    cubic, _ = truths.with_cubic(CHINCHILLA, SIX, runs, 0.004)
    for truth in (coupled, cubic):
        away = truths.distance(truth.loss(runs.n_params, runs.n_tokens), CHINCHILLA, runs)
        assert 0.002 < away < 0.005
    assert truths.GAMMA < gamma < 1
    log_n = np.log(float(cubic.optimum(1e20).n_params)) + np.array([-1e-4, 0, 1e-4])
    losses = cubic.loss(np.exp(log_n), 1e20 / 6 / np.exp(log_n))
    assert losses.argmin() == 1
    assert losses[1] == pytest.approx(float(closed_form_optimum(CHINCHILLA, 1e20).loss), rel=1e-12)


def test_the_coupled_truth_at_gamma_one_is_the_surface():
    runs = table()
    law = truths.matched(CHINCHILLA, runs.n_params, runs.n_tokens, 1.0)
    assert [law.E, law.A, law.B, law.alpha, law.beta] == pytest.approx([*CHINCHILLA], rel=1e-6)
    assert surface_loss(CHINCHILLA, 1e9, 1e10) == pytest.approx(truths.coupled.loss(law, 1e9, 1e10))


def test_a_ratio_of_rmse_has_the_error_that_its_scatter_gives():
    """400 pairs of independent errors, one of twice the spread: 2 within 3 standard errors, which are about 5 %."""
    generator = np.random.default_rng(2)
    value, error = ratio(2 * generator.standard_normal(400), generator.standard_normal(400))
    assert value == pytest.approx(2, abs=3 * error)
    assert error == pytest.approx(2 * np.sqrt(0.5 * 2 / 400), rel=0.2)


def test_a_ratio_over_truths_weighs_mean_squares():
    """Errors of 3 and 1 against 1 and 1: √(0.75·9 + 0.25·1) with these weights, of as many tables as both have."""
    signs = np.array([1.0, -1.0, 1.0, -1.0])
    value, _ = weighted_ratio([3 * signs, signs], [signs[:3], signs], [0.75, 0.25])
    assert value == pytest.approx(np.sqrt(7))


def test_grids_without_budgets_leave_approach2_out(tmp_path):
    n_params, n_tokens = (x.ravel() for x in np.meshgrid([1e7, 5e7, 3e8], [1e9, 3e9, 2e10]))
    pd.DataFrame({"n_params": n_params, "n_tokens": n_tokens}).to_csv(tmp_path / "grid.csv", index=False)
    rows, content = examine(tmp_path / "grid.csv", [1e21], **SMALL)
    assert (rows[rows["method"].isin(list(VARIANTS))]["without_estimate"] == 12).all()
    assert content["trusted"] in OBJECTIVES
    assert [row["name"] for row in content["improvements"]] == ["width", "seed"]


def test_two_budgets_are_enough_for_the_surface_only(tmp_path):
    _, content = examine(write(tmp_path, sigma=0.01, budgets=2), [1e22], **SMALL)
    assert content["reference"] in OBJECTIVES
    assert any("approach2 fails in 100 %" in sentence for sentence in content["sentences"])


def test_the_twin_of_runs_on_repeated_data_goes_on_and_says_what_it_leaves_out(tmp_path):
    rows = [(n, d, u) for n in (1e8, 3e8, 1e9) for d in (1e9, 4e9, 16e9) for u in (1e9, 4e9, 1e12)]
    runs = pd.DataFrame(rows, columns=["n_params", "n_tokens", "unique_tokens"])
    noise = np.random.default_rng(5).normal(0, 0.01, len(runs))
    runs["loss"] = surface_loss(CHINCHILLA, runs.n_params.to_numpy(), runs.n_tokens.to_numpy()) + noise
    runs.to_csv(tmp_path / "runs.csv", index=False)
    rows, content = examine(tmp_path / "runs.csv", [1e21], **SMALL)
    assert content["status"] == "completed"
    assert np.isfinite(rows.loc[rows["method"] == "vpnls", "rmse"]).all()
    assert any("what repeated tokens cost counts as noise" in note for note in content["notes"])


def test_runs_whose_noise_is_larger_than_their_losses_have_no_twin_and_a_reason(tmp_path):
    runs = frame(sigma=0.0)
    runs["loss"] = (runs["loss"] - CHINCHILLA.E) * np.exp(np.random.default_rng(5).normal(0, 0.3, len(runs)))
    runs.to_csv(tmp_path / "runs.csv", index=False)
    rows, content = examine(tmp_path / "runs.csv", [1e21], **SMALL)
    assert (content["status"], len(rows)) == ("refused", 0)
    assert "nats negative" in content["reason"]
    assert content["sentences"] == [f"No twin: {content['reason']}."]
