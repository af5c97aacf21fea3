"""Reading a table of runs: every value checked, every row that is left out named.

A row needs N, D and the loss; C defaults to 6·N·D. All arithmetic is in float64, for 6·N·D overflows integers.
"""

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.fitting.budgets import group_budgets
from flopscape.fitting.expression import check_expression
from flopscape.fitting.read_table import read_any
from flopscape.laws.arrays import Array, Index, Mask, Names
from flopscape.records import Exclusion

REQUIRED = ("n_params", "n_tokens", "loss")
SIX_N_D = "6·n_params·n_tokens"
UNIQUE = "unique_tokens"
"""A column that only some tables have: the distinct tokens of the data a run repeats."""
KAPPA = (1.0, 100.0)
"""Training FLOPs per parameter and token: 6 in the usual convention, tens for tiny models with attention counted."""
TRUE_WORDS = {"true", "1", "1.0", "yes"}


@dataclass(frozen=True)
class RunTable:
    """The completed rows of a table; arrays have one entry a row.

    `budget` is NaN for a row outside every budget; `run_id` is shared by the checkpoints of one run; `row` is the
    number of the row in the file, the first after the header being 1; `columns` keeps every column as it was read.
    """

    path: str
    n_params: Array
    n_tokens: Array
    flops: Array
    loss: Array
    budget: Array
    run_id: Names
    seed: Names
    row: Index
    columns: pd.DataFrame
    simulated: bool = False
    excluded: list[Exclusion] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    conventions: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def n_runs(self) -> int:
        """Distinct runs: what is resampled."""
        return len(np.unique(self.run_id))

    @property
    def unit(self) -> str:
        """What D counts, as the table's column `unit` says."""
        return str(self.columns["unit"].iloc[0]) if "unit" in self.columns and len(self) else "token"

    @property
    def distinct_tokens(self) -> Array:
        """The distinct units that each run saw, min(U, D), shape (rows,); all of D where the table says nothing."""
        if UNIQUE not in self.columns:
            return self.n_tokens
        supply = pd.to_numeric(self.columns[UNIQUE], errors="coerce").to_numpy(float)
        return np.fmin(supply, self.n_tokens)

    @property
    def input_hash(self) -> str:
        """SHA-256 of the values a fit uses, in order; independent of the file's format and other columns."""
        digest = hashlib.sha256("\n".join(self.run_id).encode())
        for values in (self.n_params, self.n_tokens, self.flops, self.loss, self.budget):
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        if UNIQUE in self.columns:
            digest.update(np.ascontiguousarray(self.distinct_tokens, dtype="<f8").tobytes())
        return digest.hexdigest()

    def keep(self, mask: Mask, reason: str) -> "RunTable":
        """The rows of the mask; the others are listed as excluded for the reason."""
        if mask.all():
            return self
        names = ("n_params", "n_tokens", "flops", "loss", "budget", "run_id", "seed", "row")
        kept = {name: getattr(self, name)[mask] for name in names}
        dropped = Exclusion([str(name) for name in self.run_id[~mask]], reason)
        columns = self.columns[mask].reset_index(drop=True)
        return replace(self, **kept, columns=columns, excluded=[*self.excluded, dropped])

    def without(self, expression: str) -> "RunTable":
        """Leave out the rows for which a pandas expression over the table's columns is true.

        Raises
        ------
        FlopscapeError
            The expression cannot be evaluated, or is not true or false for each row.
        """
        names = ("n_params", "n_tokens", "flops", "loss", "budget", "run_id", "seed")
        frame = self.columns.apply(_typed).assign(**{name: getattr(self, name) for name in names})
        try:
            check_expression(expression)
            hit = np.asarray(frame.eval(expression, engine="python"))
        except Exception as error:  # whatever a user's expression raises is a mistake in the expression
            raise FlopscapeError(f"{self.path}: --exclude {expression!r}: {error}") from error
        if hit.dtype != bool or hit.shape != (len(self),):
            raise FlopscapeError(f"{self.path}: --exclude {expression!r} is not true or false for each row")
        return self.keep(~hit, f"excluded by {expression}")


