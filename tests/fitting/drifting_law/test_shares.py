"""The parts of a variance: they add up, and more runs, seeds or reach move them as they should."""

from dataclasses import replace

import numpy as np
import pytest

from flopscape.fitting.drifting_law.fit import posterior
from flopscape.fitting.drifting_law.shares import Shares
from flopscape.fitting.fit import fit
from flopscape.laws.law import Compute
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import isoflop_frame

PARTS = ("noise", "law", "drift", "discrepancy")


def parts(frame, flops):
    return fit(table_of(frame, "x"), "answer", flops=[flops])[0].diagnostics["shares"][0]


def test_they_are_parts_of_one_and_say_what_is_left_of_the_prior():
    told = parts(isoflop_frame(sigma=0.003), 1e22)
    for quantity in ("n_params", "loss"):
        assert sum(told[quantity][name] for name in PARTS) == pytest.approx(1)
        assert min(told[quantity][name] for name in PARTS) >= 0
        assert 0 < told[quantity]["sd_over_prior"] < 0.3
    assert told["flops"] == 1e22


def test_what_one_run_leaves_open_is_the_prior():
    told = parts(isoflop_frame().iloc[[17]], 1e24)
    assert told["n_params"]["sd_over_prior"] == pytest.approx(1, abs=0.02)
    assert told["n_params"]["noise"] < 0.01


def test_within_noisy_runs_it_is_noise_and_far_beyond_them_drift():
    inside = parts(isoflop_frame(sigma=0.05), 1e19)
    beyond = parts(isoflop_frame(sigma=0.002), 1e26)
    assert inside["n_params"]["noise"] == max(inside["n_params"][name] for name in PARTS)
    assert inside["loss"]["noise"] > 0.6
    assert beyond["n_params"]["drift"] > 0.5
    assert inside["n_params"]["drift"] < 0.3
    assert np.isfinite(beyond["loss"]["sd_over_prior"])


def moved(found, step):
    """The typical draw with its numbers moved by a step (p + m,)."""
    curves, at = found.typical, found.typical.t.shape[1]
    return replace(curves, t=curves.t + step[:at], c=curves.c + step[at:])


def test_gradients_of_losses_and_of_the_optimum_are_those_of_finite_differences():
    found = posterior(table_of(isoflop_frame(sigma=0.003), "x"), Compute.constant(), 256, 0)
    shares, scale = Shares(found.typical, found.at), found.cells.center.loss
    step = np.random.default_rng(0).normal(size=len(shares.prior)) * 1e-4 / np.sqrt(shares.prior)
    log_n, log_d = np.log([1e8, 3e9]), np.log([2e10, 1e11])
    up, down = moved(found, step), moved(found, -step)
    losses = (up.loss(log_n, log_d) - down.loss(log_n, log_d))[0] / 2 / scale
    assert shares.gradients(log_n, log_d) @ step == pytest.approx(losses, rel=1e-4)
    best, told = (up.lowest(1e22), down.lowest(1e22)), shares.of_optimum(1e22)
    assert told["loss"] @ step == pytest.approx((best[0].loss[0] - best[1].loss[0]) / 2 / scale, rel=1e-2)
    assert told["n_params"] @ step == pytest.approx((best[0].log_n[0] - best[1].log_n[0]) / 2, rel=2e-2)
