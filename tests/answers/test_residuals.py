"""What a fit leaves over: one rule for figures and for tables of residuals."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from flopscape.answers.residuals import residuals
from flopscape.figures.residuals import residuals as drawn
from flopscape.fitting.fit import fit
from tests.fitting.fit_tables import isoflop
from tests.fitting.law_tables import law_table


def test_residuals_are_recomputed_from_the_file(tmp_path: Path) -> None:
    table = law_table("constrained", tmp_path, sigma=0.003)
    result, _ = fit(table, "law", law="constrained", bootstrap=0)
    left = residuals(table, result)
    assert np.log(left["loss"] / left["predicted"]).pow(2).sum() == pytest.approx(result.diagnostics["objective"])


@pytest.mark.parametrize("method", ["vpnls", "approach2"])
def test_a_table_of_residuals_and_the_figure_have_the_same(method: str, tmp_path: Path) -> None:
    table = isoflop(tmp_path, sigma=0.003)
    result, _ = fit(table, method, bootstrap=100)
    runs = table.columns.assign(budget=table.budget, flops=table.flops)
    np.testing.assert_array_equal(residuals(table, result)["residual"], drawn(result, runs))


def test_the_runs_of_a_budget_that_was_left_out_are_drawn_and_not_among_those_the_fit_used(tmp_path: Path) -> None:
    table = isoflop(tmp_path, sigma=0.003)
    result, _ = fit(table, "approach2", bootstrap=100)
    first = result.optima[0] | {"used": False, "reason": "the lowest point lies below the sizes"}
    result = dataclasses.replace(result, optima=[first, *result.optima[1:]])
    left = residuals(table, result)
    assert len(left) == (table.budget != first["budget"]).sum()
    assert np.isfinite(drawn(result, table.columns.assign(budget=table.budget, flops=table.flops))).all()
