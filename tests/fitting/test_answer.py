"""The method answer: the prototype's numbers, known truths, invariances, and words for tables that hold no answer."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from flopscape.answers.evaluate import evaluator
from flopscape.answers.predict import predict
from flopscape.answers.residuals import residuals
from flopscape.errors import kind_of
from flopscape.fitting.fit import fit
from flopscape.laws.law import Compute
from flopscape.laws.surface import closed_form_optimum, loss, optimum
from flopscape.records.fit_file import read_fit, write_fit
from flopscape.runs.read import table_of
from flopscape.text import numbers
from tests.fitting.fit_tables import CHINCHILLA, isoflop_frame, published

THREE = pd.DataFrame({"n_params": [5e6, 25e6, 100e6], "n_tokens": [4.5e9, 0.9e9, 0.225e9], "loss": [4.66, 4.40, 4.48]})
"""Three runs of one budget, 6ND = 1.35e17."""


def answer(frame, flops=(1e22,), **options):
    return fit(table_of(frame.reset_index(drop=True), "runs.csv"), "answer", flops=list(flops), **options)


def kinds(result):
    return {kind_of(warning) for warning in result.warnings} - {""}


def test_three_runs_of_one_budget_give_the_prototypes_optimum_and_say_that_priors_decide():
    """An independent implementation of a nearby law gave N* = 34e6 [26e6, 65e6].

    Long Markov chains (benchmarks/answer_mcmc.py) give [21e6, 72e6] here; each end is one draw in forty on a long thin
    ridge.
    """
    result, _ = answer(THREE, [1.35e17])
    predicted = result.predictions[0]
    assert predicted.n_params.estimate == pytest.approx(34e6, rel=0.03)
    assert predicted.n_params.low == pytest.approx(21e6, rel=0.15)
    assert predicted.n_params.high == pytest.approx(70e6, rel=0.15)
    assert predicted.loss.estimate == pytest.approx(4.396, abs=0.003)
    assert [predicted.loss.low, predicted.loss.high] == pytest.approx([4.343, 4.465], abs=0.02)
    assert (result.status, result.reason.split(":")[0]) == ("weak", "prior-dominated")
    assert "prior-dominated" in kinds(result)


def test_the_tokens_of_a_size_from_three_runs_are_in_effect_a_lower_bound():
    """The prototype: 17e9, 80 % [4.8e9, 160e9], by the law's path alone; with what it misses the interval is wider."""
    result, draws = answer(THREE, [1.35e17])
    log_d, at_low, at_high = evaluator(result).of_draws(draws).tokens_of_size(1e9)
    low, middle, high = np.exp(np.quantile(log_d, [0.1, 0.5, 0.9]))
    assert middle == pytest.approx(17e9, rel=0.2)
    assert low == pytest.approx(4.0e9, rel=0.3)
    assert 1e11 < high < 1e12
    assert (at_low.mean(), at_high.mean()) < (0.001, 0.05)


@pytest.mark.parametrize(
    ("name", "flops", "n_params", "losses"),
    [
        ("llama_3__raw_loss", 1e22, (8.87e9, 6.24e9, 11.29e9), (0.6917, 0.6823, 0.6999)),
        ("ml_scalefit__massivetext__chinchilla", 1e21, (3.163e9, 2.458e9, 3.791e9), (2.2949, 2.2871, 2.3025)),
        ("epochai_chinchilla__massivetext__chinchilla", 1e21, (2.933e9, 2.484e9, 3.435e9), (2.2966, 2.2883, 2.3044)),
    ],
)
def test_on_published_tables_it_and_a_prototype_hold_each_others_numbers(name, flops, n_params, losses, tmp_path):
    predicted = fit(published(name, tmp_path, outliers=False), "answer", flops=[flops])[0].predictions[0]
    for mine, (estimate, low, high) in ((predicted.n_params, n_params), (predicted.loss, losses)):
        assert low < mine.estimate < high
        assert mine.low < estimate < mine.high


def test_the_intervals_hold_a_truth_that_is_known():
    held = []
    for seed in range(6):
        predicted = answer(isoflop_frame(seed=seed), [1e21, 1e22])[0].predictions
        for at in predicted:
            true = closed_form_optimum(CHINCHILLA, at.flops)
            held += [at.n_params.low < true.n_params < at.n_params.high, at.loss.low < true.loss < at.loss.high]
            assert at.n_params.estimate == pytest.approx(true.n_params, rel=0.25)
            assert at.loss.estimate == pytest.approx(true.loss, rel=0.02)
    assert np.mean(held) > 0.85


