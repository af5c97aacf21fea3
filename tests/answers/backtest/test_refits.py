"""Refits see nothing that is hidden, and what they say is measured against it rightly."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from flopscape.answers.backtest.methods import Method
from flopscape.answers.backtest.run import backtest
from flopscape.answers.predictive import predictive
from flopscape.fitting.backtest.cuts import Runs, cuts_of
from flopscape.fitting.backtest.hidden import holds
from flopscape.fitting.fit import fit
from flopscape.laws.surface import loss
from flopscape.records.backtest import Forecast
from flopscape.records.fit_result import Estimate
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import isoflop_frame
from tests.laws.examples import CHINCHILLA

PREDICTED = ("status", "reason", "n_runs", "n_params", "n_params_low", "n_params_high", "loss", "loss_low", "loss_high")
METHODS = {
    "approach2": {"method": "approach2"},
    "exact": {"method": "approach2", "variant": "exact"},
    "huber": {"method": "approach3", "objective": "huber", "delta": "scaled"},
    "vpnls": {"method": "vpnls"},
    "law": {"method": "law", "law": "coupled"},
}


def lines_of(frame: pd.DataFrame, **options: object) -> list[Forecast]:
    table = table_of(frame.reset_index(drop=True), "t")
    method = Method("it", {"method": "vpnls", **options})
    return backtest([method], lambda _: table, bootstrap=100)


def said(lines: list[Forecast], cut: str) -> list[tuple[object, ...]]:
    return [tuple(getattr(line, name) for name in PREDICTED) for line in lines if line.cut == cut]


@pytest.mark.parametrize("options", METHODS.values(), ids=METHODS.keys())
def test_no_prediction_depends_on_a_loss_that_is_hidden(options: dict[str, object]) -> None:
    frame = isoflop_frame()
    changed = frame.assign(loss=np.where(frame.budget >= 1e20, frame.loss[::-1].to_numpy() + 0.3, frame.loss))
    before, after = (lines_of(one, **options) for one in (frame, changed))
    cut = "the largest 2 budgets"
    assert said(before, cut) == said(after, cut)
    assert [line.true_loss for line in before if line.cut == cut] != [
        line.true_loss for line in after if line.cut == cut
    ]


def test_the_curves_of_hidden_runs_are_hidden_too(tmp_path: Path) -> None:
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e9, 9), np.geomspace(1e9, 1e10, 3)))
    frame = pd.DataFrame({"n_params": n, "n_tokens": d, "loss": loss(CHINCHILLA, n, d)})
    frame["run_id"] = [f"run{i}" for i in range(len(frame))]
    curves = frame.loc[frame.index.repeat(20), ["run_id", "n_params", "n_tokens"]]
    curves["n_tokens"] *= np.tile(np.linspace(0.05, 1, 20), len(frame))
    curves["heldout_loss"] = loss(CHINCHILLA, curves.n_params.to_numpy(), curves.n_tokens.to_numpy())
    table, told = table_of(frame, "t"), []
    hidden = cuts_of(Runs.of(table))[0][-1].hidden
    costly = curves.run_id.isin(table.run_id[hidden])
    for moved in (0.0, 0.5):
        path = tmp_path / f"{moved}.csv"
        changed = curves.assign(heldout_loss=curves.heldout_loss + moved * costly).drop(columns="n_params")
        changed.to_csv(path, index=False)
        own = Method("it", {"method": "approach1"}, path).own
        told.append(fit(table.keep(~hidden, "hidden"), "approach1", flops=[1e21], bootstrap=100, **own)[0])
    assert told[0].exponents is not None
    assert told[0] == told[1]


def test_a_refit_is_the_fit_of_the_rest_asked_at_the_hidden_budget() -> None:
    frame = isoflop_frame()
    rest = table_of(frame[frame.budget < 1e21].reset_index(drop=True), "t")
    expected = fit(rest, "vpnls", flops=[1e21], bootstrap=100, seed=3)[0].predictions[0]
    line = lines_of(frame, seed=3)[0]
    assert (line.cut, line.flops, line.extrapolation) == ("the largest budget", 1e21, pytest.approx(10))
    assert expected.n_params
    assert expected.loss
    mine = (line.n_params, line.n_params_low, line.n_params_high, line.loss, line.loss_high)
    theirs = (expected.n_params.estimate, expected.n_params.low, expected.n_params.high)
    assert mine == pytest.approx((*theirs, expected.loss.estimate, expected.loss.high), rel=1e-9)


def test_hidden_budgets_whose_runs_stray_are_asked_at_what_they_really_cost() -> None:
    frame = isoflop_frame()
    top = frame.budget == 1e21
    strayed = frame.assign(n_tokens=np.where(top, 1.5 * frame.n_tokens, frame.n_tokens))
    said = [lines_of(one.assign(flops=6 * one.n_params * one.n_tokens))[0] for one in (frame, strayed)]
    assert said[0].n_params
    assert said[1].n_params
    assert np.log(said[1].n_params / said[0].n_params) / np.log(1.5) == pytest.approx(0.45, abs=0.05)


def test_rows_that_a_fit_leaves_out_are_neither_fitted_nor_judged_by() -> None:
    frame = isoflop_frame()
    bad = frame.assign(loss=np.where(frame.index == 30, 9.0, frame.loss))
    lines = lines_of(bad, exclude="loss > 8", min_flops=5e17)
    judged_by = {line.run_id for line in lines if line.what == "run"}
    assert judged_by == {"run28", "run29", "run31", "run32", "run33", "run34"}
    assert {line.n_runs for line in lines} == {21}


def test_merged_seeds_are_merged_in_the_refit_alone() -> None:
    lines = lines_of(isoflop_frame(seeds=2), seeds="mean")
    assert {line.n_runs for line in lines if line.cut == "the largest budget"} == {28}
    assert sum(line.what == "run" for line in lines if line.cut == "the largest budget") == 14


def test_of_checkpoints_the_end_of_each_hidden_run_is_predicted() -> None:
    frame = isoflop_frame().drop(columns="budget")
    rows = pd.concat(
        [frame.assign(n_tokens=share * frame.n_tokens, loss=frame.loss + 0.02 / share) for share in (0.3, 1.0)]
    )
    lines = lines_of(rows)
    assert sum(line.what == "run" for line in lines if line.cut == "the largest budget") == 7
    assert all(line.n_runs in (28, 21) for line in lines)


def test_power_laws_say_nothing_of_single_runs() -> None:
    assert {line.what for line in lines_of(isoflop_frame(), method="approach2")} == {"optimum"}


def test_a_refused_refit_says_nothing_and_says_why() -> None:
    lines = lines_of(isoflop_frame(budgets=4, sizes=3), method="approach2", variant="exact")
    assert all(line.n_params is None and not line.is_judged for line in lines)
    assert {line.status for line in lines} == {"refused"}
    assert all(line.reason for line in lines)


@pytest.mark.parametrize(
    ("truth", "se", "number", "held"),
    [
        (2.0, 0.0, Estimate(1.0, 0.5, 1.5), False),
        (1.5, 0.0, Estimate(1.0, 0.5, 1.5), True),
        (1.6, 0.1, Estimate(1.0, 0.5, 1.5), False),
        (1.53, 0.1, Estimate(1.0, 0.5, 1.5), True),
        (0.4, 0.2, Estimate(1.0, 0.5, 9.0), True),
        (9.0, 0.0, Estimate(1.0, 0.5, None), True),
        (0.1, 0.0, Estimate(1.0, 0.5, None), False),
    ],
)
def test_the_errors_of_truth_and_prediction_add_as_squares(
    truth: float, se: float, number: Estimate, held: bool
) -> None:
    assert holds(truth, se, number) is held


def test_one_draw_predicts_a_normal_distribution_and_two_their_mixture() -> None:
    one = predictive(np.array([2.0]), 0.1, 2.15)
    assert (one["loss"], one["loss_low"], one["loss_high"]) == pytest.approx(
        (2.0, 2 - 0.195996, 2 + 0.195996), abs=1e-6
    )
    assert one["log_score"] == pytest.approx(norm.logpdf(2.15, 2.0, 0.1))
    two = predictive(np.array([2.0, 3.0]), 0.1, 2.5)
    assert two["loss_low"] == pytest.approx(norm.ppf(0.05, 2.0, 0.1), abs=1e-6)
    assert two["loss_holds"]
    assert two["log_score"] == pytest.approx(norm.logpdf(2.5, 2.0, 0.1))


def test_intervals_of_runs_hold_so_often_where_the_law_is_true() -> None:
    lines = [line for seed in range(25) for line in lines_of(isoflop_frame(seed=seed)) if line.what == "run"]
    first = [line.loss_holds for line in lines if line.cut == "the largest budget"]
    assert np.mean(first) == pytest.approx(0.95, abs=0.035)
