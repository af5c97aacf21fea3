"""Comparisons of simulated recipes whose multiplier is known by brute force."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize_scalar

from flopscape.comparison.compare import compare
from flopscape.comparison.figure import draw
from flopscape.comparison.recipes import Recipe
from flopscape.comparison.results import Comparison
from flopscape.comparison.single_budgets import _by_pairs
from flopscape.comparison.verdict import verdict
from flopscape.comparison.words import text
from flopscape.runs.read import table_of
from tests.comparison.recipe_tables import TOP, frame_of, losses, recipe

GAINS = [
    {"mu_d": 0.3},
    {"mu_n": 0.3},
    {"mu_d": 0.3, "nu": -0.05},
    {"floor": 0.02},
    {"mu_d": -0.2, "mu_n": 0.1},
]


def lowest(flops, **gain):
    found = minimize_scalar(
        lambda log_n: float(losses(np.exp(log_n), flops / 6 / np.exp(log_n), **gain)),
        bounds=(np.log(1e6), np.log(1e13)), method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    return found.fun


def true_log_m(flops, **gain):
    target = lowest(flops, **gain)
    return brentq(lambda x: lowest(flops * np.exp(x)) - target, -5, 5)


def two(**gain):
    return [recipe("plain", 1), recipe("new", 2, **gain)]


@pytest.mark.parametrize("gain", GAINS)
def test_with_next_to_no_noise_the_multiplier_is_that_of_the_two_surfaces(gain):
    pair = compare([recipe("plain", 1, sigma=1e-5), recipe("new", 2, sigma=1e-5, **gain)], [10 * TOP]).pairs[0]
    # A term in ln C on B alone is not quite the model's, which gives each recipe half of it.
    near, told = (0.03, 2) if "nu" in gain else (0.002, 3)
    for at in pair.points[:told]:
        assert np.log(at.multiplier.estimate) == pytest.approx(true_log_m(at.flops, **gain), abs=near)


@pytest.mark.parametrize("gain", GAINS)
def test_with_noise_the_interval_holds_the_truth_inside_and_beyond_the_sweeps(gain):
    for at in compare(two(**gain), [10 * TOP]).pairs[0].points:
        true = np.exp(true_log_m(at.flops, **gain))
        assert at.multiplier.low < true < at.multiplier.high
        assert at.separate.low < true < at.separate.high


def test_recipes_in_the_other_order_say_the_inverse():
    a, b = two(mu_d=0.3, nu=-0.04)
    forth, back = compare([a, b]).pairs[0], compare([b, a]).pairs[0]
    m = forth.target.multiplier
    # B beside A at C is A beside B at m·C.
    other = compare([b, a], [m.estimate * forth.target.flops]).pairs[0].target
    assert other.multiplier.estimate == pytest.approx(1 / m.estimate, rel=1e-5)
    assert back.nu.estimate == pytest.approx(-forth.nu.estimate, abs=1e-6)
    assert back.target.probability == pytest.approx(1 - forth.target.probability, rel=1e-4)
    assert (forth.target.verdict, back.target.verdict) == ("better", "worse")


def test_a_recipe_beside_itself_under_other_noise_is_not_called_better():
    pair = compare(two(), [100 * TOP]).pairs[0]
    assert pair.target.verdict == "undecided"
    assert pair.target.multiplier.low < 1 < pair.target.multiplier.high
    assert verdict(pair).startswith("Neither is shown to be better: new needs ")


def test_the_wider_the_scatter_the_wider_the_interval_and_shared_floors_narrow_it():
    narrow, wide = (
        compare([recipe("plain", 1, sigma=s), recipe("new", 2, sigma=s)]).pairs[0].target for s in (0.005, 0.02)
    )

    def width(found):
        return np.log(found.high / found.low)

    assert 3 < width(wide.multiplier) / width(narrow.multiplier) < 5
    assert width(narrow.shared_floor) < width(narrow.multiplier)


def test_the_parts_multiply_to_the_whole():
    pair = compare(two(mu_n=0.2, floor=0.02), [10 * TOP]).pairs[0]
    product = np.prod([part.factor.estimate for part in pair.parts])
    assert product == pytest.approx(pair.target.multiplier.estimate, rel=1e-9)
    assert [part.cause for part in pair.parts] == ["parameters", "data", "floor", "cost"]
    # C is 6·N·D for both.
    assert pair.parts[3].factor.estimate == pytest.approx(1, abs=1e-6)


def test_a_dearer_token_is_told_as_a_cost_and_makes_the_recipe_worse():
    a, b = recipe("plain", 1), recipe("dear", 2)
    frame = b.table.columns.assign(flops=9 * b.table.n_params * b.table.n_tokens, budget=1.5 * b.table.budget)
    own = a.table.columns.assign(flops=6 * a.table.n_params * a.table.n_tokens)
    pair = compare([Recipe("plain", table_of(own, "plain.csv")), Recipe("dear", table_of(frame, "dear.csv"))]).pairs[0]
    assert pair.parts[3].factor.estimate == pytest.approx(1 / 1.5, rel=0.02)
    assert pair.target.multiplier.low < 1 / 1.5 < pair.target.multiplier.high
    assert "6.00 (plain) and 9.00 (dear) FLOPs a parameter and token" in text(_only(pair))


def _only(pair):
    return Comparison([pair.a, pair.b], pair.target.flops, 0.95, [pair], False)


def test_a_gain_that_shrinks_is_said_to_and_crosses_where_it_is_used_up():
    # ln m = 0.2 − 0.2·ln(C/10¹⁹) is zero at 2.7·10¹⁹.
    pair = compare([recipe("plain", 1, sigma=0.003), recipe("new", 2, sigma=0.003, mu_d=0.2, nu=-0.2)]).pairs[0]
    # For each tenfold compute m changes by the factor 10^−0.2.
    assert pair.growth.estimate == pytest.approx(0.631, abs=0.02)
    assert pair.growth.high < 1
    assert len(pair.crossings) == 1
    crossing = pair.crossings[0]
    assert crossing.flops.low < 2.718e19 < crossing.flops.high
    assert (crossing.place, crossing.to_b) == ("inside", False)
    assert "The multiplier shrinks with scale" in text(_only(pair))
    assert "plain is the better one beyond" in text(_only(pair))


def test_a_loss_that_the_other_never_reaches_is_said_and_has_no_number():
    pair = compare([recipe("plain", 1), recipe("new", 2, floor=0.6)], [1e25]).pairs[0]
    assert pair.target.multiplier.estimate is None
    assert pair.target.multiplier.high is None
    assert verdict(pair).startswith("new is better: plain would reach at no compute the loss that new reaches at 10²⁵")
    assert "never [" in text(_only(pair))


def test_a_recipe_that_is_worse_than_any_factor_told_needs_a_million_times_the_compute_or_more():
    pair = compare([recipe("deep", 1, floor=1.6), recipe("plain", 2)], [1e27]).pairs[0]
    assert (pair.target.multiplier.estimate, pair.target.multiplier.low) == (pytest.approx(1e-6), None)
    assert verdict(pair).startswith("plain is worse: it needs over 1.00 M [1.00 M, ∞]")
    assert verdict(pair).count("∞]") == 1


def test_three_recipes_give_three_pairs_with_wider_intervals():
    a, b, c = recipe("plain", 1), recipe("new", 2, mu_d=0.3), recipe("other", 3, mu_n=0.2)
    alone, found = compare([a, b]).pairs[0].target, compare([a, b, c])
    assert [(pair.a, pair.b) for pair in found.pairs] == [("plain", "new"), ("plain", "other"), ("new", "other")]
    first = found.pairs[0].target
    assert first.multiplier.estimate == pytest.approx(alone.multiplier.estimate, rel=1e-9)
    # t of 1 − .05/3/2 over that of 1 − .05/2, with 61 degrees of freedom: 2.461 / 2.000.
    ratio = np.log(first.multiplier.high / first.multiplier.low) / np.log(alone.multiplier.high / alone.multiplier.low)
    assert ratio == pytest.approx(1.231, abs=0.01)
    assert "all 3 pairs together" in text(found)


def test_each_budget_alone_is_asked_and_counted():
    pair = compare(two(mu_d=0.4)).pairs[0]
    assert [one.budget for one in pair.single_budgets] == pytest.approx(np.geomspace(1e18, 1e20, 5))
    assert {one.measured for one in pair.single_budgets} == {"parabolas"}
    true = lowest(1e18) - lowest(1e18, mu_d=0.4)
    first = pair.single_budgets[0]
    assert first.difference.low < true < first.difference.high
    assert first.loss_a.low < lowest(1e18) < first.loss_a.high
    assert first.loss_b.low < lowest(1e18, mu_d=0.4) < first.loss_b.high
    assert first.loss_a.estimate - first.loss_b.estimate == pytest.approx(first.difference.estimate)
    assert "The smallest budget alone, 10¹⁸ FLOPs, would have decided the same" in text(_only(pair))
    others = [replace(one, verdict="worse") for one in pair.single_budgets[1:]]
    assert "1 agrees with the verdict" in text(_only(replace(pair, single_budgets=[first, *others])))


def test_a_budget_of_two_sizes_has_no_answer_and_seven_paired_runs_have_their_mean():
    a, b = (recipe(name, seed, sizes=2, **gain) for name, seed, gain in (("plain", 1, {}), ("new", 2, {"mu_d": 0.5})))
    assert compare([a, b]).pairs[0].single_budgets == []
    a, b = (recipe(name, seed, sizes=7, **gain) for name, seed, gain in (("plain", 1, {}), ("new", 2, {"mu_d": 0.5})))
    found = dict(_by_pairs(a.table, b.table, 0.95))
    own = (a.table.loss - b.table.loss)[:7]
    assert len(found) == 5
    assert found[min(found)].difference.estimate == pytest.approx(own.mean())


def test_the_lowest_losses_of_each_budget_are_drawn_as_points_beside_the_curves():
    found = compare(two(mu_d=0.4))
    curves = draw(found).axes[1]
    drawn = [bars.lines[0] for bars in curves.containers]
    assert [len(points.get_xdata()) for points in drawn] == [5, 5]
    assert drawn[1].get_ydata() == pytest.approx([one.loss_b.estimate for one in found.pairs[0].single_budgets])
    # Never by colour alone.
    assert drawn[0].get_marker() != drawn[1].get_marker()


def test_what_weakens_a_comparison_is_warned_of():
    plain, frame = recipe("plain", 1), frame_of("new", 2)
    columns = {
        "run_id": [f"run {i // 5}" for i in range(35)],
        "unique_tokens": frame["n_tokens"] / 2,
        "recipe": [1, 2] * 17 + [1],
    }
    told = compare([plain, recipe("new", 2, columns=columns)]).pairs[0].warnings
    assert any("new: 35 rows of 7 runs" in text for text in told)
    assert any("new: some runs repeat their data" in text for text in told)
    # Two seeds that agree far better than the surface does.
    twice = pd.concat([frame, frame.assign(loss=frame["loss"] + 1e-4, seed=1, run_id=frame["run_id"] + "b")])
    told = compare([plain, Recipe("new", table_of(twice.reset_index(drop=True), "new.csv"))]).pairs[0]
    assert told.rests_on.seed_sigma_b == pytest.approx(1e-4 / np.sqrt(2), rel=1e-6)
    assert any("its seeds by 7.1e-05 only: the surface misses something" in text for text in told.warnings)
    # Exponents of its own: half the fall with size.
    bent = frame.assign(loss=frame["loss"] + 0.1 * np.log(frame["n_params"] / 1e9) ** 2)
    told = compare([plain, Recipe("new", table_of(bent, "new.csv"))]).pairs[0].warnings
    assert any("exponents of their own for plain and new describe the runs better" in text for text in told)


def test_everything_is_json_of_finite_numbers():
    found = compare([recipe("plain", 1), recipe("new", 2, floor=0.6)], [1e25])
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["pairs"][0]["b"] == "new"
    assert Comparison.from_json(told) == found
