"""approach1: the envelope of training curves."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from flopscape.answers.predict import predict
from flopscape.answers.residuals import residuals
from flopscape.errors import FlopscapeError
from flopscape.fitting.envelope.curves import table_curves
from flopscape.fitting.envelope.grid import curve_grid
from flopscape.fitting.envelope.vertices import RULES
from flopscape.fitting.fit import fit
from flopscape.laws.surface import closed_form_optimum
from flopscape.records.fit_file import read_fit, write_fit
from tests.fitting.curve_tables import ladder, study
from tests.fitting.fit_tables import A_TRUE, CHINCHILLA, as_table, isoflop, isoflop_frame

BIAS = {"hull": 0.01, "binned": 0.02}
"""Of a without noise. Regression on a staircase of k equal steps gives 1 − 1/k² of its slope, so that `binned` is 0.002
low with the 14 models left here; bins, points a curve and the hull's chords move either by a few thousandths."""


def exponent(table, **options):
    return fit(table, "approach1", bootstrap=100, **options)[0].exponents["a"].estimate


@pytest.mark.parametrize("rule", ["hull", "binned"])
def test_constant_rate_curves_give_the_exponents_back(rule, tmp_path):
    table, curves = study(ladder(sizes=16), tmp_path)
    result, _ = fit(table, "approach1", curves=curves, rule=rule, flops=[1e21], bootstrap=200)
    assert result.status == "ok"
    assert result.exponents["a"].estimate == pytest.approx(A_TRUE, abs=BIAS[rule])
    assert result.exponents["b"].estimate == pytest.approx(1 - A_TRUE, abs=BIAS[rule])
    truth, best = closed_form_optimum(CHINCHILLA, 1e21), result.predictions[0]
    assert best.n_params.estimate == pytest.approx(truth.n_params, rel=0.05)
    assert best.loss.estimate == pytest.approx(truth.loss, rel=0.002)
    assert "heldout_loss along runs at a constant learning rate" in result.objective


def test_final_losses_give_the_exponents_back(tmp_path):
    table = isoflop(tmp_path, sigma=0.0, sizes=31, budgets=9)
    assert exponent(table, rule="horizon") == pytest.approx(A_TRUE, abs=0.01)


def test_the_staircase_of_few_models_is_flatter(tmp_path):
    table = as_table(ladder(sizes=8), tmp_path)
    k = 6  # without the first and the last
    assert exponent(table, rule="binned") == pytest.approx(A_TRUE * (1 - 1 / k**2), abs=0.002)


def falling_hull(frame):
    """Rows that are vertices of the lower convex hull of ln L over ln C, down to the lowest, by scipy's own hull."""
    points = np.log(frame[["flops", "loss"]].to_numpy())
    hull = ConvexHull(points)
    # Below a facet of the lower hull there is nothing: its outward normal points down.
    lower = np.unique(hull.simplices[hull.equations[:, 1] < 0])
    rows = frame.iloc[lower].sort_values("flops")
    return rows[rows["loss"] <= rows["loss"].cummin()]


def test_all_vertices_are_those_of_the_convex_hull_of_all_points_and_the_exponents_lines_through_them(tmp_path):
    frame = ladder(sizes=9, sigma=0.01, seed=3)
    result, _ = fit(as_table(frame, tmp_path), "approach1", rule="vertices", bootstrap=100)
    expected = falling_hull(frame)
    found = pd.DataFrame(result.optima)
    assert found["run_id"].tolist() == expected["run_id"].tolist()
    assert found["flops"].to_numpy() == pytest.approx(expected["flops"].to_numpy(), rel=1e-12)
    assert found["loss"].to_numpy() == pytest.approx(expected["loss"].to_numpy(), rel=1e-12)
    log_c = np.log(expected["flops"])
    for name, column in (("a", "n_params"), ("b", "n_tokens")):
        slope = np.polyfit(log_c, np.log(expected[column]), 1)[0]
        assert result.exponents[name].estimate == pytest.approx(slope, rel=1e-9)


def test_all_vertices_have_those_of_the_first_and_the_last_model_and_several_of_one_run(tmp_path):
    table = as_table(ladder(sizes=8), tmp_path)
    every, inner = (fit(table, "approach1", rule=rule, bootstrap=100)[0].optima for rule in ("vertices", "hull"))
    named = [optimum["run_id"] for optimum in every]
    assert {"r00", "r07"} == {*named} - {optimum["run_id"] for optimum in inner}
    assert len(named) > len({*named})


