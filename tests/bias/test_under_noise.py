"""Experiments 5, 7 and 9: searches against a library's minimisers, and failures that stay in the table."""

import numpy as np
import pandas as pd
import pytest

from flopscape.bias.designs import Bias, isoflop_design
from flopscape.bias.experiments import exp05_exact_data, exp07_noise, exp09_wasted_data
from flopscape.bias.methods import METHODS, exponents_by, objective
from flopscape.config.bias import Exp07, Exp09
from flopscape.laws.named_surfaces import named_surface

DESIGN = isoflop_design(named_surface("chinchilla"), np.geomspace(1e17, 1e21, 5), np.log10(4), 7, Bias())


@pytest.mark.parametrize("method", METHODS[1:])
def test_every_search_finds_a_without_noise(method):
    found = exponents_by(method, DESIGN, DESIGN.losses(named_surface("chinchilla")))
    assert found.a == pytest.approx([0.28 / 0.62], rel=1e-6)
    assert found.status.tolist() == ["ok"]


def test_a_curve_without_a_lowest_point_keeps_its_row_and_says_so():
    losses = DESIGN.losses(named_surface("chinchilla"), tables=2)
    losses[1] = losses[1].max() + 1 - losses[1]
    found = exponents_by("approach2", DESIGN, losses)
    assert found.status.tolist() == ["ok", "no lowest point"]
    assert np.isnan(found.a).tolist() == [False, True]


def test_the_baselines_gradient_is_that_of_its_objective():
    logs = np.log(np.stack([DESIGN.n_params.ravel(), DESIGN.n_tokens.ravel()]))
    y = DESIGN.losses(named_surface("chinchilla"), 0.01, seed=3).ravel()
    p, h = np.array([1.5, 5.0, 6.5, 0.3, 0.33]), 1e-6
    differences = [(objective(p + h * e, logs, y)[0] - objective(p - h * e, logs, y)[0]) / (2 * h) for e in np.eye(5)]
    # Central differences of a sum of order one lose half the digits.
    assert objective(p, logs, y)[1] == pytest.approx(differences, rel=1e-6)


def test_exact_data_fail_only_where_a_baseline_stops_short(fast):
    folder, _ = fast("exp05")
    table = pd.read_csv(folder / "table.csv")
    assert set(table[table["status"] == "failed"]["method"]) <= {"grid only", *exp05_exact_data.WAYS}
    ours = table[table["method"].isin(exp05_exact_data.OURS)]
    assert ours["relative_error"].abs().max() < 1e-6


def test_every_table_of_every_method_is_a_row():
    settings = Exp07(budgets=[2], points=[4], sigmas=[0.2], tables=20, random_starts=3)
    table = exp07_noise.run(settings).table
    assert table["method"].value_counts().to_dict() == dict.fromkeys(settings.methods, 20) | {exp07_noise.RANDOM: 3}
    assert table["status"].notna().all()


def test_failures_are_counted_and_left_out_of_the_spread_only():
    rows = [("approach2", 0.5), ("approach2", 0.7), ("approach2", None), ("vpnls", 0.6), ("vpnls", 0.4)]
    found = exp09_wasted_data.spread(pd.DataFrame(rows, columns=["method", "estimate"]).assign(truth=0.5))
    assert found["fits"].to_dict() == {"approach2": 3, "vpnls": 2}
    assert found["failures"].to_dict() == {"approach2": 1, "vpnls": 0}
    assert found["variance"].to_dict() == pytest.approx({"approach2": 0.01, "vpnls": 0.01})


def test_the_same_seed_gives_the_same_table():
    settings = Exp09(points=[21], budgets=[3], sigmas=[0.05], trials=3)
    pd.testing.assert_frame_equal(exp09_wasted_data.run(settings).table, exp09_wasted_data.run(settings).table)
