"""Correcting approach2 by an approximate surface, and the grid that reaches an aimed error."""

import numpy as np
import pytest

from flopscape.errors import FlopscapeError
from flopscape.fitting.isoflop import parabola
from flopscape.fitting.isoflop.bias import corrected_vertices, vertex_shift
from flopscape.laws.named_surfaces import named_surface
from flopscape.laws.surface import closed_form_optimum, loss
from flopscape.twin.advice import FEWEST_POINTS, WIDEST, advise

OFFSETS = np.linspace(-2, 2, 15) + np.array([[0.0], [0.7], [-1.0]])
"""ln N − ln N* of three budgets, two of them off-centre."""
BEST = np.log([1e8, 4e8, 1e9])


def vertices(exact):
    return BEST + vertex_shift(float(exact.alpha), float(exact.beta), OFFSETS)


@pytest.mark.parametrize("name", ["chinchilla", "asymmetric", "ratio 9"])
def test_known_exponents_give_the_optimum_back(name):
    exact = named_surface(name)
    found = corrected_vertices(exact.alpha, exact.beta, OFFSETS + BEST[:, None], vertices(exact))
    assert found == pytest.approx(BEST, rel=1e-8)


@pytest.mark.parametrize(("factor_a", "factor_b", "left"), [(1.2, 1.2, 0.3), (0.8, 0.8, 0.3), (1.2, 0.8, 0.5)])
def test_exponents_off_by_a_fifth_leave_a_fraction_of_the_bias(factor_a, factor_b, left):
    """Off in opposite directions their difference, which the leading order is proportional to, is off by more."""
    exact = named_surface("asymmetric")
    raw = vertices(exact)
    found = corrected_vertices(exact.alpha * factor_a, exact.beta * factor_b, OFFSETS + BEST[:, None], raw)
    assert np.abs(found - BEST)[0] < left * np.abs(raw - BEST)[0]


def test_a_budget_without_a_vertex_stays_without():
    raw = np.array([np.nan, BEST[1], BEST[2]])
    found = corrected_vertices(0.34, 0.28, OFFSETS + BEST[:, None], raw)
    assert np.isnan(found).tolist() == [True, False, False]


@pytest.mark.parametrize(("name", "sigma"), [("chinchilla", 0.02), ("asymmetric", 0.01), ("llama3", 0.02)])
def test_advice_keeps_its_promise_in_simulation(name, sigma):
    """4,000 simulated budgets: the bias within 4 standard errors, the spread within 10 % of what is promised."""
    exact, flops, aim = named_surface(name), 1e20, 0.05
    advice = advise(exact, flops, sigma, aim)
    assert np.hypot(advice.bias, advice.spread) <= aim * (1 + 1e-9)
    best = closed_form_optimum(exact, flops).n_params
    w = np.linspace(-advice.half_width, advice.half_width, advice.points)
    n_params = best * np.exp(w)
    noise = sigma * np.random.default_rng(7).standard_normal((4000, advice.points))
    losses = loss(exact, n_params, flops / (6 * n_params)) + noise
    found = parabola.vertices(parabola.coefficients(w, losses, np.ones(advice.points))[0])[:, 0]
    assert found.mean() == pytest.approx(np.log1p(advice.bias), abs=4 * found.std() / np.sqrt(4000) + advice.spread**2)
    assert found.std() == pytest.approx(advice.spread, rel=0.1)


def test_equal_exponents_have_no_bias_and_the_widest_grid():
    assert advise(named_surface("symmetric"), 1e20, 0.01, 0.05).half_width == WIDEST


def test_less_noise_never_needs_more_sizes():
    points = [advise(named_surface("chinchilla"), 1e20, sigma, 0.02).points for sigma in (0.0, 0.005, 0.01, 0.02)]
    assert points == sorted(points)
    assert points[0] == FEWEST_POINTS


@pytest.mark.parametrize(("sigma", "aim", "words"), [(-1, 0.05, "σ"), (0.01, 0, "aim 0"), (50, 1e-4, "not even")])
def test_impossible_aims_are_refused(sigma, aim, words):
    with pytest.raises(FlopscapeError, match=words):
        advise(named_surface("chinchilla"), 1e20, sigma, aim)
