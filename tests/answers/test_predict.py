"""Predictions from finished fits of the laws."""

import pytest

from flopscape.answers.predict import predict
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.laws.law import Compute
from flopscape.laws.registry import LAWS
from flopscape.records.fit_file import read_fit, write_fit
from tests.fitting.law_tables import law_table
from tests.laws.examples import TRUTH


@pytest.mark.parametrize("name", ["coupled", "kaplan", "constrained", "power-c"])
def test_predict_repeats_the_fits_own_predictions(name, tmp_path):
    result, draws = fit(law_table(name, tmp_path, sigma=0.003), "law", law=name, flops=[1e23], bootstrap=60)
    write_fit(result, tmp_path / "fit.json")
    again = predict(read_fit(tmp_path / "fit.json"), draws, [1e23])[0]
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
