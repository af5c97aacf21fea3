"""The posterior at given scales against dense Gaussian-process formulas."""

import numpy as np
import pytest

from flopscape.fitting.drifting_law import drift, law
from flopscape.fitting.drifting_law.cells import cells_of
from flopscape.fitting.drifting_law.discrepancy import Discrepancy
from flopscape.fitting.drifting_law.posterior import PARAMETERS, PRIOR_MEAN, Conditional, Data, Scales
from flopscape.laws.surface import loss
from flopscape.runs.read import table_of
from tests.fitting.drifting_law.test_cells import checkpoints
from tests.fitting.fit_tables import CHINCHILLA, isoflop_frame

SCALES = Scales(0.006, 0.005, 0.2, 0.3, 0.0036)
T = np.concatenate([[1.0, -0.3, 0.1, 0.46, -0.4, 0.1], [0.1, -0.05, 0.02, 0.03, 0.0, 0.2, 0.1, -0.1, 0.02, -0.02]])
REFERENCE = np.array([1.0, -0.3, 0.1, 0.46, -0.3, 0.0])


def data(frame):
    cells, _ = cells_of(table_of(frame, "x"))
    return Data.of(cells, Discrepancy.around(cells.x, cells.u, drift.reach_of(cells.u), REFERENCE))


@pytest.fixture(params=["seeds", "checkpoints"])
def conditional(request):
    if request.param == "seeds":
        return Conditional(
            data(isoflop_frame(budgets=3, sizes=4, seeds=2).assign(seed=range(24)).drop(index=[3])), SCALES
        )
    return Conditional(data(checkpoints_with_losses()), SCALES)


def checkpoints_with_losses():
    frame = checkpoints()
    noise = np.random.default_rng(0).normal(0, 0.01, 4).repeat(6) + np.random.default_rng(1).normal(0, 0.005, 24)
    return frame.assign(loss=loss(CHINCHILLA, frame.n_params, frame.n_tokens) + noise)


def dense(conditional):
    """The losses' covariance, written out."""
    cells = conditional.data.cells
    noise = np.diag(1 / cells.count)
    if cells.shared:
        noise = SCALES.ratio**2 * np.eye(len(cells)) + (cells.run[:, None] == cells.run)
    shapes = conditional.data.shapes * conditional.sd
    return SCALES.noise**2 * noise + shapes @ shapes.T


def test_squares_and_determinant_are_those_of_the_whole_covariance(conditional):
    covariance = dense(conditional)
    residuals = np.random.default_rng(1).normal(size=(3, len(covariance)))
    expected = [r @ np.linalg.solve(covariance, r) for r in residuals]
    assert conditional.squares(residuals) == pytest.approx(expected, rel=1e-9)
    assert conditional.log_determinant == pytest.approx(np.linalg.slogdet(covariance)[1], rel=1e-9)


def test_the_discrepancy_given_the_law_is_that_of_a_gaussian_process(conditional):
    shapes, residual = conditional.data.shapes, conditional.data.cells.loss - conditional.data.mean(T)
    prior = shapes @ np.diag(conditional.sd**2)
    gain = np.linalg.solve(dense(conditional), prior)
    zeros = np.zeros((1, len(conditional.sd)))
    mean = conditional.coefficients(T[None], zeros)[0]
    assert mean == pytest.approx(residual @ gain, abs=1e-9)
    roots = conditional.coefficients(np.repeat(T[None], len(conditional.sd), 0), np.eye(len(conditional.sd))) - mean
    expected = np.diag(conditional.sd**2) - prior.T @ gain
    assert roots.T @ roots == pytest.approx(expected, abs=1e-9 * expected.max())


def test_the_derivatives_with_drift_are_those_of_the_mean(conditional):
    f, slopes = conditional.data.jacobian(T)
    assert f == pytest.approx(conditional.data.mean(T), rel=1e-14)
    for i, step in enumerate(1e-6 * np.eye(PARAMETERS)):
        difference = (conditional.data.mean(T + step) - conditional.data.mean(T - step)) / 2e-6
        assert slopes[:, i] == pytest.approx(difference, abs=3e-9)


def test_the_mode_is_where_the_cost_is_least_and_its_precision_the_curvature(conditional):
    mode = conditional.mode(PRIOR_MEAN)
    sd = np.sqrt(np.diag(np.linalg.inv(mode.root @ mode.root.T)))
    for i, step in enumerate(np.diag(0.05 * sd)):
        up, down = conditional.costs(np.stack([mode.t + step, mode.t - step]))
        assert up >= mode.cost - 1e-6
        assert down >= mode.cost - 1e-6
        # Gauss-Newton leaves out the law's own curvature, a small part where the runs fit it.
        sharp = (mode.root @ mode.root.T)[i, i] * (0.05 * sd[i]) ** 2
        assert up + down - 2 * mode.cost == pytest.approx(sharp, rel=0.3, abs=1e-5)


def test_a_law_without_an_exponent_is_impossible():
    conditional = Conditional(data(isoflop_frame()), SCALES)
    outside = np.repeat(T[None], 3, axis=0)
    outside[:, law.SLOPE] = 0.01, 0.5, 0.99
    outside[1, 0] = -1.0
    assert np.isinf(conditional.costs(outside)).all()
