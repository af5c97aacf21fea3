"""Reading a table of runs, of any format by its content: every value is checked, every row that is left out named.

A row needs N, D and the loss; C defaults to 6·N·D. `read_any` reads cells before anything is known about the columns.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.records.fit_result import Exclusion
from flopscape.records.metrics import is_metric, why_not_fitted
from flopscape.runs.budgets import group_budgets
from flopscape.runs.cells import (
    TRUE_WORDS,
    amount_column,
    blank_cells,
    positive_column,
    require_column,
    text_column,
    typed,
)
from flopscape.runs.formats.content import read_content
from flopscape.runs.formats.delimited import SEPARATORS, read_delimited, text_stream
from flopscape.runs.formats.json_rows import read_json
from flopscape.runs.formats.parquet import MAGIC, read_parquet
from flopscape.runs.hidden_rows import refuse_hidden
from flopscape.runs.metric_columns import in_shares
from flopscape.runs.repeated_rows import repeats
from flopscape.runs.statuses import awaited, completed, completed_rows, hidden
from flopscape.runs.study_tables import refuse_changed
from flopscape.runs.table import REQUIRED, SIX_N_D, RunTable
from flopscape.text.written import nearest

CHOSEN = (*REQUIRED, "flops", "budget")
"""What `--column` can read from another column."""
KAPPA = (1.0, 100.0)
"""Training FLOPs per parameter and token: 6 in the usual convention, tens for tiny models with attention counted."""
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

    @property
    def words(self) -> str:
        """For a reader: CSV with semicolons, utf-16, gzip."""
        named = f"{self.kind} with {self.separator}s" if self.separator else self.kind
        return ", ".join(filter(None, [named, self.encoding, self.packed]))


def read_any(path: Path) -> pd.DataFrame:
    """Read CSV, JSON or Parquet, each also packed as .gz; text stays text, so that a wrong cell can be shown.

    Raises
    ------
    FlopscapeError
        A file that is not there, is empty, cannot be read, or is not what was written (see `refuse_changed`); the line
        or row, where it is known.
    """
    return read_formatted(path)[0]


def read_formatted(path: Path) -> tuple[pd.DataFrame, Format]:
    """Read a table as `read_any` does, and tell how the file was read."""
    data, packed = read_content(path)
    if data.startswith(MAGIC):
        return read_parquet(data, path), Format("Parquet", packed="gzip" if packed else "")
    # In the order of MARKS: UTF-32's mark begins with that of UTF-16.
    encoding = next((name for mark, name in MARKS.items() if data.startswith(mark)), PLAIN)
    try:
        frame, kind, separator = _read_text(data, encoding, path)
    except UnicodeError as error:
        raise FlopscapeError(f"{path}: not a readable table ({error}); save it as UTF-8") from error
    refuse_changed(path)
    return frame, Format(kind, separator, encoding, "gzip" if packed else "")


def _read_text(data: bytes, encoding: str, path: Path) -> tuple[pd.DataFrame, str, str]:
    """The frame, its format, and the separator of a CSV."""
    # No text in UTF-8 has the byte zero; of UTF-16 every other byte of plain text is one.
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


def read_runs(path: str | Path, columns: Mapping[str, str] | None = None) -> RunTable:
    """Read runs from CSV, JSON or Parquet, packed as .gz or not.

    Parameters
    ----------
    path : str or Path
        Told apart by its content.
    columns : mapping, optional
        Columns to use instead of the defaults, for example `{"n_params": "n_params_total", "flops": "flops_6nd"}`.

    Raises
    ------
    FlopscapeError
        Naming file, row and column: an unreadable or empty file, a missing column, text in a number, a value that
        is not positive and finite, two losses for one run at the same tokens, simulated beside real runs.
    """
    return table_of(read_any(Path(path)), path, columns)


def read_hidden(path: str | Path, columns: Mapping[str, str] | None = None) -> RunTable:
    """The runs that `read_runs` leaves out because they are planned to stay hidden; only what scores a fit asks this.

    Raises
    ------
    FlopscapeError
        As `read_runs`.
    """
    return table_of(hidden(read_any(Path(path))), path, columns)


def read_awaited(path: str | Path, columns: Mapping[str, str] | None = None) -> RunTable:
    """Of the hidden runs those that have no loss yet, with losses of one; raises FlopscapeError as `read_runs`."""
    return table_of(awaited(read_any(Path(path))), path, columns, measured=False)


def table_of(
    frame: pd.DataFrame, path: str | Path, columns: Mapping[str, str] | None = None, measured: bool = True
) -> RunTable:
    """The runs of a frame that is already read; `path` only names it in sentences.

    With `measured` False the losses are only placeholders, and equal ones say nothing of copies.
    """
    names = {name: name for name in CHOSEN} | dict(columns or {})
    for name in columns or {}:
        if name not in CHOSEN:
            raise FlopscapeError(f"--column {name}={names[name]}: no such column of a fit{nearest(name, CHOSEN)}")
    for name in (*REQUIRED, *(columns or {})):
        require_column(frame, names[name], path)
    if why := why_not_fitted(names["loss"]):
        raise FlopscapeError(f"{path}: --column loss={why}")
    refuse_hidden(frame, path, names)
    frame, in_per_cent = in_shares(frame, completed(frame))
    frame, excluded = completed_rows(frame)
    frame, unscored = _with_metric(frame, names["loss"])
    # The first row after the header is row 1; rows keep their numbers where others were left out.
    row = frame.index.to_numpy() + 1
    values = {name: amount_column(frame, names[name], path, row) for name in ("n_params", "n_tokens")}
    values["loss"] = positive_column(frame, names["loss"], path, row)
    counted = names["flops"] in frame
    flops = (
        amount_column(frame, names["flops"], path, row) if counted else 6.0 * values["n_params"] * values["n_tokens"]
    )
    # A budget may be blank, for a run outside all of them; N, D, C and the loss may not.
    planned = amount_column(frame, names["budget"], path, row, blank=True) if names["budget"] in frame else None
    table = RunTable(
        path=str(path),
        n_params=values["n_params"],
        n_tokens=values["n_tokens"],
        loss=values["loss"],
        flops=flops,
        budget=group_budgets(flops, planned),
        run_id=text_column(frame, "run_id", [f"row {i}" for i in row]),
        seed=text_column(frame, "seed", [""] * len(frame)),
        row=row,
        columns=typed(frame.reset_index(drop=True)),
        simulated=_simulated(frame, path),
        excluded=[*excluded, *unscored],
        conventions={name: names[name] for name in REQUIRED} | {"flops": names["flops"] if counted else SIX_N_D},
    )
    # Exact repeats first, or they would be taken for copies under other names.
    table = _without_repeats(table)
    return (_without_copies(table) if measured else table).warned(_why_doubtful_units(table), *in_per_cent)


def _with_metric(frame: pd.DataFrame, loss: str) -> tuple[pd.DataFrame, list[Exclusion]]:
    """The rows that have the metric which is fitted; of the study's own loss an empty cell is a fault."""
    if not is_metric(loss) or not (empty := blank_cells(frame[loss].to_numpy(dtype=object))).any():
        return frame, []
    names = text_column(frame, "run_id", [f"row {at}" for at in frame.index + 1])[empty]
    return frame[~empty], [Exclusion([str(name) for name in names], f"{loss} is empty")]


