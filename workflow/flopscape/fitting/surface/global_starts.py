"""Where the searches of a surface start: the projected objective on a grid of exponents, by matrix products.

On a grid of G exponents a side, x_jg = e^(−θ_g u_j) is the same for every weighting w of the rows, so that the Gram
matrices of all grid points and all of R resamples are products of a few arrays, such as w·x₁ᵀ and Σ w·x₁·x₂. Of each,
the non-negative optimum follows from its faces (common/linear.py). A table's own search then starts from all minima of
a fine grid, a resample from its own lowest point of a coarse one: of Chinchilla's runs one in 4,000 has two minima.

How a surface is searched for, whatever the objective, is a `Search`; `LeastSquares` is that of vpnls.
"""

from itertools import combinations_with_replacement
from typing import Protocol

import numpy as np

from flopscape.fitting.any_law.linearised import Linearised
from flopscape.fitting.common.linear import Entries, best_gain
from flopscape.fitting.surface import variable_projection
from flopscape.fitting.surface.coordinates import Derivatives, loss_derivatives
from flopscape.fitting.surface.variable_projection import Problem, Solution
from flopscape.laws.law import Array, Index, Mask
from flopscape.runs.table import RunTable

GRID = np.geomspace(0.03, 2.5, 16)
"""Exponents of the starts of problems that have nothing else in common."""
ROWS = 20_000
"""Observations whose terms are held at once: memory does not grow with the table."""
MOST_MINIMA = 32
"""Local minima of the grid that become starts; one or two are usual."""