def test_horizon_uses_the_last_row_of_each_run_alone(tmp_path):
    frame = isoflop_frame(sigma=0.005)
    early = frame.assign(n_tokens=frame["n_tokens"] / 2, budget=np.nan, loss=frame["loss"] / 2)
    once, twice = as_table(frame, tmp_path), as_table(pd.concat([early, frame]), tmp_path)
    assert exponent(once, rule="horizon") == exponent(twice, rule="horizon")
    result, _ = fit(once, "approach1", rule="horizon", bootstrap=100)
    for optimum in result.optima:
        budget = frame[np.isclose(frame["budget"], optimum["budget"])]
        assert optimum["run_id"] == budget.loc[budget["loss"].idxmin(), "run_id"]


@pytest.mark.parametrize("rule", ["hull", "binned"])
def test_a_vertex_lies_within_the_curves_of_a_smaller_and_a_larger_model(rule, tmp_path):
    curves = table_curves(as_table(ladder(sizes=9, sigma=0.01, seed=3), tmp_path))
    grid = curve_grid(curves)
    present = np.random.default_rng(0).random((20, len(curves))) < 0.8
    vertices = RULES[rule](grid)(present)
    starts, ends = np.array([[x[0], x[-1]] for x in curves.log_flops]).T
    assert vertices.kept.any()
    for row, place in np.argwhere(vertices.kept)[::7]:
        x, run = vertices.log_flops[row, place], vertices.run[row, place]
        covering = present[row] & (starts - 1e-9 <= x) & (x <= ends + 1e-9)
        assert covering[run]
        assert curves.n[covering].min() < curves.n[run] < curves.n[covering].max()


@pytest.mark.parametrize("rule", ["hull", "binned"])
def test_first_and_last_model_are_dropped(rule, tmp_path):
    frame = ladder(sizes=9)
    result, _ = fit(as_table(frame, tmp_path), "approach1", rule=rule, bootstrap=100)
    sizes = sorted(frame["n_params"].unique())
    assert sorted({optimum["n_params"] for optimum in result.optima}) == pytest.approx(sizes[1:-1])


def test_a_segment_cut_off_by_the_end_of_the_data_is_dropped(tmp_path):
    """Without the compute at which larger models take over, the model that is best at the end is the last."""
    frame = ladder(sizes=9)
    cut = frame[frame["flops"] <= frame.loc[frame["n_params"].idxmax(), "flops"]]
    whole, _ = fit(as_table(frame, tmp_path), "approach1", bootstrap=100)
    short, _ = fit(as_table(cut, tmp_path), "approach1", bootstrap=100)
    lost = {o["run_id"] for o in whole.optima} - {o["run_id"] for o in short.optima}
    assert lost
    assert max(o["n_params"] for o in short.optima) < min(o["n_params"] for o in whole.optima if o["run_id"] in lost)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.randoms(use_true_random=False), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.sampled_from(["hull", "binned"])
)
def test_order_of_rows_and_units_change_nothing(tmp_path, random, n_unit, d_unit, rule):
    frame = ladder(sizes=8, points=20, sigma=0.003)
    order = random.sample(range(len(frame)), len(frame))
    other = frame.iloc[order].assign(
        n_params=lambda f: f["n_params"] * n_unit, n_tokens=lambda f: f["n_tokens"] * d_unit
    )
    other["flops"] = other["flops"] * n_unit * d_unit
    first, again = (fit(as_table(f, tmp_path), "approach1", rule=rule, bootstrap=100) for f in (frame, other))
    for name in ("a", "b"):
        assert again[0].exponents[name].estimate == pytest.approx(first[0].exponents[name].estimate, abs=1e-8)
        assert again[1][name].to_numpy() == pytest.approx(first[1][name].to_numpy(), abs=1e-8, nan_ok=True)


