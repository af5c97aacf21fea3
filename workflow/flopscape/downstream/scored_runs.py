"""The runs that have both a loss and an accuracy, and what of them no curve can be fitted to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtri

from flopscape.downstream.kept import FEWEST, why_not_asked
from flopscape.downstream.results import Untold
from flopscape.errors import FlopscapeError, listed
from flopscape.laws.law import Array, Mask, Names
from flopscape.records.metrics import ERROR
from flopscape.runs.cells import require_column
from flopscape.runs.chosen import chosen_rows
from flopscape.runs.metric_columns import with_metrics
from flopscape.runs.read import read_runs
from flopscape.runs.table import RunTable
from flopscape.text.numbers import plural

RARE = 1e-3
"""Probability that any of all runs at chance lies so far below it by the luck of its items."""


@dataclass(frozen=True)
class ScoredRuns:
    """Losses, accuracies as shares, and C of the runs, each of shape (n,).

    `items` is how many questions an accuracy counts, None where that is not known; `chance` the accuracy of guessing,
    None where it is fitted. `notes` are sentences on how the columns were read.
    """

    path: str
    column: str
    loss_column: str
    loss: Array
    accuracy: Array
    flops: Array
    run_id: Names
    items: float | None
    chance: float | None
    loss_unit: str
    simulated: bool
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.loss)

    def error(self, expected: Array) -> Array:
        """Standard deviations (n,) of accuracies that are expected to be these: binomial ones, or all the same.

        √(p·(1 − p)/items) by the expected share, and not by the measured one, which would trust runs for their luck.
        One item in all is added on either side, so that no share has an error of zero.
        """
        if self.items is None:
            return np.ones(len(expected))
        share = (expected * self.items + 1) / (self.items + 2)
        return np.asarray(np.sqrt(share * (1 - share) / self.items))

    def refuse_below_chance(self, error: Array | float) -> None:
        """Raise Untold where an accuracy is below chance by more than noise of this standard deviation."""
        if self.chance is None:
            return
        far = -ndtri(RARE / len(self)) * error
        if (below := self.accuracy < self.chance - np.maximum(far, 1e-9)).any():
            at = int(np.argmin(np.where(below, self.accuracy, np.inf)))
            raise Untold(
                f"{self.path}, column {self.column}: {self.accuracy[at]:.3g} of run {self.run_id[at]} is below the "
                f"chance level {self.chance:g} by more than noise; correct the chance level, or see whether answers "
                "are scored under wrong labels"
            )


def read_scored(
    path: str | Path,
    column: str,
    loss: str,
    *,
    chance: float | None = None,
    items: float | None = None,
    exclude: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> ScoredRuns:
    """Read the runs of a table that have both.

    Parameters
    ----------
    path : str or Path
    column, loss : str
        Columns of the accuracy, whose error is sought in `{column}_se`, and of the fit's loss.
    chance : float, optional
        The share that guessing gets right.
    items : float, optional
        How many questions were asked; by default what the standard errors say.
    exclude, columns
        As for `flopscape fit`.

    Raises
    ------
    FlopscapeError
        Naming the column and what is wrong with it; `Untold` where too few runs are left, or one is below chance.
    """
    if why := why_not_asked(column, chance, items):
        raise FlopscapeError(f"--{why}")
    table = read_runs(path, {**(columns or {}), "loss": loss})
    table = chosen_rows(table, exclude, None)
    require_column(table.columns, column, path)
    _refuse_empty(table, exclude)
    names = [name for name in (column, f"{column}{ERROR}") if name in table.columns]
    frame, notes = with_metrics(table.columns[names], np.ones(len(table), bool), str(path))
    shares = frame[column].to_numpy(float)
    used = np.isfinite(shares)
    items = _items(shares[used], frame[used]) if items is None else items
    if not used.all():
        notes.append(f"{plural(int((~used).sum()), 'run')} without {column} left out: {listed(table.run_id[~used], 5)}")
    arrays = (table.loss[used], shares[used], table.flops[used], table.run_id[used])
    found = ScoredRuns(
        str(path), column, loss, *arrays, items, chance, table.loss_unit or f"nats per {table.unit}", table.simulated,
        (*table.warnings, *notes),
    )  # fmt: skip
    _refuse_few(found)
    if items is not None and chance is not None:
        found.refuse_below_chance(found.error(np.full(len(found), chance)))
    return found


def _refuse_empty(table: RunTable, exclude: str | None) -> None:
    if not len(table):
        cure = f"change exclude {exclude!r}" if exclude else "give a table of finished runs"
        raise Untold(f"{table.path}: no run is left; {cure}")


def _items(shares: Array, frame: pd.DataFrame) -> float | None:
    """How many items the standard errors tell of: p·(1 − p)/se², the median over the runs; None without errors."""
    if len(frame.columns) < 2:
        return None
    errors = frame.iloc[:, 1].to_numpy(float)
    usable: Mask = np.isfinite(errors) & (errors > 0) & (shares > 0) & (shares < 1)
    if not usable.any():
        return None
    return max(float(np.median(shares[usable] * (1 - shares[usable]) / errors[usable] ** 2)), 1.0)


def _refuse_few(runs: ScoredRuns) -> None:
    if (distinct := len(np.unique(runs.loss))) < FEWEST:
        raise Untold(
            f"{runs.path}: {plural(distinct, 'distinct loss')} with {runs.column}, and a curve from floor to ceiling "
            f"needs {FEWEST}; score more runs"
        )