def test_nothing_depends_on_the_order_of_rows():
    frame = isoflop_frame(seeds=2)
    one, other = (answer(f)[0].predictions[0] for f in (frame, frame.sample(frac=1, random_state=1)))
    assert one.n_params.estimate == pytest.approx(other.n_params.estimate, rel=1e-9)
    assert one.loss.low == pytest.approx(other.loss.low, rel=1e-9)


@pytest.mark.parametrize("bits", [1 / np.log(2), 0.25])
def test_losses_in_another_unit_change_the_losses_by_the_unit_and_nothing_else(bits):
    frame = isoflop_frame()
    nats, other = (answer(f)[0].predictions[0] for f in (frame, frame.assign(loss=frame.loss * bits)))
    assert other.n_params.high == pytest.approx(nats.n_params.high, rel=1e-8)
    assert other.loss.high == pytest.approx(nats.loss.high * bits, rel=1e-8)


def test_sizes_and_tokens_in_other_units_move_the_optimum_by_the_unit():
    """N times 3 and D times 3 keeps D/N, to which the prior of the optimum's place refers."""
    frame = isoflop_frame()
    scaled = frame.assign(n_params=3 * frame.n_params, n_tokens=3 * frame.n_tokens).drop(columns="budget")
    one, other = answer(frame, [1e22])[0].predictions[0], answer(scaled, [9e22])[0].predictions[0]
    assert other.n_params.low == pytest.approx(3 * one.n_params.low, rel=1e-8)
    assert other.loss.high == pytest.approx(one.loss.high, rel=1e-8)


def test_seeds_tell_the_noise_and_narrow_the_answer():
    once, thrice = (answer(isoflop_frame(seeds=n, sigma=0.02), [1e21])[0] for n in (1, 3))
    assert thrice.diagnostics["scales"]["noise"]["estimate"] == pytest.approx(0.02, rel=0.15)
    assert thrice.inferred_noise == thrice.diagnostics["scales"]["noise"]["estimate"]
    assert thrice.diagnostics["seed_sd"] == pytest.approx(0.02, rel=0.15)
    widths = [np.log(r.predictions[0].n_params.high / r.predictions[0].n_params.low) for r in (once, thrice)]
    assert widths[1] < widths[0]


def of_checkpoints(points, runs=10, seed=0):
    """Runs whose checkpoints share an error of 0.02 nats and have 0.004 of their own."""
    r = np.random.default_rng(seed)
    n = np.geomspace(2e7, 5e8, runs)
    part = np.geomspace(0.1, 1, points)
    frame = pd.DataFrame({"n_params": np.repeat(n, points), "n_tokens": np.tile(2e10 * part, runs)})
    noise = np.repeat(r.normal(0, 0.02, runs), points) + r.normal(0, 0.004, runs * points)
    true = loss(CHINCHILLA, frame.n_params.to_numpy(), frame.n_tokens.to_numpy())
    return frame.assign(loss=true + noise, run_id=np.repeat([f"r{i}" for i in range(runs)], points))


def test_checkpoints_of_ten_runs_are_not_counted_as_runs():
    """Taken for three hundred runs, the errors that checkpoints share look like a law of their own."""
    errors = {"by run": [], "apart": []}
    for seed in range(3):
        frame = of_checkpoints(30, seed=seed)
        by_run, draws = answer(frame, [3e19])
        _, others = answer(frame.assign(run_id=[f"r{i}" for i in range(300)]), [3e19])
        for name, found in (("by run", draws), ("apart", others)):
            errors[name].append(
                np.log(found["n_params@3e+19"].median() / closed_form_optimum(CHINCHILLA, 3e19).n_params)
            )
        assert by_run.diagnostics["scales"]["noise"]["estimate"] == pytest.approx(0.02, rel=0.5)
        assert any(warning.startswith("of 300 checkpoints 120 are used") for warning in by_run.warnings)
    by_run, apart = (np.sqrt(np.mean(np.square(errors[name]))) for name in ("by run", "apart"))
    assert by_run < 0.3
    assert by_run < 0.6 * apart


