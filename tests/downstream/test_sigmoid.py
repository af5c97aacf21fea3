"""The sigmoid: its closed forms, its gradient, and its recovery from exact accuracies."""

import numpy as np
import pytest

from flopscape.downstream.curve_fit import fit_curve
from flopscape.downstream.scored_runs import ScoredRuns
from flopscape.downstream.sigmoid import Sigmoid, accuracy, gradient, problem_of

CURVE = Sigmoid(0.25, 0.9, 2.8, 7.0)


def scored(losses, shares, chance: float | None = 0.25, items: float | None = None) -> ScoredRuns:
    names = np.array([f"r{i}" for i in range(len(losses))])
    given = (np.asarray(losses, float), np.asarray(shares, float), np.ones(len(losses)), names)
    return ScoredRuns("runs.csv", "accuracy@quiz", "loss@quiz", *given, items, chance, "nats per token", False)


def test_the_bend_is_halfway_with_the_known_slope_and_ends_at_floor_and_ceiling() -> None:
    assert accuracy(CURVE, 2.8) == pytest.approx((0.25 + 0.9) / 2, abs=1e-15)
    assert accuracy(CURVE, [2.8 - 20, 2.8 + 20]) == pytest.approx([0.9, 0.25], abs=1e-12)
    step = 1e-6
    slope = (accuracy(CURVE, 2.8 + step) - accuracy(CURVE, 2.8 - step)) / (2 * step)
    assert slope == pytest.approx(-(0.9 - 0.25) * 7.0 / 4, rel=1e-8)
    # At ln 3 over k below the middle three quarters of the way are gone.
    assert accuracy(CURVE, 2.8 - np.log(3) / 7) == pytest.approx(0.25 + 0.75 * 0.65, abs=1e-12)


@pytest.mark.parametrize("number", range(4))
def test_the_gradient_is_that_of_finite_differences(number: int) -> None:
    losses = np.linspace(2.2, 3.6, 9)
    step = 1e-6
    above, below = (
        CURVE._replace(**{CURVE._fields[number]: CURVE[number] + sign * step}) for sign in (1, -1)
    )  # fmt: skip
    differences = (accuracy(above, losses) - accuracy(below, losses)) / (2 * step)
    np.testing.assert_allclose(gradient(CURVE, losses)[number], differences, rtol=1e-6, atol=1e-9)


def test_the_derivatives_of_a_problem_are_those_of_its_residuals() -> None:
    losses = np.linspace(2.2, 3.6, 9)
    problem = problem_of(losses, accuracy(CURVE, losses), np.full(9, 0.02), (0.0, 0.5), (0.5, 1.0))
    theta = np.array([[0.2, 0.95, 2.7, np.log(5.0)]])
    J = problem.evaluate(theta)[1][0]
    for i, step in enumerate(1e-6 * np.eye(4)):
        differences = (problem.evaluate(theta + step)[0] - problem.evaluate(theta - step)[0])[0] / 2e-6
        np.testing.assert_allclose(J[i], differences, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("chance", [0.25, None])
def test_exact_accuracies_give_the_curve_back(chance: float | None) -> None:
    losses = np.linspace(2.2, 3.8, 20)
    found = fit_curve(scored(losses, accuracy(CURVE, losses), chance), draws=50)
    assert found.tells_ceiling
    np.testing.assert_allclose(found.curve, CURVE, rtol=1e-5)
    np.testing.assert_allclose([np.ptp(number) for number in found.draws], 0.0, atol=1e-3)


def test_a_ceiling_that_runs_do_not_reach_is_one_and_open_below_in_the_draws() -> None:
    losses = np.linspace(2.85, 3.8, 20)
    noise = np.random.default_rng(1).normal(0, 0.01, 20)
    found = fit_curve(scored(losses, accuracy(CURVE._replace(ceiling=1.0), losses) + noise), draws=200)
    assert not found.tells_ceiling
    assert found.curve.ceiling == 1
    assert np.ptp(found.draws.ceiling) > 0.1


def test_errors_are_those_of_the_expected_share_and_never_zero() -> None:
    runs = scored(np.linspace(2, 3, 6), np.full(6, 0.5), items=98)
    np.testing.assert_allclose(runs.error(np.array([0.5, 1.0])), [np.sqrt(0.25 / 98), np.sqrt(0.0099 / 98)])
