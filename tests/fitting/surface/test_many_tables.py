"""Many tables on one design at once: the same answers as one by one."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.fitting.judge import verdict as guards
from flopscape.fitting.surface import variable_projection
from flopscape.fitting.surface.log_residuals import OBJECTIVES
from flopscape.fitting.surface.many_tables import fit_surfaces
from flopscape.laws.surface import loss
from tests.fitting.fit_tables import CHINCHILLA, as_table, isoflop, isoflop_frame, no_copies


@pytest.fixture
def table(tmp_path):
    return isoflop(tmp_path, seed=4)


def simulated(table, tables, sigma=0.01):
    true = loss(CHINCHILLA, table.n_params, table.n_tokens)
    return true + np.random.default_rng(5).normal(0, sigma, (tables, len(true)))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_table_is_fitted_as_if_alone(objective, table):
    losses = simulated(table, 5)
    found = fit_surfaces(table.n_params, table.n_tokens, losses, objective)
    assert found.converged.all()
    assert not found.at_bound.any()
    for i, values in enumerate(losses):
        alone, _ = fit(dataclasses.replace(table, loss=values), "approach3", bootstrap=2, objective=objective)
        expected = [number.estimate for number in alone.surface.values()]
        assert [part[i] for part in found.surface] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("objective", ["lsq", "huber"])
def test_the_answer_does_not_depend_on_the_chunk(objective, table, monkeypatch):
    losses = simulated(table, 30)
    whole = fit_surfaces(table.n_params, table.n_tokens, losses, objective)
    monkeypatch.setattr(variable_projection, "CHUNK_ELEMENTS", 7 * len(table))
    parts = fit_surfaces(table.n_params, table.n_tokens, losses, objective)
    assert np.array_equal(whole.surface, parts.surface)


def test_losses_that_do_not_fall_with_tokens_are_at_a_bound(table):
    flat = 2 + (table.n_params / table.n_params.mean()) ** -0.3 + 1e-3 * np.log(table.n_tokens)
    found = fit_surfaces(table.n_params, table.n_tokens, flat[None])
    assert found.at_bound.tolist() == [True]
    assert found.surface.B == 0


def test_wrong_values_are_named(table):
    losses = simulated(table, 2)
    with pytest.raises(FlopscapeError, match="not \\(R, n\\)"):
        fit_surfaces(table.n_params, table.n_tokens, losses[0])
    losses[1, 3] = -1.0
    with pytest.raises(FlopscapeError, match=r"losses\[1, 3\] is not a positive number"):
        fit_surfaces(table.n_params, table.n_tokens, losses)


def test_a_large_table_gets_fewer_resamples_and_says_so(table, monkeypatch):
    monkeypatch.setattr(guards, "RESAMPLED_ROWS", 60 * len(table))
    monkeypatch.setattr(guards, "FEWEST_RESAMPLES", 50)
    result, draws = fit(table, "vpnls", bootstrap=100)
    assert len(draws) == 60
    assert result.interval.endswith("60 resamples")
    assert any("60 resamples in place of 100" in warning for warning in result.warnings)
    assert guards.affordable(100, 10**9) == 50
    assert guards.affordable(20, 10**9) == 20


def test_resamples_of_absolute_deviations_survive_rows_that_say_the_same(tmp_path):
    frame = isoflop_frame(budgets=3, sizes=4)
    table = as_table(pd.concat([frame, no_copies(frame.assign(run_id=frame["run_id"] + " again"))]), tmp_path)
    result, draws = fit(table, "approach3", objective="lad", bootstrap=100)
    assert result.status != "refused"
    assert len(draws) == 100
