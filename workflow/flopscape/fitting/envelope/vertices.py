"""The lower envelope of training curves and its vertices, for the whole set of runs and for thousands of subsets.

Four rules say which points are on it. `binned`: the lowest loss at each of many log-spaced FLOPs (Hoffmann et al.
2022, section 3.1). `hull`: the lower convex hull of ln L over ln C, one vertex a run, in the middle of the stretch over
which that run is on the hull. `horizon`: the lowest final loss of each compute budget. `vertices`: every vertex of the
convex hull of all curves as they were read, from its first to its lowest (McLeish et al. 2025, arXiv 2502.06857).

By the first three a point counts only where smaller and larger models have a loss at the same compute, and less compute
had none as low. The segments of the first and the last model are dropped, for the ends of the data and not other models
bound them; of final losses, which are no segments, none are dropped.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from flopscape.fitting.envelope.grid import CurveGrid, supporting_slopes, touched, touching_points
from flopscape.laws.law import Array, Index, Mask


class EnvelopePoints(NamedTuple):
    """Envelopes of S sets of runs with up to V vertices each, shape (S, V); the rest has meaning only where `kept`."""

    log_flops: Array
    run: Index
    kept: Mask


Rule = Callable[[Mask], EnvelopePoints]
"""From the runs present in each of S sets, (S, R), to the sets' vertices."""


def binned_rule(grid: CurveGrid) -> Rule:
    """The lowest run at every point of the grid is a vertex."""
    columns = np.arange(len(grid.log_flops))
    return lambda present: _binned(grid, present, columns, ends=False)


def horizon_rule(grid: CurveGrid) -> Rule:
    """The lowest run of every budget is a vertex."""
    columns = np.arange(len(grid.log_flops))
    return lambda present: _binned(grid, present, columns, ends=True)


def hull_rule(grid: CurveGrid) -> Rule:
    """Every run on the convex hull is one vertex, in the middle of its stretch."""
    # The slopes are those that touch the envelope of all runs; the hull of a subset is read at the same ones, of which
    # there are at least FEWEST_SLOPES.
    lowest = grid.log_loss.min(axis=0)
    finite = np.isfinite(lowest)
    slopes = supporting_slopes(grid.log_flops[finite], lowest[finite])
    values, points = touching_points(grid.log_flops, grid.log_loss, slopes)
    return lambda present: _hull(grid, present, values, points)


def vertices_rule(grid: CurveGrid) -> Rule:
    """Every vertex of the convex hull is one, whichever model it is of; a run may have several.

    Where the first and the last model are alone over much compute, their many vertices flatten the power law: on curves
    from a thirtieth to thirty times the compute that each size is best for, a = 0.45 comes out as 0.375.
    """
    x, y = (np.concatenate(parts) for parts in zip(*grid.corners, strict=True))
    # A hull has one point at each C: of several the lowest, which stands first once they are sorted by C and then by L.
    order = np.lexsort((y, x))
    x, first = np.unique(x[order], return_index=True)
    slopes = supporting_slopes(x, y[order][first])
    # The corner of each curve that each slope touches; which curve is the lowest there depends on those present.
    of_curves = [touched(*corners, slopes) for corners in grid.corners]
    values, corner = (np.stack(parts) for parts in zip(*of_curves, strict=True))
    log_flops = np.stack([corners.log_flops[at] for corners, at in zip(grid.corners, corner, strict=True)])
    return lambda present: _all_vertices(present, values, log_flops)


def _all_vertices(present: Mask, values: Array, log_flops: Array) -> EnvelopePoints:
    run = lowest_present(values, present)
    x = log_flops[run, np.arange(run.shape[1])]
    # From slope to slope the touching point moves along the hull and never back, so that a vertex which several slopes
    # touch is touched by neighbours among them: the first of these counts.
    same = (run[:, 1:] == run[:, :-1]) & (x[:, 1:] == x[:, :-1])
    kept = (run >= 0) & np.pad(~same, ((0, 0), (1, 0)), constant_values=True)
    return EnvelopePoints(x, run, kept)


