"""What stands beside the answer: sensitivity, goodness of fit, published exponents, and each warning once."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from flopscape.answers.compare import EXPONENTS
from flopscape.fitting.judge.verdict import Verdict, judge_extrapolation
from flopscape.records.fit_result import FitResult
from flopscape.report import comparison, markdown
from flopscape.report.blocks import Grid
from flopscape.report.build import build
from flopscape.report.evidence import Evidence
from flopscape.runs.read import table_of
from tests.figures import studies


def text_of(evidence: Evidence) -> str:
    return markdown.render(build(evidence), Path())


def test_the_sensitivity_table_tells_a_and_the_change_of_the_data(evidence: Evidence) -> None:
    text = text_of(evidence).split("## What the answer rests on")[1].split("## ")[0]
    assert (
        "| objective | absolute deviations of the log loss | 70 | ok | 0.590 [0.530, 0.650] | 950 k | -5.0 % |" in text
    )
    assert "| method | parabolas | 70 | refused | – | – | – |" in text
    assert "- parabolas: only 2 budgets are left." in text


def test_without_a_sensitivity_table_there_is_no_section(evidence: Evidence) -> None:
    assert "What the answer rests on" not in text_of(dataclasses.replace(evidence, sensitivity=None))


def test_goodness_of_fit_is_in_units_of_the_loss_and_of_the_noise(evidence: Evidence) -> None:
    text = text_of(evidence)
    assert "| vpnls | 0.4 % | 0.0130 | 0.0120 | loss off by 0.0200 r.m.s. |" in text
    assert "R²" not in text


def test_a_parabola_fit_tells_how_far_its_optimal_size_was_off() -> None:
    fit = studies.refused_fit()
    fit.diagnostics = {"residual_sd": 0.02, "seed_sd": None, "predict_largest": {"log_n_params": -np.log(1.5)}}
    grid = comparison.goodness({"approach2": fit}, "nats per token")[0]
    assert isinstance(grid, Grid)
    assert grid.rows == [["approach2", "–", "0.0200", "–", "N* off by a factor 1.50"]]


def test_published_exponents_say_that_they_are_context(evidence: Evidence) -> None:
    text = text_of(evidence)
    assert all(known.name in text for known in EXPONENTS)
    assert "Context only: other data" in text


def test_the_near_optimal_band_is_told_where_a_fit_has_one(evidence: Evidence) -> None:
    prediction = dataclasses.replace(evidence.fit.predictions[0], near_optimal_n_params=[2e4, 6e4])
    block = comparison.near_optimal([prediction])[0]
    assert "every size from 20.0 k to 60.0 k" in block.items[0]  # type: ignore[union-attr]
    assert comparison.near_optimal(evidence.fit.predictions) == []


def warned(fit: FitResult, *sentences: str) -> FitResult:
    return dataclasses.replace(fit, warnings=list(sentences))


def test_a_warning_of_several_fits_is_said_once(evidence: Evidence) -> None:
    fits = {name: warned(fit, "rows share runs") for name, fit in evidence.fits.items()}
    assert text_of(dataclasses.replace(evidence, fits=fits)).count("rows share runs") == 1


def test_what_other_sections_say_is_not_said_again(evidence: Evidence) -> None:
    """The warnings are those of the fits' own checks, and go by their kind."""
    verdict, runs = Verdict(), studies.large_runs()[["n_params", "n_tokens", "loss", "flops"]]
    judge_extrapolation(verdict, table_of(runs, "runs.csv"), 1e30, 1e20)
    assert len(verdict.warnings) == 2
    fits = {name: warned(fit, *verdict.warnings) for name, fit in evidence.fits.items()}
    text = text_of(dataclasses.replace(evidence, fits=fits))
    assert "extrapolates ×" not in text
    assert text.count("the sampled sizes") == 1
    assert "vpnls: the optimum" in text


@pytest.mark.parametrize("known", EXPONENTS, ids=lambda known: known.name)
def test_a_published_exponent_has_a_source_and_lies_between_0_and_1(known) -> None:  # type: ignore[no-untyped-def]
    assert known.source.startswith("arXiv ")
    assert 0 < known.a < 1


def test_the_backtest_is_a_table_and_two_sentences(evidence: Evidence) -> None:
    text = text_of(evidence)
    section = text.partition("How hidden budgets were predicted")[2].partition("\n## ")[0]
    assert "held the hidden N\\* and L\\*: approach2 1 and 2 of 2 times; vpnls 1 and 2 of 2 times." in section
    assert "| vpnls | 1 of 2 | ×1.69 | 64 % | 2 of 2 | – | 1 % | 0.15 % | 1 of 1 | 3.50 |" in section


def test_without_a_backtest_there_is_no_section(evidence: Evidence) -> None:
    assert "How hidden budgets" not in text_of(dataclasses.replace(evidence, backtest=None))