MANY = np.geomspace(1e8, 1e10, 20)


def surface(n_params, n_tokens):
    n, d = (np.asarray(values, float) for values in np.broadcast_arrays(n_params, n_tokens))
    noise = 0.005 * np.sin(np.arange(len(n)) ** 2)
    return pd.DataFrame({"n_params": n, "n_tokens": d, "loss": loss(CHINCHILLA, n, d) + noise})


FAR_APART = surface(np.r_[MANY[:10] / 1e3, MANY[10:] * 1e3], 1e11)
DESIGNS = {
    "one run": surface([1e8], [1e9]),
    "five runs": isoflop_frame().iloc[::7],
    "one budget": isoflop_frame(budgets=1, sizes=15),
    "one N": surface(1e8, MANY),
    "one D": surface(MANY, 1e9),
    "a ray": surface(MANY, 20 * MANY),
    "one point": surface(np.full(20, 1e8), 1e9),
    "clusters far apart": FAR_APART,
}


@pytest.mark.parametrize("design", DESIGNS)
def test_a_design_that_leaves_place_or_growth_open_is_answered_by_the_priors_which_it_says(design):
    result, _ = answer(DESIGNS[design], [1e21, 1e24])
    assert result.status == "weak"
    assert result.reason.startswith("prior-dominated: ")
    assert "prior-dominated" in kinds(result)
    near, far = (at.n_params for at in result.predictions)
    assert far.low is None or near.low is None or near.estimate < far.estimate


@pytest.mark.parametrize(
    "frame",
    [
        isoflop_frame().query("n_params < 1e8"),
        isoflop_frame().assign(loss=lambda f: f.loss * 0.3 / np.log(2)),
    ],
    ids=["optimum outside", "bits per byte"],
)
def test_any_other_table_has_a_number_too(frame):
    result, draws = answer(frame)
    assert result.predictions[0].n_params.estimate > 0
    assert result.status in ("ok", "weak")
    assert len(draws) == 2048


def test_an_answer_far_beyond_the_runs_is_weak_where_its_interval_is_only_a_range():
    near, far = (answer(isoflop_frame(budgets=2), [c])[0] for c in (1e22, 1e26))
    assert near.status == "ok"
    assert near.predictions[0].n_params.high < 10 * near.predictions[0].n_params.low
    assert far.status == "weak"
    assert far.reason == "at C = 10²⁶ the runs do not bound N* within a factor of 10"
    assert "only a range" in kinds(far)


def test_a_range_and_an_open_end_are_said():
    result, _ = answer(THREE, [1e20, 1e25])
    for at in result.predictions:
        low, high = at.n_params.low, at.n_params.high
        about = [w for w in result.warnings if w.startswith(f"C = {numbers.flops(at.flops)}: N*")]
        assert [kind_of(w) for w in about].count("open end") == (low is None) + (high is None)
        assert any(kind_of(w) == "only a range" for w in about) == bool(low and high and high > 10 * low)
    assert {"open end", "only a range"} & kinds(result)


def test_the_rows_far_off_are_left_out_by_name():
    frame = isoflop_frame().assign(loss=lambda f: f.loss.where(f.index != 5, 1e30))
    result, _ = answer(frame)
    assert [out.rows for out in result.excluded] == [["run5"]]
    assert result.status == "ok"


def test_no_runs_are_refused():
    result, draws = answer(isoflop_frame().iloc[:0])
    assert (result.status, result.reason, len(draws)) == ("refused", "no completed runs", 0)


def test_predict_says_what_the_fit_says_and_more():
    result, draws = answer(isoflop_frame(), [1e21, 1e23])
    assert predict(result, draws, [1e21, 1e23]) == result.predictions
    other = predict(result, draws, [5e21])[0]
    assert result.predictions[0].n_params.estimate < other.n_params.estimate < result.predictions[1].n_params.estimate
    low, high = other.near_optimal_n_params
    assert low < other.n_params.estimate < high
    given = predict(result, draws, [1e21], n_params=2e9)[0]
    assert (given.n_params.estimate, given.n_tokens.estimate) == pytest.approx((2e9, 1e21 / 6 / 2e9))
    assert given.loss.low < loss(CHINCHILLA, 2e9, 1e21 / 6 / 2e9) < given.loss.high


