"""The lower convex hull of points in the plane, and the points of many curves that support lines of given slopes.

A line of slope p that lies below all points touches the hull at the point with the least y − p·x. Each curve's own
touching points are found once; a hull over some of the curves is then a comparison of numbers, not a new hull.
"""

import numpy as np

from flopscape.laws.arrays import Array, Index

FEWEST_SLOPES = 256
"""Slopes to compare curves at: where noise leaves the hull fewer vertices, slopes between its own are added."""


def lower_hull(x: Array, y: Array) -> Index:
    """Indices of the vertices from left to right, for ascending x: Andrew's monotone chain (1979)."""
    chain: list[int] = []
    for i in range(len(x)):
        while len(chain) > 1 and _turns_up_not(x, y, chain[-2], chain[-1], i):
            chain.pop()
        chain.append(i)
    return np.array(chain, np.intp)


def _turns_up_not(x: Array, y: Array, a: int, b: int, c: int) -> bool:
    """Whether b lies on or above the line from a to c."""
    return bool((x[b] - x[a]) * (y[c] - y[a]) <= (x[c] - x[a]) * (y[b] - y[a]))


def supporting_slopes(x: Array, y: Array) -> Array:
    """Ascending slopes up to zero that touch every vertex of the falling part of the lower hull.

    One lies between the slopes of the two edges of each vertex, one below the first edge, and the last is zero, which
    touches the lowest point: beyond it more compute has brought nothing.
    """
    vertices = lower_hull(x, y)
    edges = np.diff(y[vertices]) / np.diff(x[vertices])
    edges = edges[edges < 0]
    slopes = np.concatenate([2 * edges[:1], (edges[1:] + edges[:-1]) / 2, [0.0]])
    parts = int(np.ceil(FEWEST_SLOPES / len(slopes)))
    steps = np.arange((len(slopes) - 1) * parts + 1) / parts
    return np.interp(steps, np.arange(len(slopes)), slopes)


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
        known = np.flatnonzero(np.isfinite(curve))
        if not len(known):
            values[row], points[row] = np.inf, 0
            continue
        own = known[lower_hull(x[known], curve[known])]
        edges = np.diff(curve[own]) / np.diff(x[own])
        points[row] = own[np.searchsorted(edges, slopes)]
        values[row] = curve[points[row]] - slopes * x[points[row]]
    return values, points
