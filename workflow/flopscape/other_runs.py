"""Other people's runs: a table in their format and words becomes one that `flopscape fit` reads.

Every number is a float64 and every row passes the checks of the fit's own table. The budget C, N and D are tied by
C = 6·N·D (Kaplan et al. 2020, section 2.1): of N and D, one may be missing where C is known. Columns that the source
does not have stay away: a fit groups runs into budgets by their compute, within a tolerance (fitting/budgets.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.fitting.cells import positive_column, require_column
from flopscape.fitting.meaning import doubtful_magnitude
from flopscape.fitting.read_table import read_any
from flopscape.fitting.statuses import completed
from flopscape.fitting.table import REQUIRED, RunTable, table_of
from flopscape.laws.arrays import Array
from flopscape.outputs import write_text
from flopscape.published import PUBLISHED, refuse_another, source_file
from flopscape.records import RunColumn
from flopscape.side_outputs import write_parquet

KNOWN: tuple[str, ...] = get_args(RunColumn)
CONVERTED = (*REQUIRED, "flops", "budget")


@dataclass(frozen=True)
class Imported:
    """A table in our words, checked: the frame to write, the same as a fit reads it, and our column → its origin."""

    frame: pd.DataFrame
    table: RunTable
    columns: dict[str, str]


def import_runs(table: str, mirror: Path | None, mapping: Mapping[str, str]) -> Imported:
    """Read a file or a published table, map and convert its columns, check its rows.

    Parameters
    ----------
    table : str
        A CSV, TSV, Parquet or JSONL file, or a name in `PUBLISHED`.
    mirror : Path or None
        Folder with the files of published tables.
    mapping : mapping
        Our column → theirs.

    Raises
    ------
    FlopscapeError
        Naming source, row and column, as `flopscape fit` would.
    """
    frame = renamed(load(table, mirror), table, mapping)
    theirs = (PUBLISHED[table].columns if table in PUBLISHED else {}) | dict(mapping)
    origin = {name: f"their column {theirs.get(name, name)}" for name in CONVERTED if name in frame}
    frame, derived = _completed_by_flops(frame, table)
    checked = table_of(frame, table)
    if not len(checked):
        raise FlopscapeError(f"{table}: no rows are left ({checked.left_out})")
    checked = checked.warned(doubtful_magnitude(checked.n_params, checked.n_tokens, checked.unit))
    return Imported(_written(frame), checked, origin | derived)


def sentence(imported: Imported, out: Path, source: str) -> str:
    """One line on what was done."""
    derived = [f"{ours} = {text}" for ours, text in imported.columns.items() if not text.startswith("their ")]
    left_out = sum(len(exclusion.rows) for exclusion in imported.table.excluded)
    notes = [f"{left_out} more are listed as left out ({imported.table.left_out})"] if left_out else []
    return "; ".join([f"{out}: {len(imported.table)} rows of {source}", *derived, *notes, *imported.table.warnings])


def load(table: str, mirror: Path | None) -> pd.DataFrame:
    """A table as it was read; a published one with our column names and the unit of its loss.

    Raises
    ------
    FlopscapeError
        The file is not there or cannot be read, or a published table's file is another one than is known.
    """
    path = source_file(table, mirror)
    if table not in PUBLISHED:
        return read_any(path)
    known = PUBLISHED[table]
    refuse_another(table, path)
    frame = renamed(read_any(path), table, known.columns).assign(loss_unit=known.loss_unit)
    if known.experiment:
        frame = frame[frame["experiment"] == known.experiment]
    kept = np.argsort(frame["loss"].astype(float), kind="stable")[: len(frame) - known.leave_out_highest]
    return frame.iloc[np.sort(kept)].reset_index(drop=True)


def renamed(frame: pd.DataFrame, source: str, mapping: Mapping[str, str]) -> pd.DataFrame:
    """Their columns under our names; a column of ours that is replaced is kept as `{name}_in_source`."""
    for ours, theirs in mapping.items():
        if ours not in KNOWN:
            raise FlopscapeError(f"--map {ours}={theirs}: map one of {', '.join(KNOWN)}")
        require_column(frame, theirs, source)
    replaced = {name: f"{name}_in_source" for name in mapping if name in frame and name not in mapping.values()}
    return frame.rename(columns=replaced).rename(columns={theirs: ours for ours, theirs in mapping.items()})


def _completed_by_flops(frame: pd.DataFrame, source: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Add the one of N and D that is missing, from C = 6·N·D, and say so."""
    missing = [name for name in ("n_params", "n_tokens") if name not in frame]
    if len(missing) != 1 or not {"flops", "budget"} & set(frame):
        return frame, {}
    compute = "flops" if "flops" in frame else "budget"
    known = "n_params" if missing == ["n_tokens"] else "n_tokens"
    value = _column(frame, compute, source) / (6.0 * _column(frame, known, source))
    return frame.assign(**{missing[0]: value}), {missing[0]: f"{compute}/(6·{known})"}


def _column(frame: pd.DataFrame, name: str, source: str) -> Array:
    return positive_column(frame, name, source, np.arange(1, len(frame) + 1))


def _written(frame: pd.DataFrame) -> pd.DataFrame:
    """The numbers of a fit as float64, for 6·N·D overflows integers; `completed` for what says or means that."""
    numbers = {name: frame[name].replace("", None).astype(float) for name in CONVERTED if name in frame}
    status = {"status": frame["status"].mask(completed(frame), "completed")} if "status" in frame else {}
    return frame.assign(**numbers, **status)


def write_table(frame: pd.DataFrame, out: Path) -> None:
    """`.parquet`, in any case, or else CSV."""
    if out.suffix.lower() == ".parquet":
        write_parquet(out, frame, "runs")
    else:
        write_text(out, frame.to_csv(index=False))
