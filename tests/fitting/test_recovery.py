"""Known truth: exponents recovered, and intervals that cover it as often as they say."""

import numpy as np
import pytest
from scipy.stats import binom

from flopscape.fitting.fit import fit
from flopscape.laws.surface import closed_form_optimum
from tests.fitting.fit_tables import A_TRUE, CHINCHILLA, isoflop

MEAN_ERROR = {"approach2": {0: 0.0001, 0.005: 0.0026, 0.02: 0.0128}, "vpnls": {0: 0.0001, 0.005: 0.0020, 0.02: 0.0087}}
TABLES = 40


@pytest.mark.parametrize("sigma", [0, 0.005, 0.02])
@pytest.mark.parametrize("method", ["approach2", "vpnls"])
def test_mean_error_of_a(method, sigma, tmp_path):
    errors = [
        abs(fit(isoflop(tmp_path, seed=i, sigma=sigma), method, bootstrap=100)[0].exponents["a"].estimate - A_TRUE)
        for i in range(TABLES if sigma else 10)
    ]
    noise = 2.5 * np.std(errors) / np.sqrt(len(errors))
    assert np.mean(errors) < MEAN_ERROR[method][sigma] * 1.1 + noise


@pytest.mark.parametrize("method", ["approach2", "vpnls"])
def test_intervals_cover_the_truth(method, tmp_path):
    flops = 1e22
    n_params, _, loss = closed_form_optimum(CHINCHILLA, flops)
    hits = np.zeros(3)
    for i in range(60):
        result, _ = fit(isoflop(tmp_path, seed=1000 + i), method, flops=[flops], bootstrap=300)
        best = result.predictions[0]
        pairs = [(result.exponents["a"], A_TRUE), (best.n_params, n_params), (best.loss, loss)]
        hits += [number.low <= truth <= number.high for number, truth in pairs]
    assert (hits >= binom.ppf(0.001, 60, 0.95)).all()


def test_few_runs_use_profile_f_and_cover(tmp_path):
    hits, total = 0, 20
    for i in range(total):
        table = isoflop(tmp_path, seed=i, sigma=0.003, budgets=3, sizes=3)
        result, _ = fit(table, "vpnls", bootstrap=100)
        a = result.exponents["a"]
        hits += a.low <= A_TRUE <= a.high
    assert result.interval == "profile F"
    assert hits >= binom.ppf(0.001, total, 0.95)


def test_exact_data_give_the_surface_back(tmp_path):
    result, _ = fit(isoflop(tmp_path, sigma=0), "vpnls", flops=[1e22], bootstrap=100)
    assert [number.estimate for number in result.surface.values()] == pytest.approx(list(CHINCHILLA), rel=1e-6)
    best = result.predictions[0]
    assert best.n_params.estimate == pytest.approx(closed_form_optimum(CHINCHILLA, 1e22).n_params, rel=1e-6)
    assert result.status == "ok"
