"""The tables of a study: a CSV for people and, beside it, its copy as Parquet and the training curves.

The copy names the CSV by its SHA-256: cut at any line, a CSV reads as a smaller study, whose fit looks sound.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import sha256
from flopscape.files.outputs import StrPath, refuse_output, write_text
from flopscape.files.side_outputs import facts_of, refuse_side_output, side_output, write_parquet
from flopscape.records.run_record import Curve
from flopscape.records.stamps import Stamp, hash_of, text_of

COPY, CURVES = "copy", "curves"
"""Kinds of the two Parquet files."""
CURVE_COLUMNS = ("run_id", *vars(Curve()))
IMPORTED_CURVE_COLUMNS = ("run_id", "n_tokens", "flops", "train_loss", "heldout_loss")
"""Columns of the curves of runs that were trained elsewhere."""


def copy_file(table: StrPath) -> Path:
    """The Parquet file beside a CSV: `runs.parquet` for `runs.csv`."""
    return side_output(table, ".parquet", (".csv",))


def curves_file(table: StrPath) -> Path:
    """The curves beside a CSV: `curves.parquet` for a study's `runs.csv`, under the table's name for any other."""
    if Path(table).name == "runs.csv":
        return Path(table).with_name("curves.parquet")
    return side_output(table, ".curves.parquet", (".csv",))


def refuse_tables(table: Path, inputs: Iterable[StrPath | None]) -> None:
    """Raise FlopscapeError where one of the three files must not be written."""
    if table.suffix.lower() == ".parquet":
        raise FlopscapeError(f"{table}: a CSV is written here, and its copy as Parquet beside it; name it .csv")
    read_files = list(inputs)
    refuse_output(table, read_files)
    refuse_side_output(copy_file(table), table, read_files, lambda path: _is_copy(path, table))
    refuse_side_output(curves_file(table), table, read_files, _is_curves)


def write_tables(frame: pd.DataFrame, curves: pd.DataFrame, table: Path, stamp: Stamp | None = None) -> None:
    """Write a CSV, its copy and the curves of its runs; `stamp` says what they were made from."""
    stamp = stamp or {}
    # The copy comes last and carries the hash of the CSV: a write that breaks off between them leaves a CSV that the
    # older copy does not know.
    write_parquet(curves_file(table), curves, CURVES, made_from=text_of(stamp))
    write_text(table, frame.to_csv(index=False))
    # With the hash of what has just been written, by which `refuse_changed` tells a CSV that was edited.
    whole = text_of(stamp | {"csv": hash_of(table)})
    write_parquet(copy_file(table), frame, COPY, csv=sha256(table), made_from=whole)


def refuse_changed(table: StrPath) -> None:
    """Raise FlopscapeError for a CSV that is not the one which its copy was written with.

    A Parquet file that flopscape did not write is nobody's copy, whatever its name.
    """
    copy = copy_file(table)
    facts = facts_of(copy) if copy.is_file() else {}
    if facts.get("kind") == COPY and facts.get("csv") != sha256(table):
        raise FlopscapeError(
            f"{table}: not the table that was written with {copy.name} beside it, but cut short or edited since; make "
            f"it again with the command that wrote it, or save what you edited under another name"
        )


def _is_copy(path: Path, table: Path) -> bool:
    """Whether a Parquet file is the copy of a CSV; version 0.1 left no mark, but the very same cells."""
    if facts_of(path).get("kind") == COPY:
        return True
    try:
        return pd.read_parquet(path).to_csv(index=False) == table.read_text(encoding="utf-8")
    except (OSError, ValueError, pa.ArrowException):
        return False


def _is_curves(path: Path) -> bool:
    """Whether a Parquet file holds curves that flopscape wrote; version 0.1 left no mark."""
    if facts_of(path).get("kind") == CURVES:
        return True
    try:
        return tuple(pyarrow.parquet.read_schema(path).names) in (CURVE_COLUMNS, IMPORTED_CURVE_COLUMNS)
    except (OSError, pa.ArrowException):
        return False
