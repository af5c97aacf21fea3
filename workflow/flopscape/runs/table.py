"""Reading a table of runs: every value checked, every row that is left out named.

A row needs N, D and the loss; C defaults to 6·N·D. All arithmetic is in float64, for 6·N·D overflows integers.
"""

import hashlib
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.laws.arrays import Array, Index, Mask, Names
from flopscape.records.fit_result import Exclusion
from flopscape.runs.budgets import group_budgets
from flopscape.runs.cells import nearest, positive_column, require_column, text_column, typed
from flopscape.runs.copies import repeats
from flopscape.runs.read import read_any
from flopscape.runs.rows_where import rows_where
from flopscape.runs.statuses import completed_rows
from flopscape.text import numbers

REQUIRED = ("n_params", "n_tokens", "loss")
CHOSEN = (*REQUIRED, "flops", "budget")
"""What `--column` can read from another column."""
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
    number of the row in the file, the first after the header being 1; `columns` keeps every column that was read, as
    numbers or booleans where its cells are.
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
        said = [str(unit) for unit in self.columns.get("unit", pd.Series(dtype=str)).dropna().unique() if unit]
        return said[0] if said else "token"

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

    @property
    def left_out(self) -> str:
        """How many rows were left out, and why."""
        return "; ".join(f"{numbers.plural(len(out.rows), 'row')}: {out.reason}" for out in self.excluded)

    def warned(self, *sentences: str) -> "RunTable":
        return replace(self, warnings=[*self.warnings, *filter(None, sentences)])

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
        """Leave out the rows for which an expression over the table's columns is true; warn where there is none.

        Raises
        ------
        FlopscapeError
            The expression cannot be evaluated, or is not true or false for each row; see `rows_where`.
        """
        names = ("n_params", "n_tokens", "flops", "loss", "budget", "run_id")
        frame = self.columns.assign(**{name: getattr(self, name) for name in names})
        if "seed" not in frame:
            frame = frame.assign(seed=np.nan)
        try:
            hit = rows_where(frame, expression)
        except ValueError as error:
            raise FlopscapeError(f"{self.path}: --exclude {textwrap.shorten(expression, 200)!r}: {error}") from error
        if not hit.any():
            return self.warned(f"the exclusion {expression} is true for no row")
        return self.keep(~hit, f"excluded by {expression}")


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


def table_of(
    frame: pd.DataFrame, path: str | Path, columns: Mapping[str, str] | None = None, measured: bool = True
) -> RunTable:
    """The same from a frame that is already read; `path` is for the sentences only.

    With `measured` False the losses are only placeholders, and equal ones say nothing of copies.
    """
    names = {name: name for name in CHOSEN} | dict(columns or {})
    for name in columns or {}:
        if name not in CHOSEN:
            raise FlopscapeError(f"--column {name}={names[name]}: no such column of a fit{nearest(name, CHOSEN)}")
    for name in (*REQUIRED, *(columns or {})):
        require_column(frame, names[name], path)
    frame, excluded = completed_rows(frame)
    row = frame.index.to_numpy() + 1
    values = {name: positive_column(frame, names[name], path, row) for name in REQUIRED}
    counted = names["flops"] in frame
    flops = positive_column(frame, names["flops"], path, row) if counted else _six_n_d(values, path, row)
    planned = positive_column(frame, names["budget"], path, row, blank=True) if names["budget"] in frame else None
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
        excluded=excluded,
        conventions={name: names[name] for name in REQUIRED} | {"flops": names["flops"] if counted else SIX_N_D},
    )
    table = _without_repeats(table)
    return (_without_copies(table) if measured else table).warned(_units_doubted(table))


@np.errstate(all="ignore")
def _six_n_d(values: Mapping[str, Array], path: str | Path, row: Index) -> Array:
    """C = 6·N·D of every row, where that is a number."""
    flops = 6.0 * values["n_params"] * values["n_tokens"]
    if wrong := np.flatnonzero(~(np.isfinite(flops) & (flops > 0))).tolist():
        n, d = (values[name][wrong[0]] for name in ("n_params", "n_tokens"))
        raise FlopscapeError(
            f"{path}, row {row[wrong[0]]}: 6·n_params·n_tokens of {n:g} and {d:g} is beyond what can be computed with;"
            " write both in single units"
        )
    return np.asarray(flops)


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


def _units_doubted(table: RunTable) -> str:
    """A warning where C is far from 6·N·D: one of the three is in another unit."""
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
    found = repeats(*point, table.loss, table.seed)
    same = "in N, D, C and loss"
    doubts = [
        f"{found.copies.sum()} rows repeat another run's {same}: copies, counted once" if found.copies.any() else "",
        f"{found.doubtful.sum()} rows repeat another {same}, which is written with few digits: seeds, or copies? Each "
        "counts as a run of its own; leave copies out with --exclude" if found.doubtful.any() else "",
    ]  # fmt: skip
    return table.warned(*doubts).keep(~found.copies, f"a copy: repeats another run {same}")
