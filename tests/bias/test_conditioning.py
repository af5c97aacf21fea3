"""Experiment 8's Hessians against finite differences of the residual sum itself."""

import numpy as np
import pytest
from scipy.linalg import lstsq

from flopscape.bias.designs import Bias, isoflop_design
from flopscape.bias.experiments.exp08_conditioning import parametrisations
from flopscape.laws.named_surfaces import SURFACES
from flopscape.laws.surface import Surface, gradient, loss

TRUE = SURFACES["asymmetric"]
DESIGN = isoflop_design(TRUE, [1e18, 1e19, 1e20], 0.8, 9, Bias(drift=0.2))
N, D = DESIGN.n_params.ravel(), DESIGN.n_tokens.ravel()
LOSSES = loss(TRUE, N, D)


def squares(parameters):
    return float(((loss(Surface(*parameters), N, D) - LOSSES) ** 2).sum())


def squares_of_logs(parameters):
    return squares([*np.exp(parameters[:3]), *parameters[3:]])


def projected_squares(exponents):
    X = np.stack([np.ones_like(N), N ** -exponents[0], D ** -exponents[1]], axis=1)
    residual = LOSSES - X @ lstsq(X, LOSSES)[0]
    return float(residual @ residual)


def hessian(f, x, steps):
    """Central second differences."""
    p = len(x)
    H = np.empty((p, p))
    for i in range(p):
        for j in range(p):
            e, g = steps[i] * np.eye(p)[i], steps[j] * np.eye(p)[j]
            H[i, j] = (f(x + e + g) - f(x + e - g) - f(x - e + g) + f(x - e - g)) / (4 * steps[i] * steps[j])
    return H


@pytest.mark.parametrize(
    ("name", "f", "start", "step"),
    [
        ("raw", squares, np.array(TRUE, float), 1e-4 * np.array([1, 400, 400, 0.3, 0.3])),
        ("logs", squares_of_logs, np.array([*np.log(TRUE[:3]), *TRUE[3:]]), np.full(5, 1e-4)),
        ("projected", projected_squares, np.array(TRUE[3:]), np.full(2, 1e-4)),
    ],
)
def test_twice_the_gram_matrix_is_the_hessian_at_the_truth(name, f, start, step):
    J = parametrisations(TRUE, gradient(TRUE, N, D).T)[name]
    scale = np.sqrt(np.diag(2 * J.T @ J))
    assert hessian(f, start, step) / np.outer(scale, scale) == pytest.approx(
        2 * J.T @ J / np.outer(scale, scale), abs=1e-4
    )