@pytest.mark.parametrize("rule", ["hull", "binned", "horizon", "vertices"])
def test_the_same_seed_gives_the_same_bytes(rule, tmp_path):
    table = isoflop(tmp_path) if rule == "horizon" else as_table(ladder(sizes=8, sigma=0.003), tmp_path)
    texts = []
    for _ in range(2):
        result, draws = fit(table, "approach1", rule=rule, flops=[1e21], bootstrap=120, seed=5)
        write_fit(result, tmp_path / "fit.json")
        draws.to_parquet(tmp_path / "fit.parquet")
        texts.append((tmp_path / "fit.json").read_bytes() + (tmp_path / "fit.parquet").read_bytes())
    assert texts[0] == texts[1]
    assert not draws["a"].equals(fit(table, "approach1", rule=rule, bootstrap=120, seed=6)[1]["a"])


def test_predictions_later_are_those_of_the_fit(tmp_path):
    """Up to where a quantile falls between two draws."""
    table = as_table(ladder(sigma=0.003), tmp_path)
    result, draws = fit(table, "approach1", flops=[1e22], bootstrap=200)
    write_fit(result, tmp_path / "fit.json")
    later = predict(read_fit(tmp_path / "fit.json"), draws, [1e22])[0]
    for name in ("n_params", "n_tokens", "loss"):
        now, then = getattr(result.predictions[0], name), getattr(later, name)
        assert [then.estimate, then.low, then.high] == pytest.approx([now.estimate, now.low, now.high], rel=1e-3)


def test_an_envelope_leaves_no_residuals(tmp_path):
    table = isoflop(tmp_path)
    assert residuals(table, fit(table, "approach1", rule="horizon", bootstrap=100)[0]).empty


def test_the_intervals_cover_the_truth(tmp_path):
    """Wider than they say: in a resample a third of the runs, and so of the models, is missing."""
    hits = 0
    for seed in range(20):
        table = as_table(ladder(sizes=16, points=30, sigma=0.005, seed=seed), tmp_path)
        a = fit(table, "approach1", bootstrap=150)[0].exponents["a"]
        hits += a.low <= A_TRUE <= a.high
    assert hits >= 16  # 0.1 % of binomial samples of 20 at 0.95 have fewer


def test_curves_follow_the_tables_convention_of_compute(tmp_path):
    """Curves count FLOPs of their own; those of the table are used."""
    frame = ladder(sizes=8)
    table, curves = study(frame, tmp_path)
    expected = exponent(table, curves=curves)
    _, other = study(frame, tmp_path, flops=1.0)
    assert exponent(table, curves=other) == expected


@pytest.mark.parametrize("rate", [np.linspace(0.01, 0.001, 60), np.append(np.full(54, 0.01), np.linspace(0.01, 0, 6))])
def test_a_decaying_schedule_is_warned_of(rate, tmp_path):
    table, curves = study(ladder(sizes=8), tmp_path, learning_rate=np.tile(rate, 8))
    result, _ = fit(table, "approach1", curves=curves, bootstrap=100)
    assert any("before the end of a decay are biased high" in warning for warning in result.warnings)
    assert "decaying learning rate" in result.objective


def test_an_unknown_schedule_is_warned_of_and_a_constant_one_is_not(tmp_path):
    table, curves = study(ladder(sizes=8), tmp_path)
    constant, _ = fit(table, "approach1", curves=curves, bootstrap=100)
    unknown, _ = fit(as_table(ladder(sizes=8), tmp_path), "approach1", bootstrap=100)
    assert not any("biased" in warning for warning in constant.warnings)
    assert any("rate along the curves is not known" in warning for warning in unknown.warnings)


def test_few_heldout_losses_leave_the_training_loss(tmp_path):
    frame = ladder(sizes=8)
    sparse = frame["loss"].where(frame.groupby("run_id").cumcount() % 30 == 29)
    table, curves = study(frame, tmp_path, heldout_loss=sparse)
    assert fit(table, "approach1", curves=curves, bootstrap=100)[0].diagnostics["points"] == "train_loss"


def test_runs_without_a_curve_are_named(tmp_path):
    frame = ladder(sizes=9)
    table, path = study(frame, tmp_path)
    curves = pd.read_parquet(path)
    single = (curves["run_id"] == "r04") & curves["run_id"].duplicated()
    curves[(curves["run_id"] != "r05") & ~single].to_parquet(path)
    result, _ = fit(table, "approach1", curves=path, bootstrap=100)
    assert {tuple(e.rows): e.reason for e in result.excluded} == {
        ("r04",): "a curve of a single point",
        ("r05",): "no training curve",
    }
    assert "left out for no training curve: r05" in result.warnings


