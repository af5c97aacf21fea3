"""The sentences on going beyond the runs say what the numbers say."""

import pytest

from flopscape.answers.risk import risk
from flopscape.answers.sizes import SizePrediction
from flopscape.records.fit_result import Estimate, FitResult, Prediction

SHARES = {"noise": 0.25, "law": 0.5, "drift": 0.2, "discrepancy": 0.05}


def fit(method: str = "answer", **shares: float) -> FitResult:
    """A fit of thirty runs, 1e18 to 1e20 FLOPs on 10 M to 1 B parameters."""
    result = FitResult("ok", "", method, "", "", n_runs=30)
    result.diagnostics = {"sampled": {"flops": [1e18, 1e20], "n_params": [1e7, 1e9]}}
    if shares:
        result.diagnostics["shares"] = [{"flops": 1e21, "n_params": shares}]
    return result


def at(flops: float, n_params: Estimate) -> Prediction:
    return Prediction(flops, n_params, Estimate(1e10), Estimate(2.0, 1.9, 2.1), Estimate(20.0))


def said(result: FitResult, *budgets: Prediction, sizes: tuple[SizePrediction, ...] = ()) -> str:
    return " ".join(risk(result, budgets, sizes, None))


def test_of_several_budgets_the_farthest_is_told():
    text = said(fit(), at(1e20, Estimate(5e8, 4e8, 6e8)), at(1e21, Estimate(3e9, 1e9, 6e9)))
    assert "The 30 runs spent 10¹⁸ to 10²⁰ FLOPs each, on sizes of 10.0 M to 1.00 B parameters." in text
    assert "10²¹ FLOPs, lies a factor 10 above what the costliest run spent" in text
    assert "its N* lies a factor 3 above the largest size trained" in text
    assert "the 95 % interval of N* spans a factor 6 from end to end." in text
    assert "That of the loss is 0.200 nats per token wide, 10 % of it" in text


def test_below_the_runs_is_beyond_them_as_well():
    text = said(fit(), at(1e17, Estimate(5e6, 4e6, 6e6)))
    assert "lies a factor 10 below what the cheapest run spent" in text
    assert "its N* lies a factor 2 below the smallest size trained" in text


def test_what_lies_within_the_runs_is_said_to():
    text = said(fit(), at(1e19, Estimate(1e8, 9e7, 1.1e8)))
    assert "Every budget that is asked about lies within what was spent." in text


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (Estimate(3e9, 1e8, 6e9), "so that N* is known as a range only and the number in the middle says little"),
        (Estimate(3e9, 1e9, None), "has no upper end: the runs do not bound N* on that side"),
        (Estimate(3e9, None, 4e9), "has no lower end"),
        (Estimate(3e9, None, None), "has no end on either side"),
    ],
)
def test_a_wide_or_open_interval_is_named_as_such(number, sentence):
    assert sentence in said(fit(), at(1e21, number))


def test_a_size_is_told_with_what_it_costs():
    size = SizePrediction(5e9, Estimate(1e11, 5e10, 2e11), (6e10, 1.5e11), 3e10)
    text = said(fit(), at(1e19, Estimate(1e8, 9e7, 1.1e8)), sizes=(size,))
    assert "The farthest size, 5.00 B parameters, lies a factor 5 above the largest size trained" in text
    assert "to train it on its D* would take 30 times the costliest run" in text


def test_the_part_that_earlier_sweeps_fill_in_is_what_is_not_noise():
    wide = at(1e21, Estimate(3e9, 1e9, 6e9))
    text = said(fit(**SHARES, sd_over_prior=0.2), wide)
    assert "25 % is noise. The other 75 % is what these runs leave open" in text
    assert "50 % on the law's own numbers, 20 % on a drift of its optimum with scale and 5 % on what its form" in text
    assert "the interval of ln N* would be 5 times as wide" in text
    assert "These runs have hardly narrowed" in said(fit(**SHARES, sd_over_prior=0.97), wide)
    assert "the form of the fitted law is exact" in said(fit("vpnls"), wide)
    assert "law" not in said(fit(), wide)
