"""Predictions and residuals from finished fits of the laws, and with inference from those of the surface."""

import numpy as np
import pytest

from flopscape.answers.predict import predict
from flopscape.answers.residuals import residuals
from flopscape.answers.serving import predict_inference
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.laws.compute import Compute
from flopscape.laws.inference import inference_optimum
from flopscape.laws.registry import LAWS
from flopscape.records.fit_result import FitResult
from tests.fitting.fit_tables import CHINCHILLA, isoflop
from tests.fitting.law_tables import TRUTH, law_table


@pytest.mark.parametrize("name", ["coupled", "kaplan", "constrained", "power-c"])
def test_predict_repeats_the_fits_own_predictions(name, tmp_path):
    result, draws = fit(law_table(name, tmp_path, sigma=0.003), "law", law=name, flops=[1e23], bootstrap=60)
    result.write(tmp_path / "fit.json")
    again = predict(FitResult.read(tmp_path / "fit.json"), draws, [1e23])[0]
    for quantity in ("n_params", "n_tokens", "loss", "tokens_per_param"):
        mine, other = getattr(again, quantity), getattr(result.predictions[0], quantity)
        assert (mine is None) == (other is None)
        if mine and other:
            numbers = (other.estimate, other.low, other.high)
            assert (mine.estimate, mine.low, mine.high) == pytest.approx(numbers, rel=1e-3)


def test_a_size_can_be_given(tmp_path):
    result, draws = fit(law_table("power-n", tmp_path, sigma=0.003), "law", law="power-n", flops=[1e23], bootstrap=60)
    assert result.predictions[0].loss is None
    given = predict(result, draws, [1e23], n_params=1e10)[0]
    assert given.loss.estimate == pytest.approx((8.8e13 / 1e10) ** 0.076, rel=0.01)
    with pytest.raises(FlopscapeError, match="has no optimum at a compute"):
        predict(result, draws, [1e23])


def test_the_optimum_is_the_laws_own(tmp_path):
    result, _ = fit(law_table("constrained", tmp_path), "law", law="constrained", flops=[1e23], bootstrap=0)
    best = LAWS["constrained"].optimum(TRUTH["constrained"], 1e23, Compute.constant(), 1e10)
    assert result.predictions[0].n_params.estimate == pytest.approx(best.n_params, rel=1e-6)


def test_residuals_are_recomputed_from_the_file(tmp_path):
    table = law_table("constrained", tmp_path, sigma=0.003)
    result, _ = fit(table, "law", law="constrained", bootstrap=0)
    left = residuals(table, result)
    assert np.log(left["loss"] / left["predicted"]).pow(2).sum() == pytest.approx(result.diagnostics["objective"])


def test_inference_predictions_carry_the_draws(tmp_path):
    result, draws = fit(isoflop(tmp_path, sigma=0.002), "vpnls", bootstrap=100)
    served = predict_inference(result, draws, 1e12, loss=2.2)
    exact = inference_optimum(CHINCHILLA, 1e12, loss=2.2)
    assert served.n_params.low < served.n_params.estimate < served.n_params.high
    assert served.n_params.estimate == pytest.approx(exact.n_params, rel=0.05)
    assert served.loss.estimate == pytest.approx(2.2, rel=1e-9)
    assert 0 < served.saved.estimate < 1
    assert predict_inference(result, draws, 0, flops=1e22).saved.estimate == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("goal", "sentence"),
    [({"loss": 1.2}, "no model reaches 1.2"), ({}, "either a loss or flops"), ({"flops": -1}, "positive")],
)
def test_impossible_inference_is_refused(goal, sentence, tmp_path):
    result, draws = fit(isoflop(tmp_path), "vpnls", bootstrap=50)
    with pytest.raises(FlopscapeError, match=sentence):
        predict_inference(result, draws, 1e12, **goal)