def _binned(grid: CurveGrid, present: Mask, columns: Index, ends: bool) -> EnvelopePoints:
    run = lowest_present(grid.log_loss, present)
    on_it = (run >= 0) & _falling(grid, run, columns)
    kept = on_it & _between_models(grid, present, run, np.broadcast_to(columns, run.shape))
    if not ends:
        kept &= _inner_models(grid, run, on_it)
    return EnvelopePoints(np.broadcast_to(grid.log_flops, run.shape), run, kept)


def _hull(grid: CurveGrid, present: Mask, values: Array, points: Index) -> EnvelopePoints:
    run = lowest_present(values, present)
    on_it = run >= 0
    columns = points[run, np.arange(run.shape[1])]
    kept = on_it & _between_models(grid, present, run, columns) & _inner_models(grid, run, on_it)
    return middles(grid, EnvelopePoints(grid.log_flops[columns], run, kept))


def lowest_present(values: Array, present: Mask) -> Index:
    """Index of the run with the lowest value among those present, by set and column; −1 where none has a finite one.

    Parameters
    ----------
    values : array, shape (R, V)
    present : bool array, shape (S, R)
    """
    columns = np.arange(values.shape[1])
    winner = np.full((len(present), len(columns)), -1)
    # The columns' runs in the order of their values: the first of them that is present wins, so most columns of most
    # sets are decided after a few rounds.
    for row in values.argsort(axis=0, kind="stable"):
        wins = (winner < 0) & present[:, row] & np.isfinite(values[row, columns])
        winner = np.where(wins, row, winner)
        if (winner >= 0).all():
            break
    return winner


def _falling(grid: CurveGrid, run: Index, columns: Index) -> Mask:
    """Whether no point of less compute is lower."""
    # −1 would index the last run: where none is present, the value is infinite and falls below nothing.
    values = np.where(run >= 0, grid.log_loss[run, columns], np.inf)
    return np.asarray(values <= np.minimum.accumulate(values, axis=1))


def _between_models(grid: CurveGrid, present: Mask, run: Index, columns: Index) -> Mask:
    """Whether both a smaller and a larger model have a loss at the same compute."""
    # Which runs have a loss depends on C only through a few distinct sets of curves that overlap there: the smallest
    # and largest model are looked up once for each of these and not for each point.
    covered, kind = grid.coverage
    size = grid.n[:, None]
    # Of n the lowest is the smallest model's, of −n the largest's; where a curve does not reach, it counts as infinite.
    smallest, largest = (lowest_present(np.where(covered, by, np.inf), present) for by in (size, -size))
    sets, kinds, n = np.arange(len(present))[:, None], kind[columns], grid.n[run]
    return np.asarray((grid.n[smallest[sets, kinds]] < n) & (n < grid.n[largest[sets, kinds]]))


def _inner_models(grid: CurveGrid, run: Index, on_it: Mask) -> Mask:
    """Whether a point belongs neither to the first nor to the last model on the envelope."""
    sets = np.arange(len(run))
    # `argmax` of truths is the place of the first true one; of the reversed row it counts from the end.
    first, last = on_it.argmax(axis=1), on_it.shape[1] - 1 - on_it[:, ::-1].argmax(axis=1)
    n = grid.n[run]
    return np.asarray((n != n[sets, first][:, None]) & (n != n[sets, last][:, None]))


def middles(grid: CurveGrid, vertices: EnvelopePoints) -> EnvelopePoints:
    """One vertex a run: the middle of the stretch of ln C over which it is on the envelope."""
    log_flops, run, kept = vertices
    shape = len(run), len(grid.n)
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    sets = np.broadcast_to(np.arange(len(run))[:, None], run.shape)[kept]
    # `at` and not low[…] = …, for a run is at many points of a set, all of which must be compared.
    np.minimum.at(low, (sets, run[kept]), log_flops[kept])
    np.maximum.at(high, (sets, run[kept]), log_flops[kept])
    reached = np.isfinite(low)
    # Zeros take the place of infinities before the sum, for ∞ − ∞ is no number.
    middle = np.where(reached, (np.where(reached, low, 0.0) + np.where(reached, high, 0.0)) / 2, np.nan)
    return EnvelopePoints(middle, np.broadcast_to(np.arange(shape[1]), shape), reached)


RULES = {"hull": hull_rule, "binned": binned_rule, "horizon": horizon_rule, "vertices": vertices_rule}
