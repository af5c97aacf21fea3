"""Draws: the same on any machine, and as probable as the posterior says."""

import os
import subprocess
import sys

import numpy as np
import pytest

from flopscape.fitting.drifting_law.draws import draw
from flopscape.fitting.drifting_law.posterior import PARAMETERS, PRIOR_MEAN
from flopscape.fitting.drifting_law.sampling import Proposal, annealed
from flopscape.fitting.drifting_law.scales import Hyper, first_law, peak, points
from tests.fitting.drifting_law.test_posterior import data
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
    h, log_thin = points(found, 4096, 0)
    standard = (h - found.h) @ found.root
    # Student's t of six degrees of freedom has the variance 6/4.
    assert np.cov(standard.T) == pytest.approx(1.5 * np.eye(4), abs=0.12)
    assert log_thin == pytest.approx(5 * np.log1p((standard**2).sum(axis=1) / 6))


def test_draws_have_the_spread_of_the_posterior_and_other_seeds_others(hyper):
    found = peak(hyper)
    one, other = (draw(hyper, found, 2048, seed) for seed in (0, 1))
    assert one.t.shape == (2048, PARAMETERS)
    assert one.effective > 0.1
    assert one.t.std(axis=0) == pytest.approx(other.t.std(axis=0), rel=0.2)
    assert not np.allclose(one.t, other.t)
    sd = np.maximum(one.t.std(axis=0), other.t.std(axis=0))
    assert (abs(one.t.mean(axis=0) - other.t.mean(axis=0)) < 0.15 * sd).all()


def test_annealed_draws_are_those_of_importance_sampling_where_both_are_good(hyper):
    conditional = hyper.conditional(peak(hyper).h)
    mode, generator = conditional.mode(hyper.t), np.random.default_rng(0)
    t, log_evidence = annealed(conditional, mode, 2000, generator)
    proposal = Proposal(mode)
    proposed = proposal.draw(20_000, generator)
    logs = conditional.log_scales - conditional.costs(proposed) - proposal.log_density(proposed)
    weights = np.exp(logs - logs.max())
    mean = weights @ proposed / weights.sum()
    sd = np.sqrt(weights @ (proposed - mean) ** 2 / weights.sum())
    assert log_evidence == pytest.approx(np.log(weights.mean()) + logs.max(), abs=0.25)
    assert (t.mean(axis=0) - mean) / sd == pytest.approx(0, abs=0.15)
    assert t.std(axis=0) == pytest.approx(sd, rel=0.12)


def test_a_table_that_leaves_much_open_still_has_good_draws():
    seen = data(isoflop_frame().iloc[::7])
    hyper = Hyper(seen, first_law(seen))
    one, other = (draw(hyper, peak(hyper), 2048, seed) for seed in (0, 1))
    assert min(one.effective, other.effective) > 0.3
    assert len(np.unique(one.t[:, 0])) > 1500
    assert one.t[:, :6].mean(axis=0) == pytest.approx(other.t[:, :6].mean(axis=0), abs=0.12)


def test_what_the_runs_do_not_tell_keeps_its_prior():
    """One run says the level; the slope and the scales are as before."""
    seen = data(isoflop_frame().iloc[[17]])
    hyper = Hyper(seen, first_law(seen))
    draws = draw(hyper, peak(hyper), 2048, 0)
    assert draws.t[:, 3].mean() == pytest.approx(0.5, abs=0.01)
    assert draws.t[:, 3].std() == pytest.approx(0.06, rel=0.15)
    assert draws.h.std(axis=0) == pytest.approx([0.8, 0.7, 0.7, 1.0], rel=0.3)
    assert np.exp(draws.h.mean(axis=0)) == pytest.approx([0.004, 0.004, 0.15, 0.006], rel=0.35)
    assert PRIOR_MEAN[:6].tolist() == pytest.approx([1.0, -0.4, 0.0, 0.5, np.log(0.75), 0.0])
