"""Draws: the same on any machine, and as probable as the posterior says."""

import os
import subprocess
import sys

import numpy as np
import pytest

from flopscape.fitting.drifting_law.draws import Proposed, draw
from flopscape.fitting.drifting_law.drift import MODES
from flopscape.fitting.drifting_law.posterior import PARAMETERS, PRIOR_MEAN
from flopscape.fitting.drifting_law.scales import Hyper, Peak, first_law, peak
from flopscape.fitting.drifting_law.tempered import Tempered, walked
from tests.fitting.drifting_law.test_posterior import checkpoints_with_losses, data
from tests.fitting.fit_tables import isoflop_frame

SUMS = """
import numpy as np
from flopscape.fitting.fit import fit
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import isoflop_frame
result, draws = fit(table_of(isoflop_frame(seeds=3, sigma=0.01), "x"), "answer", flops=[1e22], bootstrap=300, seed=4)
numbers = draws.drop(columns=["E", "A", "B", "alpha", "beta"]).to_numpy(float)
print(" ".join(f"{x:.17g}" for x in numbers[::30].ravel()))
"""


def drawn(threads):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | {name: str(threads) for name in names}
    done = subprocess.run([sys.executable, "-c", SUMS], env=environment, capture_output=True, text=True, check=True)
    return np.array(done.stdout.split(), float)


def test_draws_are_the_same_with_one_thread_and_two():
    assert drawn(1) == pytest.approx(drawn(2), rel=1e-9, abs=1e-9)


@pytest.fixture(scope="module")
def hyper():
    seen = data(isoflop_frame(budgets=4, sizes=6))
    return Hyper(seen, first_law(seen))


def test_the_scales_mode_is_a_peak(hyper):
    found = peak(hyper)
    best = hyper.minus_log(found.h)
    for step in 0.4 * np.eye(4):
        assert hyper.minus_log(found.h + step) > best
        assert hyper.minus_log(found.h - step) > best


def test_the_points_around_it_have_the_spread_of_their_distribution(hyper):
    found = peak(hyper)
    h = found.points(4096, 0)
    standard = (h - found.h) @ found.root
    # Student's t of six degrees of freedom has the variance 6/4.
    assert np.cov(standard.T) == pytest.approx(1.5 * np.eye(4), abs=0.12)
    normal = np.log(np.diag(found.root)).sum()
    assert normal - found.log_density(h) == pytest.approx(5 * np.log1p((standard**2).sum(axis=1) / 6))


def test_draws_have_the_spread_of_the_posterior_and_other_seeds_others(hyper):
    found = peak(hyper)
    one, other = (draw(hyper, found, 2048, seed) for seed in (0, 1))
    assert one.t.shape == (2048, PARAMETERS)
    assert one.effective > 0.1
    assert one.t.std(axis=0) == pytest.approx(other.t.std(axis=0), rel=0.2)
    assert not np.allclose(one.t, other.t)
    sd = np.maximum(one.t.std(axis=0), other.t.std(axis=0))
    assert (abs(one.t.mean(axis=0) - other.t.mean(axis=0)) < 0.15 * sd).all()


def test_a_peak_that_was_found_far_from_the_mass_is_left_for_where_the_mass_is(hyper):
    found = peak(hyper)
    off = Peak(found.h + np.array([0.3, 0.8, -1.0, 1.0]), 2 * found.root)
    once = Proposed.around(off, hyper, 0, np.random.default_rng(0)).effective()
    straight, detour = draw(hyper, found, 2048, 0), draw(hyper, off, 2048, 0)
    assert detour.effective > 5 * once
    assert once < 0.01
    assert (abs(straight.t.mean(axis=0) - detour.t.mean(axis=0)) < 0.2 * straight.t.std(axis=0)).all()
    # Sixteen spreads of some hundred effective draws each: the largest of their errors is about 0.17.
    assert straight.t.std(axis=0) == pytest.approx(detour.t.std(axis=0), rel=0.3)


def test_draws_from_the_prior_are_those_of_importance_sampling_where_both_are_good():
    seen = data(isoflop_frame(budgets=3, sizes=4))
    hyper = Hyper(seen, first_law(seen))
    proposed = draw(hyper, peak(hyper), 2048, 0)
    assert proposed.effective > 0.1
    tempered = Tempered(seen)
    walkers = walked(tempered, np.random.default_rng(0))
    t, h = tempered.t(walkers.v), tempered.h(walkers.v)[:, :4]
    c = tempered.coefficients(walkers, np.random.default_rng(1))
    for mine, theirs in ((t, proposed.t), (h, proposed.h), (c[:, ::7], proposed.c[:, ::7])):
        low, middle, high = (np.quantile(theirs, q, axis=0) for q in (0.16, 0.5, 0.84))
        assert (np.median(mine, axis=0) - middle) / (high - low) == pytest.approx(0, abs=0.15)
        assert np.subtract(*np.quantile(mine, [0.84, 0.16], axis=0)) == pytest.approx(high - low, rel=0.25)


@pytest.mark.parametrize("frame", [isoflop_frame(budgets=3, sizes=4, seeds=2), checkpoints_with_losses()])
def test_the_likelihood_of_many_draws_is_that_of_each(frame):
    """As `Conditional` has it, which sums the discrepancy out in another way and knows no multiples of τ."""
    seen = data(frame)
    hyper, tempered = Hyper(seen, PRIOR_MEAN), Tempered(seen)
    walkers = tempered.walkers(0.3 * np.random.default_rng(0).standard_normal((5, PARAMETERS + hyper.free)))
    t, h = tempered.t(walkers.v), tempered.h(walkers.v)[:, : hyper.free]
    expected = [
        hyper.conditional(h[i]).log_scales
        - hyper.conditional(h[i]).costs(t[[i]])[0]
        + np.log(np.exp(h[i, 2])) * MODES
        + 0.5 * (walkers.v[i] ** 2).sum()
        for i in range(5)
    ]
    assert np.diff(walkers.log_likelihood) == pytest.approx(np.diff(expected), abs=1e-6)


def test_a_table_that_leaves_much_open_still_has_good_draws():
    seen = data(isoflop_frame().iloc[::7])
    hyper = Hyper(seen, first_law(seen))
    one, other = (draw(hyper, peak(hyper), 2048, seed) for seed in (0, 1))
    assert min(one.effective, other.effective) > 0.5
    # Some tens of independent draws' worth on a posterior of two ridges: a quarter of a standard deviation.
    sd = np.maximum(one.t[:, :6].std(axis=0), other.t[:, :6].std(axis=0))
    assert (one.t[:, :6].mean(axis=0) - other.t[:, :6].mean(axis=0)) / sd == pytest.approx(0, abs=0.25)


def test_what_the_runs_do_not_tell_keeps_its_prior():
    """One run says the level; the slope and the scales are as before."""
    seen = data(isoflop_frame().iloc[[17]])
    hyper = Hyper(seen, first_law(seen))
    draws = draw(hyper, peak(hyper), 2048, 0)
    assert draws.t[:, 3].mean() == pytest.approx(0.5, abs=0.01)
    assert draws.t[:, 3].std() == pytest.approx(0.06, rel=0.15)
    assert draws.h.std(axis=0) == pytest.approx([0.8, 0.7, 0.7, 1.0], rel=0.3)
    assert np.exp(draws.h.mean(axis=0)) == pytest.approx([0.004, 0.004, 0.15, 0.2], rel=0.35)
    assert PRIOR_MEAN[:6].tolist() == pytest.approx([1.0, -0.4, 0.0, 0.5, np.log(0.75), 0.0])
