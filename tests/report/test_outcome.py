"""Prediction against outcome in the report: every number in its place, a miss wherever the fit is judged."""

import dataclasses
from pathlib import Path

import pytest

from flopscape.answers.archive import Said
from flopscape.answers.validation import NOTHING
from flopscape.records.backtest import OF_TRUTH, TO_COME, Outcome
from flopscape.records.fit_result import Exclusion
from flopscape.report import html, markdown
from flopscape.report.blocks import Dots, Grid
from flopscape.report.build import build
from flopscape.report.checks import is_borne_out
from flopscape.report.doubts import doubts
from flopscape.report.evidence import Evidence
from tests.report import different

SAID = ("the runs planned to stay hidden", 9, "weak", "its standard error is 0.12")
RUN = Outcome(
    "vpnls", "vpnls", *SAID, "run", 2e13, 6.67, "h1", true_loss=2.0, loss=2.02, loss_low=1.96, loss_high=2.08,
    loss_holds=True, log_score=2.34, run_n_params=45e3, run_n_tokens=7e6, deviations=-0.67,
)  # fmt: skip
OPTIMUM = Outcome(
    "vpnls", "vpnls", *SAID, "optimum", 2e13, 6.67, true_n_params=44e3, se_log_n_params=0.1, n_params=41.5e3,
    n_params_low=37e3, n_params_high=46e3, n_params_holds=True, true_loss=1.99, se_loss=0.004, loss=2.01, loss_low=1.98,
    loss_high=2.04, loss_holds=True, regret=0.00398,
)  # fmt: skip
MISSED = dataclasses.replace(RUN, true_loss=2.5, loss_holds=False, deviations=15.7, log_score=-99.0)
OTHER = dataclasses.replace(RUN, fit="approach2", method="approach2", loss=None, loss_holds=None, left_out="nothing")
NAME = "Prediction against outcome"


def evidence(*lines: Outcome) -> Evidence:
    return dataclasses.replace(different.evidence(), validation=list(lines))


def text_of(found: Evidence) -> str:
    return markdown.render(build(found), Path()).replace("\\*", "*")


def section(found: Evidence) -> str:
    return (
        markdown.render(build(found), Path()).replace("\\*", "*").partition(f"\n## {NAME}\n")[2].partition("\n## ")[0]
    )


def test_every_prediction_stands_beside_its_outcome() -> None:
    text = section(evidence(OPTIMUM, RUN, OTHER))
    for line in (
        "- Of runs that no fit has seen, up to a factor 6.67 beyond those that it saw, the 95 % intervals of vpnls"
        " held 1 of 1 losses of single runs, 1 of 1 N* and 1 of 1 L*.",
        "- At 2×10¹³ FLOPs N* was predicted as 41.5 k [37.0 k, 46.0 k] and is 44.0 k ± 11 % and L* was predicted"
        " as 2.010 [1.980, 2.040] and is 1.990 ± 0.00400; the predicted size costs 0.2 % of the loss.",
        "| vpnls | N* at 2×10¹³ FLOPs | 41.5 k [37.0 k, 46.0 k] | 44.0 k ± 11 % | yes | – | – |",
        "| vpnls | L* at 2×10¹³ FLOPs | 2.010 [1.980, 2.040] | 1.990 ± 0.00400 | yes | – | – |",
        "| vpnls | loss of N = 45.0 k, D = 7.00 M at 2×10¹³ FLOPs"
        " | 2.020 [1.960, 2.080] | 2.000 | yes | -0.67 | 2.34 |",
    ):
        assert line in text
    assert "approach2" not in text


def test_the_picture_has_each_prediction_where_what_was_found_is_the_middle() -> None:
    built = next(part for part in build(evidence(OPTIMUM, RUN)).sections if part.title == NAME)
    picture = next(block for block in built.blocks if isinstance(block, Dots))
    assert picture.lines == [50.0]
    # Interval ends at +4 % make the axis reach 4.4 % to either side of the middle.
    (dot,) = picture.rows[2].dots
    assert [dot.at, dot.low, dot.high] == pytest.approx([50 + 50 / 4.4, 50 - 100 / 4.4, 50 + 200 / 4.4])
    assert "found 2.000" in html.render(build(evidence(OPTIMUM, RUN)))


def test_it_comes_right_after_the_recommendation_and_only_where_runs_are_hidden() -> None:
    titles = [part.title for part in build(evidence(RUN)).sections]
    assert titles[:3] == ["Recommendation", NAME, "What to distrust"]
    assert NAME not in [part.title for part in build(evidence(NOTHING)).sections]
    assert NAME not in [part.title for part in build(different.evidence()).sections]


def test_a_miss_is_said_beside_the_status_among_the_doubts_and_where_backtest_and_twin_judge_the_fit() -> None:
    found = dataclasses.replace(evidence(MISSED), twin=different.twin())
    why = "the loss of a run at 2×10¹³ FLOPs is 19 % too low, where its interval allows 2.4 %"
    text = text_of(found)
    assert f"**Runs that stayed hidden speak against it, whatever its status says: {why}.**" in text.partition("## ")[0]
    doubt = next(doubt for doubt in doubts(found) if doubt.text.startswith("Of the runs that no fit has seen"))
    # Half of ln(2.389/2.301) is 0.0188, and 0.48 less than 2.5 is 19.2 %.
    assert doubt.text == f"Of the runs that no fit has seen, vpnls missed more than chance does: {why}."
    assert doubt.size == pytest.approx(0.192 / 0.01877, rel=0.01)
    assert "The twin trusts" not in text
    twin = text.partition("## How methods do on simulated copies")[2].partition("\n## ")[0]
    assert f"it missed by more than chance: {why}." in twin


