import numpy as np
import pytest
from scipy.optimize import nnls

from flopscape.fitting.common.linear import best_coefficients
from flopscape.fitting.surface import global_starts, huber, least_absolute_deviations, variable_projection
from flopscape.fitting.surface.coordinates import log_derivatives, loss_derivatives
from flopscape.fitting.surface.huber import Data
from flopscape.fitting.surface.variable_projection import Problem


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
    found = global_starts.solve(data, np.ones((1, 80)))
    assert found.converged.all()
    assert found.exponents[0] == pytest.approx(exponents, rel=1e-7)


def test_a_third_power_law_is_recovered_from_noisy_losses():
    """Loss against parameters, tokens and resolution: the kernel does not know what its terms are."""
    rng = np.random.default_rng(7)
    logs = np.log(np.stack([rng.uniform(1e7, 1e9, 300), rng.uniform(1e9, 1e11, 300), rng.uniform(64, 1024, 300)]))
    u = logs - logs.mean(axis=1, keepdims=True)
    exponents = np.array([0.34, 0.28, 0.8])
    y = 1.7 + np.array([0.5, 0.6, 0.2]) @ np.exp(-exponents[:, None] * u) + rng.normal(0, 0.002, 300)
    found = global_starts.solve(Problem(u, y), np.ones((1, 300)))
    assert found.exponents[0] == pytest.approx(exponents, abs=0.02)
    assert found.coefficients[0] == pytest.approx([1.7, 0.5, 0.6, 0.2], abs=0.03)


def projected(data, weights, theta):
    return variable_projection.evaluate(data.u, np.broadcast_to(data.y, weights.shape), weights, theta)


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
    values = global_starts.objective(data, weights, grid)
    for i, j in np.ndindex(3, 3):
        theta = np.tile([grid[i], grid[j]], (3, 1))
        assert values[:, i, j] == pytest.approx(projected(data, weights, theta).objective, rel=1e-9)


def test_the_answer_does_not_depend_on_the_chunk():
    data, _ = problem()
    weights = np.random.default_rng(2).integers(0, 3, (50, 40)).astype(float)
    whole = global_starts.solve(data, weights)
    for chunk in (1, 7, 1000):
        for part, same in zip(global_starts.solve(data, weights, chunk=chunk), whole, strict=True):
            assert np.array_equal(part, same)


def test_a_weight_of_two_is_a_row_repeated():
    data, _ = problem()
    twice = Problem(np.concatenate([data.u, data.u[:, :5]], axis=1), np.concatenate([data.y, data.y[:5]]))
    weights = np.ones((1, 40))
    weights[0, :5] = 2
    found, expected = global_starts.solve(data, weights), global_starts.solve(twice, np.ones((1, 45)))
    assert found.exponents == pytest.approx(expected.exponents, rel=1e-8)


def test_no_dependence_on_one_term_puts_its_coefficient_on_zero():
    rng = np.random.default_rng(3)
    u = rng.uniform(-3, 3, (2, 60))
    y = 2 + np.exp(-0.4 * u[0]) + 0.02 * u[1]
    assert global_starts.solve(Problem(u, y), np.ones((1, 60))).coefficients[0, 2] == 0


@pytest.mark.parametrize("reweighted", [False, True])
@pytest.mark.parametrize("delta", [0.02, np.inf])
def test_derivatives_of_the_log_objective_match_finite_differences(delta, reweighted):
    """Rows inside and outside ±δ; the reweighted Hessian is an approximation, its gradient is not."""
    data, _ = problem(sigma=0.1)
    here, weights = Data(data.u, np.log(data.y)), np.random.default_rng(1).uniform(0, 2, (1, 40))
    p, h = np.array([[1.9, -0.6, -0.8, 0.4, 0.5]]), 1e-6
    state = huber._evaluate(here, weights, p, delta, reweighted)
    inside = np.abs(huber.residuals(here, p)) < delta
    assert inside.any()
    assert inside.all() == np.isinf(delta)
    for j, step in enumerate(h * np.eye(5)):
        up, down = (huber._evaluate(here, weights, p + sign * step, delta) for sign in (1, -1))
        slope = (up.objective - down.objective)[0] / (2 * h)
        assert state.gradient[0, j] == pytest.approx(slope, rel=1e-6, abs=1e-8)
        if not reweighted:
            assert state.hessian[0, j] == pytest.approx((up.gradient - down.gradient)[0] / (2 * h), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("derivatives", [log_derivatives, loss_derivatives])
def test_derivatives_around_a_fit_match_finite_differences(derivatives):
    data, _ = problem(sigma=0.1)
    p, root, h = np.array([[1.9, -0.6, -0.8, 0.4, 0.5]]), np.random.default_rng(1).uniform(0, 2, 40), 1e-6
    residual, J, hessian = derivatives(data, p, root)
    for j, step in enumerate(h * np.eye(5)):
        (up, J_up, _), (down, J_down, _) = (derivatives(data, p + sign * step, root) for sign in (1, -1))
        assert J[0, j] == pytest.approx(-(up - down)[0] / (2 * h), rel=1e-5, abs=1e-8)
        bend = -np.einsum("kn,n->k", J_up[0], up[0]) + np.einsum("kn,n->k", J_down[0], down[0])
        assert hessian[0, j] == pytest.approx(bend / (2 * h), rel=1e-5, abs=1e-6)
    assert residual.shape == (1, 40)


def test_walks_downhill_share_the_grid_among_its_minima():
    """Two valleys in θ: every point belongs to one, and the lower comes first."""
    data, exponents = problem(sigma=0)
    grid = np.geomspace(0.03, 2.5, 32)
    found, shares = global_starts.minima(data, np.ones(40), grid)
    assert found[0] == pytest.approx(exponents, rel=0.08)
    assert 0 < shares.sum() <= 1 + 1e-12
    values = np.array([[3.0, 2, 3, 1], [3, 4, 5, 2]])
    assert global_starts._downhill(values).reshape(2, 4).tolist() == [[1, 1, 3, 3], [1, 1, 3, 3]]


def test_the_grid_does_not_depend_on_how_many_rows_are_held(monkeypatch):
    data, _ = problem()
    weights, grid = np.ones((2, 40)), np.array([0.1, 0.5, 2.0])
    whole = global_starts.objective(data, weights, grid)
    monkeypatch.setattr(global_starts, "ROWS", 7)
    assert global_starts.objective(data, weights, grid) == pytest.approx(whole, rel=1e-9)


def test_least_absolute_deviations_meet_the_conditions_of_an_optimum():
    """None of 500 small random steps is downhill, where every weighting of the rows has its own optimum."""
    rng = np.random.default_rng(4)
    data, exponents = problem(sigma=0.05)
    here, weights = Data(data.u, np.log(data.y)), rng.integers(0, 3, (20, 40)).astype(float)
    start = np.tile(np.concatenate([[2, -0.7, -0.7], exponents]), (20, 1))
    found = least_absolute_deviations.minimise(here, weights, start)
    assert found.converged.all()
    for p, w, value in zip(found.p, weights, found.objective, strict=True):
        near = least_absolute_deviations.value(here, w[None], p + 1e-5 * rng.normal(size=(500, 5)))
        assert (near >= value).all()
