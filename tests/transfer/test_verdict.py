"""What a search says: transfers, drifts or undecided, and what an assumed rate costs. Losses of a known shape."""

import numpy as np
import pytest
import yaml

from flopscape.config.read import validate
from flopscape.config.study import Study
from flopscape.transfer.advice import snippet
from flopscape.transfer.grid import Noise, Width
from flopscape.transfer.verdict import _estimate, verdict

RATES = np.array([0.003, 0.006, 0.012, 0.024, 0.048])
WIDTHS = (16, 32, 64)


def study_of(**training):
    data = {
        "title": "t",
        "model": {"plugin": "flopscape.plugins.gpt:GPT"},
        "dataset": {"plugin": "flopscape.plugins.text:BibleText"},
        "training": training,
        "sweep": {"rows": [{"size": {"width": 16, "depth": 2}, "n_tokens": 25600}]},
        "transfer": {"rates": list(RATES), "sizes": [{"width": w, "depth": 2} for w in WIDTHS], "n_tokens": 25600},
        "fits": ["vpnls"],
        "recommend": {"flops": [1e13]},
    }
    return validate(Study, data, "test")


def searched(exponent, assumed=0.012, noise=0.002, at=0.014):
    """Widths whose best rate is at · (width / 16)^exponent, each with 0.2 nats of loss per (ln rate)²."""
    generator = np.random.default_rng(0)
    widths = []
    for width in WIDTHS:
        best = at * (width / 16) ** exponent
        losses = 2 + 0.2 * np.log(RATES / best) ** 2 + generator.normal(0, noise, len(RATES))
        widths.append(Width(width, {"width": width}, 100 * width**2, np.log(RATES), losses, np.ones(5), assumed, 0))
    return widths


def judged(exponent, **training):
    return verdict(study_of(**training), searched(exponent), Noise(0.002, 10, "seeds"))


def test_the_same_best_rate_at_every_width_transfers():
    result = judged(0.0)
    assert result["status"] == "transfers"
    assert result["slope"]["low"] < 0 < result["slope"]["high"]
    assert max(row["cost_of_transfer"]["estimate"] for row in result["widths"]) < 0.002
    for row in result["widths"]:
        assert row["optimum_rate"]["low"] < 0.014 < row["optimum_rate"]["high"]
        assert row["cost_of_assumed"]["estimate"] == pytest.approx(0.2 * np.log(0.012 / 0.014) ** 2, abs=0.004)


def test_a_best_rate_that_falls_with_width_drifts_and_its_cost_is_that_of_the_known_valley():
    result = judged(-0.6)
    assert result["status"] == "drifts"
    assert result["slope"]["low"] < -0.6 < result["slope"]["high"]
    widest = result["widths"][-1]
    assert widest["cost_of_transfer"]["estimate"] == pytest.approx(0.2 * (0.6 * np.log(4)) ** 2, rel=0.1)
    assert "costs most at width 64" in result["sentences"][1]


def test_a_best_rate_at_the_end_decides_nothing():
    result = judged(-1.5)
    assert result["status"] == "undecided"
    assert "At width 64 the best rate is at the end of those tried" in result["reason"]


def test_noise_as_large_as_the_valley_decides_nothing():
    result = verdict(study_of(), searched(0.0), Noise(0.3, 4, "seeds"))
    assert result["status"] == "undecided"


def test_the_advice_of_a_transfer_is_one_rate_and_of_a_drift_a_recipe_that_is_a_valid_study():
    one = yaml.safe_load(snippet(study_of(), judged(0.0)))
    assert one["learning_rate"] == pytest.approx(0.014, rel=0.02)
    lines = snippet(study_of(), judged(-0.6))
    table = study_of(**yaml.safe_load(lines)).training.learning_rate_by_width
    assert table[64] == pytest.approx(0.014 * 4**-0.6, rel=0.05)
    law = "\n".join(line.removeprefix("# ") for line in lines.splitlines()[3:])
    assert study_of(**yaml.safe_load(law)).training.learning_rate_law.n_params == pytest.approx(-0.3, abs=0.02)


def test_advice_under_width_scaling_is_of_the_rates_that_were_trained():
    scaled = {"learning_rate_scaling": "width", "base_width": 16}
    table = yaml.safe_load(snippet(study_of(**scaled), judged(-0.6, **scaled)))["learning_rate_by_width"]
    assert table[64] == pytest.approx(0.014 * 4**-0.6 / 4, rel=0.05)


def test_an_interval_is_the_middle_95_per_cent_of_the_redrawn_values():
    """Of 0 … 1000 these are 25 … 975; one that is no number leaves none."""
    draws = np.random.default_rng(0).permutation(1001).astype(float)
    estimate = _estimate(np.append(7.0, draws))
    assert (estimate.estimate, estimate.low, estimate.high) == pytest.approx((7, 25, 975))
    assert _estimate(np.append(7.0, [*draws, np.nan])).low is None
