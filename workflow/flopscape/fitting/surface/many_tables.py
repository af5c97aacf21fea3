"""Surfaces of thousands of tables on one design at once, and resamples of each: simulated studies, bias and coverage.

The optima are those of `vpnls` and `approach3`, without their judgement. A single fit searches each resample from the
lowest point of a grid; for thousands of tables that grid would take nearly all of the time. So a resample starts here
at its own table's optimum, and only where a point of a coarser grid lies below what is found from there is it searched
again from a grid: the optima are the same.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.fitting.common.row_weights import run_weights
from flopscape.fitting.surface import global_starts, variable_projection
from flopscape.fitting.surface.global_starts import Search, from_grid, on_bound
from flopscape.fitting.surface.huber import Data
from flopscape.fitting.surface.log_residuals import LogResiduals, search_of
from flopscape.fitting.surface.variable_projection import Problem, Solution, parameters
from flopscape.laws.law import Array, Index, Mask, Names
from flopscape.laws.surface import Surface

CHECK_GRID = np.geomspace(0.05, 1.8, 6)
"""Exponents at which the resamples' optima are checked."""
LOWER = 1e-6
"""Relative excess of the objective over a grid point's that asks for another search."""
TABLES = 50
"""Tables whose resamples are worked on at once: a constant, so that no answer depends on the machine."""


class Surfaces(NamedTuple):
    """Optima of R tables."""

    surface: Surface
    """Each parameter of shape (R,); A or B is zero, and its exponent meaningless, where the loss does not fall."""
    objective: Array
    """Shape (R,): Σ r², Σ|r| or Σ Huber, as `approach3` reports it."""
    converged: Mask
    """Shape (R,), bool: Newton's method settled."""
    at_bound: Mask
    """Shape (R,), bool: a coefficient is zero or an exponent at its bound."""


