"""The drift's modes against the covariance of a two-sided integrated Wiener process."""

import numpy as np
import pytest

from flopscape.fitting.drifting_law.drift import MODES, Reach, reach_of, shapes

REACH = Reach(9.0, 15.0)


def covariance(u):
    """m²(3M − m)/(2·4³) on one side of zero, none between the sides."""
    near, far = np.minimum(*np.broadcast_arrays(abs(u)[:, None], abs(u))), np.maximum(abs(u)[:, None], abs(u))
    return near**2 * (3 * far - near) / 128 * (np.sign(u)[:, None] == np.sign(u))


def test_six_modes_have_the_covariance_of_the_process():
    u = np.linspace(-9, 15, 49)
    modes, exact = shapes(u, REACH), covariance(u)
    assert modes.shape == (49, MODES)
    assert modes @ modes.T == pytest.approx(exact, abs=0.002 * exact.max())


def test_all_modes_of_a_side_add_up_to_its_variance_at_the_end():
    assert (shapes(np.array([15.0]), REACH) ** 2).sum() == pytest.approx(15**3 / 64, rel=2e-3)


def test_it_starts_with_value_and_slope_zero_and_goes_on_straight():
    step = 1e-4
    assert shapes(np.array([0.0]), REACH) == pytest.approx(0, abs=1e-15)
    assert shapes(np.array([-step, step]), REACH) / step == pytest.approx(0, abs=1e-3)
    beyond = shapes(np.array([15.0, 20.0, 25.0, -9.0, -12.0, -15.0]), REACH)
    assert beyond[1] - beyond[0] == pytest.approx(beyond[2] - beyond[1])
    assert beyond[4] - beyond[3] == pytest.approx(beyond[5] - beyond[4])
    inside, outside = (shapes(np.array([15 - step, 15, 15 + step]), REACH)[i + 1] for i in (0, 1))
    assert (outside - inside) / step == pytest.approx((beyond[1] - beyond[0]) / 5, rel=1e-3)


def test_it_reaches_beyond_the_runs():
    assert reach_of(np.array([-5.0, 4.0])) == Reach(9.0, 14.0)
    assert reach_of(np.array([0.0])) == Reach(6.0, 10.0)
