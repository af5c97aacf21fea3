"""Parquet: numbers and truth values as they stand, all else as plain cells; the notes of pandas are ignored."""

import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from flopscape.errors import FlopscapeError
from flopscape.runs.formats.content import MOST_BYTES
from flopscape.runs.formats.shape import distinct_names, plain, refuse_too_much

MAGIC = b"PAR1"
INDEX = re.compile(r"__index_level_\d+__")
"""The name of a pandas index that had none: row numbers, usually."""


def read_parquet(data: bytes, path: Path) -> pd.DataFrame:
    """Read a table; a named pandas index is a column like any other.

    Raises
    ------
    FlopscapeError
        A file that is damaged, too large once it is unpacked, or has two columns of one name.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        _refuse_large(file.metadata, path)
        table = file.read()
        names = distinct_names(table.column_names, path)
        frame = pd.DataFrame(dict(enumerate(map(_column, table.columns))), index=range(table.num_rows))
    except FlopscapeError:
        raise
    except Exception as error:  # whatever a damaged file makes the reader raise is damage
        raise FlopscapeError(f"{path}: not a readable table ({str(error).splitlines()[0]})") from error
    frame.columns = pd.Index(names, dtype=object)
    return frame[[name for name in names if not INDEX.fullmatch(name)]]


def _refuse_large(metadata: pq.FileMetaData, path: Path) -> None:
    refuse_too_much(metadata.num_rows, metadata.num_columns, path)
    # From the footer, before anything is unpacked.
    unpacked = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
    if unpacked > MOST_BYTES:
        raise FlopscapeError(f"{path}: {unpacked:,} bytes unpacked, and at most {MOST_BYTES:,} are read")


def _column(cells: pa.ChunkedArray) -> pd.Series:
    if pa.types.is_dictionary(cells.type):
        cells = cells.combine_chunks().dictionary_decode()
    # Integers with nulls would become floats and lose digits of an id: they go cell by cell.
    whole = pa.types.is_integer(cells.type) or pa.types.is_boolean(cells.type)
    if pa.types.is_floating(cells.type) or (whole and not cells.null_count):
        values = pd.Series(cells.to_numpy())
        return values.astype(float) if values.dtype.kind == "f" else values
    return pd.Series([plain(cell) for cell in cells.to_pylist()], dtype=object)
