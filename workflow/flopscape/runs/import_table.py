"""Other people's runs: a table in their format and words becomes one that `flopscape fit` reads.

Every number is a float64 and every row passes the checks of the fit's own table. The budget C, N and D are tied by
C = 6·N·D (Kaplan et al. 2020, section 2.1): of N and D, one may be missing where C is known. Columns that the source
does not have stay away: a fit groups runs into budgets by their compute, within a tolerance (runs/budgets.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.files.outputs import write_text
from flopscape.files.side_outputs import write_parquet
from flopscape.records.columns import RunColumn
from flopscape.records.metrics import is_metric
from flopscape.runs.cells import positive_column, require_column
from flopscape.runs.hidden_rows import refuse_hidden
from flopscape.runs.import_rows import (
    EVERYTHING,
    NUMBERS,
    Choice,
    Rows,
    emptied,
    exclusions,
    leave_out_excluded,
    leave_out_higher,
    with_run_ids,
    without_numbers,
)
from flopscape.runs.meaning import why_doubtful_magnitude
from flopscape.runs.metric_columns import with_metrics
from flopscape.runs.published import PUBLISHED, refuse_another, source_file
from flopscape.runs.read import Format, read_formatted, table_of
from flopscape.runs.statuses import completed, completed_rows, hidden, measured
from flopscape.runs.table import REQUIRED, RunTable
from flopscape.text import numbers

KNOWN: tuple[str, ...] = get_args(RunColumn)
DERIVED = ("n_params", "n_tokens")
"""One of these may be missing where C is known."""


@dataclass(frozen=True)
class Imported:
    """A table in our words, checked.

    `frame` is what to write, left-out rows included, with status `skipped` and the reason; `table` the rows in use as
    a fit reads them; `columns` maps ours to their origin; `notes` are sentences on the rows.
    """

    frame: pd.DataFrame
    table: RunTable
    columns: dict[str, str]
    form: Format
    notes: list[str]

    @property
    def remarks(self) -> list[str]:
        """Sentences on what was left out and on what to doubt."""
        left_out = [f"left out: {exclusion.words}" for exclusion in self.table.excluded]
        return [*left_out, *self.notes, *(f"warning: {text}" for text in self.table.warnings)]


def import_runs(table: str, mirror: Path | None, mapping: Mapping[str, str], choice: Choice = EVERYTHING) -> Imported:
    """Read a file or a published table, map and convert its columns, check its rows.

    Rows with an empty N, D, C or loss are left out by name, but for hidden ones that have no loss yet, and so are those
    of the choice.

    Parameters
    ----------
    table : str
        A CSV, JSON or Parquet file, packed as .gz or not, or a name in `PUBLISHED`.
    mirror : Path or None
        Folder with the files of published tables.
    mapping : mapping
        Our column → theirs.
    choice : Choice
        Names of the runs, and which rows to leave out.

    Raises
    ------
    FlopscapeError
        Naming source, row and column, as `flopscape fit` would; or no row is left.
    """
    return import_frame(*load(table, mirror), table, mapping, choice)


def import_frame(
    frame: pd.DataFrame, form: Format, table: str, mapping: Mapping[str, str], choice: Choice = EVERYTHING
) -> Imported:
    """The same of a table that was read, and how it was; `table` names it in sentences."""
    # The order matters: names before words for empty cells, for these are looked for in our columns; empty cells before
    # D or N are computed; and only rows that stay are checked.
    frame = emptied(with_run_ids(renamed(frame, table, mapping), table, choice.run_id, mapping))
    refuse_hidden(frame, table)
    # A person's mapping counts before that of the published table.
    theirs = (PUBLISHED[table].columns if table in PUBLISHED else {}) | dict(mapping)
    origin = {name: f"their column {theirs.get(name, name)}" for name in NUMBERS if name in frame}
    compute = _compute_behind(frame)
    rows = without_numbers(frame, [name for name in (*REQUIRED, *compute) if name in frame])
    frame, derived = _completed_by_flops(frame, compute)
    leave_out_excluded(rows, frame, table, choice.exclude)
    frame, of_metrics = with_metrics(frame, rows.used & measured(frame), table, filter(is_metric, mapping))
    rows.notes += of_metrics
    behind = [name for name in (*compute, *DERIVED) if name in origin]
    checked = _checked(frame, rows, table, behind, choice.lowest)
    return Imported(_written(frame, rows), checked, origin | derived, form, rows.notes)


def _checked(frame: pd.DataFrame, rows: Rows, source: str, behind: list[str], lowest: bool) -> RunTable:
    """The rows in use as a fit reads them; `behind` are columns that others were computed from."""
    used = frame[rows.used & completed(frame)]
    _require_rows(used, frame, rows, source)
    for name in behind:
        positive_column(used, name, source, used.index.to_numpy() + 1)
    leave_out_higher(rows, frame, source, lowest)
    table_of(hidden(frame[rows.used]), source)  # for its checks: runs that no fit sees are scored later
    table = table_of(frame[rows.used], source)
    table = table.warned(why_doubtful_magnitude(table.n_params, table.n_tokens, table.unit))
    return replace(table, excluded=[*table.excluded, *exclusions(rows, frame)])


def _require_rows(used: pd.DataFrame, frame: pd.DataFrame, rows: Rows, source: str) -> None:
    """Raise FlopscapeError with the reasons where no row is left."""
    for name in REQUIRED:
        require_column(frame, name, source)
    if not len(used):
        _, others = completed_rows(frame)
        reasons = "; ".join(exclusion.words for exclusion in (*others, *exclusions(rows, frame)))
        raise FlopscapeError(f"{source}: no row is left of {len(frame)}: {reasons or 'there is only a header'}")


def sentence(imported: Imported, out: object, source: str) -> str:
    """What was done, with a line for each reason why rows are left out, and for each note."""
    derived = [f"{ours} = {text}" for ours, text in imported.columns.items() if not text.startswith("their ")]
    read, used = len(imported.frame), len(imported.table)
    count = f"{used} of {read} rows" if used < read else numbers.plural(used, "row")
    done = "; ".join([f"{out}: {count} of {source} ({imported.form.words})", *derived])
    return "\n".join([done, *imported.remarks])


def load(table: str, mirror: Path | None) -> tuple[pd.DataFrame, Format]:
    """A table as it was read, and how; a published one with our column names and the unit of its loss.

    Raises
    ------
    FlopscapeError
        The file is not there or cannot be read, or a published table's file is another one than is known.
    """
    path = source_file(table, mirror)
    if table not in PUBLISHED:
        return read_formatted(path)
    published = PUBLISHED[table]
    refuse_another(table, path)
    frame, form = read_formatted(path)
    frame = renamed(frame, table, published.columns).assign(loss_unit=published.loss_unit)
    if published.experiment:
        frame = frame[frame["experiment"] == published.experiment]
    # The highest losses are last and are cut; the rows go back into the order of the file.
    kept = np.argsort(frame["loss"].astype(float), kind="stable")[: len(frame) - published.leave_out_highest]
    return frame.iloc[np.sort(kept)].reset_index(drop=True), form


def renamed(frame: pd.DataFrame, source: str, mapping: Mapping[str, str]) -> pd.DataFrame:
    """Their columns under our names; a column of ours that is replaced is kept as `{name}_in_source`."""
    for ours, theirs in mapping.items():
        if ours not in KNOWN and not is_metric(ours):
            raise FlopscapeError(f"--map {ours}={theirs}: map one of {', '.join(KNOWN)}, or a metric such as loss@web")
        require_column(frame, theirs, source)
    # First ours step aside, then theirs take the names; columns that only change names with each other need not.
    replaced = {name: f"{name}_in_source" for name in mapping if name in frame and name not in mapping.values()}
    return frame.rename(columns=replaced).rename(columns={theirs: ours for ours, theirs in mapping.items()})


def _compute_behind(frame: pd.DataFrame) -> list[str]:
    """The column of compute that a fit reads, or that the missing one of N and D is computed from."""
    missing = [name for name in DERIVED if name not in frame]
    return [name for name in ("flops", "budget") if name in frame and (name == "flops" or len(missing) == 1)][:1]


def _completed_by_flops(frame: pd.DataFrame, compute: list[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Add the one of N and D that is missing, from C = 6·N·D, and say so; NaN where it cannot be known."""
    missing = [name for name in DERIVED if name not in frame]
    # With both missing C alone cannot tell them; with none missing there is nothing to compute.
    if len(missing) != 1 or not compute:
        return frame, {}
    other = "n_params" if missing == ["n_tokens"] else "n_tokens"
    c, n = (pd.to_numeric(frame[name], errors="coerce").astype(float) for name in (compute[0], other))
    with np.errstate(all="ignore"):
        return frame.assign(**{missing[0]: c / (6.0 * n)}), {missing[0]: f"{compute[0]}/(6·{other})"}


