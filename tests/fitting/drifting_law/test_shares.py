"""The parts of a variance: they add up, and more runs, seeds or reach move them as they should."""

import numpy as np
import pytest

from flopscape.fitting.fit import fit
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
