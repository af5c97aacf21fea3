"""Reading a table of any of four formats, before anything is known about its columns."""

import csv
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet

from flopscape.errors import FlopscapeError


def read_any(path: Path) -> pd.DataFrame:
    """Read CSV, TSV, Parquet or JSON lines, by the file's suffix; text stays text, so that a wrong cell can be shown.

    Raises
    ------
    FlopscapeError
        A file that is not there, is empty, cannot be read, or was cut short (see `refuse_cut_short`); the line, for
        JSON lines.
    """
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path).reset_index(drop=True)
        if path.suffix in (".jsonl", ".ndjson"):
            return _read_json_lines(path)
        separator = "\t" if path.suffix in (".tsv", ".tab") else ","
        frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, skipinitialspace=True)
    except pd.errors.EmptyDataError as error:
        raise FlopscapeError(f"{path}: the file is empty") from error
    except OSError as error:
        raise FlopscapeError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (pd.errors.ParserError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise FlopscapeError(f"{path}: not a readable table ({str(error).splitlines()[0]})") from error
    refuse_cut_short(path, len(frame))
    return frame.rename(columns=str.strip)


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


def _read_json_lines(path: Path) -> pd.DataFrame:
    """One object a line; blank lines are skipped."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise FlopscapeError(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(row, dict):
            raise FlopscapeError(f"{path}, line {number}: not a JSON object")
        rows.append(row)
    if not rows:
        raise FlopscapeError(f"{path}: the file is empty")
    return pd.DataFrame(rows).astype(object)
