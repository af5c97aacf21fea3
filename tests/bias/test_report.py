"""The page of all experiments."""

import json
import re
import shutil

import pytest

from flopscape.bias.report import build, write_report
from flopscape.config.bias import EXPERIMENTS
from flopscape.errors import FlopscapeError

FAILED = {"claim": "a number", "value": 1.5, "expected": 2.0, "tolerance": 0.1, "holds": False, "note": "why"}
VERDICT = {
    "setting": "published", "status": "completed", "question": "What if?", "finding": "It is so.", "advice": "Do so.",
    "claims": [],
}  # fmt: skip


@pytest.fixture
def results(fast, tmp_path):
    """The folders of all experiments: one run at its fast setting, its files standing in for the others."""
    folder, _ = fast("exp01")
    for name in EXPERIMENTS:
        shutil.copytree(folder, tmp_path / name)
    return tmp_path


def test_the_page_is_self_contained_and_marks_fast_settings(results):
    write_report(results, results / "report.html")
    page, text = ((results / name).read_text() for name in ("report.html", "report.md"))
    assert page.count("<svg") == len(EXPERIMENTS)
    assert not re.search(r"https?://|@import|url\((?!#)", page)
    assert text.count("FAST settings") == len(EXPERIMENTS)
    for name in EXPERIMENTS:
        assert f"({name}/figure.svg)" in text


def test_a_claim_that_fails_is_named_with_its_numbers_and_its_note(tmp_path):
    report = build({"exp03": VERDICT | {"claims": [FAILED]}}, tmp_path)
    assert report.answer[0].text.startswith("0 of 1 claims")
    assert report.sections[0].title == "3. What if?"
    assert report.sections[0].blocks[-1].items == ["a number: 1.5, expected 2; it does NOT hold. Why"]
    assert report.sections[-1].blocks[0].rows == [["exp03", "a number", "1.5", "2", "0.1", "NO"]]


def test_a_part_that_is_skipped_is_said(tmp_path):
    report = build({"exp11": VERDICT | {"status": "completed; the real part is skipped: no data"}}, tmp_path)
    assert report.sections[0].blocks[0].text == "Status: completed; the real part is skipped: no data."


def test_a_missing_experiment_is_refused_with_the_fix(results):
    (results / "exp04/verdict.json").unlink()
    with pytest.raises(FlopscapeError, match=r"exp04/verdict\.json"):
        write_report(results, results / "report.html")


def test_every_verdict_is_valid_json_with_a_claim_or_a_reason(fast):
    _, verdict = fast("exp06")
    assert verdict["claims"]
    assert json.dumps(verdict, allow_nan=False)
