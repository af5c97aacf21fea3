"""Recipes, backtests and twins in Python are those of the command line."""

import dataclasses

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from typer.testing import CliRunner

import flopscape as fs
from flopscape.cli.app import app
from tests.api.conftest import SMALL
from tests.fitting.fit_tables import isoflop_frame


def printed(*words: str) -> str:
    return CliRunner().invoke(app, [*words], catch_exceptions=False).stdout


@pytest.fixture(scope="module")
def better() -> pd.DataFrame:
    """The same sweep with other noise and a lower loss."""
    return isoflop_frame(seed=1).assign(loss=lambda frame: frame["loss"] - 0.05)


def test_a_comparison_in_memory_is_that_of_the_files(frame, better, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame.to_csv("a.csv", index=False)
    better.to_csv("b.csv", index=False)
    found = fs.compare({"a": frame, "b": better}, flops=1e22)
    assert printed("compare", "a.csv", "b.csv", "--flops", "1e22", "--csv", "c.csv") == (
        f"{found.summary()}\nc.csv: written\n"
    )
    assert printed("compare", "a.csv", "b.csv", "--flops", "1e22", "--json") == found.to_json() + "\n"
    written = pd.read_csv("c.csv")
    assert written.columns.tolist() == found.to_frame().columns.tolist()
    assert written["multiplier"].tolist() == pytest.approx(found.to_frame()["multiplier"].astype(float).tolist())
    assert {*written["b"]} == {"b"}


def test_a_comparison_is_shown_and_drawn(frame, better):
    found = fs.compare(frame, better)
    assert found.found.recipes == ["A", "B"]
    assert found.verdicts[0] in found._repr_html_().replace("&#x27;", "'")
    axes = plt.figure().subplots()
    assert found.plot(axes) is axes
    assert axes.get_ylabel() == "compute multiplier"


def test_what_cannot_be_compared_is_named(frame, tmp_path):
    with pytest.raises(fs.FlopscapeError, match="compare: name two recipes at least"):
        fs.compare(frame)
    with pytest.raises(fs.FlopscapeError, match="one and two: all runs are in both"):
        fs.compare({"one": frame, "two": frame})
    with pytest.raises(fs.FlopscapeError, match="gone: neither a table nor a study with"):
        fs.compare("gone", frame, results=tmp_path)


def test_a_backtest_in_memory_is_that_of_the_file(frame, study, tmp_path):
    found = fs.backtest(frame, "approach2", bootstrap=100)
    said = printed(
        *("backtest", str(study / "runs.csv"), "--method", "approach2", "--bootstrap", "100"),
        *("--out", str(tmp_path / "b.csv")),
    )
    assert said == found.summary() + "\n"
    written = pd.read_csv(tmp_path / "b.csv").drop(columns="made_from")
    assert written["n_params"].tolist() == pytest.approx(found.to_frame()["n_params"].tolist(), nan_ok=True)
    assert [score.fit for score in found.scores] == ["approach2"]
    assert "approach2" in found._repr_html_()


def test_fits_are_tested_as_they_were_made(frame, study):
    made = fs.fit(frame, "approach2", bootstrap=100, exclude="n_params < 1e7")
    runs, kept = fs.results(study).runs, study / "fits/approach2.json"
    with pytest.raises(fs.FlopscapeError, match="backtest: two fits are named approach2; give fs"):
        fs.backtest(runs, fits=[made, kept])
    made = dataclasses.replace(made, name="without the smallest")
    both = fs.backtest(runs, fits=[made, kept], bootstrap=100).to_frame().set_index("fit")
    assert both["n_runs"].groupby("fit").max().to_dict() == {"approach2": 28, "without the smallest": 27}
    with pytest.raises(fs.FlopscapeError, match="give --method, or --fits"):
        fs.backtest(frame, "vpnls", fits=[made])
    with pytest.raises(fs.FlopscapeError, match="exclude is for --method"):
        fs.backtest(frame, fits=[made], exclude="loss > 3")


@pytest.mark.parametrize("quantity", ["n_params", "loss"])
def test_a_backtest_is_drawn_with_its_intervals(study, quantity):
    axes = plt.figure().subplots()
    assert fs.results(study).backtest.plot(axes, quantity) is axes
    assert axes.get_xlabel() == "C beyond the fitted runs"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["approach2"]


def test_what_hides_nothing_is_said_in_the_axes(frame):
    found = fs.backtest(frame.iloc[:7], "vpnls", bootstrap=100)
    assert found.summary().startswith("No backtest: the table's 7 runs are too few")
    assert found.plot().texts[0].get_text().startswith("No backtest: the table's 7 runs are too few")


def test_a_twin_in_memory_is_that_of_the_file(frame, study):
    made, kept = fs.twin(frame, flops=1e22, **SMALL), fs.results(study).twin
    assert made.verdict["sentences"] == kept.verdict["sentences"]
    assert made.to_frame()["bias"].tolist() == pytest.approx(kept.to_frame()["bias"].tolist(), nan_ok=True)
    assert made.summary().startswith("Twin of DataFrame: ")
    assert "vpnls" in made._repr_html_()
    axes = plt.figure().subplots()
    assert made.plot(axes, made.scenarios[1]) is axes
    assert "error of D* at 10²² FLOPs, %" in axes.get_xlabel()


def test_a_plan_without_losses_has_a_twin_of_a_given_surface(frame):
    plan = frame.drop(columns="loss")
    made = fs.twin(plan, flops=1e22, surface="chinchilla", noise=0.01, **SMALL)
    assert "a plan, simulated from the surface chinchilla" in made.summary()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"surface": "moon"}, "moon"),
        ({"noise": -1.0}, "--noise σ = -1.0: must be zero or positive"),
        ({"bootstrap": 3}, "twin: bootstrap: must be at least 20, not 3"),
        ({"flops": 0}, "--flops 0.0: must be positive and finite"),
        ({"validation": "v.csv"}, "twin: validation is for a twin that is written"),
        ({"out": "twin"}, "twin: with out the runs must be in a file"),
    ],
)
def test_what_a_twin_cannot_be_asked_for_is_one_sentence(frame, options, sentence):
    with pytest.raises(fs.FlopscapeError, match=sentence):
        fs.twin(frame, **options)


def test_a_refused_twin_has_no_picture(frame):
    made = fs.twin(frame.iloc[:4], flops=1e22, **SMALL)
    assert made.to_frame().empty
    with pytest.raises(fs.FlopscapeError, match="twin: nothing to plot: "):
        made.plot()
