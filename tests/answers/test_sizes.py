"""The data of a given size, and the loss of a given run, by every kind of fit that can say."""

import numpy as np
import pandas as pd
import pytest

from flopscape.answers.evaluate import FittedLaw, FittedPowerLaws
from flopscape.answers.predict import predict
from flopscape.answers.sizes import SizePrediction, predict_runs, predict_sizes
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.laws import surface
from flopscape.laws.law import Compute
from flopscape.laws.registry import LAWS
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.runs.read import table_of
from tests.figures import studies
from tests.fitting.law_tables import law_table
from tests.laws.examples import CHINCHILLA, TRUTH

FALLING = Compute(np.log([1e8, 1e9, 1e10, 1e11]), np.log([9.0, 8.0, 7.0, 6.0]))
THREE = pd.DataFrame({"n_params": [5e6, 25e6, 100e6], "n_tokens": [4.5e9, 9e8, 2.25e8], "loss": [4.66, 4.40, 4.48]})


@pytest.fixture(scope="module")
def three_runs() -> tuple[FitResult, pd.DataFrame]:
    """Three runs of one budget, C = 6ND = 1.35e17."""
    return fit(table_of(THREE, "three runs"), "answer", flops=[1.35e17])


def test_the_data_of_a_size_on_a_surface_are_those_of_equal_marginal_gains():
    """Where α·A·N^−α = β·B·D^−β: Hoffmann et al. 2022, equation 4."""
    by_hand = (0.28 * 410.7 / (0.34 * 406.4) * 1e9**0.34) ** (1 / 0.28)
    (found,) = FittedLaw(surface.LAW, CHINCHILLA, Compute.constant()).tokens_of_size(1e9).log_n_tokens
    assert np.exp(found) == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "compute"),
    [("surface", FALLING), ("coupled", FALLING), ("kaplan", FALLING), ("constrained", Compute.constant())],
)
def test_the_size_is_the_optimum_of_the_compute_that_its_data_take(name, compute):
    law = FittedLaw(LAWS[name], TRUTH[name], compute, unique_tokens=1e10)
    (log_d,) = law.tokens_of_size(3e9).log_n_tokens
    flops = float(np.exp(compute.curve(np.log([3e9]))[0][0] + np.log(3e9) + log_d))
    assert law.optimum(flops).n_params == pytest.approx(3e9, rel=1e-4)


def test_each_draw_has_data_of_its_own():
    law = FittedLaw(surface.LAW, CHINCHILLA, Compute.constant())
    draws = pd.DataFrame([CHINCHILLA._asdict(), CHINCHILLA._replace(alpha=0.4)._asdict()])
    alone = [law.of_draws(draws.iloc[[i]]).tokens_of_size(1e9).log_n_tokens[0] for i in range(2)]
    assert law.of_draws(draws).tokens_of_size(1e9).log_n_tokens.tolist() == pytest.approx(alone, rel=1e-12)
    assert alone[1] > alone[0] + 1


def test_a_power_law_is_inverted_and_one_that_falls_reaches_no_size():
    numbers = {
        "log_n_params": np.log([1e8, 1e8]),
        "a": np.array([0.5, -0.1]),
        "loss_E": 1,
        "loss_K": 1,
        "loss_gamma": 1,
    }
    found = FittedPowerLaws(numbers, float(np.log(1e19)), Compute.constant(), "approach2").tokens_of_size(1e9)
    assert np.exp(found.log_n_tokens[0]) == pytest.approx(1e21 / 6e9)
    assert found.at_high.tolist() == [False, True]


def test_where_draws_never_reach_a_size_the_interval_is_open_above():
    result, draws = fit(table_of(studies.large_runs(), "runs"), "approach2", flops=[1e21], bootstrap=200)
    draws.loc[draws.index[:10], "a"] = -0.1
    (found,) = predict_sizes(result, draws, [1e10])
    assert found.n_tokens.high is None
    assert found.n_tokens.low < found.likely[0] < found.n_tokens.estimate < found.likely[1]
    assert found.one_sided == "at least"