def solve(problem: Problem, weights: Array, grid: Array = GRID, chunk: int | None = None) -> Solution:
    """Global optimum for every row of weights.

    Parameters
    ----------
    problem : Problem
    weights : array, shape (R, n)
        Non-negative; the multiplicities of a resample.
    grid : array, shape (G,) or (k, G)
        Exponents of the shared grid of starts, the same for every term or each its own.
    chunk : int, optional
        Problems worked on at once; the answer does not depend on it.
    """
    size = chunk or max(1, variable_projection.CHUNK_ELEMENTS // weights.shape[1])
    y = np.broadcast_to(problem.y, weights.shape)
    parts = []
    for first in range(0, len(weights), size):
        part, values = weights[first : first + size], Problem(problem.u, y[first : first + size])
        parts.append(variable_projection.newton(values, part, lowest_points(values, part, grid)))
    return Solution(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def objective(problem: Problem, weights: Array, grid: Array) -> Array:
    """Projected objective on the whole exponent grid, (G,) or (k, G): shape (R, G, …, G)."""
    k, y = problem.terms, np.broadcast_to(problem.y, weights.shape)
    own = np.broadcast_to(grid, (k, np.shape(grid)[-1]))
    slices = [slice(first, first + ROWS) for first in range(0, weights.shape[1], ROWS)]
    parts = [_moments(problem.u[:, rows], y[:, rows], weights[:, rows], own) for rows in slices]
    whole, *moments = (sum(columns[1:], columns[0]) for columns in zip(*parts, strict=True))
    gram: Entries = [[np.empty(0)] * (k + 1) for _ in range(k + 1)]
    for (i, j), entry in zip(_entries(k), moments, strict=False):
        gram[i][j] = gram[j][i] = entry
    return np.asarray(whole - best_gain(gram, moments[-(k + 1) :]))


def _entries(k: int) -> list[tuple[int, int]]:
    """Upper triangle of the Gram matrix of a constant and k terms."""
    return list(combinations_with_replacement(range(k + 1), 2))


def _moments(u: Array, y: Array, weights: Array, grid: Array) -> list[Array]:
    """Σ w y², the upper triangle of the Gram matrix, and the products with y, each as broad as the terms in it."""
    k, weighted = len(u), weights * y
    x = [np.exp(-theta[:, None] * logs) for theta, logs in zip(grid, u, strict=True)]

    def along(values: Array, *axes: int) -> Array:
        return values.reshape([len(weights)] + [grid.shape[1] if axis in axes else 1 for axis in range(k)])

    moments = [along((weighted * y).sum(axis=1)), along(weights.sum(axis=1))]
    moments += [along(weights @ x[j].T, j) for j in range(k)]
    # In the order of `_entries`: for each term its square, then its products with the terms after it.
    for i in range(k):
        moments.append(along(weights @ (x[i] * x[i]).T, i))
        moments += [along(_pairs(x[i], x[j], weights), i, j) for j in range(i + 1, k)]
    return moments + [along(weighted.sum(axis=1))] + [along(weighted @ x[j].T, j) for j in range(k)]


def _pairs(x: Array, z: Array, weights: Array) -> Array:
    """Σ w·x_g·z_h for every weighting and pair of grid points, (R, G, G): the products over whichever are fewer."""
    # R products of G × G numbers or G products of G × R: the same sums, and fewer, larger products are faster.
    if len(weights) < len(x):
        return np.asarray((weights[:, None] * x) @ z.T)
    return np.asarray(np.stack([(z * row) @ weights.T for row in x]).transpose(2, 0, 1))


def lowest_points(problem: Problem, weights: Array, grid: Array) -> Array:
    """Exponents of each problem's lowest grid point, shape (R, k)."""
    own = np.broadcast_to(grid, (problem.terms, np.shape(grid)[-1]))
    y, points = np.broadcast_to(problem.y, weights.shape), own.shape[1:] * problem.terms
    best = np.empty(len(weights), int)
    for block in variable_projection.blocks(len(weights), max(weights.shape[1], int(np.prod(points)))):
        values = objective(Problem(problem.u, y[block]), weights[block], grid)
        best[block] = values.reshape(len(values), -1).argmin(axis=1)
    indices = np.unravel_index(best, points)
    return np.stack([theta[index] for theta, index in zip(own, indices, strict=True)], axis=1)


def minima(problem: Problem, weights: Array, grid: Array) -> tuple[Array, Array]:
    """Where walks downhill on the grid (G,) end, from all of its points, under one weighting (n,).

    Returns
    -------
    array, shape (m, k)
        Exponents of the local minima, the lowest first, at most `MOST_MINIMA`.
    array, shape (m,)
        Share of the grid's points from which steps to the lowest neighbour lead there.
    """
    k, values = problem.terms, objective(problem, weights[None], grid)[0]
    ends = _downhill(values)
    places, counts = np.unique(ends, return_counts=True)
    order = np.argsort(values.ravel()[places], kind="stable")[:MOST_MINIMA]
    indices = np.unravel_index(places[order], values.shape)
    return np.stack([grid[index] for index in indices], axis=1).reshape(-1, k), counts[order] / values.size


def _downhill(values: Array) -> Index:
    """Flat index of the local minimum that steps to the lowest neighbour reach, from every point."""
    k, shape = values.ndim, values.shape
    # A rim of infinities, so that points at the edge have neighbours too, which are never the lowest.
    padded = np.full([size + 2 for size in shape], np.inf)
    padded[(slice(1, -1),) * k] = values
    around = np.lib.stride_tricks.sliding_window_view(padded, (3,) * k).reshape(*shape, -1)
    # Of the 3^k points around each, itself the middle one: a tie keeps it where it is.
    lowest = around.argmin(axis=-1)
    lowest = np.where(np.take_along_axis(around, lowest[..., None], -1)[..., 0] < values, lowest, 3**k // 2)
    steps = np.stack(np.unravel_index(lowest, (3,) * k)) - 1
    to: Index = np.ravel_multi_index(tuple(np.indices(shape) + steps), shape).ravel()
    # Each round follows the steps twice as far, until all have come to an end.
    while not np.array_equal(to, to[to]):
        to = to[to]
    return to


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

    def resample(self, problem: Problem, weights: Array, starts: Array, best: Array) -> Solution:
        """The same to the precision that a resample needs, `best` (5,) being the optimum of the whole table."""

    def weighted(self, problem: Problem, weights: Array) -> Array:
        """Weights (R, n) of the least-squares problem whose grid gives the starts."""

    @property
    def derivatives(self) -> Derivatives:
        """Residuals and derivatives of what is minimised, without δ."""

    def diagnostics(self, fit: Linearised) -> dict[str, object]:
        """What only this objective has to report."""

    def warnings(self, fit: Linearised) -> list[str]:
        """Sentences on what to distrust about the objective itself."""


def centred_problem(table: RunTable) -> tuple[Problem, tuple[float, float]]:
    """The observations with logs centred at their means, so that no unit of N or D matters."""
    u, v = np.log(table.n_params), np.log(table.n_tokens)
    center = (float(u.mean()), float(v.mean()))
    return Problem(np.stack([u - center[0], v - center[1]]), table.loss), center


def global_fit(search: Search, problem: Problem, row_weights: Array | None = None) -> tuple[Solution, float, int]:
    """Best of the optima that lie downhill of a fine grid's points.

    Also the share of the points whose walk ends there (to the first grid minimum, then by the search); their number.
    """
    weights = np.ones((1, len(problem.y))) if row_weights is None else row_weights[None]
    starts, shares = minima(problem, search.weighted(problem, weights)[0], FINE_GRID)
    # Two minima of the grid may be one of the objective, and the lowest on the grid need not be the lowest in truth.
    optima = search.polish(problem, weights, starts)
    best = int(np.argmin(optima.objective))
    # Of exact data every objective is rounding, and none within a relative excess of another.
    floor = 1e-20 * float(problem.y @ problem.y)
    reached = optima.objective <= optima.objective[best] * (1 + AT_OPTIMUM) + floor
    return optima.one(best), float(shares[reached].sum()), len(FINE_GRID) ** problem.terms


def from_grid(search: Search, problem: Problem, weights: Array) -> Solution:
    """Optimum of every row of weights (R, n), each from its own lowest point of the shared grid."""
    starts = lowest_points(problem, search.weighted(problem, weights), GRID)
    return search.polish(problem, weights, starts)


def from_optimum(search: Search, problem: Problem, weights: Array, best: Array) -> Solution:
    """Optimum of every resample (R, n), from a coarse grid that has the optimum (5,) of the whole table in it."""
    grid = np.concatenate([np.tile(COARSE_GRID, (2, 1)), best[3:, None]], axis=1)
    starts = lowest_points(problem, search.weighted(problem, weights), grid)
    return search.resample(problem, weights, starts, best)


def on_bound(solution: Solution) -> Mask:
    """Whether any coefficient is zero or any exponent at its bound."""
    at_end = (solution.exponents <= variable_projection.LOWEST) | (solution.exponents >= variable_projection.HIGHEST)
    return np.asarray((solution.coefficients <= 0).any(axis=1) | at_end.any(axis=1))


OBJECTIVE = "least squares on the loss"


class LeastSquares:
    """The `Search` of Σ w·(L − L̂)²: the kernel of variable_projection.py as it is."""

    delta = np.inf

    def polish(self, problem: Problem, weights: Array, starts: Array) -> Solution:
        """The optimum near each start."""
        return variable_projection.newton(problem, np.broadcast_to(weights, (len(starts), weights.shape[1])), starts)

    def resample(self, problem: Problem, weights: Array, starts: Array, best: Array) -> Solution:
        """The optimum of each resample from starts that are close already."""
        return variable_projection.newton(problem, weights, starts, variable_projection.RESAMPLE_DECREMENT)

    def weighted(self, problem: Problem, weights: Array) -> Array:
        """Weights of the squares that `minima` sums."""
        return weights

    @property
    def derivatives(self) -> Derivatives:
        """Of the loss."""
        return loss_derivatives

    def diagnostics(self, fit: Linearised) -> dict[str, object]:
        """Nothing: its value is the fit's RSS."""
        return {}

    def warnings(self, fit: Linearised) -> list[str]:
        """Nothing."""
        return []
