"""Losses of all runs on one grid of compute, and the lower convex hull of any set of runs on it.

Each curve is smoothed and interpolated in logs, never extrapolated, so that curves can be compared at the same C.

The hull without a hull. A line of slope p that lies below all points touches their lower hull where y − p·x is least
(y = ln L, x = ln C): the hull's vertices are exactly the points that some slope touches. Over several curves the least
y − p·x is the least of the curves' own, so that the touching points of each curve are found once, for a fixed list of
slopes; the envelope of any subset of the runs, of thousands of resamples, is then a comparison of numbers.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from flopscape.fitting.envelope.curves import Curves
from flopscape.laws.law import Array, Index, Mask, Names
from flopscape.runs.table import RunTable

BINS = 1500
"""Log-spaced FLOPs at which curves are compared: as many as in Hoffmann et al. 2022, section 3.1."""
BANDWIDTH = 0.1
"""Standard deviation of the smoothing kernel in ln C: 10 % of compute, over which ln L of a published surface bends by
less than 1e-4, and a dozen of 128 evenly spaced points near a run's end. Sparse points are left as they are."""
MOST_RUNS, MOST_POINTS, MOST_PAIRS = 10_000, 10_000, 4e9
"""Runs on a grid of 120 MB; points of a run, whose pairs take 4 GB; pairs of points, which take a minute or two."""
EDGE = 1e-9
"""Distance in ln C by which rounding may put a point beyond the end of its curve."""


class Corners(NamedTuple):
    """The vertices of the lower hull of one curve as it was read, not smoothed: ln C, ascending, and ln L."""

    log_flops: Array
    log_loss: Array


@dataclass(frozen=True)
class CurveGrid:
    """ln L of R runs at G compute budgets, infinite where a run has no point: shape (R, G).

    `corners`, one a run, are there where the grid was made of curves.
    """

    run_id: Names
    n: Array
    log_cost: Array
    log_flops: Array
    log_loss: Array
    corners: list[Corners] = field(default_factory=list)

    @property
    def log_n(self) -> Array:
        """Natural logarithm of N at each point."""
        return np.log(self.n)

    @cached_property
    def coverage(self) -> tuple[Mask, Index]:
        """The distinct sets of runs that have a loss at the same compute, (R, P), and the one of each budget, (G,)."""
        sets, index = np.unique(np.isfinite(self.log_loss), axis=1, return_inverse=True)
        return sets, index.ravel()


def why_too_long(curves: Curves) -> str:
    """Why the curves are too long or too many to be compared, or nothing."""
    points = np.array([len(x) for x in curves.log_flops])
    if len(points) > MOST_RUNS:
        return f"{len(points):,} runs have training curves, and at most {MOST_RUNS:,} can be compared: take fewer"
    longest = int(points.argmax())
    if points[longest] > MOST_POINTS or (points**2).sum() > MOST_PAIRS:
        return (
            f"{points.sum():,} points on training curves, {points[longest]:,} of them of run {curves.run_id[longest]}:"
            f" points are compared in pairs, at most {MOST_POINTS:,} of a run and {MOST_PAIRS:.0e} pairs in all;"
            " thin the curves to some hundred points a run"
        )
    return ""


def curve_grid(curves: Curves, bins: int = BINS) -> CurveGrid:
    """Smoothed curves at log-spaced FLOPs from the first to the last point of any run."""
    low = min(points[0] for points in curves.log_flops)
    high = max(points[-1] for points in curves.log_flops)
    at = np.linspace(low, high, bins)
    rows = [_interpolated(at, x, smooth(x, y)) for x, y in zip(curves.log_flops, curves.log_loss, strict=True)]
    # A point that is no vertex of its own curve's hull is none of any hull that the curve is part of.
    corners = [_corners(x, y) for x, y in zip(curves.log_flops, curves.log_loss, strict=True)]
    return CurveGrid(curves.run_id, curves.n, curves.log_cost, at, np.stack(rows), corners)


def _corners(x: Array, y: Array) -> Corners:
    own = lower_hull(x, y)
    return Corners(x[own], y[own])


def horizon_grid(table: RunTable) -> CurveGrid:
    """The last row of each run at the budget it belongs to: every loss is that of a run trained for its horizon."""
    # By run, and within a run by tokens: the last row of each is followed by one of another run.
    order = np.lexsort((table.n_tokens, table.run_id))
    last = np.append(table.run_id[order][1:] != table.run_id[order][:-1], True)
    rows = order[last & np.isfinite(table.budget[order])]
    budgets, column = np.unique(table.budget[rows], return_inverse=True)
    log_flops, count = np.log(table.flops[rows]), np.bincount(column)
    # A run has a loss at its own budget alone; no minimum takes the infinities elsewhere.
    losses = np.full((len(rows), len(budgets)), np.inf)
    losses[np.arange(len(rows)), column] = np.log(table.loss[rows])
    log_cost = log_flops - np.log(table.n_tokens[rows])
    return CurveGrid(table.run_id[rows], table.n_params[rows], log_cost, np.bincount(column, log_flops) / count, losses)


