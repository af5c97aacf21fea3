"""What was expected beside what came, and why the two differ."""

from dataclasses import replace

import pytest

from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.report import forecast
from flopscape.report.blocks import Bullets, Grid, Paragraph
from flopscape.report.evidence import Evidence
from tests.report import different

SCALES = {"noise": 0.0246, "level": 0.0129, "drift": 0.16, "shape": 0.63}
"""In the unit of the loss, three nats; drift in ln N."""


def answer(low: float | None = 31_000, high: float = 55_000, loss: float = 0.05, **scales: float) -> FitResult:
    prediction = Prediction(
        2e13, Estimate(41_500, low, high), Estimate(6e6, 5e6, 7e6), Estimate(2.5, 2.5 - loss, 2.5 + loss), None
    )
    found = {name: {"estimate": value, "low": None, "high": None} for name, value in (SCALES | scales).items()}
    diagnostics = {"scales": found, "drifting_law": {"center": {"loss": 3.0}}}
    return FitResult("ok", "", "answer", "drifting", "posterior", predictions=[prediction], diagnostics=diagnostics)


def of(fit: FitResult, **changes: object) -> Evidence:
    """Evidence of a study whose answer and forecast these are, with spent FLOPs, hours and money as expected."""
    evidence = different.evidence()
    spent = {"flops": 2.17e13, "device_hours": 3.5, "usd": 4.9, "runs": 14, "wall_hours": {"1": 336 / 3600}}
    return replace(evidence, fits={"answer": fit}, recommended="answer", forecast=evidence.forecast | spent | changes)


def said(evidence: Evidence) -> list[str]:
    block = forecast.blocks(evidence)[1]
    return block.items if isinstance(block, Bullets) else [block.text] if isinstance(block, Paragraph) else []


def rows(evidence: Evidence) -> dict[str, list[str]]:
    grid = forecast.blocks(evidence)[0]
    assert isinstance(grid, Grid)
    return {what: cells for what, *cells in grid.rows}


def test_what_came_as_expected_is_said_in_a_sentence() -> None:
    found = rows(of(answer()))
    # Half of ln(55/31) is 0.2867, and 0.41 was expected; 0.05 of 2.5 is 2 %, and 1.9 % was.
    assert found["N* at 2×10¹³ FLOPs"][1:] == ["within a factor 1.33", "0.699"]
    assert found["L* at 2×10¹³ FLOPs"][1:] == ["within 2 %", "1.05"]
    assert said(of(answer())) == ["Nothing differs by more than a factor two."]


def test_wide_intervals_are_explained_by_the_scale_that_is_farthest_from_its_guess() -> None:
    # Half of ln(1200/10) is 2.394: 5.84 times 0.41. Of noise 0.0246/3 is twice what was assumed, of drift 0.48 thrice.
    (sentence,) = said(of(answer(low=1e4, high=1.2e6, drift=0.48)))
    assert sentence == (
        "The interval of N* at 2×10¹³ FLOPs came 5.84 times as wide as expected: the drift of the optimum, in ln N, is"
        " 0.48, and 0.16 was assumed."
    )


def test_narrow_intervals_are_explained_by_the_smallest_scale() -> None:
    (sentence,) = said(of(answer(loss=0.01, low=40_000, high=43_000, noise=0.00123)))
    assert sentence.startswith(
        "The intervals of N* at 2×10¹³ FLOPs and L* at 2×10¹³ FLOPs came narrower by a factor 4.75 to 11.3 than"
    )
    assert sentence.endswith("the noise of a run, as a part of the loss, is 0.00041, and 0.0041 was assumed.")


def test_an_open_end_has_no_width_and_needs_no_reason() -> None:
    found = rows(of(answer(low=None)))
    assert found["N* at 2×10¹³ FLOPs"][1:] == ["–", "–"]
    assert said(of(answer(low=None))) == ["Nothing differs by more than a factor two."]


def test_other_scales_than_assumed_need_not_be_the_reason() -> None:
    equal = {name: value if name == "drift" else 3 * value for name, value in different.forecast()["assumed"].items()}
    (sentence,) = said(of(answer(loss=0.2, **equal)))
    assert "no scale of the answer is so far from what was assumed" in sentence


def test_slow_runs_are_said_with_both_speeds_and_other_prices_apart_from_them() -> None:
    evidence = of(answer(), device_hours=0.5, usd=0.1, wall_hours={"1": 48 / 3600})
    # 336 s for 2.17e13 FLOPs and 48 s expected; 49 times the money for 7 times the hours.
    assert said(evidence) == [
        "CPU-hours came out as 7 times what was expected: a run made 6.46×10¹⁰ FLOP/s, its start included, where the"
        " first guess is 4.52×10¹¹.",
        "An hour cost 7.00 times what the forecast had: it assumed other prices.",
    ]


def test_runs_that_are_missing_are_counted() -> None:
    assert "Of 30 planned runs 11 completed, 2 diverged and 1 skipped." in said(of(answer(), runs=30))


def test_simulated_runs_have_no_hours_and_no_money() -> None:
    assert set(rows(of(answer(), device="simulated"))) == {"N* at 2×10¹³ FLOPs", "L* at 2×10¹³ FLOPs", "runs", "FLOPs"}


@pytest.mark.parametrize("imported", [{}])
def test_without_a_forecast_there_is_no_section(imported: dict[str, object]) -> None:
    assert forecast.blocks(replace(different.evidence(), forecast=imported)) == []
