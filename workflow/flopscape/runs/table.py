"""A table of runs as every stage holds it, and its design: repeats, budgets, the ends of compute.

The type alone, so that what fits, judges or draws runs imports no reader of files: `runs.read` makes tables.
All arithmetic is in float64, for 6·N·D overflows integers.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from flopscape.errors import listed
from flopscape.laws.law import Array, Index, Mask, Names
from flopscape.records.fit_result import Exclusion
from flopscape.records.metrics import LOSS, unit_of

REQUIRED = ("n_params", "n_tokens", "loss")
SIX_N_D = "6·n_params·n_tokens"
"""What stands in for the column of C where a table has none."""
UNIQUE = "unique_tokens"
"""A column that only some tables have: the distinct tokens of the data a run repeats."""


@dataclass(frozen=True)
class RunTable:
    """The completed rows of a table; arrays have one entry a row.

    `budget` is NaN for a row outside every budget; `run_id` is shared by the checkpoints of one run; `row` is the
    number of the row in the file, the first after the header being 1; `columns` keeps every column that was read, as
    numbers or booleans where its cells are. `covariates` are what a law with covariates depends on besides N, D and C,
    by name (runs/covariates.py); of other laws there are none.
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
    covariates: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def n_runs(self) -> int:
        """How many distinct runs there are, which are what is resampled."""
        return len(np.unique(self.run_id))

    @property
    def unit(self) -> str:
        """What D counts, as the table's column `unit` says."""
        return self._word("unit") or "token"

    @property
    def loss_unit(self) -> str:
        """What the loss is measured in, where the table or the name of its column tells; else nothing."""
        return unit_of(self.conventions.get(LOSS, LOSS), self._word("loss_unit"))

    def _word(self, column: str) -> str:
        """The one word that a column holds, for a table of two is refused where it is read; empty where it has none."""
        words = [str(word) for word in self.columns.get(column, pd.Series(dtype=str)).dropna().unique() if word]
        return words[0] if words else ""

    @property
    def distinct_tokens(self) -> Array:
        """The distinct units that each run saw, min(U, D), shape (rows,); all of D where the table says nothing."""
        if UNIQUE not in self.columns:
            return self.n_tokens
        supply = pd.to_numeric(self.columns[UNIQUE], errors="coerce").to_numpy(float)
        # `fmin` takes D where the cell is blank.
        return np.asarray(np.fmin(supply, self.n_tokens))

    @property
    def input_hash(self) -> str:
        """SHA-256 of the values a fit uses, in order; independent of the file's format and other columns."""
        digest = hashlib.sha256("\n".join(self.run_id).encode())
        for values in (self.n_params, self.n_tokens, self.flops, self.loss, self.budget):
            # Little-endian doubles, so that every machine hashes the same bytes.
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        if UNIQUE in self.columns:
            digest.update(np.ascontiguousarray(self.distinct_tokens, dtype="<f8").tobytes())
        return digest.hexdigest()

    def warned(self, *sentences: str) -> "RunTable":
        """The table with more sentences of warning; empty ones are passed over."""
        return replace(self, warnings=[*self.warnings, *filter(None, sentences)])

    def keep(self, mask: Mask, reason: str) -> "RunTable":
        """The rows of the mask; the others are listed as excluded for the reason."""
        if mask.all():
            return self
        names = ("n_params", "n_tokens", "flops", "loss", "budget", "run_id", "seed", "row")
        kept = {name: getattr(self, name)[mask] for name in names}
        # Checkpoints share a run's name, which is then listed once for each.
        dropped = Exclusion([str(name) for name in self.run_id[~mask]], reason)
        columns = self.columns[mask].reset_index(drop=True)
        covariates = {name: values[mask] for name, values in self.covariates.items()}
        excluded = [*self.excluded, dropped]
        return replace(self, **kept, columns=columns, covariates=covariates, excluded=excluded)


def describe_rows(table: RunTable, rows: Mask | Index, most: int = 5) -> str:
    """Names of flagged rows for a sentence."""
    return listed(table.run_id[rows], most)


def seed_scatter(table: RunTable) -> tuple[float, int]:
    """Standard deviation of the loss among runs of one N and D, pooled, with its degrees of freedom."""
    return pooled_scatter(table.loss, design_index(table))


def pooled_scatter(loss: Array, point: Index) -> tuple[float, int]:
    """Standard deviation of the loss about the mean of its point, with its degrees of freedom.

    Every point has the same noise: the squares of all are summed and divided by Σ (count − 1), so that a point of two
    seeds weighs one degree of freedom. NaN and 0 where no point has two.

    Parameters
    ----------
    loss : array, shape (n,)
    point : array of int, shape (n,)
        Which point each loss is of, counted from 0.
    """
    # Σ (x − x̄)² of each point is its own mean's: c losses of a point leave c − 1 degrees of freedom.
    count = np.bincount(point)
    mean = np.bincount(point, loss) / count
    dof = int((count - 1).sum())
    squares = float(((loss - mean[point]) ** 2).sum())
    return (float(np.sqrt(squares / dof)), dof) if dof else (float("nan"), 0)


def design_index(table: RunTable) -> Index:
    """Index of each row's N, D, distinct tokens and covariates: repeats differ only in seed."""
    # Distinct columns of (3 and one for each covariate, rows) are the points of the design.
    keys = np.stack([table.n_params, table.n_tokens, table.distinct_tokens, *table.covariates.values()])
    return np.unique(keys, axis=1, return_inverse=True)[1].ravel()


class Ends(NamedTuple):
    """Masks of the rows of least and of most compute, and what each is in words."""

    smallest: Mask
    largest: Mask
    low: str
    high: str


def ends_of_compute(table: RunTable) -> Ends:
    """The rows at the smallest and at the largest budget; the outer fifths of C where budgets are few."""
    inside = np.isfinite(table.budget)
    budgets = np.unique(table.budget[inside])
    # Two budgets would be the table's halves, and where most runs are in none, budgets are not its ends.
    if len(budgets) < 3 or inside.mean() < 0.5:
        low, high = np.quantile(table.flops, [0.2, 0.8])
        fifths = "the lowest fifth of compute", "the highest fifth of compute"
        return Ends(table.flops <= low, table.flops >= high, *fifths)
    # Runs of no budget count by their own compute.
    size = np.where(inside, table.budget, table.flops)
    return Ends(size <= budgets[0], size >= budgets[-1], "the smallest budget", "the largest budget")
