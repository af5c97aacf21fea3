"""Fits in memory: the numbers and sentences of the command line, as frames, in axes, in a notebook."""

import json

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from typer.testing import CliRunner

import flopscape as fs
from flopscape.cli.app import app


def test_python_and_the_command_line_make_the_same_fit_and_say_the_same(frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame.to_csv("runs.csv", index=False)
    asked = ["fit", "runs.csv", "--method", "approach3", "--objective", "lad", "--bootstrap", "100", "--flops", "1e22"]
    printed = CliRunner().invoke(app, [*asked, "--out", "a.json"], catch_exceptions=False).stdout
    made = fs.fit("runs.csv", "approach3", objective="lad", bootstrap=100, flops=1e22, out="b.json")
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert first["made_from"].pop("command") == second["made_from"].pop("command").replace("b.json", "a.json")
    assert first == second
    assert printed == made.summary().replace("b.json", "a.json") + "\n"
    asked = ["predict", "b.json", "--flops", "1e23"]
    printed = CliRunner().invoke(app, asked, catch_exceptions=False).stdout
    assert printed == f"{fs.read_fit('b.json').predict(1e23).summary()}\n{made.trust()}\n"


def test_a_fit_of_a_frame_has_the_numbers_of_one_of_its_file(frame, made, tmp_path):
    frame.to_csv(tmp_path / "runs.csv", index=False)
    kept = fs.fit(tmp_path / "runs.csv", "vpnls", flops=[1e22], bootstrap=100, out=tmp_path / "fit.json")
    pd.testing.assert_frame_equal(kept.to_frame(), made.to_frame())
    read = fs.read_fit(tmp_path / "fit.json", frame)
    pd.testing.assert_frame_equal(read.predict(1e23).to_frame(), made.predict(1e23).to_frame())
    assert read.plot().get_ylabel() == "N*, parameters"


def test_a_fit_of_other_columns_is_drawn_beside_these(frame, tmp_path):
    both = frame.assign(n_params_total=2 * frame["n_params"])
    both.to_csv(tmp_path / "runs.csv", index=False)
    columns = {"n_params": "n_params_total"}
    fs.fit(tmp_path / "runs.csv", "vpnls", bootstrap=100, columns=columns, out=tmp_path / "fit.json")
    runs = fs.read_runs(tmp_path / "runs.csv")
    read = fs.read_fit(tmp_path / "fit.json", runs)
    assert read.runs.table.n_params.tolist() == both["n_params_total"].tolist()
    assert runs.table.n_params.tolist() == frame["n_params"].tolist()


def test_the_numbers_of_a_fit_stand_in_a_frame_with_their_ends(made):
    table = made.to_frame()
    assert table["quantity"].tolist()[:7] == ["E", "A", "B", "alpha", "beta", "a", "b"]
    asked = table[table["flops"] == 1e22].set_index("quantity")
    assert (asked["low"] < asked["estimate"]).all()
    assert (asked["estimate"] < asked["high"]).all()
    assert asked.loc["n_params", "estimate"] == made.result.predictions[0].n_params.estimate


def test_each_question_has_a_row_of_its_numbers(made):
    optimum = made.predict(flops=[1e20, 1e21]).to_frame()
    assert optimum["flops"].tolist() == [1e20, 1e21]
    assert (optimum["n_params"] * optimum["n_tokens"] * 6 / optimum["flops"]).tolist() == pytest.approx([1, 1])
    data = made.predict(n_params=1e9).to_frame().iloc[0]
    assert data["n_tokens_low"] < data["n_tokens_likely_low"] < data["n_tokens"] < data["n_tokens_high"]
    assert data["tokens_per_param"] == pytest.approx(data["n_tokens"] / 1e9)
    run = made.predict(n_params=1e9, n_tokens=2e10).to_frame().iloc[0]
    assert (run["n_params"], run["n_tokens"]) == pytest.approx((1e9, 2e10))
    served = made.predict(loss=2.3, inference_tokens=1e12).to_frame().iloc[0]
    assert served["loss"] == pytest.approx(2.3)
    assert served["serving"] > 0


def test_a_notebook_shows_answers_and_doubts_in_no_colour_of_its_own(made):
    for result in (made, made.predict(1e24), made.predict(n_params=[1e9])):
        page = result._repr_html_()
        assert page.startswith("<div><strong>vpnls: ")
        assert "[" in page
        assert not {"background", "#fff", "black", "white"} & {*page.replace(":", " ").replace(";", " ").split()}
    assert "extrapolates" in made._repr_html_()
    assert "an extrapolation" in made.predict(1e24)._repr_html_()


@pytest.mark.parametrize("quantity", ["n_params", "n_tokens", "loss"])
def test_a_fit_and_its_predictions_are_drawn_into_given_axes(made, quantity):
    figure = plt.figure()
    for axes, result in zip(figure.subplots(1, 2), (made, made.predict(1e23)), strict=True):
        assert result.plot(axes, quantity) is axes
        assert axes.get_xlabel() == "C, training FLOPs"
        assert any(len(line.get_xdata()) == 121 for line in axes.lines)
        axes.figure.canvas.draw()
        assert not any("\\times" in label.get_text() for label in axes.get_yticklabels(which="both"))
    assert figure.axes[1].get_xlim()[1] > figure.axes[0].get_xlim()[1]


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        ("aproach3", {}, "method 'aproach3': none of answer, approach1, approach2, approach3, law, vpnls"),
        (None, {}, "method: NoneType is no name of a method"),
        ("approach3", {"loss": "huber"}, "loss: approach3 has none; valid here: objective, delta, weights"),
        ("approach3", {"objective": "hubr"}, "objective: 'hubr' is none of huber, lad, log_lsq, lsq"),
        ("approach3", {"delta": "x"}, "fit: delta: 'x' is not a number"),
        ("vpnls", {"bootstrap": 10}, "fit: bootstrap: must be at least 100, not 10"),
        ("vpnls", {"seed": -1}, "fit: seed: must be at least 0, not -1"),
        ("vpnls", {"flops": "much"}, "flops: 'much' is not a number"),
        ("vpnls", {"flops": [1e22, 1e22]}, r"flops 1e\+22: given twice; leave one out"),
        ("vpnls", {"flops": -1}, "flops: -1.0 is not a positive budget"),
        ("vpnls", {"exclude": "foo > 1"}, "DataFrame: --exclude 'foo > 1': no column foo"),
        ("vpnls", {"columns": {"los": "loss"}}, "--column los=loss: no such column of a fit; did you mean loss"),
        ("vpnls", {"out": "fit.json"}, "fit: with out the runs must be in a file"),
    ],
)
def test_what_a_fit_cannot_be_asked_for_is_one_sentence(frame, method, options, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(fs.FlopscapeError, match=sentence):
        fs.fit(frame, method, **options)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({}, "predict: give one of --flops C, --loss L and --n-params N"),
        ({"flops": True}, "flops: True is not a number"),
        ({"flops": 1e22, "loss": 2.0}, "predict: give one of --flops C"),
        ({"flops": 1e22, "unique_tokens": 1e9}, "unique_tokens: vpnls does not depend on it"),
    ],
)
def test_what_a_fit_cannot_answer_is_one_sentence(made, question, sentence):
    with pytest.raises(fs.FlopscapeError, match=sentence):
        made.predict(**question)


def test_what_has_no_place_in_a_plot_is_said(made):
    with pytest.raises(fs.FlopscapeError, match="the data for which each size is optimal has no place against compute"):
        made.predict(n_params=1e9).plot()
    with pytest.raises(fs.FlopscapeError, match="quantity 'N': there are n_params, n_tokens, loss"):
        made.plot(quantity="N")


def test_a_refused_fit_is_a_fit(frame):
    made = fs.fit(frame.iloc[:3], "vpnls", bootstrap=100)
    assert made.status == "refused"
    assert made.to_frame().empty
    assert made.reason in made._repr_html_()
    assert made.plot().get_xlabel() == "C, training FLOPs"
