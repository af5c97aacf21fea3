"""Reading a table of any format, by its content, before anything is known about its columns."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.runs.formats.content import read_content
from flopscape.runs.formats.delimited import SEPARATORS, read_delimited, text_stream
from flopscape.runs.formats.json_rows import read_json
from flopscape.runs.formats.parquet import MAGIC, read_parquet
from flopscape.runs.table_copies import refuse_changed

MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
"""How a text begins that says its encoding (a byte-order mark), and Python's name of it."""
PLAIN = "utf-8"


class Format(NamedTuple):
    """How a file was read; `separator` and `encoding` are empty where there are none."""

    kind: str
    separator: str = ""
    encoding: str = ""
    packed: str = ""

    @property
    def words(self) -> str:
        """For a reader: CSV with semicolons, utf-16, gzip."""
        named = f"{self.kind} with {self.separator}s" if self.separator else self.kind
        return ", ".join(filter(None, [named, self.encoding, self.packed]))


def read_any(path: Path) -> pd.DataFrame:
    """Read CSV, JSON or Parquet, each also packed as .gz; text stays text, so that a wrong cell can be shown.

    Raises
    ------
    FlopscapeError
        A file that is not there, is empty, cannot be read, or is not what was written (see `refuse_changed`); the line
        or row, where it is known.
    """
    return read_formatted(path)[0]


def read_formatted(path: Path) -> tuple[pd.DataFrame, Format]:
    """The same, and how the file was read."""
    data, packed = read_content(path)
    if data.startswith(MAGIC):
        return read_parquet(data, path), Format("Parquet", packed="gzip" if packed else "")
    encoding = next((name for mark, name in MARKS.items() if data.startswith(mark)), PLAIN)
    try:
        frame, kind, separator = _read_text(data, encoding, path)
    except UnicodeError as error:
        raise FlopscapeError(f"{path}: not a readable table ({error}); save it as UTF-8") from error
    refuse_changed(path)
    return frame, Format(kind, separator, encoding, "gzip" if packed else "")


def _read_text(data: bytes, encoding: str, path: Path) -> tuple[pd.DataFrame, str, str]:
    """The frame, its format, and the separator of a CSV."""
    if encoding in (PLAIN, "utf-8-sig") and b"\0" in data:
        raise FlopscapeError(f"{path}: not a readable table (binary, damaged, or UTF-16 without its byte-order mark)")
    with text_stream(data, encoding) as stream:
        if _begins(data, encoding) in ("{", "["):
            return *read_json(stream.read(), path), ""
        frame, separator = read_delimited(stream, path)
    return frame, "CSV", SEPARATORS[separator]


def _begins(data: bytes, encoding: str) -> str:
    """The first character that is not blank, of what begins the file."""
    return data[:4096].decode(encoding, "ignore").lstrip()[:1]
