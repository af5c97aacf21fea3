"""The bytes of a table: unpacked where they are gzip, bounded, and refused by name where they are no table at all."""

import gzip
import re
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

from flopscape.errors import FlopscapeError

MOST_BYTES = 1_000_000_000
"""Largest table, in bytes once unpacked: a sweep of a million runs has about a tenth of this."""
CHUNK = 1 << 20
GZIP = b"\x1f\x8b"
CONVERT = "convert it to CSV or Parquet"
UNPACK = "unpack it first (of compressed tables, only .gz is read)"
PICKLE = "a Python pickle, which could run code"
FOREIGN = (
    (rb"\x80[\x02-\x05]", PICKLE, CONVERT),
    (rb"c[a-z_][\w.]*\n\w+\n(?=[\s\S]*\.\s*\Z)|\([dl]p\d+\n", PICKLE, CONVERT),
    (rb"PK\x03\x04[\s\S]*xl/", "an Excel workbook", CONVERT),
    (rb"PK\x03\x04", "a zip archive", UNPACK),
    (rb"\xfd7zXZ\x00", "compressed by xz", UNPACK),
    (rb"\x28\xb5\x2f\xfd", "compressed by zstd", UNPACK),
    (rb"BZh[1-9]1AY&SY", "compressed by bzip2", UNPACK),
    (rb"\x04\x22\x4d\x18", "compressed by lz4", UNPACK),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (rb"\xd0\xcf\x11\xe0", "an Excel workbook (.xls)", CONVERT),
    (rb"\x93NUMPY", "a NumPy array", CONVERT),
    (rb"\x89HDF", "an HDF5 file", CONVERT),
    (rb"ARROW1", "an Arrow or Feather file", CONVERT),
    (rb"SQLite format 3", "an SQLite database", CONVERT),
    (rb"%PDF-", "a PDF", CONVERT),
    (rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)", "a web page or XML", "download the table itself"),
    (rb"version https://git-lfs", "a pointer of Git LFS", "fetch the table with git lfs pull"),
)  # fmt: skip
"""How files begin that hold no table which is read here; what they are; the cure."""


class Content(NamedTuple):
    """The bytes of a file, and whether they were packed."""

    data: bytes
    packed: bool


def read_content(path: Path, most: int = MOST_BYTES) -> Content:
    """The bytes of a table of at most `most` bytes, unpacked.

    Raises
    ------
    FlopscapeError
        A file that is not there or cannot be read, is empty, too large, cut short or damaged inside its .gz, or of a
        kind that is no table, such as a pickle, which is never loaded.
    """
    try:
        with open(path, "rb") as file:
            # By content and not by name; `peek` leaves the bytes to be read.
            packed = file.peek(2)[:2] == GZIP
            data = _bounded(gzip.GzipFile(fileobj=file) if packed else file, path, most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FlopscapeError(f"{path}: cannot be unpacked ({error}); it was cut short or damaged") from error
    except OSError as error:
        raise FlopscapeError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not data:
        raise FlopscapeError(f"{path}: the file is empty")
    _refuse_foreign(data, path)
    return Content(data, packed)


def _bounded(stream: BinaryIO | gzip.GzipFile, path: Path, most: int) -> bytes:
    chunks, length = [], 0
    while chunk := stream.read(CHUNK):
        chunks.append(chunk)
        length += len(chunk)
        # While it is unpacked: a small file can hold far more than memory does.
        if length > most:
            raise FlopscapeError(f"{path}: more than {most:,} bytes unpacked, the most that is read; take columns away")
    return b"".join(chunks)


def _refuse_foreign(data: bytes, path: Path) -> None:
    if data.startswith(GZIP):
        raise FlopscapeError(f"{path}: compressed twice; unpack it once")
    for beginning, what, cure in FOREIGN:
        if re.match(beginning, data):
            raise FlopscapeError(f"{path}: {what}, not a table; {cure}")
