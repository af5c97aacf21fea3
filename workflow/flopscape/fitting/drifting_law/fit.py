"""From a table to draws: cells, the law sought, the scales, the draws, and one typical draw among them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flopscape.fitting.drifting_law import drift, law
from flopscape.fitting.drifting_law.cells import Cells, cells_of
from flopscape.fitting.drifting_law.curve import Curves
from flopscape.fitting.drifting_law.discrepancy import Discrepancy
from flopscape.fitting.drifting_law.draws import Draws, draw
from flopscape.fitting.drifting_law.posterior import PRIOR_MEAN, Conditional, Data
from flopscape.fitting.drifting_law.scales import Hyper, first_law, peak
from flopscape.laws.law import Array, Compute
from flopscape.runs.table import RunTable

DRIFT_NAMES = tuple(f"drift_{i}" for i in range(1, drift.MODES + 1))
MISSED = "missed_"
"""Beginning of the columns of a draw that hold its discrepancy."""


@dataclass(frozen=True)
class Posterior:
    """Everything that a fit found; `typical` has the one draw that stands for all, `at` everything at its scales."""

    cells: Cells
    draws: Draws
    curves: Curves
    typical: Curves
    at: Conditional
    doubts: list[str]


def posterior(table: RunTable, compute: Compute, count: int, seed: int) -> Posterior:
    """The draws of a table of at least one row.

    The typical draw has the mean of the draws' laws and drifts, and the discrepancy that is most likely beside them: a
    mean of the draws' own discrepancies would be off by how the law bends between them.
    """
    cells, doubts = cells_of(table)
    discrepancy = _around(cells, PRIOR_MEAN[:6])
    t = first_law(Data.of(cells, discrepancy))
    discrepancy = _around(cells, t[:6])
    hyper = Hyper(Data.of(cells, discrepancy), first_law(Data.of(cells, discrepancy)))
    found = peak(hyper)
    # The shapes are laid around the law at the scales' mode, and stay there: only so are draws comparable.
    t = hyper.mode(found.h).t
    discrepancy = _around(cells, t[:6])
    hyper = Hyper(Data.of(cells, discrepancy), t)
    hyper.t = hyper.mode(found.h).t
    draws = draw(hyper, found, count, seed)
    at = hyper.conditional(draws.h.mean(axis=0))
    mean = draws.t.mean(axis=0)[None]
    typical = at.coefficients(mean, np.zeros((1, draws.c.shape[1])))
    curves = Curves(cells.center, discrepancy, compute, draws.t, draws.c)
    return Posterior(cells, draws, curves, Curves(cells.center, discrepancy, compute, mean, typical), at, doubts)


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
