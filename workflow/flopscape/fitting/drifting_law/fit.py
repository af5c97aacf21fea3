"""From a table to draws: cells, the law sought, the scales, wild rows, the draws, and one typical draw among them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from flopscape.fitting.drifting_law import drift, law
from flopscape.fitting.drifting_law.cells import Cells, cells_of, is_far_off
from flopscape.fitting.drifting_law.curve import Curves
from flopscape.fitting.drifting_law.discrepancy import Discrepancy
from flopscape.fitting.drifting_law.draws import Draws, draw
from flopscape.fitting.drifting_law.posterior import PRIOR_MEAN, Conditional, Data
from flopscape.fitting.drifting_law.scales import Hyper, Peak, first_law, peak
from flopscape.fitting.drifting_law.wild import Wild, most, wildest
from flopscape.laws.law import Array, Compute
from flopscape.runs.table import RunTable
from flopscape.text import numbers

DRIFT_NAMES = tuple(f"drift_{i}" for i in range(1, drift.MODES + 1))
MISSED = "missed_"
"""Beginning of the columns of a draw that hold its discrepancy."""


@dataclass(frozen=True)
class Posterior:
    """Everything that a fit found in the rows of `table`, which knows the rows that were left out.

    `typical` has the one draw that stands for all, `at` everything at its scales.
    """

    table: RunTable
    cells: Cells
    draws: Draws
    curves: Curves
    typical: Curves
    at: Conditional
    doubts: list[str]


class Sought(NamedTuple):
    """A table's cells, sentences about them, everything at any scales, and where the scales are most likely."""

    cells: Cells
    doubts: list[str]
    hyper: Hyper
    peak: Peak


def sought(table: RunTable) -> Sought:
    """The most likely law and scales of a table of at least one row."""
    cells, doubts = cells_of(table)
    discrepancy = _around(cells, PRIOR_MEAN[:6])
    t = first_law(Data.of(cells, discrepancy))
    discrepancy = _around(cells, t[:6])
    hyper = Hyper(Data.of(cells, discrepancy), first_law(Data.of(cells, discrepancy)))
    found = peak(hyper)
    hyper.t = hyper.mode(found.h).t
    return Sought(cells, doubts, hyper, found)


def without_wild(table: RunTable) -> tuple[RunTable, Sought]:
    """The table without rows that no law explains, and what is sought in it.

    Left out is a loss far off all others in size, and one that all others contradict. Where more of the latter are
    found than may be, all of them stay.
    """
    table = table.keep(~is_far_off(table), "a loss ten times the middle one or more, or a tenth of it or less")
    kept, first = table, sought(table)
    found = first
    while wild := wildest(kept, found.cells, found.hyper, found.peak):
        if len(table) - len(kept) == most(first.cells):
            first.doubts.append(
                f"more than {most(first.cells)} losses are far from what the other runs say; all are kept as noise"
            )
            return table, first
        kept = kept.keep(np.arange(len(kept)) != wild.row, _why_wild(kept, wild, found.cells.shared))
        found = sought(kept)
    return kept, found


def _why_wild(table: RunTable, wild: Wild, shared: bool) -> str:
    """How far the loss of a row is off; of a checkpoint also which one of its run it is."""
    after = f" after {numbers.count(float(table.n_tokens[wild.row]))} {table.unit}s" if shared else ""
    side = "above" if wild.distance > 0 else "below"
    off = f"{abs(wild.distance):.1f} standard errors {side}"
    return f"a loss{after} {off} what the other runs say, by whatever law"


def posterior(table: RunTable, compute: Compute, count: int, seed: int) -> Posterior:
    """The draws of a table of at least one row.

    The typical draw has the mean of the draws' laws and drifts, and the discrepancy that is most likely beside them: a
    mean of the draws' own discrepancies would be off by how the law bends between them.
    """
    table, (cells, doubts, hyper, at_peak) = without_wild(table)
    # The shapes are laid around the law at the scales' mode, and stay there: only so are draws comparable.
    discrepancy = _around(cells, hyper.t[:6])
    hyper = Hyper(Data.of(cells, discrepancy), hyper.t)
    hyper.t = hyper.mode(at_peak.h).t
    draws = draw(hyper, at_peak, count, seed)
    at = hyper.conditional(draws.h.mean(axis=0))
    mean = draws.t.mean(axis=0)[None]
    typical = at.coefficients(mean, np.zeros((1, draws.c.shape[1])))
    curves = Curves(cells.center, discrepancy, compute, draws.t, draws.c)
    typical_curves = Curves(cells.center, discrepancy, compute, mean, typical)
    return Posterior(table, cells, draws, curves, typical_curves, at, doubts)


def _around(cells: Cells, theta: Array) -> Discrepancy:
    return Discrepancy.around(cells.x, cells.u, drift.reach_of(cells.u), theta)


def names(missed: int) -> list[str]:
    """The columns of a draw with so many numbers of discrepancy."""
    return [*law.NAMES, *DRIFT_NAMES, *(f"{MISSED}{i}" for i in range(1, missed + 1))]


def columns(curves: Curves) -> dict[str, Array]:
    """Every draw's numbers by name."""
    return dict(zip(names(curves.c.shape[1]), np.concatenate([curves.t, curves.c], axis=1).T, strict=True))


def numbers_of(draws: pd.DataFrame, missed: int) -> tuple[Array, Array]:
    """t and c of the draws of a file."""
    table = draws[names(missed)].to_numpy(float)
    first = len(law.NAMES) + drift.MODES
    return table[:, :first], table[:, first:]
