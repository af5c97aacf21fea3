"""From corner to corner: least absolute deviations of the log loss by a simplex method on curved rows, many at once.

Were residuals linear in p, Σ w·|r| would be a polyhedron whose lowest point is a corner: five rows Z of residual zero,
for five parameters. A corner is lowest where the pull λ of each of its rows is within its limits (conditions.py). Where
one is beyond, the objective falls along the edge on which only that row leaves zero, by the excess for each unit of its
residual (Barrodale & Roberts 1973). The walk goes along that edge past all rows whose change of sign still leaves it
falling, and ends on the row that turns it, which takes the place in Z. Rows are curved here: each new corner is solved
for by Newton's method on its five equations, and everything is linearised anew. Where the objective rises before the
next corner, its lowest point is on the edge, and passes through fewer rows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from flopscape.fitting.common import linear
from flopscape.fitting.common.linear import ROUNDED_STEP, ROUNDED_SUM, TINY, Optimum
from flopscape.fitting.surface import huber
from flopscape.fitting.surface.conditions import (
    BALANCE,
    BOUNDS,
    SIZE,
    THROUGH,
    limits,
    own_rows,
    slack,
    solve_conditions,
    value,
)
from flopscape.fitting.surface.huber import Data
from flopscape.fitting.surface.variable_projection import blocks
from flopscape.laws.law import Array, Index, Mask

PIVOTS = 60
"""Most corners on one walk; 2 to 10 are usual."""
NEAREST = 12
"""Rows among which, besides the bounds, the first corner is chosen."""
AHEAD = 24
"""Most rows that one step passes; a walk that could go further does so in its next step."""
CORRECTIONS = 4
"""Newton steps onto the five rows of a corner; they double the digits, and start with two or more."""
ROUNDED_LOG = 1e-15
"""Residual of ln L, which is about one, that is rounding."""
DEPENDENT = 1e-6
"""Part of its length that a row must have outside the span of those chosen before."""
METRIC = 1e-10
"""Part of its diagonal added to a metric, so that it has a root."""
ON_EDGE, ROUNDS = 0.2, 3
"""Where on an edge that rises its lowest point is first sought, and rows that may leave zero there."""


class _Corners(NamedTuple):
    """m corners: p (m, 5), the rows Z (m, 5) they should pass through, and how much is known of them."""

    p: Array
    zero: Index
    value: Array
    """Shape (m,): Σ w·|r|, infinite for a corner that its rows do not meet in."""
    pull: Array
    """Shape (m, 5): λ of the rows Z."""
    lowest: Mask
    """Shape (m,), bool: every pull is within its limits."""

    def put(self, lanes: Index, other: "_Corners", which: Mask) -> None:
        """Replace those of some lanes by the chosen ones of as many others."""
        for mine, theirs in zip(self, other, strict=True):
            mine[lanes[which]] = theirs[which]


def descend(data: Data, weights: Array, p: Array) -> Optimum:
    """Walk from p (R, 5), close to an optimum, to it, under weights (R, n); converged where its conditions hold.

    Where they hold nowhere the lowest corner met stands, or p, which may be lower than any.
    """
    lanes, before = np.arange(len(p)), value(data, weights, p)
    aim, zero = _in_blocks(_first, data, weights, lanes, p)
    best = _Corners(p.copy(), zero.copy(), np.full(len(p), np.inf), np.zeros(p.shape), np.zeros(len(p), bool))
    # Where each walk went last: between there and the corner before it lies the lowest point of an edge that rises.
    last = best._replace(p=p.copy(), zero=zero.copy())
    for _ in range(PIVOTS):
        *corner, step, after = _in_blocks(_look, data, weights, lanes, aim, zero)
        here = _Corners(*corner)
        last.p[lanes], last.zero[lanes] = here.p, here.zero
        falls = here.value < best.value[lanes] * (1 - ROUNDED_SUM)
        best.put(lanes, here, falls)
        on = falls & ~here.lowest
        lanes, aim, zero = lanes[on], here.p[on] + step[on], after[on]
        if not len(lanes):
            break
    _search_edges(data, weights, best, last)
    lower = best.value <= before * (1 + ROUNDED_STEP)
    return Optimum(np.where(lower[:, None], best.p, p), np.where(lower, best.value, before), best.lowest & lower)


def _in_blocks(
    function: Callable[..., tuple[Any, ...]], data: Data, weights: Array, lanes: Index, *arguments: Any
) -> list[Any]:
    """A function of some problems' data and weights, and of arguments of theirs, block by block."""
    parts = []
    for block in blocks(len(lanes), data.u.shape[1]):
        some = lanes[block]
        parts.append(function(data.take(some), weights[some], *(x[block] for x in arguments)))
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _first(data: Data, weights: Array, p: Array) -> tuple[Array, Index]:
    """The rows of a corner near p: one after the other the nearest within the planes of those chosen before."""
    r, J = huber.terms(data, p)
    n, few = r.shape[1], min(NEAREST, r.shape[1])
    r = np.where(weights > 0, np.abs(r), np.inf)
    near = np.argpartition(r, few - 1, axis=1)[:, :few]
    bounds = np.broadcast_to(np.arange(n, n + BOUNDS.shape[1]), (len(p), BOUNDS.shape[1]))
    rows = np.concatenate([near, bounds], axis=1)
    far = np.concatenate([np.take_along_axis(r, near, 1), slack(data, p)], axis=1)
    beside = np.broadcast_to(BOUNDS, (len(p), *BOUNDS.shape))
    planes = np.concatenate([np.take_along_axis(J, near[:, None], 2), beside], axis=2)
    return p, np.take_along_axis(rows, _independent(_in_metric(J, planes), far), 1)


