"""Weights of rows: multiplicities in resamples of whole runs, and the shrunken scatter of seeds."""

import dataclasses

import numpy as np
import pytest
from scipy.special import polygamma

from flopscape.errors import FlopscapeError
from flopscape.fitting.common.row_weights import (
    inverse_trigamma,
    percentile_interval,
    run_weights,
    seed_weights,
    shrunken,
    weights_of,
)
from tests.fitting.fit_tables import as_table, isoflop, isoflop_frame


def test_a_resample_draws_as_many_runs_as_there_are_each_with_the_same_chance():
    """Five runs of two rows: counts are multinomial, with mean 1, variance 1 − 1/5 and covariance −1/5."""
    names = np.array(["c", "a", "b", "e", "d"] * 2)
    weights = np.concatenate(list(run_weights(names, 40_000, seed=0, chunk=1000)))
    assert (weights[:, :5] == weights[:, 5:]).all()
    assert set(weights[:, :5].sum(axis=1)) == {5.0}
    expected = np.where(np.eye(5, dtype=bool), 0.8, -0.2)
    assert np.cov(weights[:, :5].T) == pytest.approx(expected, abs=0.03)
    assert weights[:, :5].mean(axis=0) == pytest.approx(np.ones(5), abs=0.03)
    assert (np.concatenate(list(run_weights(names, 100, seed=0, chunk=7))) == weights[:100]).all()


def test_percentiles_of_known_draws():
    """The middle 95 % of 0 … 1000 are 25 … 975; what is not finite is left out, and half must be left."""
    draws = np.random.default_rng(0).permutation(1001).astype(float)
    assert percentile_interval(draws) == pytest.approx((25, 975))
    assert percentile_interval(np.append(draws, np.full(1001, np.nan))) == pytest.approx((25, 975))
    assert np.isnan(percentile_interval(np.append(draws, np.full(1003, np.inf)))).all()


def noisy(folder, ratio, seeds=3, seed=0):
    """Noise of 0.01/√ratio in the two smallest budgets and 0.01·√ratio in the others."""
    frame = isoflop_frame(seed=seed, sigma=0, seeds=seeds)
    large = frame["budget"] > 3e18
    sd = 0.01 * np.where(large, np.sqrt(ratio), 1 / np.sqrt(ratio))
    frame["loss"] += np.random.default_rng(seed).normal(0, sd)
    return as_table(frame, folder), large.to_numpy()


@pytest.mark.parametrize("value", [1e-6, 0.01, 1.0, np.pi**2 / 6, 50.0, 1e6])
def test_trigamma_of_its_inverse_is_the_value(value):
    assert polygamma(1, inverse_trigamma(value)) == pytest.approx(value, rel=1e-10)


def test_the_prior_of_smyth_2004_is_recovered():
    rng = np.random.default_rng(0)
    true = 8 * 0.04 / rng.chisquare(8, 20_000)
    dof = np.full(20_000, 3.0)
    variance = true * rng.chisquare(3, 20_000) / 3
    expected = (8 * 0.04 + 3 * variance) / 11
    assert shrunken(variance, dof) == pytest.approx(expected, rel=0.05)


def test_equal_variances_are_pooled():
    assert shrunken(np.array([1.0, 1.2, 0.9]), np.array([4.0, 4.0, 2.0])) == pytest.approx([1.06] * 3)


def test_a_group_without_repeats_gets_the_prior():
    variance, dof = np.array([1e-4, 1.0, 100.0, 0.0]), np.array([9.0, 9.0, 9.0, 0.0])
    found = shrunken(variance, dof)
    assert found[:3] == pytest.approx(variance[:3], rel=0.5)
    assert found[0] < found[3] < found[2]


def test_the_quieter_budgets_weigh_more(tmp_path):
    table, large = noisy(tmp_path, 4.0)
    found = seed_weights(table)
    assert found.dof == 70
    assert found.weights.mean() == pytest.approx(1)
    assert found.weights[~large].mean() / found.weights[large].mean() == pytest.approx(16, rel=0.6)
    assert "shrunk by empirical Bayes: 0." in found.sentence


def test_equal_noise_gives_nearly_equal_weights(tmp_path):
    spread = [np.log(seed_weights(isoflop(tmp_path, seed=i, seeds=3)).weights).std() for i in range(20)]
    assert np.median(spread) < 0.2


def test_repeats_of_one_size_share_a_weight(tmp_path):
    weights = seed_weights(noisy(tmp_path, 4.0)[0]).weights.reshape(35, 3)
    assert (weights == weights[:, :1]).all()


def test_without_a_second_seed_there_is_a_warning(tmp_path):
    found = seed_weights(isoflop(tmp_path))
    assert (found.dof, found.sentence) == (0, "no size has two seeds: every row weighs the same")
    assert (found.weights == 1).all()


def test_copies_of_rows_are_no_seeds(tmp_path):
    table = isoflop(tmp_path, sigma=0, seeds=3)
    assert seed_weights(table).dof == 0


def test_one_wild_seed_keeps_a_weight(tmp_path):
    frame = isoflop_frame(seeds=3)
    frame.loc[10, "loss"] *= 10
    weights = seed_weights(as_table(frame, tmp_path)).weights
    assert weights[10] == weights.min()
    assert np.median(weights) / weights[10] == pytest.approx(30)


def test_rows_outside_budgets_have_a_variance_too(tmp_path):
    table = noisy(tmp_path, 4.0)[0]
    outside = np.where(table.budget < 3e18, np.nan, table.budget)
    weights = seed_weights(dataclasses.replace(table, budget=outside)).weights
    assert weights[np.isnan(outside)].mean() > 3 * weights[~np.isnan(outside)].mean()


def test_an_unknown_kind_is_named(tmp_path):
    table = isoflop(tmp_path)
    assert weights_of(table, None) is None
    with pytest.raises(FlopscapeError, match="'loss_se': there is only seeds"):
        weights_of(table, "loss_se")
