"""Fits of the law of data mixtures: recovered, with sources that some runs lack, and asked for other mixtures."""

import numpy as np
import pandas as pd
import pytest

from flopscape.answers.predict import predict
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from tests.fitting.fit_tables import as_table

LAW = {"mixture": ["web", "code", "books"]}
TRUE = {"E": 1.6, "a_web": 0.8, "a_code": 2.5, "a_books": 1.3}


def mixture_frame(sigma: float) -> pd.DataFrame:
    """Forty mixtures of three sources, a third of them without code, all of one size and length."""
    rng = np.random.default_rng(2)
    shares = rng.dirichlet(np.ones(3), 40)
    shares[::3, 1] = 0.0
    shares /= shares.sum(axis=1, keepdims=True)
    loss = (1.6 + np.exp(shares @ np.log([0.8, 2.5, 1.3]))) * np.exp(rng.normal(0, sigma, 40))
    frame = pd.DataFrame(shares, columns=["web", "code", "books"])
    return frame.assign(n_params=1e8, n_tokens=2e9, loss=loss, run_id=[f"run{i}" for i in range(40)])


def test_exact_losses_give_the_parameters_themselves(tmp_path):
    result, _ = fit(as_table(mixture_frame(0.0), tmp_path), "law", law=LAW, bootstrap=0)
    assert {name: number.estimate for name, number in result.parameters.items()} == pytest.approx(TRUE, rel=1e-5)


def test_the_loss_of_a_mixture_is_predicted_with_its_interval(tmp_path):
    at = {"web": 0.5, "code": 0.25, "books": 0.25}
    table = as_table(mixture_frame(0.002), tmp_path)
    result, draws = fit(table, "law", law=LAW, at=at, flops=[6 * 1e8 * 2e9], bootstrap=300)
    true = 1.6 + 0.8**0.5 * 2.5**0.25 * 1.3**0.25
    [predicted] = result.predictions
    assert predicted.loss.low < true < predicted.loss.high
    assert predicted.loss.high - predicted.loss.low < 0.02
    assert predict(result, draws, [6 * 1e8 * 2e9])[0].loss.estimate == pytest.approx(predicted.loss.estimate)


def test_without_shares_the_best_source_alone_is_said_to_be_an_edge(tmp_path):
    result, _ = fit(as_table(mixture_frame(0.002), tmp_path), "law", law=LAW, flops=[1e18], bootstrap=0)
    assert result.at == {"web": 1.0, "code": 0.0, "books": 0.0}
    assert any("the loss is lowest for web alone, an edge" in text for text in result.warnings)


def test_shares_that_are_not_one_in_sum_are_named(tmp_path):
    frame = mixture_frame(0.0)
    frame.loc[3, "web"] += 0.2
    with pytest.raises(FlopscapeError, match=r"web, code and books are 1.2 in sum in row 4 \(1 row: run3\)"):
        fit(as_table(frame, tmp_path), "law", law=LAW)
    with pytest.raises(FlopscapeError, match="at: give all of web, code and books, one in sum, or none of them"):
        fit(as_table(mixture_frame(0.0), tmp_path), "law", law=LAW, at={"web": 0.5})
    with pytest.raises(FlopscapeError, match="seeds: mean would merge runs of one N and D that differ in web"):
        fit(as_table(mixture_frame(0.0), tmp_path), "law", law=LAW, seeds="mean")
