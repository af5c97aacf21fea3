"""What `flopscape import` leaves out, by whose choice, and that it says so: empty cells, exclusions, searches."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flopscape.cli.app import app
from flopscape.config.read import validate
from flopscape.config.study import ImportedStudy
from flopscape.errors import FlopscapeError
from flopscape.plan.imported import plan_import
from flopscape.plan.imported_text import import_text
from flopscape.records import stamps
from flopscape.runs.import_rows import Choice
from flopscape.runs.import_study import import_study
from flopscape.runs.import_table import import_runs
from flopscape.runs.read import read_runs

SEARCH = pd.DataFrame(
    [
        # N, D, rate, seed, loss: three rates at two points, one at a third
        (1e8, 2e9, 0.01, 0, 3.2), (1e8, 2e9, 0.1, 0, 3.05), (1e8, 2e9, 1.0, 1, 11.95),
        (2e8, 4e9, 0.01, 0, 2.75), (2e8, 4e9, 0.1, 0, 2.8), (2e8, 4e9, 1.0, 1, 7.0),
        (4e8, 8e9, 0.1, 0, 2.5),
    ],
    columns=["size", "tokens", "lr", "seed", "val"],
)  # fmt: skip
MAP = {"n_params": "size", "n_tokens": "tokens", "loss": "val"}
WORDS = [word for pair in MAP.items() for word in ("--map", "=".join(pair))]


NONE_LEFT = "no row is left of 7: 7 rows (row 1, row 2, row 3, row 4, row 5 and 2 more): "


@pytest.fixture
def theirs(tmp_path):
    """Write a table, import it by the command line, and return what was printed with the table that was written."""

    def imported(frame, *words):
        frame.to_csv(tmp_path / "theirs.csv", index=False)
        command = ["import", str(tmp_path / "theirs.csv"), *WORDS, *words, "--out", str(tmp_path / "runs.csv")]
        done = CliRunner().invoke(app, command, catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout, pd.read_csv(tmp_path / "runs.csv")

    return imported


@pytest.mark.parametrize("empty", ["", "NaN", "nan", "n/a", "NA", "null", "None", "-"])
@pytest.mark.parametrize(("column", "ours"), [("size", "n_params"), ("tokens", "n_tokens"), ("val", "loss")])
def test_a_row_with_an_empty_cell_is_left_out_by_name_and_carried_along(column, ours, empty, theirs, tmp_path):
    frame = SEARCH.astype(object)
    frame.loc[[1, 6], column] = empty
    said, written = theirs(frame)
    assert said.startswith(f"{tmp_path}/runs.csv: 5 of 7 rows of {tmp_path}/theirs.csv (CSV with commas, utf-8)\n")
    assert f"left out: 2 rows (row 2, row 7): {ours} is empty\n" in said
    assert written["status"].tolist() == ["completed", "skipped", *["completed"] * 4, "skipped"]
    assert written["reason"].fillna("").tolist() == ["", f"{ours} is empty", "", "", "", "", f"{ours} is empty"]
    table = read_runs(tmp_path / "runs.csv")
    assert table.row.tolist() == [1, 3, 4, 5, 6]
    assert table.excluded[0].rows == ["row 2", "row 7"]


def test_a_run_that_did_not_complete_needs_no_numbers(theirs):
    said, written = theirs(SEARCH.assign(status=["completed"] * 6 + ["diverged"], val=[*SEARCH["val"][:6], None]))
    assert "left out: 1 row (row 7): status diverged" in said
    assert "is empty" not in said
    assert written["status"].tolist() == ["completed"] * 6 + ["diverged"]


def test_a_missing_size_follows_from_compute_only_where_that_is_known(tmp_path):
    frame = pd.DataFrame({"tokens": [2e9, 4e9, 8e9], "flops": [1.2e18, None, 1.92e19], "val": [3.05, 2.75, 2.5]})
    frame.to_csv(tmp_path / "theirs.csv", index=False)
    imported = import_runs(str(tmp_path / "theirs.csv"), None, {"n_tokens": "tokens", "loss": "val"})
    assert imported.table.n_params.tolist() == [1e8, 4e8]
    assert [(out.rows, out.reason) for out in imported.table.excluded] == [(["row 2"], "flops is empty")]


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("lr > 0.5", ["row 3", "row 6"]),
        ("n_params < 1.5e8 and loss > 10", ["row 3"]),
        ("n_tokens == 8e9", ["row 7"]),
        ("seed == 1", ["row 3", "row 6"]),
    ],
)
def test_rows_are_excluded_by_an_expression_over_their_columns(expression, rows, theirs):
    said, written = theirs(SEARCH, "--exclude", expression)
    assert f"left out: {len(rows)} row{'s' * (len(rows) > 1)} ({', '.join(rows)}): excluded by {expression}\n" in said
    assert ["row " + str(at + 1) for at in np.flatnonzero(written["status"] == "skipped")] == rows


def test_a_wrong_cell_of_an_excluded_row_harms_nothing(theirs):
    frame = SEARCH.astype(object)
    frame.loc[2, "val"] = "diverged at step 40"
    said, written = theirs(frame, "--exclude", "lr > 0.5")
    assert "5 of 7 rows" in said
    assert written["loss"].dropna().tolist() == [3.2, 3.05, 2.75, 2.8, 7.0, 2.5]


def test_an_exclusion_that_is_true_for_no_row_says_so(theirs):
    said, written = theirs(SEARCH, "--exclude", "lr > 5")
    assert "the exclusion lr > 5 is true for no row" in said
    assert "status" not in written


def test_the_lowest_of_each_point_is_used_where_that_is_chosen(theirs, tmp_path):
    said, written = theirs(SEARCH, "--lowest")
    assert "2 of 3 points (N, D) have several rows, up to 8.9 nats apart: the lowest of each is used" in said
    assert "left out: 4 rows (row 1, row 3, row 5, row 6): another row of its N and D has a lower loss" in said
    assert read_runs(tmp_path / "runs.csv").loss.tolist() == [3.05, 2.75, 2.5]
    assert len(written) == 7


def test_several_rows_of_a_point_are_said_where_nothing_is_chosen(theirs):
    said, written = theirs(SEARCH)
    assert "2 of 3 points (N, D) have several rows, up to 8.9 nats apart: a fit takes them for seeds" in said
    assert "--lowest" in said
    assert "status" not in written


def test_seeds_with_their_numbers_are_no_search(theirs):
    said, _ = theirs(SEARCH.assign(seed=[0, 1, 2, 0, 1, 2, 0]))
    assert "up to 8.9 nats apart\n" in said
    assert "--lowest" not in said


def test_the_lowest_is_taken_for_each_amount_of_distinct_tokens(theirs, tmp_path):
    frame = SEARCH.assign(unique=[1e9, 1e9, 2e9, 1e9, 2e9, 9e9, 1e9])
    said, written = theirs(frame, "--lowest", "--map", "unique_tokens=unique")
    assert "1 of 6 points" in said
    assert read_runs(tmp_path / "runs.csv").loss.tolist() == [3.05, 11.95, 2.75, 2.8, 7.0, 2.5]
    assert written["unique_tokens"].tolist() == [1e9, 1e9, 2e9, 1e9, 2e9, 9e9, 1e9]


def test_a_run_is_named_by_several_columns(theirs, tmp_path):
    said, written = theirs(SEARCH.assign(run_id="sweep-7"), "--run-id", "size, lr,seed")
    assert "7 rows" in said
    assert written["run_id"].tolist()[:2] == [
        "n_params=100000000.0,lr=0.01,seed=0",
        "n_params=100000000.0,lr=0.1,seed=0",
    ]
    assert set(written["run_id_in_source"]) == {"sweep-7"}
    assert read_runs(tmp_path / "runs.csv").n_runs == 7


def refusal(frame, tmp_path, *words):
    frame.to_csv(tmp_path / "theirs.csv", index=False)
    with pytest.raises(FlopscapeError) as caught:
        CliRunner().invoke(
            app, ["import", str(tmp_path / "theirs.csv"), *WORDS, *words, "--folder", str(tmp_path / "study")],
            catch_exceptions=False,
        )  # fmt: skip
    assert not (tmp_path / "study").exists()
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "words", "sentence"),
    [
        ({"run_id": "sweep-7"}, [], "row 2, column loss: run sweep-7 has two losses at the same N and D"),
        ({}, ["--run-id", "size,rate"], "theirs.csv: no column rate"),
        ({}, ["--exclude", "rate > 1"], "theirs.csv: --exclude 'rate > 1': no column rate"),
        (
            {},
            ["--exclude", "loss > 1"],
            f"{NONE_LEFT}excluded by loss > 1",
        ),
        (
            {"val": None},
            [],
            f"{NONE_LEFT}loss is empty",
        ),
        (
            {"status": "failed"},
            [],
            f"{NONE_LEFT}status failed",
        ),
        ({"unique": "many"}, ["--map", "unique_tokens=unique"], "row 1, column unique_tokens: 'many' is not a number"),
        ({"unique": -1}, ["--map", "unique_tokens=unique"], "row 1, column unique_tokens: -1, must be positive"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_written(change, words, sentence, tmp_path):
    assert sentence in refusal(SEARCH.assign(**change), tmp_path, *words)


def test_the_manifest_of_a_study_says_how_its_table_was_read_and_what_is_left_out(tmp_path):
    frame = SEARCH.assign(val=[None, *SEARCH["val"][1:]])
    frame.to_csv(tmp_path / "theirs.csv.GZ", sep=";", index=False, compression="gzip", encoding="utf-16")
    choice = Choice(["size", "lr"], "lr > 0.5", True)
    import_study(str(tmp_path / "theirs.csv.GZ"), None, MAP, None, tmp_path / "study", choice)
    manifest = json.loads((tmp_path / "study/manifest.json").read_text())
    assert manifest["format"] == {
        "kind": "CSV", "separator": "semicolon", "encoding": "utf-16", "packed": "gzip",
    }  # fmt: skip
    assert (manifest["rows"], manifest["exclude"], manifest["lowest"]) == (3, "lr > 0.5", True)
    assert manifest["run_id"] == ["size", "lr"]
    name = "n_params={}00000000.0,lr={}".format
    assert manifest["left_out"] == [
        {"rows": [name(1, 0.01)], "reason": "loss is empty"},
        {"rows": [name(1, "1.0"), name(2, "1.0")], "reason": "excluded by lr > 0.5"},
        {"rows": [name(2, 0.1)], "reason": "another row of its N and D has a lower loss"},
    ]
    assert "1 of 3 points" in manifest["notes"][0]


def test_curves_of_a_run_that_is_left_out_are_dropped(tmp_path):
    SEARCH.to_csv(tmp_path / "theirs.csv", index=False)
    points = pd.DataFrame({"run_id": ["row 3", "row 7"], "n_tokens": [1e9, 1e9], "heldout_loss": [4.0, 3.0]})
    points.to_csv(tmp_path / "points.csv", index=False)
    import_study(str(tmp_path / "theirs.csv"), None, MAP, tmp_path / "points.csv", tmp_path, Choice(exclude="lr == 1"))
    assert pd.read_parquet(tmp_path / "curves.parquet")["run_id"].tolist() == ["row 7"]


@pytest.mark.parametrize("run_id", ["size, lr", ["size", "lr"]])
def test_a_study_takes_the_same_choices(run_id, tmp_path):
    SEARCH.to_csv(tmp_path / "theirs.csv", index=False)
    runs = {"table": str(tmp_path / "theirs.csv"), "map": MAP, "run_id": run_id, "exclude": "lr > 0.5", "lowest": True}
    data = {"title": "T", "runs": runs, "fits": ["vpnls"], "recommend": {"flops": [1e20]}}
    planned = plan_import("mine", tmp_path / "mine.yaml", validate(ImportedStudy, data, "a study"), None)
    assert planned.options[-5:] == ["--run-id", "size,lr", "--exclude", "lr > 0.5", "--lowest"]
    text = import_text(planned, None)
    assert "left out: 2 rows (n_params=100000000.0,lr=0.01, n_params=200000000.0,lr=0.1): another row of its" in text
    assert "): excluded by lr > 0.5" in text


def test_columns_of_several_types_are_written_as_text(tmp_path):
    rows = [{"n_params": 1e8, "n_tokens": 2e9, "loss": 3.0, "note": note} for note in (1, "two", None, True, [4])]
    (tmp_path / "theirs.json").write_text(json.dumps(rows))
    import_study(str(tmp_path / "theirs.json"), None, {}, None, tmp_path / "study")
    notes = pd.read_parquet(tmp_path / "study/runs.parquet")["note"]
    assert notes.fillna("nothing").tolist() == ["1", "two", "nothing", "True", "[4]"]


def test_an_exclusion_of_a_study_that_could_run_code_is_refused_while_planning():
    runs = {"table": "theirs.csv", "exclude": "loss.to_pickle('x')"}
    data = {"title": "T", "runs": runs, "fits": ["vpnls"], "recommend": {"flops": [1e20]}}
    with pytest.raises(FlopscapeError, match=r"runs\.exclude: .*is not allowed"):
        validate(ImportedStudy, data, "a study")


@pytest.mark.parametrize(
    "line",
    [
        "import theirs.csv {words} --exclude 'lr > 0.5' --folder study",
        "--debug import --folder=study --exclude='lr > 0.5' {words} theirs.csv",
        "import --lowest {words} --folder study --exclude 'lr > 0.5' theirs.csv --curves ./curves.csv",
    ],
)
def test_a_table_by_hand_carries_the_stamp_of_the_study_that_asks_for_the_same(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SEARCH.assign(run_id=list("abcdefg")).to_csv("theirs.csv", index=False)
    pd.DataFrame({"run_id": ["a"], "n_tokens": [1e9], "train_loss": [3.5]}).to_csv("curves.csv", index=False)
    command = shlex.split(line.format(words=" ".join(WORDS)))
    subprocess.run([sys.executable, "-m", "flopscape", *command], check=True, capture_output=True)
    curves = "./curves.csv" if "--curves" in command else None
    runs = {
        "table": "theirs.csv", "map": MAP, "exclude": "lr > 0.5", "lowest": "--lowest" in command, "curves": curves,
    }  # fmt: skip
    data = {"title": "t", "runs": runs, "fits": ["vpnls"], "recommend": {"flops": [1e20]}}
    planned = plan_import("s", Path("s.yaml"), validate(ImportedStudy, data, "s.yaml"), None)
    asked = stamps.of_imported(planned.options, planned.files)
    assert stamps.read("study/curves.parquet").items() >= asked.items()
