"""Each reason for distrust is named when it holds, and only then."""

import dataclasses
from typing import Any

import pytest
from scipy.stats import f as fisher

from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.report.doubts import doubts, spread
from flopscape.report.evidence import Evidence
from tests.figures import studies
from tests.report.conftest import MANIFEST


def with_prediction(fit: FitResult, flops: float, **numbers: Any) -> FitResult:
    """A fit that predicts one optimum, certain but for the numbers given."""
    sure = {"n_params": Estimate(3e4, 2.9e4, 3.1e4), "n_tokens": Estimate(5e5, 4.9e5, 5.1e5), "loss": None}
    return dataclasses.replace(fit, predictions=[Prediction(flops, **sure | numbers, tokens_per_param=None)])


def sweep(evidence: Evidence, flops: float = 1e11, **numbers: Any) -> Evidence:
    """A blameless study: trained, three seeds everywhere, interior, one epoch, a prediction inside the sweep."""
    runs = studies.text_runs(budgets=studies.BUDGETS[:3], simulated=False).iloc[:-1]
    fit = dataclasses.replace(with_prediction(evidence.fit, flops, **numbers), simulated=False)
    seeds = runs.groupby(["n_params", "budget"]).seed.transform("nunique")
    return dataclasses.replace(evidence, runs=runs[seeds == 3], fits={"approach2": fit})


def test_a_blameless_study_raises_no_doubt(evidence: Evidence) -> None:
    assert doubts(sweep(evidence)) == []


@pytest.mark.parametrize(
    ("flops", "numbers", "words"),
    [
        (1e13, {}, "a factor 33.3 beyond the largest budget"),
        (1e9, {}, "a factor 30 beyond the smallest budget"),
        (1e11, {"n_params": Estimate(9e6, 8e6, 1e7)}, "outside the trained sizes"),
        (1e11, {"n_params": Estimate(3e4, 1e4, 4e4)}, "N* at 10¹¹ FLOPs is uncertain by a factor 3"),
        (1e11, {"n_tokens": Estimate(5e5, 4e5, 2e6)}, "D* at 10¹¹ FLOPs is uncertain by a factor 4"),
        (1e11, {"n_tokens": Estimate(4e7, 4e7, 4e7)}, "10.2 times the training data"),
        (1e11, {"n_params": Estimate(3e4)}, "have no interval"),
    ],
)
def test_a_doubtful_prediction_is_named(flops: float, numbers: dict[str, Any], words: str, evidence: Evidence) -> None:
    found = doubts(sweep(evidence, flops, **numbers))
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(("share", "named"), [(0.99, False), (1.01, True)])
def test_doubt_begins_at_a_factor_of_two_and_at_four_epochs(share: float, named: bool, evidence: Evidence) -> None:
    n, d, units = 3e4, 5e5, MANIFEST["n_units"]["train"]  # type: ignore[index]
    for numbers in (
        {"n_params": Estimate(n, n / 2 / share, 3.1e4)},
        {"n_params": Estimate(n, 2.9e4, 2 * share * n)},
        {"n_tokens": Estimate(d, d / 2 / share, 5.1e5)},
        {"n_tokens": Estimate(4 * share * units, 4 * share * units, 4 * share * units)},
    ):
        assert len(doubts(sweep(evidence, **numbers))) == named


def test_an_optimum_at_the_edge_of_the_sizes_is_named(evidence: Evidence) -> None:
    study = sweep(evidence)
    runs = study.runs[(study.runs.budget != 3e10) | (study.runs.n_params > 2e4)]
    found = doubts(dataclasses.replace(study, runs=runs))
    assert found == ["At 3×10¹⁰ FLOPs the best size is the smallest that was trained: the optimum may lie beyond it."]


def test_methods_whose_intervals_do_not_meet_are_named(evidence: Evidence) -> None:
    study = sweep(evidence)
    far = with_prediction(study.fit, 1e11, n_params=Estimate(9e4, 8e4, 1e5))
    found = doubts(dataclasses.replace(study, fits=study.fits | {"vpnls": far}))
    assert len(found) == 1
    assert "approach2 and vpnls disagree on N* at 10¹¹ FLOPs" in found[0]


def test_a_point_whose_seeds_scatter_more_than_the_others_is_named(evidence: Evidence) -> None:
    study = sweep(evidence)
    runs = study.runs.copy()
    point = (runs.budget == 1e11) & (runs.n_params == runs[runs.budget == 1e11].n_params.max())
    runs.loc[point, "loss"] += [0.0, 0.2, 0.4]
    found = doubts(dataclasses.replace(study, runs=runs))
    assert len(found) == 1
    assert "at 10¹¹ FLOPs scatter by 0.192 nats, those of the other points by 0.0121" in found[0]
    assert "a noisy point" in found[0]


@pytest.mark.parametrize(("share", "named"), [(0.8, True), (1.25, False)])
def test_a_point_is_noisy_at_one_per_cent_for_all_points_together(
    share: float, named: bool, evidence: Evidence
) -> None:
    """m points of three seeds: one among them has 2 degrees of freedom, the others 2(m − 1), and 1 %/m of chance."""
    study = sweep(evidence)
    cells = study.runs.groupby(["n_params", "budget"])
    rank, m = cells.cumcount(), cells.ngroups
    wide = cells.ngroup() == 3
    ratio = fisher.isf(share * 0.01 / m, 2, 2 * (m - 1)) ** 0.5
    runs = study.runs.assign(loss=cells.loss.transform("mean") + 1e-3 * (rank - 1) * wide.map({True: ratio, False: 1}))
    assert m > 10
    assert [("a noisy point" in text) for text in doubts(dataclasses.replace(study, runs=runs))] == [True] * named


def test_few_seeds_epochs_lost_and_simulated_runs_are_named(evidence: Evidence) -> None:
    found = " ".join(doubts(evidence))
    for words in ("SIMULATED", "1 of 71 runs did not complete", "fewer than 3 seeds", "more than 4 times"):
        assert words in found


def test_a_refused_fit_has_no_predictions_to_doubt(evidence: Evidence) -> None:
    study = sweep(evidence, 1e15)
    refused = dataclasses.replace(study.fit, status="refused")
    assert doubts(dataclasses.replace(study, fits={"approach2": refused})) == []


@pytest.mark.parametrize(
    ("number", "factor"),
    [(Estimate(2, 1, 3), 2), (Estimate(2, 1.9, 8), 4), (Estimate(2), 1), (Estimate(2, 0.0, 3), float("inf"))],
)
def test_spread_is_the_worse_side(number: Estimate, factor: float) -> None:
    assert spread(number) == factor


def test_rows_of_other_people_that_are_left_out_did_not_fail(evidence: Evidence) -> None:
    study = sweep(evidence)
    runs = study.runs.copy()
    runs.loc[runs.index[:2], "status"] = "skipped"
    theirs = dataclasses.replace(study, runs=runs, manifest={"columns": {}})
    assert doubts(theirs)[0].startswith("2 of 57 runs of the table are not used: ")
    assert doubts(dataclasses.replace(study, runs=runs))[0].startswith("2 of 57 runs did not complete: ")