def read_runs(path: str | Path, columns: Mapping[str, str] | None = None) -> RunTable:
    """Read runs from CSV, TSV, Parquet or JSON lines.

    Parameters
    ----------
    path : str or Path
        `.parquet`, `.jsonl`, `.ndjson`, `.tsv`, `.tab`, or else CSV.
    columns : mapping, optional
        Columns to use instead of the defaults, for example `{"n_params": "n_params_total", "flops": "flops_6nd"}`.

    Raises
    ------
    FlopscapeError
        Naming file, row and column: an unreadable or empty file, a missing column, text in a number, a value that
        is not positive and finite, two losses for one run at the same tokens, simulated beside real runs.
    """
    return table_of(read_any(Path(path)), path, columns)


def table_of(frame: pd.DataFrame, path: str | Path, columns: Mapping[str, str] | None = None) -> RunTable:
    """The same from a frame that is already read; `path` is for the sentences only."""
    names = {name: name for name in (*REQUIRED, "flops", "budget")} | dict(columns or {})
    for name in (*REQUIRED, *(columns or {})):
        require_column(frame, names[name], path)
    frame, excluded = _completed(frame)
    row = frame.index.to_numpy() + 1
    values = {name: positive_column(frame, names[name], path, row) for name in REQUIRED}
    counted = names["flops"] in frame
    six_n_d = 6.0 * values["n_params"] * values["n_tokens"]
    flops = positive_column(frame, names["flops"], path, row) if counted else six_n_d
    planned = positive_column(frame, names["budget"], path, row, blank=True) if names["budget"] in frame else None
    table = RunTable(
        path=str(path),
        n_params=values["n_params"],
        n_tokens=values["n_tokens"],
        loss=values["loss"],
        flops=flops,
        budget=group_budgets(flops, planned),
        run_id=_text(frame, "run_id", [f"row {i}" for i in row]),
        seed=_text(frame, "seed", [""] * len(frame)),
        row=row,
        columns=frame.reset_index(drop=True),
        simulated=_simulated(frame, path),
        excluded=excluded,
        conventions={name: names[name] for name in REQUIRED} | {"flops": names["flops"] if counted else SIX_N_D},
    )
    return _units_doubted(_without_repeats(table, "run_id" in frame))


def chosen_rows(table: RunTable, exclude: str | None, min_flops: float | None) -> RunTable:
    """The rows that a fit was told to use: see `RunTable.without`, and no less compute than `min_flops` FLOPs."""
    if exclude:
        table = table.without(exclude)
    if min_flops is not None:
        if not 0 < min_flops < np.inf:
            raise FlopscapeError(f"min_flops {min_flops!r}: must be positive and finite")
        table = table.keep(table.flops >= min_flops, f"less compute than {min_flops:g} FLOPs")
    return table


def require_column(frame: pd.DataFrame, name: str, path: str | Path) -> None:
    if name not in frame:
        close = difflib.get_close_matches(name, map(str, frame.columns), n=3, cutoff=0.4)
        hint = f"; nearest: {', '.join(close)}" if close else f"; it has {', '.join(map(str, frame.columns))}"
        raise FlopscapeError(f"{path}: no column {name}{hint}")


def _completed(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Exclusion]]:
    """Rows whose status is `completed` or blank; the others listed with their status and reason."""
    if "status" not in frame:
        return frame, []
    status = frame["status"].fillna("").astype(str).str.strip()
    out = ~status.isin(["completed", ""])
    excluded = []
    for word in status[out].unique():
        rows = frame[status == word]
        names = rows["run_id"] if "run_id" in frame else "row " + (rows.index + 1).astype(str).to_series()
        excluded.append(Exclusion([str(name) for name in names], f"status {word}"))
    return frame[~out], excluded


