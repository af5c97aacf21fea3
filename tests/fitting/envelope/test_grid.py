"""The lower hull and the smoother against references."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from flopscape.fitting.envelope.grid import lower_hull, smooth, supporting_slopes, touching_points
from flopscape.fitting.envelope.vertices import lowest_present


def lower_part(x, y):
    """Vertices of scipy's hull from the leftmost to the rightmost point, along the bottom."""
    around = np.roll(vertices := ConvexHull(np.stack([x, y], 1)).vertices, -int(x[vertices].argmin()))
    return around[: int(x[around].argmax()) + 1]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [3, 10, 300])
def test_the_lower_hull_is_scipys(seed, size):
    rng = np.random.default_rng(seed)
    x, y = np.sort(rng.normal(size=size)), rng.normal(size=size)
    assert lower_hull(x, y).tolist() == lower_part(x, y).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_supporting_slopes_touch_the_falling_part_of_the_hull_of_any_subset(seed):
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 3, 200)
    curves = np.stack([(x - c) ** 2 / 2 - c for c in np.linspace(0, 3, 8)]) + rng.normal(0, 0.01, (8, 200))
    curves[3, :100] = np.inf
    lowest = curves.min(axis=0)
    slopes = supporting_slopes(x, lowest)
    values, points = touching_points(x, curves, slopes)
    run = lowest_present(values, np.ones((1, 8), bool))[0]
    hull = lower_hull(x, lowest)
    falling = hull[: int(lowest[hull].argmin()) + 1]
    assert sorted(set(points[run, np.arange(len(slopes))])) == falling.tolist()
    half = values[:4].min(axis=0)
    expected = (curves[:4, None] - slopes[:, None] * x).min(axis=(0, 2))
    assert half == pytest.approx(expected, abs=1e-12)


def test_the_lowest_present_run_is_the_masked_minimum():
    rng = np.random.default_rng(0)
    values, present = rng.normal(size=(6, 40)), rng.random((50, 6)) < 0.3
    values[rng.random(values.shape) < 0.3] = np.inf
    masked = np.where(present[:, :, None], values, np.inf)
    expected = np.where(np.isfinite(masked.min(axis=1)), masked.argmin(axis=1), -1)
    assert (lowest_present(values, present) == expected).all()


def test_smoothing_keeps_straight_lines_to_their_ends_and_lone_points():
    x = np.concatenate([[-3.0, -1.0], np.linspace(0, 1, 40)])
    assert smooth(x, 2 - 0.3 * x) == pytest.approx(2 - 0.3 * x, abs=1e-9)
    assert smooth(np.array([0.0, 5.0]), np.array([1.0, 7.0])) == pytest.approx([1.0, 7.0])


def test_smoothing_takes_out_noise():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 200)
    noise = rng.normal(0, 0.01, 200)
    assert np.std(smooth(x, noise)) < 0.5 * np.std(noise)
