"""The local cubic against curves whose lowest point is known."""

import numpy as np
import pytest

from flopscape.fitting.backtest.cuts import Runs
from flopscape.fitting.backtest.yardstick import Truth, pooled_noise, truth_of
from flopscape.laws.surface import closed_form_optimum, loss
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import isoflop_frame
from tests.laws.examples import CHINCHILLA

FLOPS, SIGMA = 1e20, 0.004


def curve(log_n: np.ndarray) -> np.ndarray:
    n = np.exp(log_n)
    return np.asarray(loss(CHINCHILLA, n, FLOPS / 6 / n))


def best() -> tuple[float, float]:
    optimum = closed_form_optimum(CHINCHILLA, FLOPS)
    return float(np.log(optimum.n_params)), float(optimum.loss)


def simulated(tables: int, shift: float) -> np.ndarray:
    """Errors of ln N* and L* in their own standard errors, and in plain numbers: (tables, 4)."""
    rng = np.random.default_rng(0)
    log_n = best()[0] + shift + np.linspace(-2, 2, 9)
    found = [truth_of(log_n, curve(log_n) + rng.normal(0, SIGMA, 9), SIGMA) for _ in range(tables)]
    known = [truth for truth in found if isinstance(truth, Truth)]
    assert len(known) > 0.95 * tables
    errors = np.array([(truth.log_n_params - best()[0], truth.loss - best()[1]) for truth in known])
    return np.column_stack([errors / [(t.se_log_n_params, t.se_loss) for t in known], errors])


@pytest.mark.parametrize("shift", [-0.5, 0.0, 0.5])
def test_the_error_covers_the_lowest_point_of_a_steep_sided_curve_however_the_sizes_lie(shift: float) -> None:
    errors = simulated(600, shift)
    # At least nominal, for the change with the bandwidth is added; Monte Carlo error ±0.018.
    assert (np.abs(errors[:, :2]) < 1.96).mean(axis=0) == pytest.approx([0.97, 0.96], abs=0.028)
    assert np.abs(errors[:, 2].mean()) < 0.03
    assert np.abs(errors[:, 3].mean()) < 0.001


def test_a_cubic_is_found_exactly_and_its_regret_is_its_own_rise() -> None:
    z = np.linspace(-1.5, 2, 8)
    truth = truth_of(20 + z, 2 + 0.03 * z**2 + 0.005 * z**3, 0.001)
    assert isinstance(truth, Truth)
    assert (truth.log_n_params, truth.loss) == (pytest.approx(20, abs=1e-8), pytest.approx(2, abs=1e-10))
    assert truth.regret(21.0) == pytest.approx(0.035, abs=1e-9)
    assert truth.regret(30.0) == pytest.approx(truth.regret(22.0))
    assert truth.regret(20.0) == 0.0


def test_noise_widens_the_error_in_proportion_and_the_bandwidth_alone_leaves_some() -> None:
    log_n = np.linspace(18, 22, 9)
    losses = curve(log_n + best()[0] - 20)
    errors = [truth_of(log_n, losses, noise) for noise in (0.0, 0.001, 0.002)]
    exact, one, two = (truth.se_log_n_params for truth in errors if isinstance(truth, Truth))
    assert exact > 0
    assert two - exact == pytest.approx(2 * (one - exact))


Z = np.linspace(-2, 2, 9)


@pytest.mark.parametrize(
    ("log_n", "losses", "why"),
    [
        (Z[:5], Z[:5] ** 2, "it has 5 runs, and 6 are needed"),
        (Z[:1], Z[:1] ** 2, "it has 1 run, and 6 are needed"),
        (np.repeat(Z[::3], 3), np.repeat(Z[::3], 3) ** 2, "it has 3 sizes, and 5 are needed"),
        (Z, Z, "its losses have no lowest point among the sizes"),
        (Z, -(Z**2), "its losses have no lowest point among the sizes"),
        (Z + 1.8, (Z + 1.8) ** 2, "it has fewer than 2 sizes on one side of its lowest point"),
        (Z, 0.001 * Z**2, "its runs place the lowest point no better than ± 3.7 in ln N"),
    ],
)
def test_runs_that_do_not_tell_their_optimum_say_why(log_n: np.ndarray, losses: np.ndarray, why: str) -> None:
    assert truth_of(log_n, losses, 0.01) == why


def test_without_a_noise_nothing_is_known() -> None:
    assert truth_of(Z, Z**2, float("nan")) == "the runs are too few to tell their noise"


def test_the_noise_of_all_budgets_is_pooled() -> None:
    found = [
        pooled_noise(table, Runs.of(table).ends) for table in (table_of(isoflop_frame(seed), "t") for seed in range(20))
    ]
    assert np.mean(found) == pytest.approx(0.01, abs=0.0012)


def test_budgets_of_few_sizes_tell_no_noise() -> None:
    table = table_of(isoflop_frame(sizes=4), "t")
    assert np.isnan(pooled_noise(table, Runs.of(table).ends))
