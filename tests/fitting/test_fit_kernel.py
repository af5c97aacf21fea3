import numpy as np
import pytest
from scipy.optimize import nnls

from flopscape.fitting import varpro
from flopscape.fitting.faces import best_coefficients
from flopscape.fitting.varpro import Problem


def problem(seed=0, n=40, terms=2, sigma=0.01):
    rng = np.random.default_rng(seed)
    u = rng.uniform(-3, 3, (terms, n))
    exponents = rng.uniform(0.2, 0.6, terms)
    y = 2 + 0.5 * np.exp(-exponents[:, None] * u).sum(axis=0) + rng.normal(0, sigma, n)
    return Problem(u, y), exponents


@pytest.mark.parametrize("seed", range(20))
def test_faces_agree_with_lawson_and_hanson(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(8, 12, 3)) + 0.7, rng.normal(size=(8, 12))
    found = best_coefficients(X.swapaxes(1, 2) @ X, np.einsum("pni,pn->pi", X, y))
    expected = np.array([nnls(design, values)[0] for design, values in zip(X, y, strict=True)])
    assert found == pytest.approx(expected, abs=1e-10)


def test_collinear_terms_share_one_coefficient():
    column = np.linspace(1, 2, 10)
    X = np.stack([column, column], axis=1)
    found = best_coefficients((X.T @ X)[None], (X.T @ (3 * column))[None])[0]
    assert sorted(found) == pytest.approx([0, 3])


@pytest.mark.parametrize("terms", [1, 2, 3])
def test_exact_data_give_the_exponents_back(terms):
    data, exponents = problem(terms=terms, sigma=0, n=80)
    found = varpro.solve(data, np.ones((1, 80)))
    assert found.converged.all()
    assert found.exponents[0] == pytest.approx(exponents, rel=1e-7)


def test_a_third_power_law_is_recovered_from_noisy_losses():
    """Loss against parameters, tokens and resolution: the kernel does not know what its terms are."""
    rng = np.random.default_rng(7)
    logs = np.log(np.stack([rng.uniform(1e7, 1e9, 300), rng.uniform(1e9, 1e11, 300), rng.uniform(64, 1024, 300)]))
    u = logs - logs.mean(axis=1, keepdims=True)
    exponents = np.array([0.34, 0.28, 0.8])
    y = 1.7 + np.array([0.5, 0.6, 0.2]) @ np.exp(-exponents[:, None] * u) + rng.normal(0, 0.002, 300)
    found = varpro.solve(Problem(u, y), np.ones((1, 300)))
    assert found.exponents[0] == pytest.approx(exponents, abs=0.02)
    assert found.coefficients[0] == pytest.approx([1.7, 0.5, 0.6, 0.2], abs=0.03)


def projected(data, weights, theta):
    return varpro.evaluate(data.u, np.broadcast_to(data.y, weights.shape), weights, theta)


def test_gradient_and_hessian_match_finite_differences():
    data, exponents = problem(sigma=0.05)
    weights, theta = np.ones((1, 40)), exponents[None] * 1.2
    state, h = projected(data, weights, theta), 1e-5
    for j in range(2):
        step = np.zeros((1, 2))
        step[0, j] = h
        up, down = projected(data, weights, theta + step), projected(data, weights, theta - step)
        assert state.gradient[0, j] == pytest.approx((up.objective - down.objective)[0] / (4 * h), rel=1e-5)
        assert state.hessian[0, j] == pytest.approx((up.gradient - down.gradient)[0] / (2 * h), rel=1e-5)


def test_grid_objective_is_the_projected_objective():
    data, _ = problem()
    weights, grid = np.random.default_rng(1).integers(0, 3, (3, 40)).astype(float), np.array([0.1, 0.5, 2.0])
    values = varpro.grid_objective(data, weights, varpro.grid_features(data, grid))
    for i, j in np.ndindex(3, 3):
        theta = np.tile([grid[i], grid[j]], (3, 1))
        assert values[:, i, j] == pytest.approx(projected(data, weights, theta).objective, rel=1e-9)


def test_the_answer_does_not_depend_on_the_chunk():
    data, _ = problem()
    weights = np.random.default_rng(2).integers(0, 3, (50, 40)).astype(float)
    whole = varpro.solve(data, weights)
    for chunk in (1, 7, 1000):
        for part, same in zip(varpro.solve(data, weights, chunk=chunk), whole, strict=True):
            assert np.array_equal(part, same)


def test_a_weight_of_two_is_a_row_repeated():
    data, _ = problem()
    twice = Problem(np.concatenate([data.u, data.u[:, :5]], axis=1), np.concatenate([data.y, data.y[:5]]))
    weights = np.ones((1, 40))
    weights[0, :5] = 2
    found, expected = varpro.solve(data, weights), varpro.solve(twice, np.ones((1, 45)))
    assert found.exponents == pytest.approx(expected.exponents, rel=1e-8)


def test_no_dependence_on_one_term_puts_its_coefficient_on_zero():
    rng = np.random.default_rng(3)
    u = rng.uniform(-3, 3, (2, 60))
    y = 2 + np.exp(-0.4 * u[0]) + 0.02 * u[1]
    assert varpro.solve(Problem(u, y), np.ones((1, 60))).coefficients[0, 2] == 0
