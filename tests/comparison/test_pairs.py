"""Runs that share the order of their data: which are pairs, what they have in common, and what that is worth."""

from dataclasses import replace

import numpy as np
import pytest

from flopscape.comparison.compare import compare
from flopscape.comparison.pairs import correlation, correlation_parts, paired_runs, whitened
from flopscape.comparison.recipes import Recipe
from flopscape.comparison.words import rests
from tests.comparison.recipe_tables import recipe


def shared(rho, seed=0, sigma=0.01):
    """Two recipes whose runs of one budget and rank have noise in common."""
    a, b = recipe("plain", sigma=0), recipe("new", sigma=0)
    rng = np.random.default_rng(seed)
    common, *own = rng.normal(0, sigma, (3, len(a.table)))
    noise = [np.sqrt(rho) * common + np.sqrt(1 - rho) * one for one in own]
    return [Recipe(r.name, replace(r.table, loss=r.table.loss + e)) for r, e in zip((a, b), noise, strict=True)]


def test_runs_of_one_seed_and_budget_are_paired_in_the_order_of_their_sizes():
    a, b = recipe("plain").table, recipe("new").table
    turned = replace(
        b, **{name: getattr(b, name)[::-1] for name in ("n_params", "n_tokens", "flops", "loss", "budget")}
    )
    pairs = paired_runs(a, turned)
    assert len(pairs) == 35
    assert a.n_params[pairs[:, 0]] == pytest.approx(turned.n_params[pairs[:, 1]])


def test_runs_of_other_seeds_without_a_seed_or_of_unequal_number_are_in_no_pair():
    a, b = recipe("plain").table, recipe("new").table
    assert len(paired_runs(a, replace(b, seed=np.full(35, "1")))) == 0
    assert len(paired_runs(replace(a, seed=np.full(35, "")), b)) == 0
    fewer = b.keep(np.arange(35) > 0, "one is missing")
    assert len(paired_runs(a, fewer)) == 28
    # A date as a seed has eight digits, and all of them count.
    dates = [replace(t, seed=np.full(35, day)) for t, day in ((a, "20261126"), (b, "20261127"))]
    assert len(paired_runs(*dates)) == 0
    # 0.0 is how a column with blanks writes the seed 0.
    assert len(paired_runs(replace(a, seed=np.full(35, "0.0")), b)) == 35


def test_runs_of_no_budget_are_paired_by_size_and_data():
    a, b = (replace(recipe(name).table, budget=np.full(35, np.nan)) for name in ("plain", "new"))
    pairs = paired_runs(a, b)
    assert sorted(pairs.tolist()) == [[i, i] for i in range(35)]


def test_sum_and_difference_of_a_pair_have_variance_one_and_no_correlation():
    rng, rho = np.random.default_rng(0), 0.6
    a = rng.normal(size=20000)
    b = rho * a + np.sqrt(1 - rho**2) * rng.normal(size=20000)
    pairs = np.arange(40000).reshape(2, -1).T
    both = whitened(np.concatenate([a, b]), pairs, rho)
    assert np.cov(both[:20000], both[20000:]) == pytest.approx(np.eye(2), abs=0.03)
    assert correlation(np.concatenate([a, b]), pairs) == pytest.approx(rho, abs=0.02)


def test_few_pairs_and_negative_correlations_count_as_none():
    residual = np.array([1.0, -1.0, 2.0, -2.0, 1.0, -1.0] * 2)
    assert correlation(residual, np.arange(12).reshape(2, -1).T) == 0
    many = np.random.default_rng(0).normal(size=50)
    assert correlation(np.concatenate([many, -many]), np.arange(100).reshape(2, -1).T) == 0


def seeds_and_cells(rho_seeds, rho_cells):
    """ρ's parts of 35 cells with two seeds, whose noise and whose misfit are correlated so."""
    table = recipe("plain").table
    a = replace(table, **{name: np.repeat(getattr(table, name), 2) for name in ("n_params", "n_tokens", "loss")})
    rng = np.random.default_rng(0)
    noise = rng.multivariate_normal([0, 0], [[1, rho_seeds], [rho_seeds, 1]], 70)
    missed = np.repeat(rng.multivariate_normal([0, 0], [[9, 9 * rho_cells], [9 * rho_cells, 9]], 35), 2, axis=0)
    return correlation_parts((noise + missed).T.ravel(), a, a, np.arange(140).reshape(2, -1).T)


def test_noise_of_a_seed_and_what_the_surface_misses_are_told_apart():
    noise, missed = seeds_and_cells(0.8, 0.0), seeds_and_cells(0.0, 0.9)
    assert 0.6 < noise.seeds.low < noise.seeds.estimate < noise.seeds.high < 0.95
    assert noise.cells.low < 0.1 < noise.cells.high
    assert missed.seeds.low < 0 < missed.seeds.high
    # A mean of two seeds has a misfit of variance 9 and noise of variance 1/2, so that .9 counts .85.
    assert missed.cells.low < 0.85 < missed.cells.high


def test_one_seed_a_size_tells_no_noise_apart():
    a, b = (one.table for one in shared(0.8))
    found = correlation_parts(np.random.default_rng(0).normal(size=70), a, b, paired_runs(a, b) + np.array([0, 35]))
    assert found.seeds is None
    assert found.cells is not None


def test_noise_that_pairs_share_narrows_the_interval_and_is_told():
    recipes = shared(0.8)
    paired, unpaired = (compare(recipes, use_pairs=use).pairs[0] for use in (True, False))
    assert 0.5 < paired.rests_on.rho < 0.95
    assert (unpaired.rests_on.pairs, unpaired.rests_on.rho, unpaired.rests_on.rho_cells) == (0, 0, None)
    told = " ".join(rests(paired))
    assert f"ρ = {paired.rests_on.rho:.2f}, in which is the noise that a seed brings to both and what the" in told
    assert "between the means over seeds" in told
    assert "between seeds of one size" not in told
    m, wide = paired.target.multiplier, unpaired.target.multiplier
    # √(1 − ρ) is 0.45, and ρ is estimated.
    assert 0.3 < np.log(m.high / m.low) / np.log(wide.high / wide.low) < 0.7
    assert m.low < 1 < m.high
