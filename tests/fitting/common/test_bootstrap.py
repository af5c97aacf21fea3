"""Resamples of whole runs, and percentiles of what they give."""

import numpy as np
import pytest

from flopscape.fitting.common.bootstrap import percentile_interval, run_weights


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
