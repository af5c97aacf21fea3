"""Runs: a table of anyone's, read and checked, with what is to be said of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from flopscape.api.asked import path_of
from flopscape.api.show import drawn, page
from flopscape.errors import FlopscapeError
from flopscape.records.fit_result import FitResult
from flopscape.runs.formats.frames import NAME, read_frame
from flopscape.runs.read import read_any, table_of
from flopscape.runs.table import RunTable
from flopscape.text import numbers
from flopscape.text.terminal import aligned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from flopscape.figures.tables import Tables

NONE: Mapping[str, Any] = MappingProxyType({})
HEAD = ["runs", "budgets", "C, FLOPs", "N, parameters", "D", "loss"]


@dataclass(frozen=True, repr=False)
class Runs:
    """A table of runs that was read and checked: what `read_runs` returns, and every verb takes.

    `table` is what a fit sees, `frame` all that was read, `path` the file if there is one, and `columns` the columns
    that were named instead of the usual ones.
    """

    table: RunTable
    frame: pd.DataFrame
    path: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def name(self) -> str:
        """What sentences call the table."""
        return NAME if self.path is None else str(self.path)

    def table_with(self, columns: Mapping[str, str]) -> RunTable:
        """The same rows by other columns, as a fit of another convention sees them."""
        return table_of(self.frame, self.name, columns)

    def to_frame(self) -> pd.DataFrame:
        """A row a run that a fit sees: run_id, n_params, n_tokens, flops, loss, budget, seed, and all other columns."""
        names = ("run_id", "n_params", "n_tokens", "flops", "loss", "budget", "seed")
        own = pd.DataFrame({name: getattr(self.table, name) for name in names})
        others = self.table.columns.drop(columns=[*names], errors="ignore")
        return pd.concat([own, others.reset_index(drop=True)], axis=1)

    def summary(self) -> str:
        """How many runs, over which computes, sizes, data and losses; what was left out, and what to doubt."""
        return "\n".join([aligned([HEAD, *self._rows()]), *self._notes()])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Loss against size, a colour a budget, into the axes that are given or new ones; returns them."""
        from flopscape.figures import isoflop

        with drawn(ax) as axes:
            isoflop.panel(axes, self.tables())
        return axes

    def tables(self, fits: Mapping[str, FitResult] = NONE, draws: Mapping[str, pd.DataFrame] = NONE) -> "Tables":
        """The runs as figures take them, beside fits and their draws by name."""
        from flopscape.figures.tables import Tables, complete, with_budgets

        table = self.table
        frame = self.to_frame().assign(unit=table.unit, simulated=table.simulated)
        frame = frame.assign(loss_unit=table.loss_unit) if table.loss_unit else frame
        return Tables(with_budgets(complete(frame), fits.values()), pd.DataFrame(), dict(fits), dict(draws))

    def _rows(self) -> list[list[str]]:
        table = self.table
        if not len(table):
            return []
        budgets = len({budget for budget in table.budget.tolist() if budget == budget})
        ends = [(values.min(), values.max()) for values in (table.flops, table.n_params, table.n_tokens, table.loss)]
        writers = (numbers.flops, numbers.count, numbers.count, numbers.loss)
        told = [f"{write(low)} to {write(high)}" for write, (low, high) in zip(writers, ends, strict=True)]
        return [[str(table.n_runs), str(budgets or numbers.NOTHING), *told]]

    def _notes(self) -> list[str]:
        left_out = [f"left out: {exclusion.words}" for exclusion in self.table.excluded]
        return [*left_out, *(f"warning: {text}" for text in self.table.warnings)]

    def __repr__(self) -> str:
        return f"Runs of {self.name}\n{self.summary()}"

    def _repr_html_(self) -> str:
        return page(f"Runs of {self.name}", HEAD, self._rows(), self._notes())


AnyRuns: TypeAlias = Runs | pd.DataFrame | str | os.PathLike[str]
"""What every verb takes for a table of runs."""


def read_runs(source: AnyRuns, columns: Mapping[str, str] | None = None) -> Runs:
    """Read a table of runs: a CSV, JSON or Parquet file, packed as .gz or not, or a DataFrame.

    Parameters
    ----------
    source : path, DataFrame or Runs
        Needs N, D and the loss of each run: `n_params`, `n_tokens`, `loss`. C is in `flops`, 6·N·D where there is no
        such column; `budget`, `run_id`, `seed`, `status` and others are used where they are.
    columns : mapping, optional
        Columns to use instead of the usual ones, such as `{"n_params": "n_params_total", "loss": "val_loss"}`.

    Raises
    ------
    FlopscapeError
        As of `flopscape fit`: a table that cannot be read or lacks a column, a cell that is no positive number, two
        losses of one run.

    Examples
    --------
    >>> frame = pd.DataFrame({"n_params": [1e6, 2e6], "n_tokens": [2e7, 1e7], "loss": [3.1, 3.0]})
    >>> len(read_runs(frame))
    2
    """
    if isinstance(source, Runs):
        return source if not columns else _read(source.frame, source.path, {**source.columns, **columns})
    if isinstance(source, pd.DataFrame):
        return _read(read_frame(source), None, columns)
    if not isinstance(source, str | os.PathLike):
        what = type(source).__name__
        raise FlopscapeError(f"runs: {what} is no table; give a path, a DataFrame or what read_runs made")
    path = path_of(source, "runs")
    return _read(read_any(path), path, columns)


def file_of(source: AnyRuns, columns: Mapping[str, str] | None, why: str) -> tuple[Path, dict[str, str]]:
    """The file that a table is in, and the columns to read of it; raises FlopscapeError where it is in none."""
    of_runs = source.columns if isinstance(source, Runs) else {}
    path = source.path if isinstance(source, Runs) else source
    if path is None or isinstance(path, pd.DataFrame):
        raise FlopscapeError(f"{why} the runs must be in a file, whose hash is kept; write them to one first")
    return path_of(path, "runs"), {**of_runs, **(columns or {})}


def _read(frame: pd.DataFrame, path: Path | None, columns: Mapping[str, str] | None) -> Runs:
    chosen = dict(columns or {})
    return Runs(table_of(frame, NAME if path is None else path, chosen), frame, path, chosen)