@np.errstate(all="ignore")
def _simulated(frame: pd.DataFrame, path: str | Path) -> bool:
    """Whether the runs are simulated: all of them or none."""
    if "simulated" not in frame or not len(frame):
        return False
    flags = frame["simulated"].astype(str).str.strip().str.lower().isin(TRUE_WORDS).to_numpy()
    if flags.any() and not flags.all():
        first = int(frame.index[flags][0]) + 1
        raise FlopscapeError(
            f"{path}, row {first}, column simulated: {flags.sum()} of {len(flags)} runs are simulated; fit them apart"
        )
    return bool(flags.all())


def _why_doubtful_units(table: RunTable) -> str:
    """A warning where C is far from 6·N·D: one of the three is in another unit."""
    # The median, for a single odd run does not put the units of all in doubt.
    kappa = float(np.median(table.flops / table.n_params / table.n_tokens)) if len(table) else 6.0
    if KAPPA[0] < kappa < KAPPA[1]:
        return ""
    return f"C is {kappa:.2g}·N·D, and about 6·N·D is usual: are n_params, n_tokens and flops in single units?"


def _without_repeats(table: RunTable) -> RunTable:
    """Drop exact repeats of a run's row, and refuse contradictions."""
    frame = pd.DataFrame(
        {"run": table.run_id, "n": table.n_params, "d": table.n_tokens, "c": table.flops, "loss": table.loss}
    )
    table = table.keep(~frame.duplicated().to_numpy(), "repeats another row of the same run")
    frame = frame.drop_duplicates()
    # Exact repeats are gone, so that what agrees in run, N and D differs in C or in the loss.
    clash = frame.duplicated(["run", "n", "d"]).to_numpy()
    if clash.any():
        at = int(np.flatnonzero(clash)[0])
        raise FlopscapeError(
            f"{table.path}, row {table.row[at]}, column loss: run {table.run_id[at]} has two losses at the same N and D"
        )
    return table


def _without_copies(table: RunTable) -> RunTable:
    """Count copies of a run under other names once; rows that only may be copies stay, with a warning."""
    point = (table.n_params, table.n_tokens, table.distinct_tokens, table.flops)
    copies, doubtful = repeats(*point, table.loss, table.seed)
    same = "in N, D, C and loss"
    doubts = [
        f"{copies.sum()} rows repeat another run's {same}: copies, counted once" if copies.any() else "",
        f"{doubtful.sum()} rows repeat another {same}, which is written with few digits: seeds, or copies? Each "
        "counts as a run of its own; leave copies out with --exclude" if doubtful.any() else "",
    ]  # fmt: skip
    return table.warned(*doubts).keep(~copies, f"a copy: repeats another run {same}")
