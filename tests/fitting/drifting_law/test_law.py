"""The coupled law as a path: against finite differences, the surface it contains, and its own minimum."""

import numpy as np
import pytest

from flopscape.fitting.drifting_law import law
from flopscape.laws.surface import Surface, closed_form_optimum, loss

THETA = np.array([1.1, -0.3, 0.4, 0.47, -0.35, 0.25])
X, U = np.array([-2.0, -0.5, 0.3, 1.7, 3.0]), np.array([-4.0, -1.0, 0.0, 2.0, 5.0])


def test_the_derivatives_are_those_of_the_law():
    f, slopes = law.jacobian(THETA, X, U)
    assert f == pytest.approx(law.mean(THETA, X, U), rel=1e-14)
    for i, step in enumerate(1e-6 * np.eye(6)):
        difference = (law.mean(THETA + step, X, U) - law.mean(THETA - step, X, U)) / 2e-6
        assert slopes[:, i] == pytest.approx(difference, abs=2e-9)


def test_a_drift_moves_the_law_as_its_offset_does():
    moved = (law.mean(THETA, X - 1e-6, U) - law.mean(THETA, X + 1e-6, U)) / 2e-6
    assert law.jacobian(THETA, X, U)[1][:, law.OFFSET] == pytest.approx(moved, abs=2e-9)


@pytest.mark.parametrize("u", [-3.0, 0.0, 6.0])
def test_its_minimum_at_a_compute_is_on_the_path(u):
    path = THETA[2] + THETA[3] * u
    x = path + np.linspace(-1, 1, 2001)
    assert x[law.mean(THETA, x, np.full(len(x), u)).argmin()] == pytest.approx(path, abs=1e-3)


def test_without_coupling_it_is_the_surface():
    """L = 1.69 + 406.4·N^−0.34 + 410.7·D^−0.28, its path and level at ND = e^u0 written out from its own optimum."""
    chinchilla, u0 = Surface(1.69, 406.4, 410.7, 0.34, 0.28), np.log(1e9 * 2e10)
    best = closed_form_optimum(chinchilla, 6 * np.exp(u0))
    share = 1 - 1.69 / best.loss
    theta = np.array([best.loss, np.log(share / (1 - share)), np.log(best.n_params), 0.28 / 0.62, np.log(0.62), 0.0])
    n, d = np.array([1e7, 1e9, 3e10]), np.array([1e12, 1e10, 1e9])
    found = law.mean(theta, np.log(n), np.log(n * d) - u0)
    assert found == pytest.approx(loss(chinchilla, n, d), rel=1e-12)
