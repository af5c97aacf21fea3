"""Learning rate and batch by rule: the plan turns them into numbers, run by run."""

import csv
import io

import pytest

from flopscape.config.read import validate
from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.plan.price_table import plan_csv
from flopscape.plan.rows import plan_rows
from flopscape.recipe.rate_laws import BATCHES, LEARNING_RATES, PowerLaw
from flopscape.training.spec import check_spec

SIZES = [{"width": 16, "depth": 2}, {"width": 32, "depth": 2}]


def study_of(training, **changes):
    data = {
        "title": "t",
        "model": {"plugin": "flopscape.plugins.gpt:GPT"},
        "dataset": {"plugin": "flopscape.plugins.text:BibleText"},
        "training": training,
        "sweep": {"isoflop": {"budgets": [3e10, 1e12], "sizes": SIZES}},
        "fits": ["approach2"],
        "recommend": {"flops": [1e13]},
    }
    return validate(Study, data | changes, "test")


@pytest.mark.parametrize(("n_params", "rate", "sequences"), [(6.5e9, 4.2e-4, 2304), (66e9, 3.2e-4, 4608)])
def test_the_law_of_deepseek_gives_the_recipes_of_its_own_models(n_params, rate, sequences):
    """Peak rate and batch of the 7 B and 67 B models at 2e12 tokens, sequences of 4096 (Bi et al. 2024, table 2)."""
    run = (n_params, 2e12, 6 * n_params * 2e12)
    assert LEARNING_RATES["deepseek"].at(*run) == pytest.approx(rate, rel=0.03)
    assert BATCHES["deepseek"].at(*run) == pytest.approx(4096 * sequences, rel=0.05)


def test_a_power_law_has_its_exponents():
    law = PowerLaw(2.0, n_params=-0.5, n_tokens=0.25, flops=0.125)
    assert law.at(16, 16, 256) == pytest.approx(2.0 * 0.25 * 2 * 2)


def test_a_run_by_rule_holds_numbers_and_can_be_trained():
    law = {"coefficient": 3.0, "n_params": -0.5, "n_tokens": 0.01}
    rows = plan_rows(study_of({"learning_rate_scaling": "power_law", "learning_rate_law": law}))
    for row in rows:
        exact = 3.0 * row.n_params**-0.5 * row.n_tokens**0.01
        assert set(row.spec["training"]) == {"learning_rate"}
        assert check_spec(row.spec).learning_rate == pytest.approx(exact, rel=5e-4)
    assert len({check_spec(row.spec).learning_rate for row in rows}) == 4


@pytest.mark.parametrize("processes", [1, 3])
def test_batches_by_rule_are_whole_windows_for_every_process(processes):
    training = {"batch_scaling": "power_law", "batch_law": "step-law"}
    rows = plan_rows(study_of(training, resources={"processes": processes}))
    for row in rows:
        batch = row.spec["training"]["batch_units"]
        assert batch % (64 * processes) == 0
        assert abs(batch - 0.58 * row.n_tokens**0.571) <= 64 * processes
        assert row.n_tokens == row.n_steps * batch
        assert abs(row.budget_remainder) <= row.flops_per_unit * batch / 2 * (1 + 1e-12)


def test_rates_by_width_are_interpolated_on_log_axes_and_not_extrapolated():
    training = {"learning_rate_scaling": "by_width", "learning_rate_by_width": {8: 0.04, 32: 0.01}}
    rates = [check_spec(row.spec).learning_rate for row in plan_rows(study_of(training))]
    assert rates == [0.02, 0.01, 0.02, 0.01]
    narrow = {"learning_rate_scaling": "by_width", "learning_rate_by_width": {8: 0.04, 16: 0.02}}
    with pytest.raises(FlopscapeError, match="width 32 lies outside 8 to 16; add a rate there"):
        plan_rows(study_of(narrow))


def test_a_size_without_a_width_has_no_rate_by_width(surface_study):
    training = {"learning_rate_scaling": "by_width", "learning_rate_by_width": {8: 0.04}}
    with pytest.raises(FlopscapeError, match="has no width"):
        plan_rows(surface_study(training=training))


@pytest.mark.parametrize(
    ("training", "rates"),
    [
        ({"learning_rate_scaling": "width", "learning_rate": 0.01, "base_width": 16}, ["0.01", "0.005"]),
        ({"learning_rate_scaling": "mup", "learning_rate": 0.01, "base_width": 16}, ["0.01", "0.01"]),
        ({"learning_rate_scaling": "power_law", "learning_rate_law": "deepseek"}, ["0.01528", "0.01528"]),
    ],
)
def test_the_plan_shows_rate_and_batch_of_every_run(training, rates):
    rows = plan_rows(study_of(training))[:2]
    lines = list(csv.DictReader(io.StringIO(plan_csv(rows))))
    assert [line["learning_rate"] for line in lines] == rates
    assert [line["batch_units"] for line in lines] == ["256", "256"]


@pytest.mark.parametrize(
    ("training", "sentence"),
    [
        (
            {"learning_rate_scaling": "power_law"},
            "learning_rate_law must be given with",
        ),
        ({"learning_rate_law": "deepseek"}, "and only then"),
        ({"learning_rate_scaling": "by_width"}, "learning_rate_by_width must be given"),
        ({"batch_scaling": "power_law"}, "batch_law must be given with batch_scaling: power_law"),
        ({"batch_scaling": "power_law", "batch_law": {"coefficient": -1}}, "coefficient must be positive"),
        (
            {"learning_rate_scaling": "by_width", "learning_rate_by_width": {8: -1.0}},
            "positive widths to positive",
        ),
    ],
)
def test_a_rule_without_its_law_is_refused_in_words(training, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        study_of(training)


def test_a_spec_with_a_rule_is_not_trained():
    (row, *_) = plan_rows(study_of({}))
    rule = {"learning_rate_scaling": "power_law", "learning_rate_law": "deepseek"}
    with pytest.raises(FlopscapeError, match="training must be numbers"):
        check_spec(row.spec | {"training": rule})
