"""Reading a table of any format, by its content, before anything is known about its columns."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow
import pyarrow.parquet

from flopscape.errors import FlopscapeError
from flopscape.reading.content import read_content
from flopscape.reading.delimited import SEPARATORS, read_delimited, text_stream
from flopscape.reading.json_rows import read_json
from flopscape.reading.parquet import MAGIC, read_parquet

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


def read_any(path: Path) -> pd.DataFrame:
    """Read CSV, JSON or Parquet, each also packed as .gz; text stays text, so that a wrong cell can be shown.

    Raises
    ------
    FlopscapeError
        A file that is not there, is empty, cannot be read, or was cut short (see `refuse_cut_short`); the line or row,
        where it is known.
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
    refuse_cut_short(path, len(frame))
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


def refuse_cut_short(path: Path, n_rows: int) -> None:
    """Raise FlopscapeError for a CSV that has other rows than the same table as Parquet beside it.

    `flopscape collect` and `import` write both. Cut at any line, a CSV reads as a smaller study, whose fit looks sound.
    """
    whole = path.with_suffix(".parquet")
    if path.suffix != ".csv" or not whole.exists():
        return
    try:
        n_whole = pyarrow.parquet.read_metadata(whole).num_rows
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise FlopscapeError(f"{whole}: cannot be read as Parquet ({error}); delete it") from error
    if n_rows != n_whole:
        raise FlopscapeError(
            f"{path}: has {n_rows} rows, and {whole.name} beside it {n_whole}: one was cut short or edited; delete "
            f"both and make them again, or rename the one you edited"
        )
