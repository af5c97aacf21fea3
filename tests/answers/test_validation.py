"""Prediction against outcome: finished fits are scored by runs that they have never seen."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flopscape.answers import sensitivity
from flopscape.answers.backtest import run as backtest
from flopscape.answers.backtest.methods import methods_given
from flopscape.answers.outcomes import sentences, text
from flopscape.answers.validation import HIDDEN_RUNS, NO_LOSS, run
from flopscape.errors import FlopscapeError
from flopscape.figures import tables
from flopscape.fitting import fit
from flopscape.fitting.common.draws_file import draws_file
from flopscape.laws.surface import closed_form_optimum, loss
from flopscape.records.fit_file import read_fit
from flopscape.records.stamps import read as read_stamp
from flopscape.report.prediction import write_prediction
from flopscape.report.terminal import trust
from flopscape.twin.designs import read_study
from tests.fitting.fit_tables import isoflop_frame
from tests.laws.examples import CHINCHILLA

TOP = 1e21


def hiding_the_top(folder: Path, name: str = "runs.csv", **columns: object) -> Path:
    """Five budgets by seven sizes of a known surface; the largest budget stays hidden."""
    frame = isoflop_frame().assign(flops=lambda x: 6 * x.n_params * x.n_tokens, validate=lambda x: x.budget == TOP)
    frame.assign(**columns).to_csv(folder / name, index=False)
    return folder / name


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A table, and a fit of it by vpnls."""
    folder = tmp_path_factory.mktemp("scored")
    runs, made = hiding_the_top(folder), folder / "vpnls.json"
    fit.run(runs, made, "vpnls", flops=[TOP], bootstrap=400)
    return runs, made


def test_each_hidden_run_and_the_optimum_of_its_budget_stand_beside_what_the_fit_had_said(
    scored: tuple[Path, Path],
) -> None:
    runs, made = scored
    out = runs.with_name("validation.csv")
    lines = run(runs, out, [made])
    assert tables.read_validation(out) == lines
    assert {"code", "runs", "fits"} <= read_stamp(out).keys()
    assert [line.what for line in lines] == ["optimum", *["run"] * 7]
    assert {(line.cut, line.n_runs, round(line.extrapolation, 6)) for line in lines} == {(HIDDEN_RUNS, 28, 10.0)}
    optimum, *of_runs = lines
    true = closed_form_optimum(CHINCHILLA, TOP)
    assert optimum.true_n_params == pytest.approx(true.n_params, rel=0.35)
    assert optimum.n_params == pytest.approx(true.n_params, rel=0.35)
    assert optimum.n_params_holds
    assert optimum.loss_holds
    hidden = pd.read_csv(runs).query("validate")
    assert [line.true_loss for line in of_runs] == pytest.approx(hidden.loss.tolist())
    assert [line.run_n_params for line in of_runs] == pytest.approx(hidden.n_params.tolist())
    at = loss(CHINCHILLA, hidden.n_params.to_numpy(), hidden.n_tokens.to_numpy())
    assert [line.loss for line in of_runs] == pytest.approx(at.tolist(), abs=0.05)
    assert sum(bool(line.loss_holds) for line in of_runs) >= 6


def test_the_distance_of_an_outcome_is_in_standard_deviations_of_the_prediction(scored: tuple[Path, Path]) -> None:
    """Of nearly normal draws the half of a 95 % interval is 1.96 of them."""
    lines = [line for line in run(scored[0], scored[0].with_name("v.csv"), [scored[1]]) if line.what == "run"]
    for line in lines:
        assert line.loss_high
        assert line.loss_low
        assert line.loss
        assert line.true_loss
        sd = (line.loss_high - line.loss_low) / (2 * 1.96)
        assert line.deviations == pytest.approx((line.true_loss - line.loss) / sd, rel=0.1)


def test_three_hidden_sizes_tell_their_optimum_by_a_parabola(tmp_path: Path) -> None:
    frame = pd.read_csv(hiding_the_top(tmp_path))
    outer = frame.index[frame.validate][[0, 1, 5, 6]]
    frame.drop(index=outer).to_csv(tmp_path / "runs.csv", index=False)
    fit.run(tmp_path / "runs.csv", tmp_path / "approach2.json", "approach2", bootstrap=200)
    optimum, *of_runs = run(tmp_path / "runs.csv", tmp_path / "v.csv", [tmp_path / "approach2.json"])
    assert optimum.true_n_params or "lowest point" in optimum.left_out
    assert optimum.n_params == pytest.approx(closed_form_optimum(CHINCHILLA, TOP).n_params, rel=0.5)
    # Parabolas know no loss beside the optimum.
    assert [(line.left_out, line.loss) for line in of_runs] == [(NO_LOSS, None)] * 3


