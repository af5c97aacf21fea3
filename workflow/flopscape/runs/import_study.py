"""Other people's runs as a study: the tables that `collect` would have written, and where they come from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import sha256
from flopscape.files.outputs import write_text
from flopscape.files.side_outputs import refuse_folder
from flopscape.records.stamps import of_imported
from flopscape.runs.cells import amount_column, positive_column, require_column
from flopscape.runs.import_rows import EVERYTHING, Choice
from flopscape.runs.import_table import Imported, import_runs
from flopscape.runs.published import PUBLISHED, source_file
from flopscape.runs.read import read_any
from flopscape.runs.study_tables import IMPORTED_CURVE_COLUMNS, refuse_tables, write_tables
from flopscape.runs.table import RunTable


def import_study(
    table: str,
    mirror: Path | None,
    mapping: Mapping[str, str],
    curves: Path | None,
    folder: Path,
    choice: Choice = EVERYTHING,
    words: Sequence[str] = (),
) -> Imported:
    """Write runs.csv, runs.parquet, curves.parquet (empty without curves) and manifest.json; returns the table.

    `words` are those of the command, which the tables keep.

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
    imported = import_runs(table, mirror, mapping, choice)
    points = read_curves(curves, imported.table) if curves else pd.DataFrame(columns=list(IMPORTED_CURVE_COLUMNS))
    write_text(described, json.dumps(manifest(table, mirror, imported, choice), indent=1) + "\n")
    files = [source_file(table, mirror), *([curves] if curves else [])]
    write_tables(imported.frame, points, runs, of_imported(words, files))
    return imported


def manifest(table: str, mirror: Path | None, imported: Imported, choice: Choice) -> dict[str, Any]:
    """Where a table comes from, how it was read, what its columns are and which rows are not used, for the report."""
    path = source_file(table, mirror)
    origin = PUBLISHED.get(table)
    published = {"source": origin.source, "note": origin.note, "licence": origin.licence} if origin else {}
    chosen = {name: value for name, value in asdict(choice).items() if value}
    return {
        "table": table, **published, "data_hash": sha256(path), "columns": imported.columns,
        "format": {name: value for name, value in imported.form._asdict().items() if value},
        "rows": len(imported.table), **chosen,
        "left_out": [asdict(exclusion) for exclusion in imported.table.excluded], "notes": imported.notes,
    }  # fmt: skip


def read_curves(path: Path, runs: RunTable) -> pd.DataFrame:
    """Training curves with our columns; C is 6·N·D where it is missing; those of runs that are left out are dropped.

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
    # The rows of a run are its checkpoints, all of one size: any of them will do.
    n_params = dict(zip(runs.run_id, runs.n_params, strict=True))
    frame = _of_runs(frame, runs, path)
    row = frame.index.to_numpy() + 1
    run_id = frame["run_id"].astype(str).to_numpy()
    n_tokens = amount_column(frame, "n_tokens", path, row)
    if "flops" in frame:
        flops = amount_column(frame, "flops", path, row)
    else:
        flops = 6.0 * np.array([n_params[name] for name in run_id]) * n_tokens
    points = {name: positive_column(frame, name, path, row, blank=True) for name in losses}
    table = {"run_id": run_id, "n_tokens": n_tokens, "flops": flops, **points}
    return pd.DataFrame(table, columns=list(IMPORTED_CURVE_COLUMNS))


def _of_runs(frame: pd.DataFrame, runs: RunTable, path: Path) -> pd.DataFrame:
    """The points of runs in use; a run that the table never had is refused."""
    run_id = frame["run_id"].astype(str)
    inside = run_id.isin(runs.run_id)
    strange = ~inside & ~run_id.isin([name for exclusion in runs.excluded for name in exclusion.rows])
    if strange.any():
        at = int(np.flatnonzero(strange)[0])
        raise FlopscapeError(f"{path}, row {at + 1}, column run_id: {run_id[at]!r} is no run of {runs.path}")
    return frame[inside]