def test_its_evaluator_agrees_with_the_draws_that_it_is_of(tmp_path):
    result, draws = answer(isoflop_frame(), [1e21])
    write_fit(result, tmp_path / "fit.json")
    read = read_fit(tmp_path / "fit.json")
    typical = evaluator(read)
    many = typical.of_draws(draws)
    flops = np.array([[1e20, 1e21, 1e22]])
    assert typical.optimum(flops).loss.shape == (1, 3)
    assert many.optimum(flops).n_params.shape == (2048, 1, 3)
    assert many.optimum(1e21).loss == pytest.approx(draws["loss@1e+21"].to_numpy())
    assert many.optimum(1e21).n_tokens == pytest.approx(draws["n_tokens@1e+21"].to_numpy())
    assert typical.optimum(1e21).n_params == pytest.approx(np.median(many.optimum(1e21).n_params), rel=0.05)
    at = typical.loss(np.array([1e9, 2e9]), 1e11)
    assert at == pytest.approx(np.median(many.loss(np.array([1e9, 2e9]), 1e11), axis=0), rel=0.002)
    assert typical.loss(1e9, 1e11).shape == ()


def test_residuals_are_those_of_the_typical_draw():
    table = table_of(isoflop_frame(), "runs.csv")
    result, _ = fit(table, "answer", bootstrap=256)
    found = residuals(table, result).residual
    assert len(found) == 35
    assert np.sqrt(np.mean(found**2)) == pytest.approx(result.diagnostics["residual_sd"], rel=1e-6)


def test_kappa_that_falls_with_size_moves_the_optimum_along_its_own_line():
    frame = isoflop_frame(sigma=0.002).drop(columns="budget")
    kappa = 6 * (1 + 0.5 * (frame.n_params / 1e7) ** -0.3)
    result, draws = answer(frame.assign(flops=kappa * frame.n_params * frame.n_tokens), [1e21])
    at, law = result.predictions[0], evaluator(result)
    cost = np.exp(law.compute.curve(np.log(at.n_params.estimate))[0]) * at.n_params.estimate * at.n_tokens.estimate
    assert cost == pytest.approx(1e21)
    assert (draws["a"] + draws["b"]).median() == pytest.approx(1.02, abs=0.02)


def test_a_is_the_growth_of_the_optimum_at_equal_compute_where_kappa_falls_with_size():
    """Of the surface that the runs follow it is 0.4545 under this κ; at equal N·D it would be 0.50."""
    frame = isoflop_frame(sigma=0.001).drop(columns="budget")
    kappa = 6 * (1 + 4 * (frame.n_params / frame.n_params.min()) ** -0.4)
    frame = frame.assign(flops=kappa * frame.n_params * frame.n_tokens)
    result, _ = answer(frame, [1e21])
    compute = Compute.from_runs(*(frame[name].to_numpy() for name in ("n_params", "n_tokens", "flops")))
    middle = np.log(frame.n_params * frame.n_tokens).mean() + compute.log_kappa.mean()
    low, high = (float(optimum(CHINCHILLA, c, compute).n_params) for c in np.exp([middle - 0.5, middle + 0.5]))
    growth, a = np.log(high / low), result.exponents["a"]
    assert growth == pytest.approx(0.4545, abs=1e-3)
    assert a.low <= growth <= a.high
    assert a.estimate == pytest.approx(growth, abs=0.01)


def test_the_numbers_of_a_fit_are_plain_and_named():
    result, draws = answer(isoflop_frame(), [1e21])
    names = ("E", "A", "B", "alpha", "beta", "gamma")
    assert list(result.parameters) == [*names, "n_params_at_middle", "loss_at_middle"]
    assert result.parameters["n_params_at_middle"].low < closed_form_optimum(CHINCHILLA, 1e19).n_params
    assert result.parameters["n_params_at_middle"].high > closed_form_optimum(CHINCHILLA, 1e19).n_params
    for name, true in zip(names, (*CHINCHILLA, 1.0), strict=True):
        assert result.parameters[name].low < true < result.parameters[name].high, name
    assert result.exponents["a"].low < 0.28 / 0.62 < result.exponents["a"].high
    assert draws[["E", "A", "B", "alpha", "beta"]].isna().all(axis=None)
    assert asdict(result)["surface"] is None