def test_an_outcome_far_from_the_prediction_is_a_miss_and_one_lost_run_is_named(tmp_path: Path) -> None:
    frame = pd.read_csv(hiding_the_top(tmp_path)).assign(status="completed")
    top = frame.index[frame.validate]
    frame.loc[top, "loss"] *= 1.2
    frame.loc[top[0], ["status", "loss"]] = ["diverged", np.nan]
    frame.to_csv(tmp_path / "runs.csv", index=False)
    fit.run(tmp_path / "runs.csv", tmp_path / "vpnls.json", "vpnls", bootstrap=200)
    lines = run(tmp_path / "runs.csv", tmp_path / "v.csv", [tmp_path / "vpnls.json"])
    first, *others = sentences("vpnls", lines)
    assert "held 0 of 6 losses of single runs" in first
    assert "missed by more than chance: L* at 10²¹ FLOPs is 1" in first
    assert "the loss of a run at 10²¹ FLOPs is" in first
    assert "too low" in first
    assert others[-1] == "1 hidden run judges vpnls by nothing: status diverged."
    assert first in text(lines)


def test_a_table_without_hidden_runs_gets_a_file_that_says_so_and_is_fresh(tmp_path: Path) -> None:
    isoflop_frame().to_csv(tmp_path / "runs.csv", index=False)
    fit.run(tmp_path / "runs.csv", tmp_path / "approach2.json", "approach2", bootstrap=100)
    lines = run(tmp_path / "runs.csv", tmp_path / "v.csv", [tmp_path / "approach2.json"])
    (line,) = tables.read_validation(tmp_path / "v.csv")
    assert (line.what, line.left_out) == ("nothing", "no run of this table is planned to stay hidden")
    assert {"code", "runs", "fits"} <= read_stamp(tmp_path / "v.csv").keys()
    said = text(lines)
    assert said.startswith("Nothing is scored: no run of this table is planned to stay hidden. Plan some")
    assert "sweep.validate" in said
    assert sentences("approach2", [line]) == []


def test_a_fit_of_another_table_is_refused(scored: tuple[Path, Path], tmp_path: Path) -> None:
    other = hiding_the_top(tmp_path, seed=3)
    with pytest.raises(FlopscapeError, match="not a fit of"):
        run(other, tmp_path / "v.csv", [scored[1]])
    assert not (tmp_path / "v.csv").exists()


@pytest.mark.parametrize("method", ["approach2", "approach3", "answer"])
def test_no_fit_reads_a_hidden_loss(method: str, tmp_path: Path) -> None:
    """To the last byte of its draws, and of its file but for the hash of its table."""
    files = []
    for name, loss_of_hidden in (("as_it_is", 1.0), ("absurd", 1e6)):
        folder = tmp_path / name
        folder.mkdir()
        runs = hiding_the_top(folder, loss=lambda x, by=loss_of_hidden: x.loss.where(~x.validate, x.loss * by))
        fit.run(runs, folder / "fit.json", method, flops=[TOP], bootstrap=100)
        files.append(folder / "fit.json")
    written = [json.loads(path.read_text()) for path in files]
    for one in written:
        for name in ("table", "command"):
            del one["made_from"][name]
    assert written[0] == written[1]
    assert draws_file(files[0]).read_bytes() == draws_file(files[1]).read_bytes()


def test_nothing_that_judges_varies_draws_or_simulates_reads_a_hidden_loss(tmp_path: Path) -> None:
    absurd = hiding_the_top(tmp_path, "absurd.csv", loss=lambda x: x.loss.where(~x.validate, 1e6))
    paths = [hiding_the_top(tmp_path), absurd]
    outs = [path.with_suffix(".out.csv") for path in paths]
    varied, lines, drawn, copied = [], [], [], []
    for path, out in zip(paths, outs, strict=True):
        varied.append(sensitivity.run(path, out, "approach2", bootstrap=20, seed=0))
        lines.append(backtest.run(path, out, methods_given(path, "approach2", [], 0, {}, {}), bootstrap=100))
        drawn.append(tables.read(path, None, [], "t").runs)
        copied.append(read_study(path)[0])
    pd.testing.assert_frame_equal(varied[0], varied[1])
    assert lines[0] == lines[1]
    pd.testing.assert_frame_equal(drawn[0], drawn[1])
    assert len(drawn[0]) == 28
    assert copied[0].loss.tolist() == copied[1].loss.tolist()
    assert dataclasses.replace(copied[0], path="").excluded == dataclasses.replace(copied[1], path="").excluded


def test_a_prediction_on_the_terminal_and_its_page_say_whether_earlier_ones_held(
    scored: tuple[Path, Path], tmp_path: Path
) -> None:
    runs, made = scored
    said = sentences("vpnls", run(runs, tmp_path / "v.csv", [made]))
    assert trust(read_fit(made), "vpnls", tmp_path / "v.csv").endswith(said[0])
    write_prediction(made, tmp_path / "page.md", [TOP], validation=tmp_path / "v.csv")
    page = (tmp_path / "page.md").read_text().replace("\\*", "*")
    assert page.partition("## Whether its predictions held\n\n")[2].startswith(f"- {said[0]}\n- {said[1]}")
