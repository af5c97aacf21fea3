"""What fits have said of hidden runs is kept: a later fit, of other runs or options, adds to it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flopscape.answers.archive import predictions_of, read_archive
from flopscape.answers.earlier import headline, rows, why_earlier, why_revised
from flopscape.answers.outcomes import judged, sentences
from flopscape.answers.validation import run
from flopscape.errors import FlopscapeError
from flopscape.fitting import fit
from flopscape.records.backtest import TO_COME
from tests.answers.test_validation import TOP, hiding_the_top


def scored(runs: Path, date: str, method: str = "vpnls", **options: object) -> list:
    made = runs.with_name(f"{method}.json")
    fit.run(runs, made, method, bootstrap=100, **options)
    return run(runs, runs.with_name("validation.csv"), [made], runs.with_name("said.jsonl"), date)


def said(folder: Path) -> list:
    return predictions_of(read_archive(folder / "said.jsonl"), "vpnls")


def test_what_a_fit_of_fewer_runs_had_said_stays_when_runs_are_added(tmp_path: Path) -> None:
    frame = pd.read_csv(hiding_the_top(tmp_path, "all.csv"))
    frame[(frame.budget >= 1e21) | (frame.budget <= 1e19)].to_csv(tmp_path / "runs.csv", index=False)
    first = scored(tmp_path / "runs.csv", "2026-01-02")
    frame.to_csv(tmp_path / "runs.csv", index=False)
    second = scored(tmp_path / "runs.csv", "2026-02-03")
    kept = said(tmp_path)
    assert [(one.date, one.n_runs, one.is_before) for one in kept] == [
        ("2026-01-02", 21, False),
        ("2026-02-03", 28, False),
    ]
    for lines, one in zip((first, second), kept, strict=True):
        assert [line.loss for line in one.lines] == pytest.approx([line.loss for line in lines], rel=1e-5)
        assert [line.loss_holds for line in one.lines] == [line.loss_holds for line in lines]
        assert [line.true_loss for line in one.lines] == pytest.approx([line.true_loss for line in lines], rel=1e-5)
    assert [row[:3] for row in rows(kept)] == [["2026-01-02", "no", "21"], ["2026-02-03", "no", "28"]]
    assert headline(kept).startswith("Predicted and found: L* at 10²¹ FLOPs.")


def test_the_same_fit_on_another_day_adds_nothing_and_other_options_do(tmp_path: Path) -> None:
    runs = hiding_the_top(tmp_path)
    scored(runs, "2026-01-02")
    before = (tmp_path / "said.jsonl").read_bytes()
    scored(runs, "2026-02-03")
    assert (tmp_path / "said.jsonl").read_bytes() == before
    scored(runs, "2026-03-04", seed=1)
    assert (tmp_path / "said.jsonl").read_bytes().splitlines()[1:2] == before.splitlines()[1:]
    assert [one.date for one in said(tmp_path)] == ["2026-01-02", "2026-03-04"]


@pytest.mark.parametrize("blank", [{"loss": np.nan}, {"status": "planned"}, {"status": "running", "loss": np.nan}])
def test_a_run_still_to_come_is_predicted_and_what_was_said_before_it_came_is_marked(tmp_path: Path, blank) -> None:
    """Even where the fit that it is scored by has other options by then."""
    runs = hiding_the_top(tmp_path)
    whole = pd.read_csv(runs).assign(status="completed")
    open_runs = whole.copy()
    open_runs.loc[open_runs.validate, list(blank)] = [*blank.values()]
    open_runs.to_csv(runs, index=False)
    first = scored(runs, "2026-01-02")
    assert judged(first) == []
    assert {line.left_out for line in first} == {TO_COME}
    assert [line.what for line in first] == ["optimum", *["run"] * 7]
    assert "7 hidden runs are still to come, and predicted." in sentences("vpnls", first)
    assert why_earlier("vpnls", said(tmp_path)) == (
        "vpnls predicted these runs on 2026-01-02, before any of them is finished."
    )
    whole.to_csv(runs, index=False)
    second = scored(runs, "2026-02-03")
    (one,) = said(tmp_path)
    assert (one.date, one.is_before) == ("2026-01-02", True)
    assert [line.loss_holds for line in one.lines] == [line.loss_holds for line in second]
    scored(runs, "2026-03-04", seed=1)
    assert [(one.date, one.is_before) for one in said(tmp_path)] == [("2026-01-02", True), ("2026-03-04", False)]
    assert why_earlier("vpnls", said(tmp_path)) == (
        "vpnls predicted these runs on 2026-01-02, before any of them was finished."
    )


def test_a_forecast_is_judged_by_what_came_though_its_own_fit_is_gone(tmp_path: Path) -> None:
    """The runs come 20 % above what was said, and only later a fit is made that nobody can compare with that day's."""
    runs = hiding_the_top(tmp_path)
    whole = pd.read_csv(runs).assign(loss=lambda x: x.loss.where(~x.validate, 1.2 * x.loss))
    whole.assign(loss=whole.loss.where(~whole.validate)).to_csv(runs, index=False)
    scored(runs, "2026-01-02")
    whole.to_csv(runs, index=False)
    scored(runs, "2026-02-03", seed=1)
    before, after = said(tmp_path)
    of_runs = [line for line in before.lines if line.what == "run"]
    hidden = whole[whole.validate]
    assert [line.true_loss for line in of_runs] == pytest.approx(hidden.loss.tolist(), rel=1e-5)
    assert {line.loss_holds for line in of_runs} == {False}
    assert [row[4] for row in rows([before, after])] == [rows([after])[0][4]] * 2
    assert why_revised([before, after]) == ""  # today's misses as well: that is said elsewhere


def test_a_fit_that_predicts_nothing_adds_nothing_and_a_damaged_archive_stops_before_a_score_is_written(
    tmp_path: Path,
) -> None:
    frame = pd.read_csv(hiding_the_top(tmp_path))
    frame[~frame.validate | (frame.index % 7 == 0)].to_csv(tmp_path / "runs.csv", index=False)
    scored(tmp_path / "runs.csv", "2026-01-02", "approach2")
    assert read_archive(tmp_path / "said.jsonl") == []
    (tmp_path / "said.jsonl").write_text("mine\n")
    (tmp_path / "validation.csv").unlink()
    with pytest.raises(FlopscapeError, match=r"said\.jsonl, line 1: not whole JSON .*restore it from a backup"):
        scored(tmp_path / "runs.csv", "2026-02-03", "approach2")
    assert (tmp_path / "said.jsonl").read_text() == "mine\n"
    assert not (tmp_path / "validation.csv").exists()


def test_the_optimum_of_a_budget_is_told_once_where_some_of_its_runs_are_still_to_come(tmp_path: Path) -> None:
    frame = pd.read_csv(hiding_the_top(tmp_path))
    frame.loc[frame.index[frame.validate][:3], "loss"] = np.nan
    frame.to_csv(tmp_path / "runs.csv", index=False)
    lines = scored(tmp_path / "runs.csv", "2026-01-02")
    assert [line.flops for line in lines if line.what == "optimum"] == [TOP]
    assert sum(line.is_awaited for line in lines) == 3
    assert sum(line.what == "run" for line in judged(lines)) == 4
