"""The discrepancy at knots against the Gaussian processes that it stands for."""

import numpy as np
import pytest

from flopscape.fitting.drifting_law import law
from flopscape.fitting.drifting_law.discrepancy import Discrepancy, matern32, matern52
from flopscape.fitting.drifting_law.drift import Reach

THETA = (1.0, -0.4, 0.2, 0.5, -0.3, 0.1)
SHAPES = Discrepancy(Reach(9.0, 15.0), THETA, -3.75, 3.75)
U, W = (grid.ravel() for grid in np.meshgrid(np.linspace(-9, 15, 31), np.linspace(-3.75, 3.75, 21)))
X = W + 0.2 + 0.5 * U


def exact(size_of_level, size_of_shape):
    du, dw = U[:, None] - U, W[:, None] - W
    rise = law.mean(np.array(THETA), X, U) - law.mean(np.array(THETA), 0.2 + 0.5 * U, U)
    level, shape = matern32(du / 4), matern52(du / 4) * matern52(dw / 1.5) * rise[:, None] * rise
    return size_of_level**2 * level + size_of_shape**2 * shape


@pytest.mark.parametrize(("level", "shape"), [(1.0, 0.0), (0.0, 1.0)])
def test_its_covariance_is_that_of_the_processes_to_a_hundredth(level, shape):
    counts = SHAPES.sizes
    scaled = SHAPES.shapes(X, U) * np.repeat([level, shape], counts)
    lacking = exact(level, shape) - scaled @ scaled.T
    assert abs(lacking).max() < 0.015 * exact(level, shape).max()
    assert lacking.diagonal().min() > -1e-8


def test_it_has_as_many_numbers_as_it_says():
    assert SHAPES.sizes == (19, 13 * 11)
    assert SHAPES.shapes(X, U).shape == (651, 162)


def test_the_law_is_trusted_at_its_optimum():
    at_optimum = SHAPES.shapes(0.2 + 0.5 * U, U)[:, 19:]
    assert at_optimum == pytest.approx(0, abs=1e-12)


def test_it_keeps_its_value_beyond_the_knots_and_little_else():
    edge, beyond = (SHAPES.shapes(np.array([0.2 + 0.5 * u + 3.75]), np.array([u])) for u in (15.0, 40.0))
    assert beyond == pytest.approx(edge)


def test_it_is_rebuilt_from_its_json():
    assert Discrepancy.from_json(SHAPES.to_json()) == SHAPES


def test_runs_over_many_decades_get_fewer_knots_than_would_be_needed():
    wide = Discrepancy.around(np.array([-40.0, 40.0]), np.array([-30.0, 30.0]), Reach(34.0, 40.0), np.array(THETA))
    assert wide.sizes == (40, 38 * 40)
