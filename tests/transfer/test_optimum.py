"""The best rate of a width: exact on a parabola, flagged at an edge, with intervals that hold."""

import numpy as np
import pytest

from flopscape.transfer.grid import Noise, Width
from flopscape.transfer.optimum import loss_at, optima
from flopscape.transfer.verdict import draw

RATES = np.log([0.003, 0.006, 0.012, 0.024, 0.048])


def valley(optimum, depth=1.5, curvature=0.1, log_rates=RATES):
    """A loss that is quadratic in ln rate."""
    return depth + curvature * (log_rates - np.log(optimum)) ** 2


@pytest.mark.parametrize("optimum", [0.005, 0.012, 0.0155, 0.03])
def test_a_parabola_gives_back_its_vertex_on_any_spacing(optimum):
    for log_rates in (RATES, np.log([0.002, 0.007, 0.01, 0.033, 0.04])):
        best = optima(log_rates, valley(optimum, log_rates=log_rates)[None])
        assert not best.at_edge[0]
        assert np.exp(best.log_rate[0]) == pytest.approx(optimum)
        assert best.loss[0] == pytest.approx(1.5)


@pytest.mark.parametrize("optimum", [0.001, 0.1])
def test_a_best_rate_at_an_end_is_flagged_and_not_extrapolated(optimum):
    best = optima(RATES, valley(optimum)[None])
    assert best.at_edge[0]
    assert best.log_rate[0] in (RATES[0], RATES[-1])


def test_equal_losses_have_no_optimum():
    assert optima(RATES, np.ones((1, 5))).at_edge[0]


@pytest.mark.parametrize("rate", [0.0035, 0.006, 0.01, 0.012, 0.02, 0.03, 0.048])
def test_the_loss_between_rates_is_never_below_the_optimum(rate):
    losses = np.stack([valley(0.013), valley(0.013) + 0.2 * (np.log(0.02) < RATES)])
    cost = loss_at(RATES, losses, np.full(2, np.log(rate))) - optima(RATES, losses).loss
    assert (cost >= -1e-12).all()
    assert cost[0] == pytest.approx(0.1 * np.log(rate / 0.013) ** 2, abs=0.02)


def test_a_rate_that_was_not_tried_around_has_no_loss():
    assert np.isnan(loss_at(RATES, valley(0.012)[None], np.log([0.1]))).all()


def test_intervals_of_the_best_rate_hold_it():
    """Nominal 95 %; 200 searches whose true optimum lies anywhere between two rates, noise a fifth of the depth."""
    generator = np.random.default_rng(3)
    held = 0
    for number in range(200):
        optimum = float(np.exp(generator.uniform(np.log(0.006), np.log(0.024))))
        losses = valley(optimum) + generator.normal(0, 0.01, len(RATES))
        width = Width(16, {}, 1, RATES, losses, np.ones(5), 0.012, 0)
        offsets = draw([width], Noise(0.01, 20, ""), number).offsets[1:, 0]
        low, high = np.quantile(offsets, [0.025, 0.975])
        held += bool(low <= np.log(optimum) <= high)
    assert 180 <= held <= 200