def _in_metric(J: Array, planes: Array) -> Array:
    """Planes (R, 5, m) where the length of a step is that of the change in all predictions, √(dᵀJJᵀd).

    Parameters that make up for each other are near in it.
    """
    metric = np.asarray(J @ J.swapaxes(1, 2))
    # A term at its lower bound changes nothing: a little more on the diagonal keeps the root.
    metric[:, range(SIZE), range(SIZE)] += METRIC * np.einsum("rii->ri", metric) + TINY
    return np.asarray(linear.solve(np.asarray(np.linalg.cholesky(metric), float), planes))


def _independent(planes: Array, far: Array) -> Index:
    """Five of the planes J (R, 5, m), each the nearest to where those before it meet, p being `far` (R, m) off."""
    lanes, chosen, far = np.arange(len(far)), np.empty((len(far), SIZE), int), far.copy()
    length = whole = np.linalg.norm(planes, axis=1)
    for k in range(SIZE):
        distance = np.where(length > DEPENDENT * whole, far / np.maximum(length, TINY), np.inf)
        chosen[:, k] = best = np.argmin(distance, axis=1)
        axis = planes[lanes, :, best] / np.maximum(length[lanes, best, None], TINY)
        planes = planes - axis[:, :, None] * (axis[:, None] @ planes)
        length = np.linalg.norm(planes, axis=1)
        far[lanes, best] = np.inf
    return chosen


@np.errstate(all="ignore")
def _look(data: Data, weights: Array, p: Array, zero: Index) -> tuple[Any, ...]:
    """The corners that p (m, 5) are close to, as `_Corners`; the step (m, 5) along an edge that leads down; its Z."""
    p = _onto(data, p, zero)
    r, J = huber.terms(data, p)
    rows = np.concatenate([r, slack(data, p)], axis=1)
    met = (np.abs(np.take_along_axis(rows, zero, 1)) < THROUGH).all(axis=1)
    inverse = linear.solve(own_rows(data, p, zero)[1], np.broadcast_to(np.eye(SIZE), (len(p), SIZE, SIZE)))
    pull = _pulls(weights, zero, r, J, inverse)
    low, high = limits(weights, zero)
    excess = np.maximum(pull - high, low - pull)
    lowest = (excess <= BALANCE * weights.sum(axis=1, keepdims=True)).all(axis=1)
    # The steepest edge: its fall over the length of the change that it makes in all predictions.
    length = np.sqrt(((inverse @ (J @ J.swapaxes(1, 2))) * inverse).sum(axis=2))
    leave, lanes = np.argmax(excess / np.maximum(length, TINY), axis=1), np.arange(len(p))
    edge = inverse[lanes, leave] * np.where(pull > high, 1.0, -1.0)[lanes, leave, None]
    along = np.concatenate([(edge[:, None] @ J)[:, 0], edge @ BOUNDS], axis=1)
    along[lanes[:, None], zero] = 0.0
    reach, enter = _line_search(rows, along, weights, excess[lanes, leave])
    after = zero.copy()
    after[lanes, leave] = enter
    total = np.where(met, (weights * np.abs(r)).sum(axis=1), np.inf)
    return p, zero, total, pull, lowest, reach[:, None] * edge, after