def test_predictions_by_size_and_by_compute_agree(tmp_path):
    result, draws = fit(law_table("coupled", tmp_path, sigma=0.003), "law", law="coupled", flops=[1e21], bootstrap=60)
    (best,) = predict(result, draws, [1e21])
    (found,) = predict_sizes(result, draws, [best.n_params.estimate])
    assert found.n_tokens.estimate == pytest.approx(best.n_tokens.estimate, rel=1e-5)
    assert found.flops.estimate == pytest.approx(1e21, rel=1e-5)
    assert found.tokens_per_param.estimate == pytest.approx(best.tokens_per_param.estimate, rel=1e-5)
    assert found.n_tokens.low < found.n_tokens.estimate < found.n_tokens.high


def test_the_loss_of_a_run_is_the_laws_whatever_is_optimal(tmp_path):
    result, draws = fit(law_table("surface", tmp_path, sigma=0.003), "vpnls", flops=[1e21], bootstrap=60)
    runs = predict_runs(result, draws, [1e9, 2e9], [1e10, 1e13])
    E, A, B, alpha, beta = (result.surface[name].estimate for name in ("E", "A", "B", "alpha", "beta"))
    by_hand = [E + A * n**-alpha + B * d**-beta for n in (1e9, 2e9) for d in (1e10, 1e13)]
    assert [at.loss.estimate for at in runs] == pytest.approx(by_hand, rel=1e-9)
    assert [at.n_tokens.estimate for at in runs] == pytest.approx([1e10, 1e13] * 2)
    assert all(at.loss.low < at.loss.estimate < at.loss.high for at in runs)


def test_three_runs_of_one_budget_know_a_least_number_of_tokens_and_no_most(three_runs):
    """The prototype of this estimator says 17 B, 80 % 4.8 B to 160 B, 95 % 2.3 B to 14 T, with other random numbers."""
    result, draws = three_runs
    (found,) = predict_sizes(result, draws, [1e9])
    assert found.n_tokens.estimate == pytest.approx(17e9, rel=0.2)
    assert 2e9 < found.likely[0] < 6e9
    assert 1e11 < found.likely[1] < 6e11
    assert found.n_tokens.low < found.likely[0]
    assert found.n_tokens.high is None or found.n_tokens.high > 30 * found.n_tokens.estimate
    assert (found.one_sided, found.bound) == ("at least", found.likely[0])


def test_the_answer_says_the_loss_of_any_run(three_runs):
    (at,) = predict_runs(*three_runs, [25e6], [9e8])
    assert at.loss.low < 4.40 < at.loss.high


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (Estimate(10.0, 5.0, 30.0), ""),
        (Estimate(10.0, 5.0, 101.0), "at least"),
        (Estimate(10.0, 5.0, None), "at least"),
        (Estimate(10.0, 0.9, 30.0), "at most"),
        (Estimate(10.0, None, 30.0), "at most"),
        (Estimate(10.0, 0.5, 1e4), "at least"),
        (Estimate(10.0, None, None), ""),
    ],
)
def test_an_end_a_factor_ten_away_bounds_nothing(number, words):
    assert SizePrediction(1.0, number, (4.0, 40.0), 6.0).one_sided == words


def test_fits_without_an_optimum_or_a_loss_say_so(tmp_path):
    table = law_table("power-c", tmp_path, sigma=0.003)
    by_compute = fit(table, "law", law="power-c", flops=[1e21], bootstrap=60)
    with pytest.raises(FlopscapeError, match="has no optimal N at a compute"):
        predict_sizes(*by_compute, [1e9])
    vertices = fit(table_of(studies.large_runs(), "runs"), "approach2", flops=[1e21], bootstrap=60)
    with pytest.raises(FlopscapeError, match="approach2 has no loss surface"):
        predict_runs(*vertices, [1e9], [1e10])
    with pytest.raises(FlopscapeError, match=r"n_params: -1\.0 is not a positive number"):
        predict_sizes(*vertices, [-1.0])
    with pytest.raises(FlopscapeError, match=r"D = .* there, less than one token"):
        predict_sizes(*vertices, [1.0])
