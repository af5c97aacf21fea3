"""A table of runs in memory is read, checked and told of like one in a file."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import flopscape as fs
from flopscape.cli.app import app
from flopscape.runs.formats.frames import read_frame


def test_a_frame_and_the_files_of_it_are_one_table(frame, tmp_path):
    frame.to_csv(tmp_path / "runs.csv", index=False)
    frame.to_parquet(tmp_path / "runs.parquet")
    hashes = [
        fs.read_runs(place).table.input_hash for place in (frame, tmp_path / "runs.csv", tmp_path / "runs.parquet")
    ]
    assert len({*hashes}) == 1
    assert len(fs.read_runs(str(tmp_path / "runs.csv"))) == 35


def test_what_is_wrong_with_a_frame_is_told_as_of_a_file(frame, tmp_path):
    broken = {
        "case": frame.rename(columns={"loss": "Loss"}),
        "empty": pd.DataFrame(),
        "text": frame.assign(n_tokens=["12,5", *frame["n_tokens"].astype(str)[1:]]),
        "negative": frame.assign(loss=[-1.0, *frame["loss"][1:]]),
        "missing": frame.assign(n_params=[np.nan, *frame["n_params"][1:]]),
        "two names": frame.assign(**{" loss": 1.0}),
        "two losses": pd.concat([frame, frame.assign(loss=frame["loss"] + 1)]),
        "truth": frame.assign(loss=True),
    }
    said = {}
    for name, table in broken.items():
        table.to_parquet(tmp_path / "runs.parquet", index=False)
        sentences = []
        for place in (tmp_path / "runs.parquet", table):
            with pytest.raises(fs.FlopscapeError) as error:
                fs.read_runs(place)
            sentences.append(str(error.value).replace(str(tmp_path / "runs.parquet"), "DataFrame"))
        assert sentences[0] == sentences[1]
        said[name] = sentences[1]
    assert said["case"] == "DataFrame: no column loss; did you mean Loss?"
    assert said["empty"].startswith("DataFrame: no column n_params")
    assert said["text"].startswith("DataFrame, row 1, column n_tokens: '12,5' is not a number")
    assert said["two names"].startswith("DataFrame: columns 5 and 7 are both named 'loss'")


@pytest.mark.parametrize(("source", "what"), [(3, "int"), (None, "NoneType"), ([1, 2], "list")])
def test_what_is_no_table_is_refused_by_its_type(source, what):
    with pytest.raises(fs.FlopscapeError, match=f"runs: {what} is no table; give a path, a DataFrame"):
        fs.read_runs(source)


def test_a_frame_of_other_types_is_read_cell_by_cell():
    named = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["run_id", None])
    cells = {"n_params": pd.array([1, None], dtype="Int64"), "size": pd.Categorical(["s", "m"])}
    cells |= {"at": pd.to_datetime(["2026-01-02", None]), "loss": pd.array([2.5, 2.0], dtype="Float64")}
    read = read_frame(pd.DataFrame({**cells, ("of", "two"): np.array([np.int64(3), "x"], object)}, index=named))
    assert read.to_dict("list") == {
        "run_id": ["a", "b"],
        "n_params": [1, None],
        "size": ["s", "m"],
        "at": ["2026-01-02T00:00:00", None],
        "loss": [2.5, 2.0],
        "of two": [3, "x"],
    }


def test_other_columns_are_named_once(frame, tmp_path):
    other = frame.rename(columns={"loss": "val"})
    runs = fs.read_runs(other, {"loss": "val"})
    assert runs.table.loss.tolist() == frame["loss"].tolist()
    assert fs.fit(runs, "vpnls", bootstrap=100).result.conventions["loss"] == "val"


def test_rows_and_what_was_left_out_are_told(frame):
    runs = fs.read_runs(frame.assign(status=["crashed", *["finished"] * 34]))
    assert len(runs.to_frame()) == 34
    assert runs.to_frame().columns.tolist()[:5] == ["run_id", "n_params", "n_tokens", "flops", "loss"]
    assert runs.summary().splitlines()[-1] == "left out: 1 row (run0): status crashed"
    assert "<td" in runs._repr_html_()
    assert "left out: 1 row (run0): status crashed" in runs._repr_html_()


def test_runs_are_drawn_into_given_axes_or_new_ones(frame):
    axes = plt.figure().subplots()
    assert fs.read_runs(frame).plot(axes) is axes
    assert len(axes.collections) == 5
    new = fs.read_runs(frame.drop(columns="budget").assign(n_tokens=np.geomspace(1e8, 1e12, 35))).plot()
    assert new is not axes
    assert new.get_xlabel().startswith("N, parameters")


def test_an_import_in_memory_is_that_of_the_file(frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    theirs = frame.rename(columns={"loss": "val"}).drop(columns="n_tokens").assign(lr=[0.2, *[0.1] * 34])
    theirs.to_csv("theirs.csv", index=False)
    words = ["import", "theirs.csv", "--map", "loss=val", "--exclude", "lr > 0.1", "--out", "runs.csv"]
    printed = CliRunner().invoke(app, words, catch_exceptions=False).stdout
    asked = {"columns": {"loss": "val"}, "exclude": "lr > 0.1"}
    assert printed == fs.import_runs("theirs.csv", **asked, out="again.csv").summary().replace("again", "runs") + "\n"
    made = fs.import_runs(theirs, **asked)
    assert made.runs.table.input_hash == fs.read_runs("runs.csv").table.input_hash
    assert (
        made.summary().splitlines()[0]
        == "in memory: 34 of 35 rows of DataFrame (DataFrame); n_tokens = budget/(6·n_params)"
    )
    assert len(made.to_frame()) == 35
    assert "budget/(6·n_params)" in made._repr_html_()
    assert fs.fit(made.runs, "vpnls", bootstrap=100).result.n_runs == 34
    kept = fs.import_runs("theirs.csv", **asked, folder="study")
    assert kept.path == Path("study/runs.csv")
    assert fs.results("study").runs.table.input_hash == made.runs.table.input_hash


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"columns": {"los": "loss"}}, "--map los=loss: map one of"),
        ({"folder": "study"}, "import: with folder the runs must be in a file"),
        ({"folder": "study", "out": "runs.csv"}, "import: out and folder exclude each other"),
        ({"curves": "curves.csv"}, "import: curves are for a folder"),
        ({"exclude": "loss > 0"}, "DataFrame: no row is left of 35"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(frame, options, sentence):
    with pytest.raises(fs.FlopscapeError, match=sentence):
        fs.import_runs(frame, **options)
