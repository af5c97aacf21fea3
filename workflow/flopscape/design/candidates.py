"""Which runs may be bought next: sizes around the optimum's path at budgets below, within and above those that exist.

The path is that of the answer's typical draw, and sizes lie within a factor four of it: farther ones say little, or
mislead, where a law is only nearly true. Budgets are those of the runs, a factor √10 apart where there are
none, and go on above the largest one as far as the money, the target and a factor ten allow, and once below the
smallest. Every N and D that was run is a candidate again, with a new seed.

A study's candidates are those that its model can have (plan/family.py), in whole batches, with the price that the plan
would name; of a table of runs nothing is known but N, D and C.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.fitting.drifting_law.curve import Curves
from flopscape.laws.law import Array, Compute, Index, Mask, Names
from flopscape.records.plan_row import PlanRow
from flopscape.runs.cells import amount_column, require_column
from flopscape.runs.read import read_any
from flopscape.runs.table import RunTable
from flopscape.text import numbers

HALF_SPAN = 0.6 * float(np.log(10))
"""In ln N, on both sides of the path; `flopscape.design.told` has what others did."""
SIZES = 9
"""Of a budget: 0.15 decades apart."""
STEP = float(np.sqrt(10.0))
"""Factor between budgets that no run has."""
ABOVE, BELOW = 10.0, STEP
"""Factors by which budgets go beyond those of the runs; `flopscape.design.told` has what was tried."""
SAME = 1.05
"""Factor within which two budgets are one."""
NEAR = float(np.log(4.0))
"""In ln C: runs within it tell which sizes a budget has."""
SEED, BETWEEN, WIDER, LARGER, SMALLER = "seed", "size between", "wider size", "larger budget", "smaller budget"
KINDS = (SEED, BETWEEN, WIDER, LARGER, SMALLER)


@dataclass(frozen=True)
class Candidates:
    """Runs that could be bought, arrays of shape (n,): N, D, C, and which of them repeat the N and D of a run.

    `usd` and `rows`, the runs as a plan has them, are a study's; `numbers` are the rows of a pool, the first being 1,
    and `left_out` says how many of them are too far from the path.
    """

    n_params: Array
    n_tokens: Array
    flops: Array
    repeats: Mask
    usd: Array | None = None
    rows: tuple[PlanRow, ...] = ()
    numbers: Index | None = None
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.n_params)

    def take(self, at: Mask | Index) -> "Candidates":
        """Some of them."""
        index = np.arange(len(self))[at]
        return Candidates(
            self.n_params[index],
            self.n_tokens[index],
            self.flops[index],
            self.repeats[index],
            None if self.usd is None else self.usd[index],
            tuple(self.rows[i] for i in index) if self.rows else (),
            None if self.numbers is None else self.numbers[index],
            self.left_out,
        )


def budgets_of(table: RunTable, spend: float, most: float) -> Array:
    """The budgets C at which sizes are looked for, ascending.

    Parameters
    ----------
    table : RunTable
        The finished runs.
    spend : float
        FLOPs that may be spent: no budget lies above.
    most : float
        The largest target: to run what is asked for is the most that is ever needed.
    """
    planned = np.unique(table.budget[np.isfinite(table.budget)])
    low, high = float(table.flops.min()), float(table.flops.max())
    if len(planned) < 2:
        planned = np.exp(np.linspace(np.log(low), np.log(high), max(2, round(np.log(high / low) / np.log(STEP)) + 1)))
    top = float(planned[-1])
    ceiling = min(spend, max(most, top), ABOVE * top)
    steps = STEP ** np.arange(1, 1 + round(np.log(max(ABOVE, BELOW)) / np.log(STEP)))
    below = planned[0] / steps[steps <= BELOW * SAME]
    # Written into studies, so no longer than they need be.
    below, above = (np.array([float(f"{c:.3g}") for c in budgets]) for budgets in (below, top * steps))
    above = np.append(above, ceiling)
    found = np.unique(np.concatenate([below, planned, above[(above > top) & (above <= ceiling)]]))
    found = found[found <= max(spend, found[0])]
    # Of two budgets that are nearly one the larger stays: it is the target, or all that may be spent.
    return np.asarray(found[np.append(found[1:] > SAME * found[:-1], True)])


def wishes(curves: Curves, budgets: Array, half_span: float = HALF_SPAN) -> tuple[Array, Array]:
    """ln N and C of the sizes that are looked for, evenly spaced around the optimum of each budget."""
    center = np.array([curves.lowest(float(c)).log_n[0] for c in budgets])
    log_n = center[:, None] + np.linspace(-half_span, half_span, SIZES)
    return log_n.ravel(), np.repeat(budgets, SIZES)


def of_table(table: RunTable, curves: Curves, spend: float, most: float, half_span: float = HALF_SPAN) -> Candidates:
    """Any sizes, and seeds of the runs that a table has; the last row of a run stands for it."""
    log_n, flops = wishes(curves, budgets_of(table, spend, most), half_span)
    n, d, c = distinct_runs(table)
    log_d = curves.compute.tokens(log_n, flops)
    repeats = np.repeat([False, True], [len(log_n), len(n)])
    return Candidates(np.append(np.exp(log_n), n), np.append(np.exp(log_d), d), np.append(flops, c), repeats)


def distinct_runs(table: RunTable) -> tuple[Array, Array, Array]:
    """N, D and C of all distinct runs, each at its end."""
    order = np.lexsort((-table.n_tokens, table.run_id))
    first = np.unique(table.run_id[order], return_index=True)[1]
    ends = order[first]
    points = np.stack([table.n_params[ends], table.n_tokens[ends], table.flops[ends]])
    n, d, c = np.unique(points, axis=1)
    return n, d, c


def of_pool(path: Path, table: RunTable, compute: Compute) -> Candidates:
    """The candidates that a file gives: `n_params` and `n_tokens`, and `flops` where they are not κ(N)·N·D of the runs.

    Raises
    ------
    FlopscapeError
        A column that is missing, or a cell that is no positive number.
    """
    frame = read_any(path)
    row = np.arange(1, len(frame) + 1)
    for name in ("n_params", "n_tokens"):
        require_column(frame, name, path)
    if not len(frame):
        raise FlopscapeError(f"{path}: no rows")
    n, d = (amount_column(frame, name, path, row) for name in ("n_params", "n_tokens"))
    own = "flops" in frame
    flops = amount_column(frame, "flops", path, row) if own else np.exp(compute.curve(np.log(n))[0]) * n * d
    return Candidates(n, d, flops, is_repeated(n, d, table), numbers=row)


def near_path(candidates: Candidates, curves: Curves, pool: Path) -> Candidates:
    """Those of a pool that are not too far from the optimum's path.

    Raises
    ------
    FlopscapeError
        None is left.
    """
    near = candidates.take(np.abs(distance(curves, candidates.n_params, candidates.flops)) < HALF_SPAN)
    if len(candidates) and not len(near):
        factor = numbers.ratio(float(np.exp(HALF_SPAN)))
        raise FlopscapeError(f"{pool}: every size is off the optimum at its compute by more than a factor {factor}")
    return replace(near, left_out=len(candidates) - len(near))


def is_repeated(n_params: Array, n_tokens: Array, table: RunTable) -> Mask:
    """Which points (n,) a run of the table has, to rounding."""
    runs = np.log(np.stack(distinct_runs(table)[:2]))
    points = np.log(np.stack([n_params, n_tokens]))
    apart = np.abs(points[:, :, None] - runs[:, None, :]).max(axis=0)
    return np.asarray(apart.min(axis=1) < 1e-6)


def kinds(candidates: Candidates, table: RunTable, curves: Curves) -> Names:
    """What each candidate is beside the runs that exist: one of `KINDS`, shape (n,).

    A size is a wider one where it lies beyond those of the runs of about its compute, seen from the optimum's path.
    """
    low, high = table.flops.min(), table.flops.max()
    ends = distinct_runs(table)
    away = distance(curves, ends[0], ends[2])
    own = distance(curves, candidates.n_params, candidates.flops)
    near = np.abs(np.log(candidates.flops)[:, None] - np.log(ends[2])) < NEAR
    widest = [np.where(near, away, fill).T for fill in (np.inf, -np.inf)]
    is_wider = (own < widest[0].min(axis=0) - 0.05) | (own > widest[1].max(axis=0) + 0.05)
    found = np.where(is_wider, WIDER, BETWEEN)
    found = np.where(candidates.flops > SAME * high, LARGER, found)
    found = np.where(candidates.flops < low / SAME, SMALLER, found)
    return np.where(candidates.repeats, SEED, found)


def distance(curves: Curves, n_params: Array, flops: Array) -> Array:
    """ln N less that of the law's own optimum at the same compute."""
    return np.asarray(np.log(n_params) - curves.path(np.log(flops)[None, :])[0])
