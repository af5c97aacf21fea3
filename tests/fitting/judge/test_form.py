"""Lack of fit without seeds: a surface against parabolas of each budget's own."""

from dataclasses import replace

import numpy as np
import pytest

from flopscape.fitting.fit import fit
from flopscape.fitting.judge.form import BEATEN, curve_test
from flopscape.fitting.surface.coordinates import linearise
from flopscape.fitting.surface.global_starts import LeastSquares, centred_problem, global_fit
from flopscape.fitting.surface.variable_projection import parameters
from flopscape.laws.surface import loss
from tests.fitting.fit_tables import CHINCHILLA, as_table, isoflop, isoflop_frame, published


def levels(table, noise):
    """The test's p for every row of noise (R, n) on a true surface."""
    found, search, ones = [], LeastSquares(), np.ones(len(table))
    for errors in noise:
        drawn = replace(table, loss=loss(CHINCHILLA, table.n_params, table.n_tokens) + errors)
        problem, _ = centred_problem(drawn)
        p = parameters(global_fit(search, problem, ones)[0])[0]
        local = linearise(problem, p, search.derivatives).weighted(ones)
        found.append(curve_test(drawn, local.residual, local.jacobian[local.free], local.root, ones > 0).p)
    return np.array(found)


def shifted(frame, size):
    """Every other budget's losses moved by `size` nats, which no surface follows."""
    index = np.unique(frame["budget"], return_inverse=True)[1]
    return frame.assign(loss=frame["loss"] + size * (-1.0) ** index)


def test_noise_alone_is_called_a_misfit_in_at_most_one_table_of_a_hundred(tmp_path):
    table, rng = isoflop(tmp_path, sigma=0), np.random.default_rng(1)
    normal, heavy = rng.normal(0, 0.01, (250, 35)), 0.01 * rng.standard_t(3, (120, 35))
    unequal = rng.normal(0, 0.01, (120, 35)) * np.where(table.budget == table.budget.min(), 3, 1)
    p = levels(table, normal)
    assert (p < 0.01).mean() == pytest.approx(0.01, abs=0.012)
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=0.1)
    assert [np.mean(levels(table, noise) < BEATEN) <= 0.01 for noise in (heavy, unequal)] == [True, True]
    assert (p < BEATEN).mean() <= 0.01


@pytest.mark.parametrize(
    ("method", "options"),
    [("vpnls", {}), ("approach3", {}), ("approach3", {"objective": "log_lsq"}), ("law", {"law": "surface"})],
)
def test_a_surface_that_parabolas_clearly_beat_is_weak(method, options, tmp_path):
    result = fit(as_table(shifted(isoflop_frame(sigma=0.003), 0.006), tmp_path), method, bootstrap=100, **options)[0]
    assert result.status == "weak"
    assert "the form does not hold within these runs" in result.reason
    assert "compare with approach2" in result.reason
    assert result.diagnostics["budget_curves"]["sd_curves"] < result.diagnostics["budget_curves"]["sd_form"] / 1.5


def test_the_curves_scatter_is_the_noise_beneath_a_misfit(tmp_path):
    tables = (as_table(shifted(isoflop_frame(seed=seed, sigma=0.003), 0.01), tmp_path) for seed in range(8))
    found = [fit(table, "vpnls", bootstrap=10)[0].diagnostics for table in tables]
    variances = [each["budget_curves"]["sd_curves"] ** 2 for each in found]
    assert np.sqrt(np.mean(variances)) == pytest.approx(0.003, rel=0.15)
    assert min(each["residual_sd"] for each in found) > 0.006


def test_noise_that_the_seeds_of_a_size_share_is_no_misfit(tmp_path):
    frame = isoflop_frame(seeds=3, sigma=0.0005)
    shared = np.repeat(np.random.default_rng(3).normal(0, 0.01, 35), 3)
    result = fit(as_table(frame.assign(loss=frame["loss"] + shared), tmp_path), "vpnls", bootstrap=50)[0]
    assert result.diagnostics["lack_of_fit"]["p"] < 1e-6
    assert result.diagnostics["budget_curves"]["p"] > 0.01


def test_one_wild_row_is_no_misfit_of_the_form(tmp_path):
    frame = isoflop_frame(sigma=0.003)
    frame.loc[10, "loss"] += 0.3
    found = fit(as_table(frame, tmp_path), "vpnls", bootstrap=50)[0].diagnostics
    assert [row["run_id"] for row in found["outliers"]] == ["run10"]
    assert not found["budget_curves"]["beaten"]


@pytest.mark.parametrize("options", [{"sizes": 3, "budgets": 5}, {"sigma": 0.0}])
def test_there_is_no_test_without_enough_sizes_or_without_noise(options, tmp_path):
    found = fit(isoflop(tmp_path, **options), "vpnls", bootstrap=50)[0].diagnostics
    assert found["budget_curves"] is None


@pytest.mark.parametrize(
    ("name", "outliers", "F", "dof"),
    [
        ("llama_3__raw_loss", True, 22.0, [29, 98]),
        ("llama_3__exp_loss", True, 13.5, [29, 98]),
        ("ml_scalefit__massivetext__chinchilla", True, 6.55, [26, 91]),
        ("epochai_chinchilla__massivetext__chinchilla", False, 3.85, [20, 59]),
        ("chinchilla", True, 3.20, [12, 219]),
    ],
)
def test_every_published_table_departs_from_one_surface(name, outliers, F, dof, tmp_path):
    result = fit(published(name, tmp_path, outliers), "vpnls", bootstrap=100)[0]
    found = result.diagnostics["budget_curves"]
    assert (result.status, found["dof"]) == ("weak", dof)
    assert found["F"] == pytest.approx(F, rel=5e-3)