def smooth(x: Array, y: Array, bandwidth: float = BANDWIDTH) -> Array:
    """Local-linear regression with a Gaussian kernel, at the points themselves (Cleveland 1979; Fan 1992).

    At each point the line a + b·h is fitted to all points at their distances h in ln C, with weights w(h), and a is the
    value: a = (s₂·t₀ − s₁·t₁)/(s₀·s₂ − s₁²) with s_k = Σ w·h^k and t_k = Σ w·h^k·y. A straight line is returned as it
    is, up to its ends, where a weighted mean would bend it. A point without neighbours keeps its value.
    """
    # All pairs of points, which `MOST_POINTS` and `MOST_PAIRS` keep to what memory holds.
    distance = x[None] - x[:, None]
    weight = np.exp(-0.5 * (distance / bandwidth) ** 2)
    s0, s1, s2 = (np.sum(weight * distance**power, axis=1) for power in range(3))
    t0, t1 = weight @ y, (weight * distance) @ y
    s2 = s2 + 1e-9 * bandwidth**2  # keeps a lone point solvable
    return np.asarray((s2 * t0 - s1 * t1) / (s0 * s2 - s1**2))


def _interpolated(at: Array, x: Array, y: Array) -> Array:
    # Nothing is extrapolated: beyond its ends a curve is infinite, and no minimum over runs takes it.
    inside = (at >= x[0] - EDGE) & (at <= x[-1] + EDGE)
    return np.where(inside, np.interp(at, x, y), np.inf)


FEWEST_SLOPES = 256
"""Slopes to compare curves at: where noise leaves the hull fewer vertices, slopes between its own are added."""


def lower_hull(x: Array, y: Array) -> Index:
    """Indices of the vertices from left to right, for ascending x: Andrew's monotone chain (1979).

    Examples
    --------
    >>> lower_hull(np.array([0.0, 1.0, 2.0, 3.0]), np.array([2.0, 1.5, 0.0, 1.0])).tolist()
    [0, 2, 3]
    """
    chain: list[int] = []
    for i in range(len(x)):
        # A point on or above the line from the one before it to the new one is no vertex and goes, and then perhaps the
        # one before it. Every point enters once and leaves at most once, so that the chain costs no more than sorting.
        while len(chain) > 1 and _is_on_or_above(x, y, chain[-2], chain[-1], i):
            chain.pop()
        chain.append(i)
    return np.array(chain, np.intp)


def _is_on_or_above(x: Array, y: Array, a: int, b: int, c: int) -> bool:
    """Whether b lies on or above the line from a to c."""
    # The slope from a to b is at least that from a to c, both multiplied by the two steps of x, which are positive.
    return bool((x[b] - x[a]) * (y[c] - y[a]) <= (x[c] - x[a]) * (y[b] - y[a]))


def supporting_slopes(x: Array, y: Array) -> Array:
    """Ascending slopes up to zero that touch every vertex of the falling part of the lower hull.

    One lies between the slopes of the two edges of each vertex, one below the first edge, and the last is zero, which
    touches the lowest point: beyond it more compute has brought nothing.
    """
    vertices = lower_hull(x, y)
    edges = np.diff(y[vertices]) / np.diff(x[vertices])
    edges = edges[edges < 0]
    # A slope between those of a vertex's two edges touches that vertex alone; twice the first lies below all of them.
    slopes = np.concatenate([2 * edges[:1], (edges[1:] + edges[:-1]) / 2, [0.0]])
    # Each interval between slopes is cut into equal parts, so that the slopes found above stay among them.
    parts = int(np.ceil(FEWEST_SLOPES / len(slopes)))
    steps = np.arange((len(slopes) - 1) * parts + 1) / parts
    return np.asarray(np.interp(steps, np.arange(len(slopes)), slopes))


def touching_points(x: Array, curves: Array, slopes: Array) -> tuple[Array, Index]:
    """Least y − p·x of each curve for each slope, and the index of the point it is at.

    Parameters
    ----------
    x : array, shape (G,)
    curves : array, shape (R, G)
        Infinite where a curve has no point.
    slopes : array, shape (P,)

    Returns
    -------
    arrays, shape (R, P)
    """
    values, points = np.empty((len(curves), len(slopes))), np.empty((len(curves), len(slopes)), np.intp)
    for row, curve in enumerate(curves):
        finite = np.flatnonzero(np.isfinite(curve))
        if not len(finite):
            values[row], points[row] = np.inf, 0
            continue
        values[row], own = touched(x[finite], curve[finite], slopes)
        points[row] = finite[own]
    return values, points


def touched(x: Array, y: Array, slopes: Array) -> tuple[Array, Index]:
    """The same of one curve, for ascending x (G,): values and indices of shape (P,)."""
    own = lower_hull(x, y)
    edges = np.diff(y[own]) / np.diff(x[own])
    # Edges of a lower hull ascend: a slope touches the vertex whose left edge is below it and right edge above.
    points = own[np.searchsorted(edges, slopes)]
    return y[points] - slopes * x[points], points
