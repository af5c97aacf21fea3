"""Other people's runs: a table in their format and words becomes one that `flopscape fit` reads.

Every number is a float64 and every row passes the checks of the fit's own table. The budget C, N and D are tied by
C = 6·N·D (Kaplan et al. 2020, section 2.1): of N and D, one may be missing where C is known.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.fitting.table import REQUIRED, positive_column, require_column, table_of
from flopscape.laws.arrays import Array

KNOWN = (*REQUIRED, "flops", "budget", "run_id", "seed", "status", "simulated")
"""Columns that a fit reads; any other is carried along for `--exclude` and `--column`."""


def import_runs(frame: pd.DataFrame, source: str, out: Path, mapping: Mapping[str, str]) -> str:
    """Map, convert, check and write a table; returns one line on what was done.

    Parameters
    ----------
    frame : DataFrame
        As it was read.
    source : str
        The file or published table, for the sentences.
    out : Path
        `.parquet`, or else CSV; written under a temporary name and renamed.
    mapping : mapping
        Our column → theirs.

    Raises
    ------
    FlopscapeError
        Naming source, row and column, as `flopscape fit` would.
    """
    frame, notes = _completed_by_flops(renamed(frame, source, mapping), source)
    table = table_of(frame, source)
    _write(_as_float64(frame), out)
    left_out = sum(len(exclusion.rows) for exclusion in table.excluded)
    notes += [f"{left_out} more are listed as left out"] if left_out else []
    return "; ".join([f"{out}: {len(table)} rows of {source}", *notes, *table.warnings])


def renamed(frame: pd.DataFrame, source: str, mapping: Mapping[str, str]) -> pd.DataFrame:
    """Their columns under our names; a column of ours that is replaced is kept as `{name}_in_source`."""
    for ours, theirs in mapping.items():
        if ours not in KNOWN:
            raise FlopscapeError(f"--map {ours}={theirs}: map one of {', '.join(KNOWN)}")
        require_column(frame, theirs, source)
    replaced = {name: f"{name}_in_source" for name in mapping if name in frame and name not in mapping.values()}
    return frame.rename(columns=replaced).rename(columns={theirs: ours for ours, theirs in mapping.items()})


def _completed_by_flops(frame: pd.DataFrame, source: str) -> tuple[pd.DataFrame, list[str]]:
    """Add the one of N and D that is missing, from C = 6·N·D, and say so."""
    missing = [name for name in ("n_params", "n_tokens") if name not in frame]
    if len(missing) != 1 or not {"flops", "budget"} & set(frame):
        return frame, []
    compute = "flops" if "flops" in frame else "budget"
    known = "n_params" if missing == ["n_tokens"] else "n_tokens"
    value = _column(frame, compute, source) / (6.0 * _column(frame, known, source))
    return frame.assign(**{missing[0]: value}), [f"{missing[0]} = {compute}/(6·{known})"]


def _column(frame: pd.DataFrame, name: str, source: str) -> Array:
    return positive_column(frame, name, source, np.arange(1, len(frame) + 1))


def _as_float64(frame: pd.DataFrame) -> pd.DataFrame:
    """The numbers of a fit as float64: 6·N·D overflows integers. Blank cells of runs that did not complete are NaN."""
    numbers = [name for name in (*REQUIRED, "flops", "budget") if name in frame]
    return frame.assign(**{name: frame[name].replace("", None).astype(float) for name in numbers})


def _write(frame: pd.DataFrame, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        if out.suffix == ".parquet":
            frame.to_parquet(temporary, index=False)
        else:
            frame.to_csv(temporary, index=False)
        os.replace(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
