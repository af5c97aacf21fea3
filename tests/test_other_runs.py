"""`flopscape import`: other people's tables become ours, or the wrong row is named."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flopscape.cli import app
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.fitting.read_table import read_any
from flopscape.fitting.table import read_runs
from flopscape.other_runs import import_runs
from flopscape.published import PUBLISHED, load_published

MIRROR = Path(os.environ.get("FLOPSCAPE_PUBLISHED", Path(__file__).parents[2] / "shared" / "data" / "published"))
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
    said = import_runs(read_any(path), str(path), tmp_path / out, MAP)
    table = read_runs(tmp_path / out)
    assert "3 rows of" in said
    assert "n_tokens = flops/(6·n_params)" in said
    assert table.n_params.tolist() == [1e8, 3e8, 1e11]
    assert table.n_tokens == pytest.approx([1e12, 1e12, 1e12])
    assert table.columns["note"].tolist() == ["a", "b", "c"]


def test_a_column_that_is_replaced_is_kept(theirs, tmp_path):
    frame = theirs.assign(loss=9.0)
    import_runs(frame, "theirs", tmp_path / "runs.csv", MAP)
    written = pd.read_csv(tmp_path / "runs.csv")
    assert written["loss"].tolist() == [3.1, 2.9, 2.5]
    assert (written["loss_in_source"] == 9.0).all()


@pytest.mark.parametrize(
    ("change", "mapping", "sentence"),
    [
        ({"val_loss": [3.1, -1.0, 2.5]}, MAP, "theirs, row 2, column loss: -1, must be positive and finite"),
        ({"size": ["1e8", "12M", "1e9"]}, MAP, "theirs, row 2, column n_params: '12M' is not a number"),
        ({"compute": [1e20, None, 1e21]}, MAP, "theirs, row 2, column flops: empty"),
        ({}, MAP | {"loss": "vall_loss"}, "no column vall_loss; nearest: val_loss"),
        ({}, {"lss": "val_loss"}, "--map lss=val_loss: map one of n_params"),
        ({}, {"n_params": "size"}, "no column n_tokens"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_written(change, mapping, sentence, theirs, tmp_path):
    with pytest.raises(FlopscapeError) as caught:
        import_runs(theirs.assign(**change), "theirs", tmp_path / "runs.csv", mapping)
    assert sentence in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.jsonl", '{"loss": 1}\n{"loss": \n', "a.jsonl, line 2: not JSON"),
        ("a.jsonl", "[1]\n", "a.jsonl, line 1: not a JSON object"),
        ("a.jsonl", "\n", "the file is empty"),
        ("a.csv", "", "the file is empty"),
        ("a.parquet", "PAR1", "not a readable table"),
    ],
)
def test_an_unreadable_file_is_named(name, text, sentence, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(FlopscapeError, match=sentence):
        read_any(tmp_path / name)


def test_the_command_line_imports(theirs, tmp_path):
    path = save(theirs, tmp_path / "theirs.csv")
    options = [word for pair in MAP.items() for word in ("--map", "=".join(pair))]
    done = CliRunner().invoke(app, ["import", str(path), *options, "--out", str(tmp_path / "runs.csv")])
    assert done.exit_code == 0
    assert read_runs(tmp_path / "runs.csv").loss.tolist() == [3.1, 2.9, 2.5]


def test_a_run_that_did_not_complete_is_carried_along(theirs, tmp_path):
    frame = theirs.assign(status=["completed", "diverged", ""], val_loss=["3.1", "", "2.5"])
    assert "1 more are listed as left out" in import_runs(frame, "theirs", tmp_path / "runs.csv", MAP)
    assert read_runs(tmp_path / "runs.csv").excluded[0].reason == "status diverged"


def test_without_a_mirror_the_source_is_named():
    with pytest.raises(FlopscapeError, match=r"--mirror; chinchilla_svg\.csv is data/svg_extracted_data.csv of https"):
        load_published("chinchilla", None)


def test_another_file_under_the_name_is_refused(tmp_path):
    (tmp_path / "isoflops.csv").write_text(json.dumps({}))
    with pytest.raises(FlopscapeError, match="SHA-256"):
        load_published("llama_3_raw", tmp_path)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_table_is_read(name, tmp_path):
    if not (MIRROR / PUBLISHED[name].file).is_file():
        pytest.skip(f"no published tables: {MIRROR} is not there (set FLOPSCAPE_PUBLISHED)")
    import_runs(load_published(name, MIRROR), name, tmp_path / "runs.csv", {})
    assert len(read_runs(tmp_path / "runs.csv")) == ROWS[name]


def test_an_imported_chinchilla_gives_the_published_fit(tmp_path):
    if not (MIRROR / PUBLISHED["chinchilla"].file).is_file():
        pytest.skip(f"no published tables: {MIRROR} is not there (set FLOPSCAPE_PUBLISHED)")
    import_runs(load_published("chinchilla", MIRROR), "chinchilla", tmp_path / "runs.csv", {})
    result, _ = fit(read_runs(tmp_path / "runs.csv"), "vpnls", bootstrap=100)
    assert result.diagnostics["rss"] == pytest.approx(0.0832038076933, rel=1e-11)
