"""The experiments without noise: published numbers to their last digit, and all of them against the closed form."""

import importlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopscape.bias.designs import Bias, bias, isoflop_design
from flopscape.bias.experiments.exp06_parabola_bias_closed_form import exact, newton_step
from flopscape.bias.methods import approach2
from flopscape.config.bias import FIVE_DECADES
from flopscape.fitting.isoflop.bias import leading_order, power_law_shift, vertex_shift
from flopscape.laws.named_surfaces import SURFACES, named_surface
from flopscape.laws.surface import Surface, closed_form_optimum, exponents
from tests.bias.conftest import published

NAMES = ("exp01", "exp02", "exp03", "exp04", "exp06", "exp08", "exp10", "exp11")
EXPONENTS, TOKENS = ("exp01", "exp02", "exp03"), ("exp04", "exp10", "exp11")


@pytest.mark.parametrize("name", NAMES)
def test_every_published_number_is_reached_to_its_last_digit(name):
    outcome = published(name)
    assert [claim for claim in (*outcome.claims, *outcome.published) if not claim.holds] == []


def test_no_published_number_is_forgotten():
    count = {name: len(published(name).published) for name in NAMES}
    assert count == {
        "exp01": 4, "exp02": 12, "exp03": 6, "exp04": 30, "exp06": 10, "exp08": 11, "exp10": 24, "exp11": 8
    }  # fmt: skip


def predicted(row: pd.Series, flops: list[float]) -> tuple[float, float]:
    """Relative errors of a, and of D* at the row's C, by the closed form alone."""
    true = named_surface(row["surface"])
    design = isoflop_design(true, flops, row["width"], row["n_points"], bias(row["bias"]))
    slope, shift = power_law_shift(np.log(flops), exact(true, design))
    distance = np.log(row.get("flops", 1.0)) - np.log(flops).mean()
    return slope / float(exponents(true)[0]), float(np.expm1(-shift - slope * distance))


@pytest.mark.parametrize("name", EXPONENTS)
def test_errors_of_a_follow_the_closed_form_to_1e_6(name):
    table = published(name).table.query("quantity == 'a'")
    expected = [predicted(row, FIVE_DECADES)[0] for _, row in table.iterrows()]
    assert table["relative_error"].to_numpy() == pytest.approx(np.array(expected), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("name", TOKENS)
def test_errors_of_predicted_tokens_follow_the_closed_form_to_1e_6(name):
    settings = importlib.import_module("flopscape.config.bias").BiasSettings()
    flops = getattr(settings, name).budgets
    table = published(name).table.query("quantity == 'n_tokens'").iloc[::7]
    expected = [predicted(row, flops)[1] for _, row in table.iterrows()]
    assert table["relative_error"].to_numpy() == pytest.approx(np.array(expected), rel=1e-6, abs=1e-11)


@pytest.mark.parametrize("name", ["chinchilla", "soda", "ratio 9"])
def test_the_leading_order_is_quadratic_in_the_width(name):
    true = SURFACES[name]
    misfit = []
    for width in (0.1, 0.2):
        design = isoflop_design(true, [1e18, 1e20], width, 15, Bias())
        first = leading_order(true.alpha, true.beta, width * np.log(10), 15)
        misfit.append(exact(true, design)[0] / first - 1)
    assert misfit[1] / misfit[0] == pytest.approx(4, rel=0.02)


@pytest.mark.parametrize("tilt", ["drift 0.4", "scale 2", "drift to 3×"])
def test_a_narrow_grid_is_one_newton_step_from_its_centre(tilt):
    true = SURFACES["asymmetric"]
    far = []
    for width in (0.02, 0.04):
        design = isoflop_design(true, FIVE_DECADES, width, 15, bias(tilt))
        far.append(exact(true, design) - newton_step(true, design))
    assert np.abs(far[0]).max() < 1e-4
    assert far[1] / far[0] == pytest.approx(np.full(5, 4.0), rel=1e-2)


def test_a_cubic_per_budget_divides_the_centred_error_by_30_to_500():
    true = SURFACES["asymmetric"]
    errors = {}
    for degree in (2, 3):
        design = isoflop_design(true, FIVE_DECADES, np.log10(2), 15, Bias())
        law = approach2(design, design.losses(true), degree)
        errors[degree] = float(law.n_params(1e20)[0] / closed_form_optimum(true, 1e20).n_params - 1)
    assert abs(errors[2] / errors[3]) == pytest.approx(408, rel=0.01)


EXPONENT = st.floats(0.1, 1.0)


@given(EXPONENT, EXPONENT, st.floats(-0.5, 0.5), st.floats(0.1, 1.5), st.integers(3, 21))
def test_the_fit_follows_the_closed_form_on_any_surface_and_grid(alpha, beta, drift, width, points):
    true = Surface(1.7, 400.0, 300.0, alpha, beta)
    design = isoflop_design(true, [1e18, 1e19, 1e20], width, points, Bias(scale=1.3, drift=drift))
    vertices = approach2(design, design.losses(true)).vertices[0]
    found = vertices - np.log(closed_form_optimum(true, design.flops).n_params)
    assert found == pytest.approx(exact(true, design), abs=1e-7)  # curvatures down to 1e-7 of the loss


@given(EXPONENT, EXPONENT, st.floats(-1, 1), st.floats(0.1, 3), st.integers(3, 21))
def test_swapping_the_exponents_mirrors_the_shift(alpha, beta, center, half_width, points):
    offsets = center + np.linspace(-half_width, half_width, points)
    assert vertex_shift(beta, alpha, -offsets) == pytest.approx(-vertex_shift(alpha, beta, offsets), abs=1e-9)
