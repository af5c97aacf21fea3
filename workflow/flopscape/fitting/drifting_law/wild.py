"""Points that all others contradict: a mistyped loss, or a run that failed unseen.

Normal noise takes one wild loss for much noise everywhere, so that every interval widens and the optimum moves. At the
mode of the scales, with the law taken as linear around its most likely t̂, the losses are normal a priori around
f(t̂) + J(m − t̂) with the covariance S = K + J·P·Jᵀ, where m and P are the prior's. Each loss given all others is then
normal as well: with r the residual it is off by [S⁻¹r]ᵢ/[S⁻¹]ᵢᵢ, with the variance 1/[S⁻¹]ᵢᵢ (Rasmussen & Williams
2006, eq. 5.12). In this S law, drift, discrepancy and noise may all explain the loss, and where none does it is wild.
Wild points hide each other in the noise that they make, so that one at a time is taken out, the worst first.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.stats import norm

from flopscape.fitting.drifting_law.cells import Cells, rows_of
from flopscape.fitting.drifting_law.posterior import PRIOR_MEAN, Conditional
from flopscape.fitting.drifting_law.scales import Hyper, Peak
from flopscape.laws.law import Array
from flopscape.runs.table import RunTable

LEVEL = 0.01
"""Probability that any point of a table of good ones is called wild, two-sided, by Bonferroni's bound."""
PART, MOST = 0.1, 8
"""Of the points may be wild, and so many at most: where more are, it is what the others say that is wrong."""
FEWEST = 12
"""Points under which the others do not say what a loss should be."""


class Wild(NamedTuple):
    """A row of a table, and how far its loss is from what the others say, in standard deviations."""

    row: int
    distance: float


def wildest(table: RunTable, cells: Cells, hyper: Hyper, found: Peak) -> Wild | None:
    """The row that is farthest from what the others say, where that is farther than chance explains.

    Of rows that are seeds of one point it is the one that pulls their mean there.
    """
    count = len(cells)
    if count < FEWEST:
        return None
    distances = _distances(hyper.conditional(found.h), hyper.t)
    at = int(np.argmax(np.abs(distances)))
    if np.abs(distances[at]) <= norm.isf(LEVEL / (2 * count)):
        return None
    rows = rows_of(cells, table, at)
    if not len(rows):  # an average over a small rectangle, which is no row
        return None
    pulls = np.sign(distances[at]) * table.loss[rows]
    return Wild(int(rows[np.argmax(pulls)]), float(distances[at]))


def most(cells: Cells) -> int:
    """How many rows may be wild."""
    return min(int(PART * len(cells)), MOST)


def _distances(at: Conditional, t: Array) -> Array:
    """How far each loss is from what the others say, in standard deviations."""
    cells = at.data.cells
    f, slopes = at.data.jacobian(t)
    residual = cells.loss - f - slopes @ (PRIOR_MEAN - t)
    shapes, prior = at.data.shapes * at.sd, slopes * at.prior_sd
    covariance = shapes @ shapes.T + prior @ prior.T + at.scales.noise**2 * cells.noise_covariance(at.scales.ratio)
    try:
        inverse = cho_solve(cho_factor(covariance, lower=True), np.eye(len(cells)))
    except LinAlgError:
        return np.zeros(len(cells))
    return np.asarray((inverse @ residual) / np.sqrt(np.diag(inverse)))
