"""The intervals that are expected before any run, beside those that come, and what they may hang on."""

import numpy as np
import pandas as pd
import pytest

from flopscape.design.expected import expected_intervals
from flopscape.fitting.fit import fit
from flopscape.laws.named_surfaces import SURFACES
from flopscape.laws.surface import loss
from flopscape.runs.read import table_of

BUDGETS = np.geomspace(1e18, 1e20, 5)


def isoflop(sizes=7, reach=0.6, seeds=1, budgets=BUDGETS, off=0.0):
    """N, D and C of a sweep around 20 tokens a parameter."""
    c = np.repeat(budgets, sizes * seeds)
    n = np.sqrt(c / 120) * 10 ** np.tile(np.repeat(np.linspace(off - reach, off + reach, sizes), seeds), len(budgets))
    return n, c / (6 * n), c


def typical(runs, asked=1e21, **options):
    (one,) = expected_intervals(*runs, [asked], **options)
    return one.n_params.typical, one.loss.typical


@pytest.mark.parametrize("name", ["chinchilla", "soda"])
def test_the_answer_of_a_simulated_sweep_is_as_wide_as_was_expected_within_a_factor_two(name):
    n, d, c = isoflop()
    noise = np.random.default_rng(0).normal(0, 0.004, len(n))
    losses = loss(SURFACES[name], n, d) * (1 + noise)
    table = table_of(pd.DataFrame({"n_params": n, "n_tokens": d, "loss": losses, "budget": c}), name)
    found = fit(table, "answer", flops=[1e21], bootstrap=1000, seed=0)[0].predictions[0]
    came = np.log(found.n_params.high / found.n_params.low) / 2, (found.loss.high / found.loss.low - 1) / 2
    ratios = np.array(typical((n, d, c))) / came
    assert (np.abs(np.log(ratios)) < np.log(2)).all()


def test_seeds_sizes_and_larger_budgets_narrow_what_is_expected_and_distance_widens_it():
    base = np.array(typical(isoflop()))
    assert (np.array(typical(isoflop(seeds=3))) < base).all()
    assert (np.array(typical(isoflop(sizes=14))) < base).all()
    assert (np.array(typical(isoflop(budgets=3 * BUDGETS))) < base).all()
    # More decades below the same largest budget say more of L*.
    assert typical(isoflop(budgets=np.geomspace(1e17, 1e20, 5)))[1] < base[1]
    assert (np.array(typical(isoflop(), asked=1e22)) > base).all()


def test_little_noise_gives_narrow_intervals_and_known_noise_a_narrower_spread():
    n, d, c = isoflop()
    (unknown,) = expected_intervals(n, d, c, [1e20])
    (small,) = expected_intervals(n, d, c, [1e20], noise=0.001)
    (large,) = expected_intervals(n, d, c, [1e20], noise=0.02)
    assert small.n_params.typical < unknown.n_params.typical < large.n_params.typical
    assert large.loss.high / large.loss.low < unknown.loss.high / unknown.loss.low


def test_sizes_close_together_say_less_of_the_optimum():
    assert typical(isoflop(reach=0.6))[0] < typical(isoflop(reach=0.1))[0]


def test_a_sweep_far_from_20_tokens_a_parameter_is_taken_to_know_where_its_optimum_is():
    assert typical(isoflop(off=1.0)) == pytest.approx(typical(isoflop()), rel=0.3)


def test_where_a_token_costs_the_same_for_all_sizes_n_and_d_are_known_as_well():
    n, d, c = isoflop()
    (plain,) = expected_intervals(n, d, c, [1e21])
    assert plain.n_tokens == pytest.approx(plain.n_params)
    # κ = 6·(10⁹/N)^0.2, as where attention costs much in small models: D* = C/(κ·N) then moves by 0.8 of ln N*.
    (cheaper,) = expected_intervals(n, d, c * (1e9 / n) ** 0.2, [1e20])
    assert cheaper.n_tokens.typical == pytest.approx(0.8 * cheaper.n_params.typical, rel=0.1)


def test_nats_are_the_part_of_the_loss_times_a_loss():
    n, d, c = isoflop()
    (three,) = expected_intervals(n, d, c, [1e19])
    (one,) = expected_intervals(n, d, c, [1e19], typical_loss=1.0)
    assert three.loss == one.loss
    assert three.loss_nats == pytest.approx(np.multiply(3.0, one.loss_nats))
    # At the middle of the runs the loss is about the typical one.
    assert one.loss_nats.typical == pytest.approx(one.loss.typical, rel=0.2)


def test_order_of_runs_and_unit_of_compute_change_nothing():
    n, d, c = isoflop()
    mixed = np.random.default_rng(1).permutation(len(n))
    assert typical((n[mixed], d[mixed], c[mixed])) == pytest.approx(typical((n, d, c)), rel=1e-6)
    assert typical((n * 10, d * 10, c * 100), asked=1e23) == pytest.approx(typical((n, d, c)), rel=1e-6)


@pytest.mark.parametrize(
    "runs",
    [
        ([10**9], [2 * 10**10], [12 * 10**19]),
        ([1, 1], [1, 1], [6, 6]),
        ([10**7, 10**9], [10**12, 10**5], [6 * 10**19, 6 * 10**14]),
    ],
)
def test_any_runs_have_an_expectation_that_is_wide_where_they_are_few(runs):
    (one,) = expected_intervals(*runs, [10**24])
    assert one.n_params.typical > 1
    assert one.loss.typical > 0.01
