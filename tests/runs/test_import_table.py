"""`flopscape import`: other people's tables become ours, or the wrong row is named."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flopscape.cli.app import app
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.runs.import_study import import_study
from flopscape.runs.import_table import import_runs, sentence, write_table
from flopscape.runs.published import PUBLISHED
from flopscape.runs.read import read_runs

MIRROR = Path(os.environ.get("FLOPSCAPE_PUBLISHED", Path(__file__).parents[3] / "shared" / "data" / "published"))
ROWS = {"llama_3_raw": 133, "llama_3_exp": 133, "ml_scalefit": 124, "epochai": 123, "chinchilla": 240}


@pytest.fixture
def theirs():
    n = np.array([10**8, 3 * 10**8, 10**11])
    return pd.DataFrame({"size": n, "compute": 6e20 * n / n[0], "val_loss": [3.1, 2.9, 2.5], "note": ["a", "b", "c"]})


MAP = {"n_params": "size", "flops": "compute", "loss": "val_loss"}


def save(frame, path):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    else:
        frame.to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".jsonl"])
@pytest.mark.parametrize("out", ["runs.csv", "runs.parquet"])
def test_every_format_gives_the_same_table(suffix, out, theirs, tmp_path):
    path = save(theirs, tmp_path / f"theirs{suffix}")
    imported = import_runs(str(path), None, MAP)
    write_table(imported.frame, tmp_path / out)
    table = read_runs(tmp_path / out)
    said = sentence(imported, tmp_path / out, str(path))
    assert "3 rows of" in said
    assert "n_tokens = flops/(6·n_params)" in said
    assert table.n_params.tolist() == [1e8, 3e8, 1e11]
    assert table.n_tokens == pytest.approx([1e12, 1e12, 1e12])
    assert table.columns["note"].tolist() == ["a", "b", "c"]


def test_a_column_that_is_replaced_is_kept(theirs, tmp_path):
    imported = import_runs(str(save(theirs.assign(loss=9.0), tmp_path / "theirs.csv")), None, MAP).frame
    assert imported["loss"].tolist() == [3.1, 2.9, 2.5]
    assert (imported["loss_in_source"].astype(float) == 9.0).all()


def refusal(*words):
    """What `flopscape import` complains of."""
    with pytest.raises(FlopscapeError) as caught:
        CliRunner().invoke(app, ["import", *map(str, words)], catch_exceptions=False)
    return str(caught.value)


def options(mapping):
    return [word for pair in mapping.items() for word in ("--map", "=".join(pair))]


@pytest.mark.parametrize(
    ("change", "mapping", "sentence"),
    [
        ({"val_loss": [3.1, -1.0, 2.5]}, MAP, "theirs.csv, row 2, column loss: -1, must be positive and finite"),
        ({"size": ["1e8", "12M", "1e9"]}, MAP, "theirs.csv, row 2, column n_params: '12M' is not a number"),
        ({"compute": [1e20, "much", 1e21]}, MAP, "theirs.csv, row 2, column flops: 'much' is not a number"),
        ({"compute": [1e20, "inf", 1e21]}, MAP, "theirs.csv, row 2, column flops: inf"),
        ({"run_id": ["a", "b", "a"], "size": 1e8, "compute": 6e20}, MAP, "row 3, column loss: run a has two losses"),
        ({"simulated": [True, False, False]}, MAP, "row 1, column simulated: 1 of 3 runs are simulated"),
        ({}, MAP | {"loss": "vall_loss"}, "no column vall_loss; did you mean val_loss?"),
        ({}, {"lss": "val_loss"}, "--map lss=val_loss: map one of n_params"),
        ({}, {"n_params": "size"}, "no column n_tokens"),
    ],
)
@pytest.mark.parametrize("where", ["--out", "--folder"])
def test_what_is_wrong_is_named_and_nothing_written(where, change, mapping, sentence, theirs, tmp_path):
    path = save(theirs.assign(**change), tmp_path / "theirs.csv")
    assert sentence in refusal(path, *options(mapping), where, tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.jsonl", '{"loss": 1}\n{"loss": \n', "a.jsonl, line 2: not JSON"),
        ("a.jsonl", "[1]\n", "a.jsonl, row 1: not a JSON object; write one object a line"),
        ("a.jsonl", "[1]\n[2]\n", "a.jsonl, line 1: not a JSON object; write one object a line"),
        ("a.jsonl", "\n", "the file is empty"),
        ("a.csv", "", "the file is empty"),
        ("a.parquet", "PAR1", "not a readable table"),
    ],
)
def test_an_unreadable_file_is_named(name, text, sentence, tmp_path):
    (tmp_path / name).write_text(text)
    assert sentence in refusal(tmp_path / name, "--out", tmp_path / "runs.csv")


def test_a_folder_or_an_unknown_name_is_no_table(tmp_path):
    assert "a folder; name the table inside it" in refusal(tmp_path, "--out", tmp_path / "runs.csv")
    assert "no such file, and no published table (chinchilla, " in refusal("chinchila", "--out", tmp_path / "runs.csv")


def test_it_must_be_said_what_to_write(theirs, tmp_path):
    path = save(theirs, tmp_path / "theirs.csv")
    assert "give --out RUNS.csv, or --folder" in refusal(path)
    assert "give --out RUNS.csv, or --folder" in refusal(path, "--out", "a.csv", "--curves", path)


def test_the_command_line_imports(theirs, tmp_path):
    path = save(theirs, tmp_path / "theirs.csv")
    done = CliRunner().invoke(app, ["import", str(path), *options(MAP), "--out", str(tmp_path / "runs.csv")])
    assert done.exit_code == 0
    assert read_runs(tmp_path / "runs.csv").loss.tolist() == [3.1, 2.9, 2.5]


def test_a_run_that_did_not_complete_is_carried_along(theirs, tmp_path):
    frame = theirs.assign(status=["completed", "diverged", ""], val_loss=["3.1", "", "2.5"])
    path = str(save(frame, tmp_path / "theirs.csv"))
    said = sentence(import_study(path, None, MAP, None, tmp_path), tmp_path / "runs.csv", path)
    assert "2 of 3 rows of" in said
    assert "left out: 1 row (row 2): status diverged" in said
    assert read_runs(tmp_path / "runs.csv").excluded[0].reason == "status diverged"
    assert pd.read_csv(tmp_path / "runs.csv")["status"].tolist() == ["completed", "diverged", "completed"]


def test_a_study_gets_its_tables_and_their_origin(theirs, tmp_path):
    path = save(theirs.assign(run_id=["a", "b", "c"]), tmp_path / "theirs.csv")
    points = pd.DataFrame({"run_id": ["a", "a", "c"], "n_tokens": [1e10, 2e10, 1e10], "heldout_loss": [4.0, 3.5, 3.0]})
    curves = save(points, tmp_path / "points.csv")
    import_study(str(path), None, MAP, curves, tmp_path / "study")
    written = pd.read_parquet(tmp_path / "study/curves.parquet")
    assert written["flops"].tolist() == [6e18, 1.2e19, 6e21]
    assert written["train_loss"].isna().all()
    manifest = json.loads((tmp_path / "study/manifest.json").read_text())
    assert manifest["columns"] == {
        "n_params": "their column size",
        "loss": "their column val_loss",
        "flops": "their column compute",
        "n_tokens": "flops/(6·n_params)",
    }
    assert sorted(p.name for p in (tmp_path / "study").iterdir()) == [
        "curves.parquet", "manifest.json", "runs.csv", "runs.parquet",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"run_id": ["a", "x"]}, "points.csv, row 2, column run_id: 'x' is no run of"),
        ({"n_tokens": [1e10, "many"]}, "points.csv, row 2, column n_tokens: 'many' is not a number"),
        ({"heldout_loss": [3.0, 0]}, "points.csv, row 2, column heldout_loss: 0, must be positive"),
    ],
)
def test_a_wrong_curve_is_named_and_nothing_written(change, sentence, theirs, tmp_path):
    path = save(theirs.assign(run_id=["a", "b", "c"]), tmp_path / "theirs.csv")
    points = pd.DataFrame({"run_id": ["a", "b"], "n_tokens": [1e10, 2e10], "heldout_loss": [4.0, 3.5]})
    curves = save(points.assign(**change), tmp_path / "points.csv")
    assert sentence in refusal(path, *options(MAP), "--curves", curves, "--folder", tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_curves_need_a_loss(theirs, tmp_path):
    path = save(theirs.assign(run_id=["a", "b", "c"]), tmp_path / "theirs.csv")
    curves = save(pd.DataFrame({"run_id": ["a"], "n_tokens": [1e10]}), tmp_path / "points.csv")
    words = (path, *options(MAP), "--curves", curves, "--folder", tmp_path)
    assert "points.csv: no column heldout_loss or train_loss" in refusal(*words)


def test_no_budget_is_invented(theirs, tmp_path):
    path = save(theirs, tmp_path / "theirs.csv")
    assert "budget" not in import_runs(str(path), None, MAP).frame


@pytest.mark.parametrize("mirror", [(), ("--mirror", "empty")])
def test_without_a_mirror_the_source_is_named(mirror, tmp_path):
    said = refusal("chinchilla", *mirror, "--out", tmp_path / "runs.csv")
    assert "chinchilla_svg.csv" in said
    assert "data/svg_extracted_data.csv of https" in said
    assert "--mirror" in said


def test_another_file_under_the_name_is_refused(tmp_path):
    (tmp_path / "isoflops.csv").write_text(json.dumps({}))
    assert "SHA-256 44136fa3…" in refusal("llama_3_raw", "--mirror", tmp_path, "--out", tmp_path / "runs.csv")


def imported(name):
    if not (MIRROR / PUBLISHED[name].file).is_file():
        pytest.skip(f"no published tables: {MIRROR} is not there (set FLOPSCAPE_PUBLISHED)")
    return import_runs(name, MIRROR, {})


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_table_is_read(name):
    assert len(imported(name).table) == ROWS[name]
    assert ("budget" in imported(name).frame) is (name != "chinchilla")


def test_an_imported_chinchilla_gives_the_published_fit(tmp_path):
    write_table(imported("chinchilla").frame, tmp_path / "runs.csv")
    result, _ = fit(read_runs(tmp_path / "runs.csv"), "vpnls", bootstrap=100)
    assert result.diagnostics["rss"] == pytest.approx(0.0832038076933, rel=1e-11)