def fit_surfaces(
    n_params: Array, n_tokens: Array, losses: Array, objective: str = "lsq", delta: float | None = None
) -> Surfaces:
    """Fit L = E + A·N^−α + B·D^−β to every row of losses, each from its own global start.

    Parameters
    ----------
    n_params, n_tokens : array, shape (n,)
        N in parameters and D in tokens of the n ≥ 5 runs, the same in every table.
    losses : array, shape (R, n)
        The losses of each table, in nats, positive.
    objective : str
        `lsq` (what `vpnls` minimises), `huber`, `lad` or `log_lsq`.
    delta : float, optional
        Huber's δ in log residuals, 1e-3 unless given; only with `huber`.

    Raises
    ------
    FlopscapeError
        An unknown objective, a δ that does not belong to it, shapes that do not match, or a value that is not positive.
    """
    logs, losses = _checked(n_params, n_tokens, losses)
    search, _ = search_of(objective, delta)
    center = logs.mean(axis=1, keepdims=True)
    size = max(1, variable_projection.CHUNK_ELEMENTS // losses.shape[1])
    parts = [
        from_grid(search, Problem(logs - center, part), np.ones_like(part))
        for part in np.split(losses, range(size, len(losses), size))
    ]
    solution = Solution(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    # Back from the centre of the logs: A = A'·e^(αū), B = B'·e^(βv̄), and E as it is.
    E, A, B = solution.coefficients.T * np.exp(np.insert(solution.exponents * center.T, 0, 0.0, axis=1)).T
    return Surfaces(Surface(E, A, B, *solution.exponents.T), solution.objective, solution.converged, on_bound(solution))


def _checked(n_params: Array, n_tokens: Array, losses: Array) -> tuple[Array, Array]:
    """ln N and ln D (2, n), and losses (R, n), in float64."""
    n, d, values = (np.asarray(x, dtype=float) for x in (n_params, n_tokens, losses))
    if values.ndim != 2 or n.shape != values.shape[1:] or d.shape != n.shape:
        raise FlopscapeError(f"losses {values.shape}: not (R, n) for N {n.shape} and D {d.shape}")
    for name, array in (("n_params", n), ("n_tokens", d), ("losses", values)):
        wrong = np.argwhere(~(np.isfinite(array) & (array > 0)))
        if len(wrong):
            raise FlopscapeError(f"{name}[{', '.join(map(str, wrong[0]))}] is not a positive number; leave it out")
    return np.log(np.stack([n, d])), values


class Resamples(NamedTuple):
    """Problems of several tables: losses (T·K, n) and weights (T·K, n), K resamples of each table in turn."""

    u: Array
    losses: Array
    weights: Array

    def take(self, at: Index) -> "Resamples":
        """Those of some tables."""
        return Resamples(self.u, self.losses[at], self.weights[at])

    @property
    def problem(self) -> Problem:
        """The problem that all of them share."""
        return Problem(self.u, self.losses)


def bootstraps(
    search: Search, run_id: Names, problem: Problem, best: Solution, replicates: int, seed: int
) -> Iterator[tuple[Index, Array]]:
    """Resamples of whole runs of every table, some tables at a time.

    Parameters
    ----------
    search : Search
        How the objective is minimised.
    run_id : array of names, shape (n,)
        The run of each row: rows of one run are drawn together or not at all.
    problem : Problem
        Centred logs (2, n) and the losses of the R tables, (R, n).
    best : Solution
        The optima of the R tables.
    replicates : int
        Resamples K of each table.
    seed : int
        Of the resamples, one stream for all tables.

    Yields
    ------
    The indices of T tables, and (E, ln A', ln B', α, β) of their resamples, shape (T·K, 5), table after table.
    """
    # Each chunk of resamples holds those of whole tables.
    drawn = run_weights(run_id, len(problem.y) * replicates, seed, TABLES * replicates)
    for first, weights in zip(range(0, len(problem.y), TABLES), drawn, strict=True):
        at = np.arange(first, min(first + TABLES, len(problem.y)))
        resamples = Resamples(problem.u, np.repeat(problem.y[at], replicates, axis=0), weights)
        p, lower = _near(search, resamples, best.take(at), replicates)
        doubt = _not_lowest(search, resamples, p)
        if len(doubt):
            _search_again(search, resamples.take(doubt), p, lower, doubt)
        yield at, p


def _near(search: Search, resamples: Resamples, best: Solution, replicates: int) -> tuple[Array, Array]:
    """Parameters (T·K, 5) and objectives of the optima reached from each table's own."""
    if not isinstance(search, LogResiduals):
        starts = np.repeat(best.exponents, replicates, axis=0)
        solution = variable_projection.newton(
            resamples.problem, resamples.weights, starts, variable_projection.RESAMPLE_DECREMENT
        )
        return parameters(solution), solution.objective
    data, most = Data(resamples.u, np.log(resamples.losses)), replicates * resamples.u.shape[1]
    tables = max(1, variable_projection.CHUNK_ELEMENTS // most)
    # Resamples of many tables walk together, or the slowest of each would walk nearly alone: most of a step's time is
    # then what any step costs.
    parts = [
        search.nearby_of_each(data.take(rows), resamples.weights[rows], parameters(best.take(at)))
        for at, rows in _groups(len(best.exponents), tables, replicates)
    ]
    p, objective, converged = (np.concatenate(column) for column in zip(*parts, strict=True))
    p[:, 1:3] = np.where(p[:, 1:3] > data.lower[:, 1:3], p[:, 1:3], -np.inf)
    # One that did not settle may be anywhere: infinite, so that any other end is lower.
    objective = np.where(converged, objective, np.inf)
    # The search of Huber's objective sums ½r² within ±δ; the least squares that a `Search` reports is Σ r².
    return p, objective * (2.0 if search.smooth else 1.0)


def _groups(tables: int, size: int, replicates: int) -> Iterator[tuple[slice, slice]]:
    """Some tables at a time, and their resamples."""
    for first in range(0, tables, size):
        last = min(first + size, tables)
        yield slice(first, last), slice(first * replicates, last * replicates)


def _not_lowest(search: Search, resamples: Resamples, p: Array) -> Index:
    """Resamples of which a grid point's least squares lies below that at the exponents found."""
    weights, problem = search.weighted(resamples.problem, resamples.weights), resamples.problem
    # The projected objective on a coarse grid costs little, and an optimum lies above none of its points.
    lower = np.zeros(len(p), bool)
    for block in variable_projection.blocks(len(p), max(problem.u.shape[1], len(CHECK_GRID) ** 2)):
        part = Problem(problem.u, problem.y[block])
        lowest = global_starts.objective(part, weights[block], CHECK_GRID).reshape(len(part.y), -1).min(axis=1)
        here = _least_squares(part, weights[block], p[block, 3:])
        lower[block] = lowest < here * (1 - LOWER)
    return np.flatnonzero(lower)


def _least_squares(problem: Problem, weights: Array, theta: Array) -> Array:
    """Σ w r² with the best coefficients at given exponents."""
    c = variable_projection.coefficients_at(problem, weights, theta)
    nothing = np.zeros(len(c)), np.ones(len(c), bool)
    residual = problem.y - variable_projection.predicted(problem, Solution(c, theta, *nothing))
    return np.asarray((weights * residual**2).sum(axis=1))


def _search_again(search: Search, resamples: Resamples, p: Array, lower: Array, doubt: Index) -> None:
    """Replace optima above those that are found from the grid."""
    solution = from_grid(search, resamples.problem, resamples.weights)
    better: Mask = solution.objective < lower[doubt]
    p[doubt[better]] = parameters(solution)[better]
