"""What is wrong with an experiment's settings is said in words."""

import pytest

from flopscape.bias.designs import Bias, isoflop_design
from flopscape.bias.run import run
from flopscape.errors import FlopscapeError
from flopscape.laws.named_surfaces import SURFACES

CHINCHILLA = SURFACES["chinchilla"]


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("exp01", '{"surface": "chinchila"}', "surface 'chinchila': there are symmetric, balanced"),
        ("exp03", '{"biases": ["drift 9"]}', "bias 'drift 9': there are baseline"),
        ("exp01", '{"widths": [0]}', "widths"),
        ("exp01", '{"widths": []}', "widths"),
        ("exp06", '{"factors": [1]}', "factors"),
        ("exp06", '{"factors": [2, 2.0]}', r"2\.0 is listed twice"),
        ("exp06", '{"points": 2}', "points"),
        ("exp10", '{"budgets": [1e20]}', "budgets"),
        ("exp10", '{"budgets": [1e20, 1e20]}', "two different"),
        ("exp11", '{"mfu": 1.5}', "mfu"),
        ("exp02", '{"wdiths": [1]}', "wdiths"),
        ("exp02", "{", "--settings"),
        ("exp99", None, "experiment 'exp99': there are exp0"),
    ],
)
def test_wrong_settings_are_refused_by_name(name, settings, words, tmp_path):
    with pytest.raises(FlopscapeError, match=words):
        run(name, tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flops", "width", "points", "words"),
    [
        ([1e20], 1.0, 5, "at least two different"),
        ([1e20, 1e20], 1.0, 5, "at least two different"),
        ([1e20, -1e21], 1.0, 5, "positive"),
        ([1e20, 1e21], 0.0, 5, "width 0.0"),
        ([1e20, 1e21], float("nan"), 5, "width nan"),
        ([1e20, 1e21], 1.0, 2, "2 points a budget: a parabola needs at least 3"),
    ],
)
def test_a_design_without_spread_is_refused(flops, width, points, words):
    with pytest.raises(FlopscapeError, match=words):
        isoflop_design(CHINCHILLA, flops, width, points, Bias())


def test_negative_noise_is_refused():
    design = isoflop_design(CHINCHILLA, [1e20, 1e21], 1.0, 5, Bias())
    with pytest.raises(FlopscapeError, match=r"noise σ = -0\.1: must be zero or positive"):
        design.losses(CHINCHILLA, sigma=-0.1)


@pytest.mark.parametrize("values", [{"scale": 0.0}, {"scale": -1.0}, {"drift": float("inf")}])
def test_an_impossible_bias_is_refused(values):
    with pytest.raises(FlopscapeError, match="bias: scale"):
        Bias(**values)
