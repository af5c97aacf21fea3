"""The methods in bulk: the same numbers as the fits one by one, and the biases that theory predicts."""

import dataclasses

import numpy as np
import pytest

from flopscape.fitting.fit import fit
from flopscape.fitting.isoflop.bias import power_law_shift, vertex_shift
from flopscape.fitting.surface import many_tables
from flopscape.laws.law import Compute
from flopscape.laws.named_surfaces import named_surface
from flopscape.laws.surface import closed_form_optimum, exponents
from flopscape.twin import designs, truths
from flopscape.twin.designs import Noise
from flopscape.twin.estimates import METHODS, OBJECTIVES, TOO_FEW, VARIANTS
from flopscape.twin.estimates import estimates as all_estimates
from tests.twin.twin_studies import table

SIX = Compute.constant()
FLOPS = [1e22]


def options(method):
    name, _, word = method.partition("-")
    return name, {"variant" if name == "approach2" else "objective": word} if word else {}


def estimates(method, runs, losses, replicates=0, seed=0):
    return all_estimates(method, runs, losses, FLOPS, replicates, seed)


def simulated(runs, simulations, sigma, name="chinchilla"):
    truth = truths.of_surface(named_surface(name), SIX)
    return designs.draw_losses(runs, truth.loss(runs.n_params, runs.n_tokens), Noise(sigma), simulations, 5)


@pytest.mark.parametrize("sigma", [0.01, 0.08])
@pytest.mark.parametrize("method", METHODS)
def test_estimates_are_those_of_the_fit(method, sigma):
    runs = table(drift=0.2)
    losses = simulated(runs, 3, sigma)
    found = estimates(method, runs, losses)
    name, given = options(method)
    for i, values in enumerate(losses):
        alone, _ = fit(dataclasses.replace(runs, loss=values), name, flops=FLOPS, bootstrap=2, **given)
        assert (alone.exponents is None) == np.isnan(found.value[i, 0])
        if alone.exponents:
            best = alone.predictions[0]
            expected = [alone.exponents["a"], alone.exponents["b"], best.n_params, best.n_tokens, best.loss]
            assert found.value[i] == pytest.approx([number.estimate for number in expected], rel=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_intervals_are_those_of_the_fit(method):
    """The first table's resamples are those of the fit with the same seed; approach2's L* has simulated ends."""
    runs = table()
    losses = simulated(runs, 1, 0.01)
    found = estimates(method, runs, losses, replicates=200)
    name, given = options(method)
    alone, _ = fit(dataclasses.replace(runs, loss=losses[0]), name, flops=FLOPS, bootstrap=200, **given)
    a, d, best = alone.exponents["a"], alone.predictions[0].n_tokens, alone.predictions[0].loss
    assert [found.low[0, 0], found.high[0, 0]] == pytest.approx([a.low, a.high], rel=1e-6)
    assert [found.low[0, 3], found.high[0, 3]] == pytest.approx([d.low, d.high], rel=1e-5)
    assert found.high[0, 4] - found.low[0, 4] == pytest.approx(best.high - best.low, rel=0.3)


@pytest.mark.parametrize(("name", "drift"), [("chinchilla", 0.0), ("asymmetric", 0.0), ("asymmetric", 0.4)])
def test_bias_of_approach2_is_the_closed_form_within_monte_carlo_error(name, drift):
    """400 tables with σ = 0.003: three standard errors of the mean, and second order in the vertices' noise."""
    runs, exact = table(name=name, drift=drift, points=15, width=0.9), named_surface(name)
    found = estimates("approach2", runs, simulated(runs, 400, 0.003, name))
    budgets = np.unique(runs.budget)
    best = closed_form_optimum(exact, budgets).n_params
    offsets = np.log(runs.n_params).reshape(len(budgets), -1) - np.log(best)[:, None]
    slope, shift = power_law_shift(np.log(budgets), vertex_shift(float(exact.alpha), float(exact.beta), offsets))
    reach = np.log(FLOPS[0]) - np.log(budgets).mean()
    log_n = np.log(found.value[:, 2] / closed_form_optimum(exact, FLOPS[0]).n_params)
    a = found.value[:, 0] - float(exponents(exact)[0])
    for seen, expected in ((a, slope), (log_n, shift + slope * reach)):
        assert seen.mean() == pytest.approx(expected, abs=3 * seen.std() / np.sqrt(400) + seen.std() ** 2)


def test_without_noise_the_bias_is_the_closed_form():
    runs, exact = table(name="asymmetric", drift=0.4), named_surface("asymmetric")
    found = estimates("approach2", runs, simulated(runs, 2, 0.0, "asymmetric"))
    budgets = np.unique(runs.budget)
    offsets = np.log(runs.n_params).reshape(5, -1) - np.log(closed_form_optimum(exact, budgets).n_params)[:, None]
    slope, _ = power_law_shift(np.log(budgets), vertex_shift(float(exact.alpha), float(exact.beta), offsets))
    assert found.value[:, 0] == pytest.approx(0.25 + slope, abs=1e-10)


def test_surface_methods_have_no_bias_without_noise():
    runs = table(drift=0.4)
    for method in OBJECTIVES:
        found = estimates(method, runs, simulated(runs, 2, 0.0))
        assert found.value[:, 0] == pytest.approx(0.28 / 0.62, abs=1e-7)


def test_vpnls_intervals_cover_what_they_say():
    """200 tables of 35 runs, seed 5: 0.95 within 0.9 to 0.99 (three standard errors are 0.046)."""
    runs = table()
    found = estimates("vpnls", runs, simulated(runs, 200, 0.01), replicates=200)
    truth = 0.28 / 0.62
    assert 0.9 <= np.mean((found.low[:, 0] <= truth) & (truth <= found.high[:, 0])) <= 0.99


def test_resamples_that_start_wrongly_are_searched_again(monkeypatch):
    """Starts at absurd exponents: every resample ends where the grid's do."""
    runs = table()
    losses = simulated(runs, 2, 0.02)
    right = estimates("vpnls", runs, losses, replicates=40)
    near = many_tables._near

    def wrong(search, resamples, best, replicates):
        p, lower = near(search, resamples, best, replicates)
        p[::7, 3:], lower[::7] = [4.0, 0.02], np.inf
        return p, lower

    monkeypatch.setattr(many_tables, "_near", wrong)
    again = estimates("vpnls", runs, losses, replicates=40)
    assert again.low == pytest.approx(right.low, rel=1e-6)
    assert again.high == pytest.approx(right.high, rel=1e-6)


def test_tables_without_a_lowest_point_have_a_status():
    runs = table()
    falling = 3 - 0.05 * np.log(runs.n_params) / np.log(runs.n_params).max() + 0 * runs.loss
    for method in VARIANTS:
        found = estimates(method, runs, falling[None])
        assert found.status.tolist() == [TOO_FEW]
        assert np.isnan(found.value).all()