def positive_column(frame: pd.DataFrame, name: str, path: str | Path, row: Index, blank: bool = False) -> Array:
    """A column as finite positive float64; the first wrong cell is named. With `blank`, empty cells become NaN."""
    cells = frame[name].to_numpy(dtype=object)
    if frame[name].dtype in (bool, object):
        _refuse_truth(cells, name, path, row)
    empty = np.array([cell is None or cell != cell or cell == "" for cell in cells], bool)
    cells = np.where(empty, np.nan, cells)
    try:
        values = cells.astype(float)
    except (TypeError, ValueError):
        values = np.array([_float(cell) for cell in cells])
        at = int(np.flatnonzero(np.isnan(values) & ~empty)[0])
        raise FlopscapeError(
            f"{path}, row {row[at]}, column {name}: {cells[at]!r} is not a number{_cure(cells[at])}"
        ) from None
    wrong = ~(np.isfinite(values) & (values > 0)) & ~(empty & blank)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        shown = "empty" if empty[at] else f"{values[at]:g}"
        why = ", and the law is of nats above zero (a normalised or log loss?)" if name == "loss" else ""
        raise FlopscapeError(f"{path}, row {row[at]}, column {name}: {shown}, must be positive and finite{why}")
    return np.asarray(values, float)


def _cure(cell: object) -> str:
    """What to do about a number with a comma: of thousands or of decimals, which only its writer knows."""
    commas = re.fullmatch(r"\s*[-+]?[\d.,]*,\d+(e[-+]?\d+)?\s*", str(cell), re.IGNORECASE)
    return " (write decimals with a point, and thousands without commas)" if commas else ""


def _refuse_truth(cells: np.ndarray, name: str, path: str | Path, row: Index) -> None:
    """True is no 1: Parquet and JSON lines tell them apart, and float() does not."""
    truth = [i for i, cell in enumerate(cells) if isinstance(cell, bool | np.bool_)]
    if truth:
        raise FlopscapeError(f"{path}, row {row[truth[0]]}, column {name}: {cells[truth[0]]} is not a number")


def _typed(column: "pd.Series") -> "pd.Series":
    """A text column as booleans or numbers where every cell is one."""
    words = column.astype(str).str.strip().str.lower()
    if words.isin(["true", "false"]).all():
        return words == "true"
    numbers = pd.to_numeric(column, errors="coerce")
    return column if numbers.isna().any() else numbers


def _float(cell: object) -> float:
    try:
        return float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def _text(frame: pd.DataFrame, name: str, default: list[str]) -> Names:
    """A column as text; blank cells get the default."""
    if name not in frame:
        return np.array(default, dtype=str)
    cells = frame[name].tolist()
    blank = [cell is None or cell != cell or cell == "" for cell in cells]
    return np.array([d if b else str(c) for c, d, b in zip(cells, default, blank, strict=True)], dtype=str)


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


def _units_doubted(table: RunTable) -> RunTable:
    """Warn where C is far from 6·N·D: one of the three is in another unit."""
    kappa = float(np.median(table.flops / table.n_params / table.n_tokens)) if len(table) else 6.0
    if KAPPA[0] < kappa < KAPPA[1]:
        return table
    note = f"C is {kappa:.2g}·N·D, and about 6·N·D is usual: are n_params, n_tokens and flops in single units?"
    return replace(table, warnings=[*table.warnings, note])


def _without_repeats(table: RunTable, named: bool) -> RunTable:
    """Drop exact repeats of a named run, refuse contradictions, and only warn about repeats without run ids."""
    frame = pd.DataFrame(
        {"run": table.run_id, "n": table.n_params, "d": table.n_tokens, "c": table.flops, "loss": table.loss}
    )
    if not named:
        count = int(frame.drop(columns="run").duplicated().sum())
        note = f"{count} rows repeat another in N, D, C and loss; without run_id each counts as a run of its own"
        return replace(table, warnings=[note]) if count else table
    table = table.keep(~frame.duplicated().to_numpy(), "repeats another row of the same run")
    frame = frame.drop_duplicates()
    clash = frame.duplicated(["run", "n", "d"]).to_numpy()
    if clash.any():
        at = int(np.flatnonzero(clash)[0])
        raise FlopscapeError(
            f"{table.path}, row {table.row[at]}, column loss: run {table.run_id[at]} has two losses at the same N and D"
        )
    return table
