"""What a wrong split costs, and the resampled comparison on one table."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from flopscape.bias.cost import approach2_at, compare, effective_flops, within_budgets
from flopscape.bias.designs import Bias, isoflop_design
from flopscape.bias.run import run
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.laws.named_surfaces import SURFACES
from flopscape.laws.surface import closed_form_optimum, loss
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import MIRROR

FLOPS = 1e24


@pytest.fixture(scope="module")
def table():
    """Seven sizes at each of five budgets of the Chinchilla surface, with noise of seed 3."""
    true = SURFACES["chinchilla"]
    design = isoflop_design(true, [1e17, 1e18, 1e19, 1e20, 1e21], 0.6, 7, Bias())
    columns = {"n_params": design.n_params, "n_tokens": design.n_tokens, "loss": design.losses(true, 0.005, seed=3)[0]}
    frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    return table_of(frame.assign(budget=np.repeat(design.flops, 7)), "a test's table")


@pytest.mark.parametrize("name", ["llama3", "chinchilla", "sparse_nmm"])
@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_effective_flops_is_where_the_optimum_reaches_the_same_loss(name, factor):
    true = SURFACES[name]
    n_params = factor * closed_form_optimum(true, FLOPS).n_params
    found = loss(true, n_params, FLOPS / (6 * n_params))
    searched = brentq(lambda x: closed_form_optimum(true, 10**x).loss - found, 20, 24.5, xtol=1e-13)
    assert effective_flops(true, FLOPS, n_params) == pytest.approx(10**searched, rel=1e-9)


def test_the_first_comparison_is_the_fit_of_the_table_itself(table):
    found = compare(table, FLOPS, 100, seed=0)
    parabolas, surface = (fit(table, name, flops=[FLOPS], bootstrap=100)[0] for name in ("approach2", "vpnls"))
    assert found.n_params[0] == pytest.approx(parabolas.predictions[0].n_params.estimate, rel=1e-9)
    assert found.surface.alpha[0] == pytest.approx(surface.surface["alpha"].estimate, rel=1e-7)
    assert found.surface.B[0] == pytest.approx(surface.surface["B"].estimate, rel=1e-6)


def test_a_weight_is_a_repeated_row(table):
    weights = within_budgets(table.budget, 1, seed=5)[1:]
    rows = np.repeat(np.arange(len(table)), weights[0].astype(int))
    repeated = table_of(table.columns.iloc[rows].reset_index(drop=True), "repeated", measured=False)
    once, _ = approach2_at(repeated, np.ones((1, len(rows))), FLOPS)
    weighted, _ = approach2_at(table, weights, FLOPS)
    assert once == pytest.approx(weighted, rel=1e-9)


def test_resamples_keep_the_number_of_rows_of_every_budget(table):
    weights = within_budgets(table.budget, 50, seed=1)
    assert (weights[0] == 1).all()
    for budget in np.unique(table.budget):
        assert (weights[:, table.budget == budget].sum(axis=1) == 7).all()


def test_a_budget_without_a_lowest_point_is_left_out_and_counted(table):
    losses = table.loss.copy()
    losses[:7] = np.linspace(3, 4, 7)
    broken = table_of(table.columns.assign(loss=losses), "broken")
    n_params, budgets = approach2_at(broken, np.ones((1, len(table))), FLOPS)
    assert budgets == [4]
    assert np.isfinite(n_params).all()


def test_without_a_mirror_the_known_surfaces_run_and_the_rest_says_so(tmp_path):
    said = run("exp11", tmp_path, fast=True)
    assert "the real Llama 3 part is skipped: no data" in said
    assert json.loads((tmp_path / "verdict.json").read_text())["status"].startswith("completed; the real Llama 3 part")
    assert set(pd.read_csv(tmp_path / "table.csv")["surface"]) == {"llama3", "chinchilla", "soda", "sparse_nmm"}


def test_another_file_of_that_name_in_the_mirror_is_refused(tmp_path):
    (tmp_path / "isoflops.csv").write_text("loss\n1.0\n")
    with pytest.raises(FlopscapeError, match="SHA-256"):
        run("exp11", tmp_path / "out", fast=True, mirror=tmp_path)


@pytest.mark.skipif(not MIRROR.is_dir(), reason="no published tables beside the checkout")
def test_the_published_llama_3_table_gives_the_published_cost(tmp_path):
    run("exp11", tmp_path, mirror=MIRROR)
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    found = {claim["claim"]: claim for claim in verdict["claims"]}
    assert verdict["all_hold"]
    assert found["Llama 3 table waste"]["value"] == pytest.approx(6.3, abs=0.05)
    assert "fitted without the flagged rows" in found["Llama 3, flagged rows out of Approach 2 only waste"]["note"]
