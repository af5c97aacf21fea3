"""How a surface is searched for, whatever the objective, which is a `Search`: once, or for thousands of resamples."""

from typing import Protocol

import numpy as np

from flopscape.fitting import exponent_grid, varpro
from flopscape.fitting.local_fit import Local
from flopscape.fitting.table import RunTable
from flopscape.fitting.varpro import Problem, Solution
from flopscape.laws.arrays import Array, Mask

FINE_GRID = np.geomspace(0.03, 2.5, 32)
COARSE_GRID = np.geomspace(0.03, 2.5, 12)
"""Exponents where resamples may start, besides the optimum of the whole table."""
AT_OPTIMUM = 1e-6
"""Relative excess of the objective below which a start has reached the optimum."""


class Search(Protocol):
    """How one objective is minimised over (E, A, B, α, β); all searches are global."""

    @property
    def delta(self) -> float:
        """Huber's δ in the units of the residuals: infinite for least squares, zero for absolute deviations."""

    def polish(self, problem: Problem, weights: Array, starts: Array) -> Solution:
        """Optima from given exponents (R, 2), to full precision; weights are (R, n), or (1, n) for one problem."""

    def resample(self, problem: Problem, weights: Array, starts: Array, best: Solution) -> Solution:
        """The same to the precision that a resample needs, `best` being the optimum of the whole table."""

    def weighted(self, problem: Problem, weights: Array) -> Array:
        """Weights (R, n) of the least-squares problem whose grid gives the starts."""

    def local(self, problem: Problem, p: Array) -> Local:
        """Residuals and derivatives at p (5,)."""

    def diagnostics(self, fit: Local) -> dict[str, object]:
        """What only this objective has to report."""

    def warnings(self, fit: Local) -> list[str]:
        """Sentences on what to distrust about the objective itself."""


def centred_problem(table: RunTable) -> tuple[Problem, tuple[float, float]]:
    """The observations with logs centred at their means, so that no unit of N or D matters."""
    u, v = np.log(table.n_params), np.log(table.n_tokens)
    center = (float(u.mean()), float(v.mean()))
    return Problem(np.stack([u - center[0], v - center[1]]), table.loss), center


def global_fit(search: Search, problem: Problem, row_weights: Array | None = None) -> tuple[Solution, float, int]:
    """Best of the optima that lie downhill of a fine grid's points, the share of the points whose walk ends there (to
    the first grid minimum, then by the search), and their number."""
    weights = np.ones((1, len(problem.y))) if row_weights is None else row_weights[None]
    starts, shares = exponent_grid.minima(problem, search.weighted(problem, weights)[0], FINE_GRID)
    found = search.polish(problem, weights, starts)
    best = int(np.argmin(found.objective))
    floor = 1e-20 * float(problem.y @ problem.y)
    reached = found.objective <= found.objective[best] * (1 + AT_OPTIMUM) + floor
    return found.one(best), float(shares[reached].sum()), len(FINE_GRID) ** problem.terms


def from_grid(search: Search, problem: Problem, weights: Array) -> Solution:
    """Optimum of every row of weights (R, n), each from its own lowest point of the shared grid."""
    starts = exponent_grid.lowest_points(problem, search.weighted(problem, weights), exponent_grid.GRID)
    return search.polish(problem, weights, starts)


def from_optimum(search: Search, problem: Problem, weights: Array, best: Solution) -> Solution:
    """Optimum of every resample (R, n), from a coarse grid that has the optimum of the whole table in it."""
    grid = np.concatenate([np.tile(COARSE_GRID, (2, 1)), best.exponents.T], axis=1)
    starts = exponent_grid.lowest_points(problem, search.weighted(problem, weights), grid)
    return search.resample(problem, weights, starts, best)


def on_bound(solution: Solution) -> Mask:
    """Whether any coefficient is zero or any exponent at its bound."""
    at_end = (solution.exponents <= varpro.LOWEST) | (solution.exponents >= varpro.HIGHEST)
    return np.asarray((solution.coefficients <= 0).any(axis=1) | at_end.any(axis=1))
