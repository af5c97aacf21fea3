"""The runs as the answer sees them: points in (ln N, ln D) with a mean loss, a count, and what seeds say of the noise.

Runs of one N and D differ by noise alone. Their mean has the noise's variance over their count, and their scatter about
it is independent of the mean, so that the two together say as much as the runs one by one.

Rows that share a run, its checkpoints, also share what went well or badly in it. They stay apart, and
the noise's covariance has a part that is common to the rows of a run: see `whiten`.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from flopscape.laws.law import Array, Index, Mask
from flopscape.runs.table import RunTable, design_index

MOST_CHECKPOINTS = 12
"""Rows of one run that are used. Neighbouring checkpoints have nearly one loss, and their errors nearly one error: many
of them would count as independent ones that they are not."""
MOST_CELLS = 1500
"""Points that are fitted one by one; more are averaged over small rectangles in (ln N, ln D)."""
SAME = 1e-9
"""In ln N and ln D: rounding."""
FARTHEST = 10.0
"""A loss this many times the middle one, or as small a part of it, is no point of a scaling law."""


class Center(NamedTuple):
    """Where the coordinates have their zero: u = ln(N·D) − `log_product`, x = ln N − `log_n`, losses over `loss`."""

    log_product: float
    log_n: float
    loss: float


@dataclass(frozen=True)
class Cells:
    """Points of (ln N, ln D), shape (n,): mean loss in units of the table's median, count, and index of the run.

    `squares` is the sum of squares of losses about the mean of their cell, and `dof` its degrees of freedom. `shared`
    says whether rows share runs.
    """

    center: Center
    x: Array
    u: Array
    loss: Array
    count: Array
    run: Index
    squares: float
    dof: int
    shared: bool

    def __len__(self) -> int:
        return len(self.loss)

    def whiten(self, values: Array, ratio: float) -> Array:
        """Values (n, k) times the inverse root of the noise's covariance, in units of σ².

        Without shared runs the variance of a cell is σ² over its count. With them a row has an error of its run, of
        variance σ², and one of its own, of η²σ² with the `ratio` η: a run of k rows has V = η²·I + 1·1ᵀ, and since 1·1ᵀ
        has the one eigenvalue k,

            V^(−1/2) = (1/η)·[I − (1 − η/√(η² + k))·1·1ᵀ/k].
        """
        if not self.shared:
            return np.asarray(values * np.sqrt(self.count)[:, None])
        k = np.bincount(self.run)
        part = (1 - ratio / np.sqrt(ratio**2 + k)) / k
        sums = np.stack([np.bincount(self.run, column) for column in values.T], axis=1)
        return np.asarray((values - (part[:, None] * sums)[self.run]) / ratio)

    def noise_covariance(self, ratio: float) -> Array:
        """V of `whiten`, shape (n, n)."""
        if not self.shared:
            return np.diag(1 / self.count)
        return np.asarray(ratio**2 * np.eye(len(self)) + (self.run[:, None] == self.run))

    def log_determinant(self, ratio: float) -> float:
        """Of the noise's covariance in units of σ²: of η²·I + 1·1ᵀ it is (k − 1)·ln η² + ln(η² + k)."""
        if not self.shared:
            return -float(np.log(self.count).sum())
        k = np.bincount(self.run)
        return float(((k - 1) * np.log(ratio**2) + np.log(ratio**2 + k)).sum())


def is_far_off(table: RunTable) -> Mask:
    """Which rows have a loss that is no point of the others' law: see `FARTHEST`."""
    ratio = np.abs(np.log(table.loss) - np.median(np.log(table.loss)))
    return np.asarray(ratio > np.log(FARTHEST))


def cells_of(table: RunTable) -> tuple[Cells, list[str]]:
    """The cells of a table of at least one row, and sentences about rows that were thinned or averaged.

    Copies, rows of one N, D and loss, count once: they say nothing of the noise.
    """
    doubts: list[str] = []
    rows = len(table)
    if table.n_runs < rows:
        table = table.keep(_thinned(table), "near another checkpoint of its run")
    if len(table) < rows:
        doubts.append(
            f"of {rows:,} checkpoints {len(table):,} are used, evenly in ln D along each run: nearer ones share their"
            " errors, and would count as runs of their own"
        )
    cells = _rows(table) if table.n_runs < len(table) else _averaged(table)
    if len(cells) > MOST_CELLS:
        doubts.append(
            f"{len(cells):,} points are averaged over small rectangles in (ln N, ln D), into at most {MOST_CELLS:,}"
        )
        cells = _coarser(cells)
    return cells, doubts


