"""The cheapest served model of single draws, by brute force."""

import numpy as np
import pytest

from flopscape.fitting.drifting_law.curve import Curves
from flopscape.fitting.drifting_law.fit import posterior
from flopscape.fitting.drifting_law.served import Serving, least_training
from flopscape.laws.law import Compute
from flopscape.runs.read import table_of
from tests.fitting.drifting_law.test_curve import FALLING
from tests.fitting.fit_tables import isoflop_frame


@pytest.fixture(scope="module", params=["constant", "falling"])
def curves(request):
    compute = Compute.constant() if request.param == "constant" else FALLING
    found = posterior(table_of(isoflop_frame(sigma=0.003), "x"), Compute.constant(), 256, 0).curves
    return Curves(found.center, found.discrepancy, compute, found.t, found.c)


def tokens_to_reach(one, log_n, loss):
    """ln D at which each size reaches a loss, by halving."""
    low, high = np.full(len(log_n), np.log(1e8)), np.full(len(log_n), np.log(1e16))
    for _ in range(50):
        middle = (low + high) / 2
        is_above = one.loss(log_n, middle)[0] > loss
        low, high = np.where(is_above, middle, low), np.where(is_above, high, middle)
    return high


@pytest.mark.parametrize("index", [0, 100, 255])
@pytest.mark.parametrize("d_inference", [0.0, 1e11, 1e13])
def test_at_a_loss_no_other_size_is_cheaper(curves, index, d_inference):
    one = curves.only(index)
    served = Serving(one, d_inference).cheapest(least_training(one, 2.3))
    log_n = served.log_n[0] + np.linspace(-1.2, 1.2, 401)
    log_d = tokens_to_reach(one, log_n, 2.3)
    costs = curves.compute.curve(log_n)[0] + log_n + np.log(np.exp(log_d) + d_inference / 3)
    assert served.log_total[0] == pytest.approx(costs.min(), abs=4e-3)
    assert served.log_n[0] == pytest.approx(log_n[costs.argmin()], abs=0.03)
    assert one.loss(served.log_n, served.log_d)[0, 0] == pytest.approx(2.3, abs=1e-3)


@pytest.mark.parametrize("d_inference", [1e11, 1e13])
def test_at_a_cost_no_other_size_has_a_lower_loss(curves, d_inference):
    served = Serving(curves, d_inference).best_at(np.log(1e22))
    cost = curves.compute.curve(served.log_n)[0] + served.log_n + np.log(np.exp(served.log_d) + d_inference / 3)
    assert cost == pytest.approx(np.full(256, np.log(1e22)), abs=1e-6)
    for i in (0, 100, 255):
        log_n = served.log_n[i] + np.linspace(-1.2, 1.2, 2001)
        tokens = np.exp(np.log(1e22) - curves.compute.curve(log_n)[0] - log_n) - d_inference / 3
        losses = curves.only(i).loss(log_n[tokens > 0], np.log(tokens[tokens > 0]))[0]
        assert served.loss[i] == pytest.approx(losses.min(), rel=1e-5)
