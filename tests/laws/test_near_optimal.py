"""The sizes that waste at most 1 % of the compute, against brute force."""

import numpy as np
import pytest

from flopscape.answers.predict import predict
from flopscape.fitting.fit import fit
from flopscape.laws.law import Compute
from flopscape.laws.surface import Surface, loss, near_optimal_sizes, optimum
from flopscape.records.fit_file import read_fit, write_fit
from tests.fitting.fit_tables import CHINCHILLA, isoflop

SIX = Compute.constant()
FALLING = Compute(np.log([1e6, 1e8, 1e10]), np.log([12.0, 8.0, 6.2]))


@pytest.mark.parametrize("compute", [SIX, FALLING], ids=["6ND", "counted"])
@pytest.mark.parametrize("surface", [CHINCHILLA, Surface(0.0, 20.0, 5000.0, 0.15, 0.6)])
@pytest.mark.parametrize("flops", [1e18, 1e24])
def test_the_band_is_where_brute_force_finds_it(compute, surface, flops):
    best, less = optimum(surface, flops, compute), optimum(surface, flops / 1.01, compute)
    log_n = np.log(best.n_params) + np.linspace(-2, 2, 400_001)
    cheap = loss(surface, np.exp(log_n), np.exp(compute.tokens(log_n, flops))) <= less.loss
    expected = log_n[cheap][[0, -1]]
    assert np.log(near_optimal_sizes(surface, flops, compute)) == pytest.approx(expected, abs=1.1e-5)


@pytest.mark.parametrize("surface", [CHINCHILLA, CHINCHILLA._replace(alpha=0.2, beta=0.5)])
def test_the_band_is_about_the_root_of_two_per_cent_over_the_exponents_wide(surface):
    """To second order, L* falls by γ·(L* − E)·1 % and L rises by αβ/2·(L* − E)·x², so that x² = 0.02/(α + β)."""
    low, high = near_optimal_sizes(surface, 1e21, SIX)
    assert np.log(high / low) / 2 == pytest.approx(np.sqrt(0.02 / (surface.alpha + surface.beta)), rel=0.02)


def test_without_an_optimum_there_is_no_band():
    assert near_optimal_sizes(CHINCHILLA._replace(A=0.0), 1e20, SIX) is None


def test_predictions_carry_the_band_through_the_file(tmp_path):
    result, draws = fit(isoflop(tmp_path), "vpnls", flops=[1e20], bootstrap=50)
    band = result.predictions[0].near_optimal_n_params
    assert band[0] < result.predictions[0].n_params.estimate < band[1]
    assert predict(result, draws, [1e20])[0].near_optimal_n_params == pytest.approx(band)
    assert predict(result, draws, [1e20], n_params=1e9)[0].near_optimal_n_params is None
    write_fit(result, tmp_path / "fit.json")
    assert read_fit(tmp_path / "fit.json").predictions == result.predictions


def test_a_method_without_a_surface_has_no_band(tmp_path):
    result = fit(isoflop(tmp_path), "approach2", flops=[1e20], bootstrap=50)[0]
    assert result.predictions[0].near_optimal_n_params is None
