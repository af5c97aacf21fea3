import numpy as np
import pytest

from flopscape.laws import surface as law
from flopscape.laws.law import Compute
from flopscape.laws.surface import Surface, optimum
from tests.laws.examples import CHINCHILLA


def falling_kappa() -> Compute:
    n = np.geomspace(1e5, 1e10, 12)
    return Compute(np.log(n), np.log(6 + 40 * (n / 1e5) ** -0.3))


def test_published_optimum_at_1e21():
    best = law.closed_form_optimum(CHINCHILLA, 1e21)
    assert best.n_params == pytest.approx(1.82422e9, rel=5e-6)
    assert best.loss == pytest.approx(2.32888294, abs=5e-9)
    assert 6 * best.n_params * best.n_tokens == pytest.approx(1e21, rel=1e-12)


def test_published_exponents():
    a, b = law.exponents(CHINCHILLA)
    assert a == pytest.approx(0.451613, abs=5e-7)
    assert b == pytest.approx(0.548387, abs=5e-7)


def test_closed_form_is_the_minimum_along_the_budget():
    best = law.closed_form_optimum(CHINCHILLA, 1e21)
    near = best.n_params * np.array([0.999, 1.001])
    assert (law.loss(CHINCHILLA, near, 1e21 / 6 / near) > best.loss).all()


def test_gradient_matches_finite_differences():
    n, d = np.array([1e8, 3e9]), np.array([2e9, 5e10])
    exact = law.gradient(CHINCHILLA, n, d)
    for i, value in enumerate(CHINCHILLA):
        h = 1e-6 * value
        up, down = (CHINCHILLA._replace(**{CHINCHILLA._fields[i]: value + s * h}) for s in (1, -1))
        numeric = (law.loss(up, n, d) - law.loss(down, n, d)) / (2 * h)
        assert exact[i] == pytest.approx(numeric, rel=1e-6)


def test_search_equals_the_closed_form_when_kappa_is_constant():
    flat = Compute(np.log([1e7, 1e9, 1e11]), np.log([6.0, 6.0, 6.0]))
    found, exact = optimum(CHINCHILLA, 1e21, flat), law.closed_form_optimum(CHINCHILLA, 1e21)
    assert np.array(found) == pytest.approx(np.array(exact), rel=1e-10)


@pytest.mark.parametrize("flops", [1e16, 1e19, 1e24])
def test_search_finds_the_minimum_under_kappa_of_n(flops):
    compute = falling_kappa()
    best = optimum(CHINCHILLA, flops, compute)
    log_n = np.log(best.n_params) + np.linspace(-3, 3, 6001)
    losses = law.loss(CHINCHILLA, np.exp(log_n), np.exp(compute.tokens(log_n, flops)))
    assert best.loss <= losses.min() + 1e-12
    assert abs(losses.argmin() - 3000) <= 1


def test_search_broadcasts_over_draws():
    draws = Surface(*(np.full(3, value) for value in CHINCHILLA))
    assert optimum(draws, 1e20, falling_kappa()).n_params == pytest.approx(
        np.full(3, optimum(CHINCHILLA, 1e20, falling_kappa()).n_params)
    )


def test_kappa_is_interpolated_and_clamped_at_the_sampled_sizes():
    n = np.geomspace(1e5, 1e9, 9)
    kappa = 6 + 40 * (n / 1e5) ** -0.3
    compute = Compute.from_runs(n, 100 * n, kappa * 100 * n * n)
    assert np.exp(compute.curve(np.log(n))[0]) == pytest.approx(kappa, rel=1e-9)
    beyond = compute.curve(np.log(np.array([1e4, 1e11])))
    assert np.exp(beyond[0]) == pytest.approx(kappa[[0, -1]], rel=1e-9)
    assert (beyond[1] == 0).all()


def test_kappa_derivatives_match_finite_differences():
    x, h = np.log(np.array([2e5, 3e7, 4e9])), 1e-5
    compute = falling_kappa()
    value, slope, bend = compute.curve(x)
    up, down = compute.curve(x + h), compute.curve(x - h)
    assert slope == pytest.approx((up[0] - down[0]) / (2 * h), abs=1e-8)
    assert bend == pytest.approx((up[1] - down[1]) / (2 * h), abs=1e-6)
    assert value.shape == x.shape


def test_imprecise_compute_is_no_function_of_size():
    rng = np.random.default_rng(0)
    n = np.exp(rng.uniform(16, 22, 100))
    flops = 6 * n * 20 * n * np.exp(rng.normal(0, 0.05, 100))
    assert Compute.from_runs(n, 20 * n, flops).is_constant


def test_compute_survives_json():
    compute = falling_kappa()
    again = Compute.from_json(compute.to_json())
    assert (again.log_kappa == compute.log_kappa).all()
