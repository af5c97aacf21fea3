"""Where the next budget's centre lies, against independent computations."""

import math

import numpy as np
import pytest

from flopscape.design.rung import Losses, centers_of, line_through
from flopscape.plan.rung_words import FOUND
from flopscape.plan.rungs import Center

LOG_N = np.linspace(-1.0, 1.0, 7)


def test_the_line_is_the_posterior_mode_of_height_and_slope() -> None:
    """Ordinary least squares with one more row, slope = 0.5 ± 0.1, solved as one system."""
    flops, log_n = np.array([1e9, 3e9, 1e10, 1e12]), np.array([8.0, 8.9, 9.0, 12.1])
    sd = np.array([0.1, 0.3, 0.08, 2.0])
    line = line_through([Center(c, v, s, "") for c, v, s in zip(flops, log_n, sd, strict=True)])
    rows = np.vstack([np.stack([1 / sd, np.log(flops) / sd], axis=1), [0.0, 10.0]])
    height, slope = np.linalg.lstsq(rows, np.append(log_n / sd, 5.0), rcond=None)[0]
    assert line.slope == pytest.approx(slope, abs=1e-9)
    assert line.at(math.log(1e13)) == pytest.approx(height + slope * math.log(1e13), abs=1e-8)


def test_a_vertex_has_the_error_that_numpy_finds_with_the_noise_of_all_budgets() -> None:
    rng = np.random.default_rng(0)
    budgets = [Losses(c, 9 + LOG_N, 3 + 0.2 * (LOG_N - 0.3) ** 2 + rng.normal(0, 0.1, 7), 1.0) for c in (1e9, 1e10)]
    fits = [np.polyfit(LOG_N, one.loss, 2, full=True) for one in budgets]
    variance = sum(float(fit[1][0]) for fit in fits) / 8
    for one, (c, *_), center in zip(budgets, fits, centers_of(budgets), strict=True):
        covariance = np.linalg.inv(np.vander(LOG_N, 3).T @ np.vander(LOG_N, 3)) * variance
        slope = np.array([c[1] / (2 * c[0] ** 2), -1 / (2 * c[0]), 0.0])
        assert center.flops == one.flops
        assert center.how == FOUND
        assert center.log_n == pytest.approx(9 - c[1] / (2 * c[0]), abs=1e-9)
        assert center.sd == pytest.approx(math.sqrt(slope @ covariance @ slope), rel=1e-6)


@pytest.mark.parametrize(("lean", "end"), [(0.1, 8.0), (-0.1, 10.0)])
def test_a_curve_without_a_bend_points_at_its_lower_end_with_half_its_span(lean: float, end: float) -> None:
    wiggle = 0.01 * np.array([1, -1, 1, 0, -1, 1, -1])
    [center] = centers_of([Losses(1e9, 9 + LOG_N, 3 + lean * LOG_N + wiggle, 1.0)])
    assert center.how == "the curvature is not two standard errors above zero: the end of lower loss"
    assert (center.log_n, center.sd) == (end, 1.0)


def test_a_lowest_point_beyond_the_sizes_is_their_end() -> None:
    [center] = centers_of([Losses(1e9, 9 + LOG_N, 3 + (LOG_N - 1.5) ** 2, 1.0)])
    assert center.how.startswith("the lowest point lies above the sizes 2.98 k to 22.0 k: ")
    assert (center.log_n, center.sd) == (10.0, 1.0)


def test_two_finished_sizes_point_at_the_better_one_with_the_planned_span() -> None:
    [center] = centers_of([Losses(1e9, np.array([9.0, 9.5]), np.array([3.0, 2.9]), 1.4)])
    assert center.how == "2 sizes finished, and a parabola needs 3: the end of lower loss"
    assert (center.log_n, center.sd) == (9.5, 1.4)


def test_with_three_runs_a_lowest_point_counts_as_little_as_an_end() -> None:
    [center] = centers_of([Losses(1e9, np.array([9.0, 10.0, 11.0]), np.array([3.1, 3.0, 3.1]), 1.0)])
    assert center.log_n == pytest.approx(10.0)
    assert center.sd == 1.0
    assert center.how == "the lowest point of the parabola, whose error no run to spare could tell"
