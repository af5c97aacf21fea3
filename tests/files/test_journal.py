"""A journal is only added to: what it has stays, an edit is told by its line, and nothing is then lost."""

import json
from pathlib import Path

import pytest

from flopscape.errors import FlopscapeError
from flopscape.files.journal import CURE, Kept, add_to_journal, read_journal

FIRST, SECOND = {"n": 1, "loss": 1.25}, {"n": 2, "loss": None}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "said.jsonl"
    add_to_journal(path, "what was said", [FIRST], "made-from[code=1]", date="2026-01-02")
    add_to_journal(path, "what was said", [SECOND], "made-from[code=2]", date="2026-02-03")
    return path


def test_entries_are_kept_in_the_order_and_with_the_day_in_which_they_came(journal: Path) -> None:
    assert read_journal(journal) == [Kept("2026-01-02", FIRST), Kept("2026-02-03", SECOND)]
    head = json.loads(journal.read_text().splitlines()[0])
    assert head == {"about": "what was said", "made_from": "made-from[code=2]"}


def test_an_entry_that_is_there_is_not_added_again_on_another_day(journal: Path) -> None:
    before = journal.read_bytes()
    add_to_journal(journal, "what was said", [SECOND, FIRST, FIRST], "made-from[code=2]", date="2026-03-04")
    assert journal.read_bytes() == before


def test_without_entries_a_journal_is_begun_and_no_file_is_an_empty_one(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none.jsonl") == []
    assert add_to_journal(tmp_path / "none.jsonl", "nothing yet", []) == []
    assert read_journal(tmp_path / "none.jsonl") == []


def changed(lines: list[str]) -> list[str]:
    return [lines[0], lines[1].replace("1.25", "1.2"), lines[2]]


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        (changed, ", line 2: not as it was written, or a line before it was taken out; "),
        (lambda lines: [lines[0], lines[2]], ", line 2: not as it was written, or a line before it was taken out; "),
        (lambda lines: [lines[0], lines[2], lines[1]], ", line 2: not as it was written"),
        (lambda lines: [*lines[:2], lines[2][:20]], ", line 3: not whole JSON"),
        (lambda lines: [lines[0], "[]", *lines[1:]], ", line 2: holds no JSON object"),
        (lambda lines: lines[1:], ": begins as no file of ours; "),
        (lambda _: [], ", line 1: not whole JSON"),
    ],
)
def test_a_journal_that_was_edited_is_named_with_its_line_and_stays_as_it_is(journal, damage, place) -> None:
    journal.write_text("".join(f"{line}\n" for line in damage(journal.read_text().splitlines())))
    before = journal.read_bytes()
    with pytest.raises(FlopscapeError) as refused:
        add_to_journal(journal, "what was said", [{"n": 3}])
    assert str(refused.value).startswith(f"{journal}{place}")
    assert str(refused.value).endswith(CURE)
    assert journal.read_bytes() == before