def test_predictions_that_held_are_a_check_that_agrees() -> None:
    text = text_of(evidence(RUN))
    agreeing = text.partition("## Whether the checks agree")[2].partition("\n## ")[0]
    assert "the 95 % intervals of vpnls held 1 of 1 losses of single runs." in agreeing
    assert not any("no fit has seen" in doubt.text for doubt in doubts(evidence(RUN)))


def test_of_many_predictions_those_of_the_recommended_fit_alone_are_listed() -> None:
    many = [dataclasses.replace(RUN, fit=fit, run_id=f"h{i}") for fit in ("approach2", "vpnls") for i in range(20)]
    built = next(part for part in build(evidence(*many)).sections if part.title == NAME)
    listed, scores = [block for block in built.blocks if isinstance(block, Grid)]
    assert {row[0] for row in listed.rows} == {"vpnls"}
    assert [row[0] for row in scores.rows] == ["vpnls", "approach2"]


def test_a_twin_that_promises_what_hidden_runs_do_not_bear_out_is_named_with_the_doubt() -> None:
    row = {"method": "vpnls", "coverage": 0.95, "intervals": 200, "possible": None}
    promising = different.twin()._replace(verdict=different.twin().verdict | {"methods": [row]})
    found = dataclasses.replace(evidence(MISSED), twin=promising)
    (doubt,) = [doubt for doubt in doubts(found) if "no fit has seen" in doubt.text]
    assert doubt.text.endswith(
        " The twin promises otherwise: 95 % intervals hold N* in 95 ± 2 % of simulated copies, so the copies lack"
        " something that the runs have."
    )
    kept = dataclasses.replace(found, validation=[RUN])
    assert not any("promises" in doubt.text for doubt in doubts(kept))


def test_another_fit_is_not_borne_out_where_runs_that_no_fit_has_seen_speak_against_it() -> None:
    theirs = dataclasses.replace(MISSED, fit="approach2", method="approach2")
    assert is_borne_out(evidence(RUN, theirs), "approach2") is False
    assert is_borne_out(evidence(RUN), "approach2") is not False


def said(date: str, line: Outcome, n_runs: int = 9, fitted: str = "f") -> Said:
    return Said(date, "vpnls", n_runs, fitted, "o", [line])


def test_what_was_said_before_stands_in_a_table_with_what_came() -> None:
    first = dataclasses.replace(RUN, **dict.fromkeys(OF_TRUTH), loss=1.9, loss_low=1.85, loss_high=1.95)
    earlier = [said("2026-01-02", first, 7, "e"), said("2026-02-03", RUN)]
    text = section(dataclasses.replace(evidence(RUN), archive=earlier))
    for line in (
        "| said on | before the outcome | runs fitted | predicted | found | held |",
        "| 2026-01-02 | yes | 7 | 1.900 [1.850, 1.950] | 2.000 | 0 of 1 losses of single runs |",
        "| 2026-02-03 | no | 9 | 2.020 [1.960, 2.080] | 2.000 | 1 of 1 losses of single runs |",
        "vpnls predicted these runs on 2026-01-02, before any of them was finished. Predicted and found: the loss of"
        " N = 45.0 k, D = 7.00 M at 2×10¹³ FLOPs.",
    ):
        assert line in text
    assert "said on" not in section(dataclasses.replace(evidence(RUN), archive=earlier[1:]))


def test_an_answer_that_was_changed_after_a_miss_is_a_doubt() -> None:
    earlier = [said("2026-01-02", MISSED, 7, "e"), said("2026-02-03", RUN)]
    found = dataclasses.replace(evidence(RUN), archive=earlier)
    (doubt,) = [doubt for doubt in doubts(found) if "no fit has seen" in doubt.text]
    assert doubt.text == (
        "What vpnls says today of the runs that no fit has seen holds, but it was changed when they were known: on"
        " 2026-01-02, with 7 runs, it missed: the loss of a run at 2×10¹³ FLOPs is 19 % too low, where its interval"
        " allows 2.4 %."
    )
    assert doubt.size == pytest.approx(0.192 / 0.01877, rel=0.01)


def test_runs_still_to_come_are_shown_with_what_is_predicted_and_judge_nothing() -> None:
    coming = dataclasses.replace(RUN, **dict.fromkeys(OF_TRUTH), left_out=TO_COME)
    text = section(evidence(coming))
    assert "- 1 hidden run is still to come, and predicted." in text
    assert (
        "| vpnls | loss of N = 45.0 k, D = 7.00 M at 2×10¹³ FLOPs | 2.020 [1.960, 2.080] | to come | – | – | – |"
        in text
    )
    assert "regret" not in text


def test_what_all_fits_leave_out_alike_is_told_once_for_all_of_them() -> None:
    found = evidence(RUN)
    hidden = Exclusion(["r02", "r03"], "validate: planned to stay hidden")
    for name, others in (("approach2", [Exclusion(["r04"], "no budget")]), ("vpnls", [])):
        found.fits[name].excluded = [hidden, *others]
    told = text_of(found).partition("## What was left out")[2].partition("\n## ")[0]
    assert "- vpnls and approach2, validate: planned to stay hidden: 2 runs (r02, r03)." in told
    assert "- approach2, no budget: 1 run (r04)." in told