def planned_cells(design: RunTable, center: Center) -> Cells:
    """The runs of a design, whatever their losses, in the coordinates of a fit."""
    # Losses that differ, for runs of one N, D and loss would count as copies of one.
    cells, _ = cells_of(replace(design, loss=np.linspace(1.0, 1.001, len(design))))
    x, u = cells.x + cells.center.log_n - center.log_n, cells.u + cells.center.log_product - center.log_product
    return replace(cells, center=center, x=x, u=u)


def rows_of(cells: Cells, table: RunTable, at: int) -> Index:
    """The rows of a table that lie at one of its cells."""
    center = cells.center
    x, u = np.log(table.n_params) - center.log_n, np.log(table.n_params) + np.log(table.n_tokens) - center.log_product
    return np.flatnonzero((np.abs(x - cells.x[at]) < SAME) & (np.abs(u - cells.u[at]) < SAME))


def center_of(table: RunTable) -> Center:
    """The middle of the runs: u = 0 at their mean, x = 0 at 20 tokens a parameter there; the median loss is one."""
    middle = float(np.mean(np.sort(np.log(table.n_params) + np.log(table.n_tokens))))
    return Center(middle, (middle - float(np.log(20.0))) / 2, float(np.median(table.loss)))


def _coordinates(table: RunTable) -> tuple[Center, Array, Array, Array]:
    center, log_n = center_of(table), np.log(table.n_params)
    u = log_n + np.log(table.n_tokens) - center.log_product
    return center, log_n - center.log_n, u, table.loss / center.loss


def _rows(table: RunTable) -> Cells:
    """Every row is a point of its own, in the order of its run and D."""
    center, x, u, loss = _coordinates(table)
    order = np.lexsort((loss, x, u, table.run_id))
    run = np.unique(table.run_id[order], return_inverse=True)[1].ravel()
    return Cells(center, x[order], u[order], loss[order], np.ones(len(order)), run, 0.0, 0, True)


def _averaged(table: RunTable) -> Cells:
    """One point for each N, D and number of distinct tokens."""
    center, x, u, loss = _coordinates(table)
    cell = design_index(table)
    # Sorting makes sums independent of the order of the rows to the last digit, and shows the copies.
    first = np.unique(np.stack([cell, loss]), axis=1, return_index=True)[1]
    cell = cell[first]
    return _means(Cells(center, x[first], u[first], loss[first], np.ones(len(first)), cell, 0.0, 0, False), cell)


def _means(rows: Cells, cell: Index) -> Cells:
    """The means of points by cell, each point with its count; their scatter joins what is known of it."""
    weight = np.asarray(np.bincount(cell, rows.count), float)
    x, u, loss = (np.bincount(cell, rows.count * values) / weight for values in (rows.x, rows.u, rows.loss))
    squares = float(rows.count @ (rows.loss - loss[cell]) ** 2)
    dof = len(rows) - len(weight)
    return replace(
        rows, x=x, u=u, loss=loss, count=weight, run=np.arange(len(weight)), squares=rows.squares + squares,
        dof=rows.dof + dof,
    )  # fmt: skip


def _thinned(table: RunTable) -> Mask:
    """The last row of each run, and as many more as are used, those nearest to even distances in ln D."""
    kept = np.zeros(len(table), bool)
    order = np.lexsort((table.loss, table.n_tokens, table.run_id))
    starts = np.flatnonzero(np.r_[True, table.run_id[order][1:] != table.run_id[order][:-1]])
    most = int(np.clip(MOST_CELLS // len(starts), 1, MOST_CHECKPOINTS))
    for rows in np.split(order, starts[1:]):
        log_d = np.log(table.n_tokens[rows])
        even = np.linspace(log_d[-1], log_d[0], most)
        chosen = np.abs(log_d - even[:, None]).argmin(axis=1) if len(rows) > most else np.arange(len(rows))
        kept[rows[chosen]] = True
    return kept


def _coarser(cells: Cells) -> Cells:
    """Means over rectangles of (ln N, ln D), as small as keeps their number; scatter within them is no noise.

    The loss bends within a rectangle of side h by about h²/24 of its curvature, under 1e-4 of the loss for h = 0.05.
    What the runs of a rectangle scatter by holds the slope of the loss too, so that nothing is concluded from it.
    """
    for step in np.geomspace(0.01, 10.0, 31):
        grid = np.round(np.stack([cells.x, cells.u]) / step)
        cell = np.unique(grid, axis=1, return_inverse=True)[1].ravel()
        if cell.max() < MOST_CELLS:
            break
    means = _means(replace(cells, run=np.arange(len(cells))), cell)
    return replace(means, squares=cells.squares, dof=cells.dof, shared=False)
