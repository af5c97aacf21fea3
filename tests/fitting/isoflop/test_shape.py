"""What approach2 says of its curves' shape and of the floor of its loss law."""

import numpy as np
import pytest

from flopscape.fitting.fit import fit
from tests.fitting.fit_tables import as_table, isoflop, isoflop_frame, published


def exact(table):
    return fit(table, "approach2", variant="exact", bootstrap=100)[0]


@pytest.mark.parametrize("seed", range(3))
def test_a_clean_sweep_has_nothing_said_of_its_shape(seed, tmp_path):
    assert exact(isoflop(tmp_path, seed=seed, sigma=0.002)).warnings == []


def test_exponents_above_one_are_named_with_their_errors(tmp_path):
    result = exact(published("ml_scalefit__massivetext__chinchilla", tmp_path))
    assert result.diagnostics["shape_exponents"]["alpha"] == pytest.approx(1.926, abs=5e-3)
    assert any("shared α = 1.93 ± " in text and "above 1, where published" in text for text in result.warnings)


def test_a_loss_law_without_a_floor_is_said(tmp_path):
    result = exact(published("chinchilla", tmp_path))
    assert result.diagnostics["power_law"]["loss_E"] == 0
    assert any("the irreducible loss of L*(C) is at its bound, zero" in text for text in result.warnings)


def test_a_shape_that_contradicts_the_lowest_points_is_said(tmp_path):
    frame = isoflop_frame(sigma=0.001, shift=False)
    rise = np.log(frame["budget"] / frame["budget"].min())
    moved = frame.assign(
        n_params=frame["n_params"] * np.exp(0.1 * rise), n_tokens=frame["n_tokens"] / np.exp(0.1 * rise)
    )
    result = exact(as_table(moved, tmp_path))
    assert result.status == "weak"
    assert "the curves' shape asks for a = 0.46" in result.reason
    assert "their lowest points for 0.55" in result.reason
