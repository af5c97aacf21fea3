"""The joint loss of two recipes: its derivatives, its optimum, and the closed form of the multiplier."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from flopscape.comparison.model import NAMES, Center, best, jacobian, losses
from flopscape.laws.law import Compute

THETA = np.array([1.7, -0.3, -0.1, -1.1, -1.3, -0.05, 0.2, -0.1, 0.06, 0.15, -0.2])
CENTER = Center(np.log(3e8), np.log(6e9), np.log(1.08e19))
KAPPA = Compute(np.log([1e7, 1e8, 1e10]), np.log([9.0, 7.0, 6.1]))


def runs(count=40):
    rng = np.random.default_rng(0)
    n, d = np.exp(rng.uniform(np.log(1e7), np.log(1e10), count)), np.exp(rng.uniform(np.log(1e8), np.log(1e11), count))
    return CENTER.runs(n, d, 6 * n * d, rng.random(count) < 0.5)


def finite_differences(function, theta, step=1e-5):
    moved = np.eye(len(theta)) * step
    return np.stack([(function(theta + m) - function(theta - m)) / (2 * step) for m in moved], axis=-1)


def test_the_derivatives_are_those_of_finite_differences():
    some = runs()
    found = finite_differences(lambda theta: losses(theta, some), THETA)
    assert jacobian(THETA, some) == pytest.approx(found, rel=1e-6, abs=1e-8)
    assert {*some.is_b.tolist()} == {True, False}


@pytest.mark.parametrize("is_b", [False, True])
def test_the_optimum_is_the_lowest_loss_of_all_sizes_and_moves_as_its_derivatives_say(is_b):
    flops = np.array([1e18, 1e21])
    found = best(THETA, CENTER, KAPPA, flops, is_b)
    for i, c in enumerate(flops):

        def along(log_n, c=c):
            n, d = np.exp(log_n), np.exp(KAPPA.tokens(np.array([log_n]), c))
            return float(losses(THETA, CENTER.runs(np.array([n]), d, np.array([c]), np.array([is_b])))[0])

        lowest = minimize_scalar(along, bounds=(np.log(1e6), np.log(1e12)), method="bounded", options={"xatol": 1e-9})
        assert found.loss[i] == pytest.approx(lowest.fun, rel=1e-10)
    moved = finite_differences(lambda theta: best(theta, CENTER, KAPPA, flops, is_b).loss, THETA)
    assert found.gradient == pytest.approx(moved, rel=1e-5, abs=1e-7)


def test_with_one_floor_and_one_kappa_the_multiplier_has_its_closed_form():
    theta = THETA.copy()
    theta[[NAMES.index(name) for name in ("delta_E", "delta_alpha", "delta_beta")]] = 0
    nu, flops = theta[NAMES.index("nu")], np.array([1e18, 1e20, 1e23])
    x = np.log(flops) - CENTER.log_c
    log_m = (theta[NAMES.index("mu_N")] + theta[NAMES.index("mu_D")] + nu * x) / (1 - nu / 2)
    of_a = best(theta, CENTER, Compute.constant(7.0), flops * np.exp(log_m), False)
    of_b = best(theta, CENTER, Compute.constant(7.0), flops, True)
    assert of_a.loss == pytest.approx(of_b.loss, rel=1e-12)
