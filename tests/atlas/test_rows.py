"""Claims beside refits: what follows from a claim, and how far apart the two are."""

import pytest

from flopscape.atlas.claims import BESIROGLU, HOFFMANN_3, ML_SCALEFIT_LSQ, NUMBERS
from flopscape.atlas.rows import claimed_numbers, drift
from flopscape.atlas.tables import RECIPES, TABLES
from flopscape.records.fit_result import Estimate


@pytest.mark.parametrize(
    ("found", "said", "expected"),
    [
        (Estimate(0.55, 0.45, 0.60), 0.5, (10.0, 0.5)),
        (Estimate(0.45, 0.40, 0.475), 0.5, (-10.0, -2.0)),
        (Estimate(0.55, None, 0.60), 0.5, (10.0, None)),
        (Estimate(0.55), 0.5, (10.0, None)),
        (None, 0.5, (None, None)),
    ],
)
def test_drift_is_in_per_cent_of_the_claim_and_in_units_of_the_interval_towards_it(found, said, expected):
    assert drift(found, Estimate(said)) == pytest.approx(expected)


def test_an_interval_that_ends_at_the_claim_is_one_unit_away():
    assert drift(Estimate(60.0, 50.0, 90.0), Estimate(50.0)) == (20.0, 1.0)


def test_exponent_and_size_follow_from_a_surface_that_prints_neither():
    said = claimed_numbers(BESIROGLU, 5.76e23)
    assert said["a"].estimate == pytest.approx(0.3658 / (0.3478 + 0.3658))
    assert said["n_params"].estimate == pytest.approx(7.22e10, rel=0.001)


def test_what_is_printed_stays_as_it_is_printed():
    said = claimed_numbers(HOFFMANN_3, 5.76e23)
    assert (said["a"].estimate, said["n_params"].estimate) == (0.46, 40e9)


def test_a_claim_in_millions_and_billions_is_told_in_single_parameters_and_tokens():
    numbers = ML_SCALEFIT_LSQ.numbers
    # The loss at 1e9 parameters and 2e10 tokens, with N in millions and D in billions as it was published.
    published = 1.905062 + 4.000103 * 1e3**-0.351012 + 1.050933 * 20**-0.458793
    value = {name: number.estimate for name, number in numbers.items()}
    ours = value["E"] + value["A"] * 1e9 ** -value["alpha"] + value["B"] * 2e10 ** -value["beta"]
    assert ours == pytest.approx(published, rel=1e-9)


@pytest.mark.parametrize("name", TABLES)
def test_every_fit_of_every_table_has_a_claim_of_known_numbers(name):
    table = TABLES[name]
    for recipe in table.recipes:
        for rows in table.rows:
            assert {*table.claim(recipe, rows.name).numbers} <= {*NUMBERS}
            assert RECIPES[recipe].method
