"""What crosses a stage boundary: ids, atomic writing, and reading of what may be broken."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopscape.errors import FitWarning, FlopscapeError, kind_of
from flopscape.files.json_text import canonical, dataset_id, short_hash
from flopscape.files.outputs import write_text
from flopscape.plugins.surface import Surface
from flopscape.records.fit_file import read_fit, write_fit
from flopscape.records.fit_result import FitResult
from flopscape.records.run_record import RunRecord

SPEC = {
    "model": {"plugin": "flopscape.plugins.gpt:GPT"},
    "size": {"width": 8, "depth": 2},
    "n_tokens": 2560,
    "seed": 0,
    "recipe": 1,
}


@pytest.fixture
def record():
    return Surface().train(SPEC)


def test_a_record_survives_writing_and_reading(tmp_path, record):
    record.write(tmp_path / "run.json")
    assert RunRecord.read(tmp_path / "run.json") == record
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_record_of_before_some_fields_existed_is_read_without_them(tmp_path, record):
    path = tmp_path / "run.json"
    record.write(path)
    data = json.loads(path.read_text())
    for name in ("parent", "n_tokens_inherited", "in_force", "metrics", "heldout_hashes"):
        del data[name]
    path.write_text(json.dumps(data))
    assert RunRecord.read(path) == record


def test_a_truncated_record_is_named(tmp_path, record):
    path = tmp_path / "run.json"
    record.write(path)
    path.write_text(path.read_text()[:200])
    with pytest.raises(FlopscapeError, match=r"run\.json: not whole JSON .* delete it and run snakemake again"):
        RunRecord.read(path)


@pytest.mark.parametrize(("text", "sentence"), [("", "not whole JSON"), ("[]", "no JSON object"), ("{}", "run_id")])
def test_an_empty_or_foreign_record_is_named(tmp_path, text, sentence):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(FlopscapeError, match=sentence):
        RunRecord.read(path)


def test_a_record_whose_spec_was_edited_is_refused(tmp_path, record):
    path = tmp_path / "run.json"
    record.write(path)
    data = json.loads(path.read_text())
    data["spec"]["seed"] = 7
    path.write_text(json.dumps(data))
    with pytest.raises(FlopscapeError, match="is not the hash of the spec"):
        RunRecord.read(path)


NUMBERS = ("n_params_body", "n_params_head", "n_tokens_seen", "n_heldout_units", "flops_per_unit", "loss", "loss_se")
WRONG = ("null", "true", '"2.5"', "NaN", "-Infinity", "[]", "{}", "1" + 400 * "0")


@pytest.mark.parametrize("field", [*NUMBERS, "timings.seconds_total", "cost.usd"])
@pytest.mark.parametrize("value", WRONG)
def test_a_number_that_was_edited_into_something_else_is_named_with_its_file(tmp_path, record, field, value):
    if value == "null" and field in ("loss", "loss_se", "cost.usd"):
        return  # a diverged run, and what nobody knows
    path = tmp_path / "run.json"
    record.write(path)
    data = json.loads(path.read_text())
    group, _, key = field.rpartition(".")
    (data[group] if group else data)[key] = json.loads(value)
    path.write_text(json.dumps(data))
    with pytest.raises(FlopscapeError, match=rf"run\.json: {field} is .* where .* belongs; restore the record"):
        RunRecord.read(path)


@pytest.mark.parametrize("field", ["timings", "cost", "curve", "hardware", "status", "simulated", "spec"])
@pytest.mark.parametrize("value", [None, 1, [1]])
def test_a_field_of_another_kind_is_named(tmp_path, record, field, value):
    path = tmp_path / "run.json"
    record.write(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(FlopscapeError, match=rf"run\.json: {field} is"):
        RunRecord.read(path)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"loss": ' + "1" * 5000 + "}", '{"spec": ' + '{"a":' * 50_000])
def test_json_that_no_reader_can_hold_is_named(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(FlopscapeError, match=r"run\.json: not whole JSON"):
        RunRecord.read(tmp_path / "run.json")


def test_nan_cannot_be_written(tmp_path, record):
    record.loss = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        record.write(tmp_path / "run.json")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.floats(allow_nan=False, allow_infinity=False)))
def test_an_id_depends_on_values_only(spec):
    reordered = dict(reversed(list(spec.items())))
    as_floats = {k: float(v) if isinstance(v, int) and float(v) == v else v for k, v in reordered.items()}
    assert short_hash(as_floats) == short_hash(spec)
    assert json.loads(canonical(spec)) == spec


def test_golden_ids():
    """Ids must never change by accident: everything trained so far hangs on them."""
    assert short_hash(SPEC) == "71345d7b1ec6"
    assert dataset_id({"plugin": "flopscape.plugins.text:BibleText", "kwargs": {"context": 64}}) == "bibletext-9d1b3a4b"


def test_a_warning_keeps_its_kind_in_the_file_and_a_file_of_before_has_none(tmp_path: Path) -> None:
    path = tmp_path / "fit.json"
    warnings: list[str] = ["rows share runs", FitWarning("C = 1e24 extrapolates ×9", "extrapolates")]
    write_fit(FitResult("ok", "", "vpnls", "surface", "", warnings=warnings), path)
    written = json.loads(path.read_text())
    assert written["warnings"] == ["rows share runs", "C = 1e24 extrapolates ×9"]
    assert written["warning_kinds"] == ["", "extrapolates"]
    assert [kind_of(warning) for warning in read_fit(path).warnings] == ["", "extrapolates"]
    del written["warning_kinds"]
    path.write_text(json.dumps(written))
    assert [(str(warning), kind_of(warning)) for warning in read_fit(path).warnings] == [
        ("rows share runs", ""),
        ("C = 1e24 extrapolates ×9", ""),
    ]
