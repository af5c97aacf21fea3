"""The objectives of a surface fit by name: what each minimises, in words, and the search that minimises it.

The search that minimises Σ (L_i − E − A·N_i^−α − B·D_i^−β)²: the kernel of varpro.py as it is.
"""

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.fitting.judge.surface import too_little
from flopscape.fitting.surface import variable_projection
from flopscape.fitting.surface.global_starts import Search, centred_problem, global_fit
from flopscape.fitting.surface.linearised import Local, local
from flopscape.fitting.surface.log_search import BEST_TUNING, LogResiduals, robust_scale
from flopscape.fitting.surface.variable_projection import Problem, Solution
from flopscape.laws.arrays import Array
from flopscape.runs.table import RunTable

DELTA = 1e-3
"""Hoffmann et al. 2022's δ, in log residuals."""
OBJECTIVES = ("huber", "lad", "log_lsq", "lsq")
LEAST_DELTA = 1e-9
"""The least δ, in log residuals, that is scaled to the residuals: those of exact data are zero."""
SCALED = "scaled"
"""The word for a δ that follows the residuals."""


def search_of(objective: str, delta: float | str | None = None) -> tuple[Search, str]:
    """How to minimise an objective, and its name in words.

    Raises
    ------
    FlopscapeError
        An unknown objective, or a δ that is not positive or not of `huber`.
    """
    if objective not in OBJECTIVES:
        raise FlopscapeError(f"objective {objective!r}: there are {', '.join(OBJECTIVES)}")
    if delta is not None and objective != "huber":
        raise FlopscapeError(f"delta: the objective {objective} has none; only huber has")
    if objective == "huber":
        width = DELTA if delta is None else _width(delta)
        return LogResiduals(width), f"Huber, δ = {width:g}, of the log loss"
    if objective == "lad":
        return LogResiduals(0.0), "least absolute deviations of the log loss"
    if objective == "log_lsq":
        return LogResiduals(np.inf), "least squares on the log loss"
    return LeastSquares(), OBJECTIVE


def scaled_delta(table: RunTable) -> float:
    """1.345 × the residuals' robust scale, from a fit with the default δ and once more from one with the δ so found.

    The first fit alone passes through too many of a few rows: of 35 it finds 0.77 σ, the second 0.83 σ. The default
    where no fit is possible.
    """
    if too_little(table):
        return DELTA
    problem, _ = centred_problem(table)
    delta = DELTA
    for _ in range(2):
        best, _, _ = global_fit(LogResiduals(delta), problem)
        residual = np.log(variable_projection.fitted(problem, best)[0] / problem.y)
        delta = max(BEST_TUNING * robust_scale(residual), LEAST_DELTA)
    return delta


def _width(delta: float | str) -> float:
    """A δ that was given as a number."""
    try:
        width = float(delta)
    except (TypeError, ValueError):
        width = np.nan
    if not 0 < width < np.inf:
        raise FlopscapeError(f"delta: {delta!r} is not a positive number, nor {SCALED!r}")
    return width


OBJECTIVE = "least squares on the loss"


class LeastSquares:
    """A `Search`; see global_search.py."""

    delta = np.inf

    def polish(self, problem: Problem, weights: Array, starts: Array) -> Solution:
        return variable_projection.newton(problem, np.broadcast_to(weights, (len(starts), weights.shape[1])), starts)

    def resample(self, problem: Problem, weights: Array, starts: Array, best: Solution) -> Solution:
        return variable_projection.newton(problem, weights, starts, variable_projection.RESAMPLE_DECREMENT)

    def weighted(self, problem: Problem, weights: Array) -> Array:
        return weights

    def local(self, problem: Problem, p: Array) -> Local:
        return local(problem, p)

    def diagnostics(self, fit: Local) -> dict[str, object]:
        return {}

    def warnings(self, fit: Local) -> list[str]:
        return []
