"""The cheapest model once serving counts, from fits of the surface."""

import pytest

from flopscape.answers.serving import predict_inference
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.laws.inference import inference_optimum
from tests.fitting.fit_tables import CHINCHILLA, isoflop


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
