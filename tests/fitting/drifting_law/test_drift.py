"""The drift's modes against the covariance that they stand for, integrated from the slope's by quadrature."""

import numpy as np
import pytest
from scipy.integrate import dblquad

from flopscape.fitting.drifting_law.drift import LENGTH, MODES, Reach, reach_of, shapes

REACH = Reach(9.0, 15.0)


def slope_covariance(s, t):
    """Of an Ornstein-Uhlenbeck process that starts at zero, with S = 1."""
    return np.exp(-abs(s - t) / LENGTH) - np.exp(-(s + t) / LENGTH)


def covariance(s, t):
    """Of the drift at distances s and t on one side, scaled so that its variance is one at ℓ."""

    def integral(s, t):
        # Apart at s = t, where the integrand has a bend.
        near = min(s, t)
        below = dblquad(slope_covariance, 0, near, 0, lambda x: x, epsabs=1e-10)[0]
        beyond = dblquad(slope_covariance, near, max(s, t), 0, near, epsabs=1e-10)[0]
        return 2 * below + beyond

    return integral(s, t) / integral(LENGTH, LENGTH)


@pytest.mark.parametrize(("s", "t"), [(4.0, 4.0), (15.0, 15.0), (3.0, 9.0), (7.0, 15.0)])
def test_the_modes_have_the_covariance_of_the_process(s, t):
    modes = shapes(np.array([s, t]), REACH)
    assert modes.shape == (2, MODES)
    # What the modes beyond the fifth would add: a twentieth of the variance at ℓ, and a hundredth at the end.
    assert modes[0] @ modes[1] == pytest.approx(covariance(s, t), abs=0.05)


def test_the_modes_of_a_side_add_up_to_its_variance_at_the_end():
    assert (shapes(np.array([15.0]), REACH) ** 2).sum() == pytest.approx(covariance(15.0, 15.0), rel=5e-3)
    assert (shapes(np.array([-9.0]), REACH) ** 2).sum() == pytest.approx(covariance(9.0, 9.0), rel=5e-3)


def test_the_sides_know_nothing_of_each_other():
    below, above = shapes(np.array([-5.0, 8.0]), REACH)
    assert below @ above == 0


def test_it_starts_with_value_and_slope_zero():
    step = 1e-4
    assert shapes(np.array([0.0]), REACH) == pytest.approx(0, abs=1e-15)
    assert shapes(np.array([-step, step]), REACH) / step == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("end", "side"), [(15.0, 1.0), (-9.0, -1.0)])
def test_beyond_its_end_it_is_smooth_and_its_slope_returns_to_that_of_the_law(end, side):
    step = 1e-4
    before, at, after = shapes(end + side * step * np.array([-1.0, 0.0, 1.0]), REACH)
    slope = (at - before) / step
    assert (after - at) / step == pytest.approx(slope, abs=1e-3)
    one, two, far = shapes(end + side * LENGTH * np.array([1.0, 2.0, 40.0]), REACH)
    assert two - one == pytest.approx((one - at) / np.e)
    assert far - at == pytest.approx(slope * LENGTH, abs=1e-3)


def test_far_from_the_runs_the_path_goes_on_as_the_law_does():
    """An integrated Wiener process would have a standard deviation of (200/4)^1.5 = 350 there."""
    far, farther = shapes(np.array([100.0, 200.0]), REACH)
    assert farther == pytest.approx(far)
    assert 1 < np.sqrt((far**2).sum()) < 10


def test_it_reaches_beyond_the_runs():
    assert reach_of(np.array([-5.0, 4.0])) == Reach(9.0, 14.0)
    assert reach_of(np.array([0.0])) == Reach(6.0, 10.0)