def test_curves_of_runs_that_the_table_leaves_out_are_left_out(tmp_path):
    table, path = study(ladder(sizes=9), tmp_path)
    curves = pd.read_parquet(path)
    curves.loc[curves["run_id"] == "r08", "heldout_loss"] = -1.0
    curves.to_parquet(path)
    result, _ = fit(table, "approach1", curves=path, exclude="run_id == 'r08'", bootstrap=100)
    assert max(optimum["run_id"] for optimum in result.optima) == "r06"


def changed(curves, **cells):
    """Row 7 of the file with other cells."""
    for name, value in cells.items():
        curves[name] = curves[name].astype(object)
        curves.loc[6, name] = value
    return curves.infer_objects()


BAD = {
    "no column n_tokens": lambda c: c.drop(columns="n_tokens"),
    "no column train_loss": lambda c: c.drop(columns=["train_loss", "heldout_loss"]),
    "row 7, column n_tokens: empty, must be positive": lambda c: changed(c, n_tokens=np.nan),
    "row 7, column n_tokens: -1, must be positive": lambda c: changed(c, n_tokens=-1.0),
    "row 7, column heldout_loss: 0, must be positive": lambda c: changed(c, heldout_loss=0.0),
    "row 7, column heldout_loss: inf, must be positive": lambda c: changed(c, heldout_loss=np.inf),
    "row 7, column train_loss: empty, must be positive": lambda c: changed(
        c.drop(columns="heldout_loss"), train_loss=np.nan
    ),
    "does not ascend within run r00; sort the points": lambda c: c.iloc[[1, 0, *range(2, len(c))]].reset_index(
        drop=True
    ),
    "row 7, column run_id: run other is not in": lambda c: changed(c, run_id="other"),
    "is beyond the .* tokens of run r00": lambda c: c.assign(n_tokens=c["n_tokens"] * 1.5),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_curves_are_one_sentence(sentence, tmp_path):
    table, path = study(ladder(sizes=8), tmp_path)
    BAD[sentence](pd.read_parquet(path)).to_parquet(path)
    with pytest.raises(FlopscapeError, match=f"curves.parquet.*{sentence}"):
        fit(table, "approach1", curves=path, bootstrap=100)


def test_a_run_of_several_sizes_is_refused(tmp_path):
    frame = ladder(sizes=8)
    frame.loc[6, "n_params"] *= 2
    with pytest.raises(FlopscapeError, match="run r00 have several n_params"):
        fit(as_table(frame, tmp_path), "approach1", bootstrap=100)


def test_an_unknown_rule_names_the_known_ones(tmp_path):
    with pytest.raises(FlopscapeError, match="rule: 'lowest' is none of hull, binned, horizon, vertices"):
        fit(isoflop(tmp_path), "approach1", rule="lowest")


def without_budgets(folder):
    return as_table(ladder(sizes=8).groupby("run_id", as_index=False).last(), folder)


REFUSALS = {
    "needs training curves and the table has one row a run": (isoflop, {"rule": "hull"}),
    "rule horizon needs runs that share a budget": (without_budgets, {"rule": "horizon"}),
    "no model is on the envelope": (lambda folder: as_table(ladder(sizes=2), folder), {}),
    "only 1 model is on the envelope": (
        lambda folder: as_table(ladder().query("run_id < 'r03'"), folder),
        {"rule": "binned"},
    ),
    "only 2 models are on the envelope": (lambda folder: isoflop(folder, budgets=2), {"rule": "horizon"}),
}


@pytest.mark.parametrize("sentence", REFUSALS)
def test_refusals_are_sentences(sentence, tmp_path):
    make, options = REFUSALS[sentence]
    result, draws = fit(make(tmp_path), "approach1", flops=[1e22], bootstrap=100, **options)
    assert result.status == "refused"
    assert sentence in result.reason
    assert result.exponents is None
    assert draws.empty
    write_fit(result, tmp_path / "fit.json")


def test_four_models_are_weak(tmp_path):
    result, _ = fit(as_table(ladder(sizes=6), tmp_path), "approach1", bootstrap=100)
    assert result.status == "weak"
    assert "only 4 models on the envelope" in " ".join([result.reason, *result.warnings])