def _written(frame: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """The table as it is written.

    The numbers of a fit are float64, for 6·N·D overflows integers; every other column is of one type; rows left out are
    `skipped`, with the reason.
    """
    columns: dict[str, Any] = {
        name: pd.to_numeric(frame[name], errors="coerce").astype(float) for name in NUMBERS if name in frame
    }
    if "status" in frame or not rows.used.all():
        words = frame["status"] if "status" in frame else pd.Series("", index=frame.index)
        # Any word for a completed run becomes our own, and rows left out get one that no fit reads.
        columns["status"] = words.where(~completed(frame), "completed").where(rows.used, "skipped")
    if not rows.used.all():
        words = frame["reason"] if "reason" in frame else pd.Series("", index=frame.index)
        columns["reason"] = words.where(rows.used, rows.why)
    return frame.assign(**columns).apply(_of_one_type)


def _of_one_type(column: pd.Series) -> pd.Series:
    """A column of cells of several types as text: Parquet has one type a column."""
    kinds = set(map(type, column.dropna())) if column.dtype == object else set()
    if len(kinds) < 2 or kinds <= {int, float}:
        return column
    return column.map(str, na_action="ignore")


def write_table(frame: pd.DataFrame, out: Path) -> None:
    """`.parquet`, in any case, or else CSV."""
    if out.suffix.lower() == ".parquet":
        write_parquet(out, frame, "runs")
    else:
        write_text(out, frame.to_csv(index=False))
