"""The table at the end of a run."""

import subprocess
import sys
from pathlib import Path

import pytest

from flopscape.errors import FitWarning
from flopscape.figures.tables import Tables
from flopscape.records.backtest import TABLE_TELLS
from flopscape.records.fit_file import write_fit
from flopscape.report import after_run, summary
from tests.figures import studies
from tests.report import different


@pytest.mark.parametrize(
    ("extra", "heads"),
    [
        ({}, "D*, tokens tokens per parameter L*, nats per token"),
        ({"loss_unit": "bits per byte", "unit": "byte"}, "D*, bytes bytes per parameter L*, bits per byte"),
    ],
)
def test_the_summary_holds_the_predictions_their_units_the_status_and_the_path(
    extra: dict[str, str], heads: str, study: Tables, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = study.fits["approach2"]
    write_fit(fit, tmp_path / "fits/approach2.json")
    study.runs.assign(**extra).to_csv(tmp_path / "runs.csv")
    after_run.print_summary("kjv-gpt", tmp_path, "approach2")
    printed = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert any(heads in line for line in lines)
    assert "fit approach2: ok" in printed
    assert f"report: {tmp_path}/report.html" in printed
    assert "SIMULATED" in printed


def test_a_headline_says_first_that_the_answer_is_mostly_the_prior_s() -> None:
    fit = different.vpnls()
    plain, *_ = summary.headline(fit, "token", "nats per token")
    fit.warnings = [FitWarning("taken from published sweeps", "prior-dominated")]
    marked, *_ = summary.headline(fit, "token", "nats per token")
    assert plain.startswith("At 2×10¹³ FLOPs train ")
    assert marked == plain.replace("At 2×10¹³", "Prior-dominated: at 2×10¹³", 1)


def test_a_refused_fit_prints_its_reason_and_no_table() -> None:
    text = after_run.summary("kjv-gpt", "approach2", studies.refused_fit())
    assert "fit approach2: refused: only 2 budgets are left" in text
    assert "N*" not in text


@pytest.mark.parametrize(("of_prior", "words"), [(0.125, "8 times as wide"), (1.2, "no wider")])
def test_the_headline_says_what_the_interval_is_made_of_the_largest_part_first(of_prior: float, words: str) -> None:
    fit = different.vpnls()
    parts = {"noise": 0.3, "law": 0.001, "drift": 0.6, "discrepancy": 0.099, "sd_over_prior": of_prior}
    fit.diagnostics["shares"] = [{"flops": 2e13, "n_params": parts}]
    assert summary.headline(fit, "token", "nats per token")[1] == (
        "The variance behind the interval of N* is drift of the optimum (60 %), noise of the runs (30 %) and what the"
        f" law misses (10 %); from the prior alone, without these runs, the interval would be {words}."
    )


def test_a_study_that_has_a_backtest_does_not_send_its_reader_to_one() -> None:
    fit = different.approach2()
    fit.reason = f"the runs say enough; not tested on hidden budgets: {TABLE_TELLS}"
    assert after_run.summary("s", "approach2", fit).endswith("\nfit approach2: ok: the runs say enough")


def test_the_summary_imports_neither_pandas_nor_matplotlib() -> None:
    slow = "{'pandas', 'numpy', 'matplotlib', 'torch'}"
    code = f"import sys, flopscape.report.after_run; print({slow} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
