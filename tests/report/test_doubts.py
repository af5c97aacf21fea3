"""Each reason for distrust is named when it holds, and only then, and they come in the order of what they do."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy.stats import f as fisher

from flopscape.records.backtest import Forecast
from flopscape.records.fit_result import Estimate, Exclusion, FitResult, Prediction
from flopscape.report.build import build
from flopscape.report.checks import half_width
from flopscape.report.doubts import MOST, doubts
from flopscape.report.doubts_of_checks import Doubt
from flopscape.report.evidence import Evidence
from flopscape.report.twin import Twin
from tests.figures import studies
from tests.report import different

BUDGETS = (3e10, 5e10, 1e11, 2e11, 3e11, 6e11)


def with_prediction(fit: FitResult, flops: float, **numbers: Any) -> FitResult:
    """A fit that predicts one optimum, certain but for the numbers given."""
    sure = {"n_params": Estimate(3e4, 2.9e4, 3.1e4), "n_tokens": Estimate(5e5, 4.9e5, 5.1e5), "loss": None}
    return dataclasses.replace(fit, predictions=[Prediction(flops, **sure | numbers, tokens_per_param=None)])


def sweep(evidence: Evidence, flops: float = 1e11, **numbers: Any) -> Evidence:
    """A blameless study: trained, three seeds everywhere, interior, one epoch, a prediction inside the sweep."""
    sweeps = [studies.text_runs(budgets, simulated=False).iloc[:-1] for budgets in (BUDGETS[::2], BUDGETS[1::2])]
    runs = pd.concat(sweeps, ignore_index=True)
    runs = runs.assign(run_id=[f"run{i}" for i in range(len(runs))])
    fit = dataclasses.replace(with_prediction(evidence.fit, flops, **numbers), simulated=False, diagnostics={})
    whole = runs[runs.groupby(["n_params", "budget"]).seed.transform("nunique") == 3]
    return dataclasses.replace(evidence, runs=whole, fits={"approach2": fit}, sensitivity=None, backtest=None)


def test_a_blameless_study_raises_no_doubt(evidence: Evidence) -> None:
    assert doubts(sweep(evidence)) == []


@pytest.mark.parametrize(
    ("flops", "numbers", "words"),
    [
        (2e13, {}, "2×10¹³ FLOPs is a factor 33.3 beyond the budgets that were run"),
        (1e9, {}, "10⁹ FLOPs is a factor 30 beyond the budgets that were run"),
        (1e11, {"n_params": Estimate(9e6, 8e6, 1e7)}, "outside the trained sizes"),
        (1e11, {"n_tokens": Estimate(4e7, 4e7, 4e7)}, "10.2 times the training data"),
        (1e11, {"n_params": Estimate(3e4)}, "have no interval"),
    ],
)
def test_a_doubtful_prediction_is_named(flops: float, numbers: dict[str, Any], words: str, evidence: Evidence) -> None:
    found = doubts(sweep(evidence, flops, **numbers))
    assert len(found) == 1
    assert words in found[0].text


def test_an_optimum_at_the_edge_of_the_sizes_is_named(evidence: Evidence) -> None:
    study = sweep(evidence)
    runs = study.runs[(study.runs.budget != 3e10) | (study.runs.n_params > 2e4)]
    found = doubts(dataclasses.replace(study, runs=runs))
    assert [doubt.text for doubt in found] == [
        "The optimum may lie beyond the sizes that were trained: the smallest size is the best at 3×10¹⁰ FLOPs."
    ]


def test_a_point_whose_seeds_scatter_more_than_the_others_is_named(evidence: Evidence) -> None:
    study = sweep(evidence)
    runs = study.runs.copy()
    point = (runs.budget == 1e11) & (runs.n_params == runs[runs.budget == 1e11].n_params.max())
    runs.loc[point, "loss"] += [0.0, 0.2, 0.4]
    found = doubts(dataclasses.replace(study, runs=runs))
    assert len(found) == 1
    assert "at 10¹¹ FLOPs by 0.192 (others by 0.0120)" in found[0].text


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
    assert [("Seeds scatter" in doubt.text) for doubt in doubts(dataclasses.replace(study, runs=runs))] == [
        True
    ] * named


def test_a_refused_fit_has_no_predictions_to_doubt(evidence: Evidence) -> None:
    study = sweep(evidence, 1e15)
    refused = dataclasses.replace(study.fit, status="refused")
    assert doubts(dataclasses.replace(study, fits={"approach2": refused})) == []


def test_few_seeds_epochs_and_lost_runs_are_named(evidence: Evidence) -> None:
    found = " ".join(doubt.text for doubt in doubts(evidence))
    for words in ("1 of 71 runs did not complete", "fewer than 3 seeds", "more than 4 times"):
        assert words in found


@pytest.mark.parametrize(
    ("number", "half"),
    [
        (Estimate(2, 1, 4), math.log(2)), (Estimate(2, 1, 2), math.log(2) / 2), (Estimate(2, None, 8), math.log(4)),
        (Estimate(2, 0.0, 8), math.log(4)), (Estimate(2), 0.25), (None, 0.25),
    ],
)  # fmt: skip
def test_an_interval_s_half_width_is_in_logarithms_and_an_open_end_has_none(number: Estimate, half: float) -> None:
    assert half_width(number) == pytest.approx(half)


def missed(**numbers: Any) -> list[Forecast]:
    """A backtest of one hidden budget whose N* was twice the prediction, out of the interval unless said otherwise."""
    line = Forecast("approach2", "approach2", "the largest budget", 30, "ok", "", "optimum", 1e12, 3.0,
        true_n_params=4e4, se_log_n_params=0.0, n_params=2e4, n_params_low=1.9e4, n_params_high=2.1e4,
        n_params_holds=False, true_loss=2.0, se_loss=0.0, loss=2.0, loss_low=1.9, loss_high=2.1,
        loss_holds=True)  # fmt: skip
    return [dataclasses.replace(line, **numbers)]


def test_hidden_budgets_that_were_missed_are_a_doubt_of_the_size_of_the_error(evidence: Evidence) -> None:
    study = dataclasses.replace(sweep(evidence, n_params=Estimate(3e4, 1.5e4, 6e4)), backtest=missed())
    (found,) = doubts(study)
    assert found.text.startswith("Of hidden budgets the 95 % intervals of approach2 held N* 0 of 1 and L* 1 of 1 times")
    assert found.size == pytest.approx(1.0)
    assert doubts(dataclasses.replace(study, backtest=missed(true_n_params=2.05e4))) == []


def varied(change: float, group: str = "method") -> pd.DataFrame:
    """A table of sensitivity with one change of D* at 1e11."""
    lines = [("base", "as it is", "approach2", "", 0.0), (group, "another", "vpnls", "lsq", change)]
    columns = ["what_changes", "setting", "method", "objective", "n_tokens_change@100000000000.0"]
    return pd.DataFrame(lines, columns=columns)


@pytest.mark.parametrize(("change", "group", "count"), [(0.9, "method", 0), (1.1, "method", 1), (1.1, "convention", 0)])
def test_a_choice_that_moves_the_data_out_of_the_interval_is_a_doubt_and_a_convention_is_not(
    change: float, group: str, count: int, evidence: Evidence
) -> None:
    study = sweep(evidence, n_tokens=Estimate(5e5, 2.5e5, 1e6))
    assert len(doubts(dataclasses.replace(study, sensitivity=varied(change, group)))) == count


def test_intervals_too_narrow_for_the_laws_that_are_possible_are_a_doubt(evidence: Evidence) -> None:
    study = sweep(evidence)
    row = {"method": "approach2", "narrow": True, "possible": {"coverage": 0.6827, "intervals": 400}}
    twin = Twin({"methods": [row]}, Path("twin.svg"))
    (found,) = doubts(dataclasses.replace(study, twin=twin))
    assert found.text.endswith("the 95 % intervals of approach2 hold N* in 68 %.")
    # 68.27 % is one standard deviation to either side, of the 1.96 that 95 % take.
    assert found.size == pytest.approx(0.96, rel=1e-3)
    borne_out = dataclasses.replace(study, twin=twin, backtest=missed(true_n_params=2.05e4, n_params_holds=True))
    assert doubts(borne_out)[0].text.endswith("hold N* in 68 %; on hidden budgets they did 1 of 1 times.")
    row["narrow"] = False
    assert doubts(dataclasses.replace(study, twin=twin)) == []


def test_few_budgets_are_a_doubt_as_large_as_student_s_t_says(evidence: Evidence) -> None:
    study = sweep(evidence)
    few = study.runs[study.runs.budget <= sorted(study.budgets)[3]]
    (found,) = doubts(dataclasses.replace(study, runs=few))
    assert "rests on 4 budgets, fewer than 5" in found.text
    assert found.size == pytest.approx(4.302653 / 1.96 - 1, rel=1e-4)


def test_an_interval_that_is_mostly_the_prior_s_is_a_doubt(evidence: Evidence) -> None:
    study = sweep(evidence)
    parts = {"noise": 0.2, "law": 0.3, "drift": 0.4, "discrepancy": 0.1}
    for left, count in ((0.45, 0), (0.55, 1)):
        study.fit.diagnostics["shares"] = [{"flops": 1e11, "n_params": parts | {"sd_over_prior": left}}]
        assert [doubt.size for doubt in doubts(study)] == [left] * count


def test_rows_that_every_fit_excluded_are_not_counted(evidence: Evidence) -> None:
    study = sweep(evidence)
    runs = pd.concat([study.runs, study.runs.iloc[:1].assign(n_params=7, run_id="odd")], ignore_index=True)
    odd = dataclasses.replace(study, runs=runs)
    assert "fewer than 3 seeds" in " ".join(doubt.text for doubt in doubts(odd))
    odd.fit.excluded = [Exclusion(["odd"], "a copy")]
    assert doubts(odd) == []


def test_doubts_come_gravest_first_and_no_more_than_five_stand_in_the_report() -> None:
    evidence = different.evidence()
    found = doubts(evidence)
    sizes = [doubt.size for doubt in found]
    assert len(found) > MOST
    assert sizes == sorted(sizes, reverse=True)
    sections = {section.title: section.blocks for section in build(evidence).sections}
    shown = [doubt.sentence for doubt in found]
    assert sections["What to distrust"][1].items == shown[:5]  # type: ignore[union-attr]
    assert sections["Further doubts"][0].items == shown[5:]  # type: ignore[union-attr]


def test_a_doubt_without_a_size_has_no_number() -> None:
    assert (Doubt("So.", 1.234).sentence, Doubt("So.", math.inf).sentence) == ("So (1.2 half-widths).", "So.")
