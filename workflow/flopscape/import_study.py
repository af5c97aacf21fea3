"""Other people's runs as a study: the tables that `collect` would have written, and where they come from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.fitting.cells import positive_column, require_column
from flopscape.fitting.read_table import read_any
from flopscape.fitting.table import RunTable
from flopscape.other_runs import Imported, import_runs, sentence
from flopscape.outputs import write_text
from flopscape.published import PUBLISHED, source_file
from flopscape.records import sha256
from flopscape.side_outputs import refuse_folder
from flopscape.table_copies import IMPORTED_CURVE_COLUMNS, refuse_tables, write_tables


def import_study(table: str, mirror: Path | None, mapping: Mapping[str, str], curves: Path | None, folder: Path) -> str:
    """Write runs.csv, runs.parquet, curves.parquet (empty without curves) and manifest.json; returns one line on it.

    Raises
    ------
    FlopscapeError
        As `import_runs`, for curves that cannot be read or belong to no run, and where a file must not be written.
        Nothing is written then.
    """
    runs, described = folder / "runs.csv", folder / "manifest.json"
    read = [source_file(table, mirror), curves]
    refuse_tables(runs, read)
    refuse_folder(folder, ["runs.csv"], read, described.name, {"table", "data_hash", "columns"})
    imported = import_runs(table, mirror, mapping)
    points = read_curves(curves, imported.table) if curves else pd.DataFrame(columns=list(IMPORTED_CURVE_COLUMNS))
    write_text(described, json.dumps(manifest(table, mirror, imported), indent=1) + "\n")
    write_tables(imported.frame, points, runs)
    return sentence(imported, runs, table)


def manifest(table: str, mirror: Path | None, imported: Imported) -> dict[str, Any]:
    """Where a table comes from and what its columns are, for the report."""
    path = source_file(table, mirror)
    known = PUBLISHED.get(table)
    published = {"source": known.source, "note": known.note, "licence": known.licence} if known else {}
    return {"table": table, **published, "data_hash": sha256(path), "columns": imported.columns}


def read_curves(path: Path, runs: RunTable) -> pd.DataFrame:
    """Training curves with our columns; C is 6·N·D where it is missing.

    Raises
    ------
    FlopscapeError
        A missing column, a value that is not positive and finite, or a run that the table of runs does not have.
    """
    frame = read_any(path)
    for name in ("run_id", "n_tokens"):
        require_column(frame, name, path)
    losses = [name for name in ("train_loss", "heldout_loss") if name in frame]
    if not losses:
        raise FlopscapeError(f"{path}: no column heldout_loss or train_loss")
    row = np.arange(1, len(frame) + 1)
    run_id = frame["run_id"].astype(str).to_numpy()
    n_params = dict(zip(runs.run_id, runs.n_params, strict=True))
    if strangers := [i for i, name in enumerate(run_id) if name not in n_params]:
        at = strangers[0]
        raise FlopscapeError(f"{path}, row {row[at]}, column run_id: {run_id[at]!r} is no completed run of {runs.path}")
    n_tokens = positive_column(frame, "n_tokens", path, row)
    if "flops" in frame:
        flops = positive_column(frame, "flops", path, row)
    else:
        flops = 6.0 * np.array([n_params[name] for name in run_id]) * n_tokens
    points = {name: positive_column(frame, name, path, row, blank=True) for name in losses}
    table = {"run_id": run_id, "n_tokens": n_tokens, "flops": flops, **points}
    return pd.DataFrame(table, columns=list(IMPORTED_CURVE_COLUMNS))
