"""approach2 is tested for what it assumes: that curves are parabolas, or that all have one shape."""

import numpy as np
import pandas as pd
import pytest

from flopscape.fitting.fit import fit
from flopscape.runs.read import table_of
from flopscape.runs.table import RunTable


def budgets(cubic: float, sigma: float, steps: float = 1.5) -> RunTable:
    """Five budgets with a curve 2.5 + 0.02·x² + cubic·x³ about sizes that grow as C^0.5, and sizes on one side more."""
    rng = np.random.default_rng(1)
    rows = []
    for flops in np.geomspace(1e17, 1e19, 5):
        for x in np.linspace(-steps, steps + 0.6, 11):
            n = (flops / 120) ** 0.5 * np.exp(x)
            level = 2 + 0.5 * (flops / 1e18) ** -0.1
            rows.append((n, flops / 6 / n, flops, level + 0.02 * x**2 + cubic * x**3 + rng.normal(0, sigma)))
    return table_of(pd.DataFrame(rows, columns=["n_params", "n_tokens", "budget", "loss"]), "curves")


def test_approach2_is_weak_where_cubics_beat_its_parabolas_and_move_n_beyond_its_error() -> None:
    result = fit(budgets(cubic=-0.004, sigma=0.0005), "approach2", bootstrap=50)[0]
    test = result.diagnostics["cubic"]
    assert result.status == "weak"
    assert "a cubic for each budget describes the losses better than its parabola, F(5, 35) =" in result.reason
    assert test["p"] < 1e-9
    # The cubics are the true curves, whose lowest points lie at x = 0; the parabolas' are off by as much.
    parabola = np.log(result.optima[-1]["n_params"]) - np.log((1e19 / 120) ** 0.5)
    assert test["shift"] == pytest.approx(-parabola, abs=0.03)


def test_a_cubic_that_moves_n_by_less_than_its_error_is_a_warning() -> None:
    """A scatter of the budgets about their line makes the error of N* larger than what the cubics move."""
    table = budgets(cubic=-0.004, sigma=0.0005)
    shift = np.select([table.budget == c for c in np.unique(table.budget)], [0.6, -0.6, 0.6, -0.6, 0.6])
    moved = table.columns.assign(n_params=table.n_params * np.exp(shift), n_tokens=table.n_tokens * np.exp(-shift))
    result = fit(table_of(moved, "scattered"), "approach2", bootstrap=50)[0]
    assert abs(result.diagnostics["cubic"]["shift"]) < 0.93 * result.diagnostics["cubic"]["se"]
    assert any("less than its standard error" in warning for warning in result.warnings)


def test_parabolas_that_are_right_pass() -> None:
    found = fit(budgets(cubic=0.0, sigma=0.002), "approach2", bootstrap=50)[0].diagnostics["cubic"]
    assert found["dof"] == [5, 35]
    assert found["p"] > 0.01


def test_exact_curves_are_weak_whose_shape_contradicts_their_lowest_points() -> None:
    """The curves rise alike on both sides, which asks for a = 0.5; the lowest points grow as C^0.8."""
    rng = np.random.default_rng(3)
    rows = []
    for flops in np.geomspace(1e17, 1e20, 7):
        for x in np.linspace(-2, 2, 13):
            n = 1e7 * (flops / 1e17) ** 0.8 * np.exp(x)
            curve = 0.1 * (np.exp(0.35 * x) + np.exp(-0.35 * x))
            rows.append((n, flops / 6 / n, flops, 2 + (flops / 1e17) ** -0.05 + curve + rng.normal(0, 0.0005)))
    table = table_of(pd.DataFrame(rows, columns=["n_params", "n_tokens", "budget", "loss"]), "apart")
    result = fit(table, "approach2", variant="exact", bootstrap=50)[0]
    assert result.status == "weak"
    assert "and their lowest points for 0.80" in result.reason
    assert "no one surface gives both" in result.reason
    assert result.diagnostics["shape_and_line"]["a_of_shape"] == pytest.approx(0.5, abs=0.03)
    assert result.diagnostics["shape_and_line"]["p"] < 1e-3