def _pulls(weights: Array, zero: Index, r: Array, J: Array, inverse: Array) -> Array:
    """λ (m, 5) with which the rows Z balance the others, `inverse` being that of their J."""
    slope = np.copysign(weights, r)
    problem, place = np.nonzero(zero < r.shape[1])
    slope[problem, zero[problem, place]] = 0.0
    return np.asarray(-(inverse @ (J @ slope[:, :, None]))[:, :, 0])


def _onto(data: Data, p: Array, zero: Index) -> Array:
    """Newton's method onto the five rows, within the bounds."""
    lower, upper = data.lower, data.upper
    for _ in range(CORRECTIONS):
        r, J = own_rows(data, p, zero)
        there = np.asarray((np.abs(r) < ROUNDED_LOG).all(axis=1))
        if there.all():
            break
        step = linear.solve(J.swapaxes(1, 2), -r[:, :, None])[:, :, 0]
        step *= np.minimum(1.0, 1.0 / np.maximum(np.abs(step).max(axis=1, keepdims=True), TINY))
        # One that is there stays: no end may depend on which problems share its block.
        p = np.where(there[:, None], p, np.clip(p + step, lower, upper))
    return p


def _line_search(rows: Array, along: Array, weights: Array, fall: Array) -> tuple[Array, Index]:
    """How far to go along an edge on which `rows` change by `along`, and the row (m,) that ends the fall."""
    n = weights.shape[1]
    # A row changes sign at −r/along; those that the step moves away from never do, nor do rows without weight.
    towards = np.asarray((along != 0) & (np.signbit(along) != np.signbit(rows)))
    towards[:, :n][weights == 0] = False
    at = np.where(towards, np.abs(rows / along), np.inf)
    ahead = np.argpartition(at, min(AHEAD, at.shape[1] - 1), axis=1)[:, :AHEAD]
    ahead = np.take_along_axis(ahead, np.argsort(np.take_along_axis(at, ahead, 1), axis=1), 1)
    at = np.take_along_axis(at, ahead, 1)
    # Each row turns the slope by 2w·|along|, a bound by any amount.
    turn = np.where(ahead < n, 2 * np.take_along_axis(weights, np.minimum(ahead, n - 1), 1), np.inf)
    falls = np.cumsum(turn * np.abs(np.take_along_axis(along, ahead, 1)), axis=1) < fall[:, None]
    last = np.maximum(np.isfinite(at).sum(axis=1) - 1, 0)
    stop, lanes = np.minimum(falls.sum(axis=1), last), np.arange(len(at))
    return np.where(np.isfinite(at[lanes, stop]), at[lanes, stop], 0.0), ahead[lanes, stop]


def _search_edges(data: Data, weights: Array, best: _Corners, last: _Corners) -> None:
    """The lowest points of edges that rise before their end take the place of the corners that the edges begin at."""
    bent = np.flatnonzero(~best.lowest & np.isfinite(best.value))
    inside = best.zero[bent] == last.zero[bent]
    p = best.p[bent] + ON_EDGE * (last.p[bent] - best.p[bent])
    for _ in range(ROUNDS):
        if not len(bent):
            break
        part, w = data.take(bent), weights[bent]
        p, excess, good = solve_conditions(part, w, p, best.zero[bent], inside, best.pull[bent])
        total = value(part, w, p)
        good &= total <= best.value[bent] * (1 + ROUNDED_STEP)
        within = good & (excess == 0).all(axis=1)
        best.p[bent[within]], best.value[bent[within]], best.lowest[bent[within]] = p[within], total[within], True
        # A row that would pull beyond its limit leaves zero too.
        more = good & ~within
        bent, p, inside = bent[more], p[more], inside[more]
        inside[np.arange(len(bent)), excess[more].argmax(axis=1)] = False
