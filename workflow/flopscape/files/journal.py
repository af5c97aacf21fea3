"""A journal: a text file of JSON lines to which lines are only ever added, and in which an edit is seen.

The first line says what the file is and what it was last made from. Every other one is an entry with the day on which
it was added and an id, which hashes the entry, its day and the id of the line before it: a line that is changed, taken
out or moved is told by its id, or by that of the line after it. Imports no library.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import canonical, parse_object, short_hash
from flopscape.files.outputs import StrPath, write_text

CURE = "restore it from a backup, or move it away, and a new one is begun; nothing is written to it as it is"


class Kept(NamedTuple):
    """An entry of a journal, with the day on which it was added, as 2026-11-27."""

    date: str
    content: dict[str, Any]


def read_journal(path: StrPath) -> list[Kept]:
    """The entries of a journal, the oldest first; none where there is no such file.

    Raises
    ------
    FlopscapeError
        A file that cannot be read, is no journal, or was edited: with the line.
    """
    if not Path(path).exists():
        return []
    about, *lines = _lines(path)
    if "about" not in _parsed(path, 1, about):
        raise FlopscapeError(f"{path}: begins as no file of ours; {CURE}")
    kept: list[Kept] = []
    name = ""
    for number, line in enumerate(lines, 2):
        read = _parsed(path, number, line)
        if not {"id", "date", "entry"} <= read.keys() or read["id"] != _id(name, read["date"], read["entry"]):
            raise FlopscapeError(
                f"{path}, line {number}: not as it was written, or a line before it was taken out; {CURE}"
            )
        name = read["id"]
        kept.append(Kept(read["date"], read["entry"]))
    return kept


def add_to_journal(
    path: StrPath, about: str, entries: Sequence[Mapping[str, Any]], made_from: str = "", date: str = ""
) -> list[Kept]:
    """Add the entries that a journal does not have yet, and give all of it; written whole or not at all.

    Parameters
    ----------
    path : path
        The journal; begun where there is none.
    about : str
        What the file is, for whoever opens it.
    entries : sequence of mapping
        What JSON can hold. One that is there already, whenever it was added, is not added again.
    made_from : str, optional
        The stamp of what was read for these entries.
    date : str, optional
        The day to note with new entries; today by UTC unless given.

    Raises
    ------
    FlopscapeError
        As `read_journal`, and where the file must not be written. What it has stays as it is then.
    """
    kept = read_journal(path)
    known = {canonical(one.content) for one in kept}
    today = date or datetime.now(UTC).date().isoformat()
    for entry in entries:
        if (text := canonical(entry)) not in known:
            known.add(text)
            kept.append(Kept(today, json.loads(text)))
    write_text(path, "".join(f"{line}\n" for line in _written({"about": about, "made_from": made_from}, kept)))
    return kept


def _written(head: Mapping[str, str], kept: Sequence[Kept]) -> list[str]:
    lines, name = [json.dumps(head, ensure_ascii=False)], ""
    for one in kept:
        name = _id(name, one.date, one.content)
        line = {"id": name, "date": one.date, "entry": one.content}
        lines.append(json.dumps(line, ensure_ascii=False, allow_nan=False))
    return lines


def _id(before: str, date: Any, entry: Any) -> str:
    return short_hash([before, date, entry])


def _lines(path: StrPath) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines() or [""]
    except OSError as error:
        raise FlopscapeError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise FlopscapeError(f"{path}: not a text file ({error}); {CURE}") from error


def _parsed(path: StrPath, number: int, line: str) -> dict[str, Any]:
    return parse_object(line, f"{path}, line {number}", CURE)
