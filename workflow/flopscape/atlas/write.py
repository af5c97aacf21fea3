"""The files of the atlas: the lines of all tables in one CSV, and their page, as HTML and as Markdown."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from flopscape.atlas.page import Line, build
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import write_text
from flopscape.files.side_outputs import refuse_side_output, side_output
from flopscape.records.stamps import of_atlas_page, text_of
from flopscape.report import files
from flopscape.text import numbers

NEEDED = {"table", "fit", "claim", "status"}
"""Columns by which a file is known as lines of the atlas."""
TEXTS = (
    *("table", "title", "rows", "fit", "method", "options", "recipe", "convention", "status", "reason", "interval"),
    *("claim", "claim_source", "claim_level", "backtest", "made_from"),
)


def write_page(parts: Sequence[Path], out: Path) -> str:
    """Put the lines of all tables into one CSV beside the page, and write the page, as HTML and as Markdown.

    Raises
    ------
    FlopscapeError
        A file that holds no lines of the atlas, or one that must not be written.
    """
    table = side_output(out, ".csv", files.ENDINGS)
    files.refuse_report(out, parts)
    refuse_side_output(table, out, parts, _is_ours)
    frame = pd.concat([_read(path) for path in parts], ignore_index=True)
    write_text(table, frame.to_csv(index=False))
    files.write_report(replace(build(lines_of(frame)), made_from=text_of(of_atlas_page(table))), out)
    return f"{out}: {numbers.plural(len(frame), 'line')}, all their numbers in {table}"


def _is_ours(path: Path) -> bool:
    """Whether a file holds lines of the atlas, so that new ones may take its place."""
    try:
        _read(path)
    except FlopscapeError:
        return False
    return True


def _read(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype=dict.fromkeys(TEXTS, str))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise FlopscapeError(f"{path}: cannot be read ({error}); make it with `flopscape atlas`") from error
    if missing := sorted(NEEDED - {*frame}):
        raise FlopscapeError(f"{path}: has no column {missing[0]}; make it with `flopscape atlas`")
    return frame


def lines_of(frame: pd.DataFrame) -> list[Line]:
    """The lines of a table as dictionaries, with None for an empty cell and no text for an empty text."""
    filled = frame.astype(object).where(frame.notna(), None)
    empty = {name: "" for name in TEXTS}
    return [
        {str(name): empty.get(str(name)) if value is None else value for name, value in line.items()}
        for line in filled.to_dict("records")
    ]
