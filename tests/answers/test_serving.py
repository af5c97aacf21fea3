"""The cheapest model once serving counts, from fits of the surface."""

import pandas as pd
import pytest

from flopscape.answers.predict import predict
from flopscape.answers.serving import predict_inference
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.laws.inference import inference_optimum
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import CHINCHILLA, isoflop, isoflop_frame

THREE = pd.DataFrame({"n_params": [5e6, 25e6, 100e6], "n_tokens": [4.5e9, 0.9e9, 0.225e9], "loss": [4.66, 4.40, 4.48]})


@pytest.fixture(scope="module")
def answer():
    return fit(table_of(isoflop_frame(sigma=0.002), "runs.csv"), "answer", bootstrap=512)


@pytest.fixture(scope="module")
def answer_of_three():
    return fit(table_of(THREE, "runs.csv"), "answer", bootstrap=512)


@pytest.mark.parametrize(
    ("d_inference", "goal"),
    [
        (1e11, {"loss": 2.6}),
        (1e12, {"loss": 2.2}),
        (1e14, {"loss": 2.4}),
        (1e11, {"flops": 1e20}),
        (1e12, {"flops": 1e22}),
    ],
)
def test_the_answer_finds_the_cheapest_model_of_the_surface_that_is_true(answer, d_inference, goal):
    """Medians within 8 % of the closed form; and within their intervals, all of them."""
    served = predict_inference(*answer, d_inference, **goal)
    exact = inference_optimum(CHINCHILLA, d_inference, **goal)
    for found, true in (
        (served.n_params, exact.n_params),
        (served.n_tokens, exact.n_tokens),
        (served.training, exact.training),
        (served.serving, exact.serving),
    ):
        assert found.estimate == pytest.approx(true, rel=0.08)
        assert found.low < true < found.high
    assert served.loss.estimate == pytest.approx(exact.loss, rel=0.005)
    usual = inference_optimum(CHINCHILLA, 0, loss=exact.loss)
    total = usual.training * (1 + d_inference / 3 / usual.n_tokens)
    assert served.saved.estimate == pytest.approx(1 - (exact.training + exact.serving) / total, abs=0.03)
    assert not served.open_ends


def test_nothing_served_is_the_answers_own_optimum(answer):
    alone, usual = predict_inference(*answer, 0, flops=1e21), predict(*answer, [1e21])[0]
    assert (alone.n_params, alone.loss) == (usual.n_params, usual.loss)
    assert (alone.serving.estimate, alone.saved.estimate) == (0, 0)
    back = predict_inference(*answer, 0, loss=usual.loss.estimate)
    assert back.training.estimate == pytest.approx(1e21, rel=0.01)
    assert back.n_params.estimate == pytest.approx(usual.n_params.estimate, rel=0.01)


def test_draws_that_never_reach_a_loss_leave_its_cost_without_an_upper_end(answer_of_three):
    served = predict_inference(*answer_of_three, 1e10, loss=3.8)
    ends = [number.high for number in (served.n_params, served.n_tokens, served.training, served.serving)]
    assert ends == [None] * 4
    assert 0 < served.n_params.low < served.n_params.estimate
    assert len(served.open_ends) == 1
    assert "of the draws no model reaches a loss of 3.8" in served.open_ends[0]


@pytest.mark.parametrize(
    ("goal", "sentence"),
    [
        ({"loss": 2.5}, r"loss: no model reaches 2.5 in \d+% of the fit's draws; ask for more"),
        ({"loss": 50}, r"loss 50 with 1e\+10 tokens to serve: the search does not reach so far from the runs"),
        ({"flops": 1e60}, r"flops 1e\+60 with 1e\+10 tokens to serve: the search does not reach so far"),
        ({"flops": 1e3}, "ask"),
    ],
)
def test_the_answer_refuses_what_its_draws_do_not_reach(goal, sentence, answer_of_three):
    with pytest.raises(FlopscapeError, match=sentence):
        predict_inference(*answer_of_three, 1e10, **goal)


def test_resamples_of_a_surface_that_never_reach_a_loss_are_counted_too(tmp_path):
    result, draws = fit(isoflop(tmp_path, sigma=0.01), "vpnls", bootstrap=100)
    floor = float(draws["E"].quantile(0.9))
    served = predict_inference(result, draws, 1e12, loss=floor)
    assert (served.n_params.high, served.training.high) == (None, None)
    assert "in 10.0% of the draws no model reaches" in served.open_ends[0]


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


def test_where_the_size_has_no_end_the_costs_end_at_the_compute_that_was_asked_for(answer_of_three):
    served = predict_inference(*answer_of_three, 1e10, flops=1e17)
    assert [text.partition(",")[0] for text in served.open_ends] == ["N has no lower end"]
    assert (served.n_params.low, served.n_tokens.high, served.training.high) == (None, None, 1e17)
    # Serving alone may not cost more than everything.
    assert served.n_params.high < 1e17 / 2 / 1e10
