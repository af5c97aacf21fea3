"""What draws say: the loss of any run, the optimum at any compute and the compute of any optimal size.

A draw is a row of numbers: θ of law.py, the drift's z, and c of discrepancy.py. Together with the shapes, which a few
lengths and centres describe, they are a plain function of (N, D). Everything is for R draws at once.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np

from flopscape.fitting.drifting_law import drift, law
from flopscape.fitting.drifting_law.cells import Center
from flopscape.fitting.drifting_law.discrepancy import Discrepancy
from flopscape.laws.law import Array, Compute, Mask

WINDOW = 1.5
"""Distance in ln N of the optimum from that of the law with its drift: within it the law is trusted."""
STEP = 0.06
"""Of the grid in ln N; a parabola through the lowest point and its neighbours finds the minimum between them."""
MOST_POINTS = 2000
LEAST_RISE = 0.1
"""Part of the law's rise that is left at least, whatever the shape of the discrepancy."""
EXCESS = 0.01
"""Part of the compute that a near-optimal size may waste: 1 %."""
WIDEST_BAND = 2.0
"""Distance in ln N from N* within which the ends of the near-optimal band are sought; 0.2 to 0.5 is usual."""
ROUNDS = 4
"""Of the search for the compute of a size. Each corrects the last by what the discrepancy moves the optimum there."""


class Lowest(NamedTuple):
    """ln N* and L* of each draw, and whether the lowest point lies on the lower or upper end of its window."""

    log_n: Array
    loss: Array
    at_low: Mask
    at_high: Mask


@dataclass(frozen=True)
class Curves:
    """R draws of the law with its drift and discrepancy; `t` (R, 16), `c` (R, m), losses in the table's unit."""

    center: Center
    discrepancy: Discrepancy
    compute: Compute
    t: Array
    c: Array

    def loss(self, log_n: Array, log_d: Array) -> Array:
        """The loss at points (g,) shared by all draws, shape (R, g)."""
        x, u = self._coordinates(log_n, log_d)
        drifts = self.t[:, 6:] @ drift.shapes(u, self.discrepancy.reach).T
        if not self.c.any():  # a law alone, whose shapes need not be laid
            return self._losses(x - drifts, u, np.zeros(1), np.zeros(1))
        shapes, at = self.discrepancy.shapes(x, u).T, self.discrepancy.sizes[0]
        return self._losses(x - drifts, u, self.c[:, :at] @ shapes[:at], self.c[:, at:] @ shapes[at:])

    def loss_of_each(self, log_n: Array, log_d: Array) -> Array:
        """The loss of every draw at points of its own (R, g)."""
        x, u = self._coordinates(log_n, log_d)
        drifts = np.einsum("rgj,rj->rg", drift.shapes(u, self.discrepancy.reach), self.t[:, 6:])
        shapes, at = self.discrepancy.shapes(x.ravel(), u.ravel()).reshape(*x.shape, -1), self.discrepancy.sizes[0]
        parts = (
            np.einsum("rgm,rm->rg", shapes[..., part], self.c[:, part]) for part in (slice(0, at), slice(at, None))
        )
        return self._losses(x - drifts, u, *parts)

    def _losses(self, x: Array, u: Array, level: Array, shape: Array) -> Array:
        """The law and what it misses; the drift is taken off x.

        Part of the law's rise is always left, for losses of one compute have a lowest point and rise on both sides of
        it. Near runs this decides nothing, since they say so themselves; far from them the shape is a normal number,
        and some of its draws would bend the curve downwards without end.
        """
        lowest, rise = law.lowest_and_rise(self.t[:, :6], x, u)
        return np.asarray(self.center.loss * (lowest + level + np.maximum(rise + shape, LEAST_RISE * rise)))

    def _coordinates(self, log_n: Array, log_d: Array) -> tuple[Array, Array]:
        return log_n - self.center.log_n, log_n + log_d - self.center.log_product

    def path(self, log_flops: Array) -> Array:
        """ln N of the law's own optimum, without the discrepancy, at ln C (R, g) or (g,): shape (R, g).

        u = ln C − ln κ(N) depends on N, where κ does: a few rounds settle it, for κ changes slowly.
        """
        log_flops = np.broadcast_to(log_flops, (len(self.t), np.shape(log_flops)[-1]))
        log_n = np.full(log_flops.shape, self.compute.log_n.mean())
        for _ in range(1 if self.compute.is_constant else 6):
            u = log_flops - self.compute.curve(log_n)[0] - self.center.log_product
            drifts = np.einsum("rgj,rj->rg", drift.shapes(u, self.discrepancy.reach), self.t[:, 6:])
            offset, slope = self.t[:, [law.OFFSET]], self.t[:, [law.SLOPE]]
            log_n = self.center.log_n + offset + slope * u + drifts
        return np.asarray(log_n)

    def lowest(self, flops: float) -> Lowest:
        """The optimum of every draw at C: the lowest loss along C = κ(N)·N·D within the window around the law's."""
        path = self.path(np.log([flops]))
        low, high = float(path.min()) - WINDOW, float(path.max()) + WINDOW
        if high - low > MOST_POINTS * STEP:
            return self.lowest_of_each(np.full(len(path), np.log(flops)))
        # One grid for all draws, so that the shapes are computed once and not for each.
        grid = np.linspace(low, high, int(np.ceil((high - low) / STEP)) + 1)
        losses = self.loss(grid, self.compute.tokens(grid, flops))
        return lowest_in_window(np.broadcast_to(grid, losses.shape), losses, path)

    def lowest_of_each(self, log_flops: Array) -> Lowest:
        """The same with a compute of its own for every draw, ln C (R,)."""
        path = self.path(log_flops[:, None])
        grid = path + np.arange(-WINDOW, WINDOW + STEP / 2, STEP)
        log_d = log_flops[:, None] - self.compute.curve(grid)[0] - grid
        return lowest_in_window(grid, self.loss_of_each(grid, log_d), path)

    def log_flops_of_size(self, n_params: float, low: float, high: float) -> tuple[Array, Mask, Mask]:
        """ln C at which a size is the optimal one, and whether that lies at the ends of the search, ln C in low…high.

        The first compute at which the law's own path reaches the size; then as much more or less as the discrepancy
        moves the optimum.
        """
        asked, grid = np.full(len(self.t), np.log(n_params)), np.linspace(low, high, 400)
        path, target = self.path(grid), asked
        for _ in range(ROUNDS):
            log_flops, at_low, at_high = first_crossing(grid, path, target)
            moved = self.lowest_of_each(log_flops).log_n - self.path(log_flops[:, None])[:, 0]
            target = asked - moved
        return log_flops, at_low, at_high

    @property
    def searched(self) -> tuple[float, float]:
        """ln C between which an inverse is sought: from e⁶ below the shapes of the runs to e¹² above them."""
        middle = self.center.log_product + float(self.compute.log_kappa[-1])
        return middle - self.discrepancy.reach.below - 6.0, middle + self.discrepancy.reach.above + 12.0

    def near_optimal(self, flops: float, best: Lowest) -> list[float] | None:
        """The sizes whose loss the optimum reaches with 1 % less compute: medians of the draws' ends (laws/surface.py).

        `best` is `lowest` at C. Every draw's band holds its own N*, so that the medians of its ends hold the median N*;
        the band of one typical draw need not. None where half of the draws are still that low at the end of the grid.
        """
        less = self.lowest(flops / (1 + EXCESS)).loss[:, None]
        grid = np.arange(best.log_n.min() - WIDEST_BAND, best.log_n.max() + WIDEST_BAND, STEP)
        if len(grid) > MOST_POINTS:
            return None
        worse = self.loss(grid, self.compute.tokens(grid, flops)) - less
        ends = (np.median(_band_end(side * grid, worse, side * best.log_n)) for side in (-1.0, 1.0))
        low, high = (float(np.exp(side * end)) for side, end in zip((-1.0, 1.0), ends, strict=True))
        return [low, high] if low > 0 and high < np.inf else None

    def only(self, index: int) -> Self:
        """One of the draws, as R = 1."""
        return replace(self, t=self.t[[index]], c=self.c[[index]])

    def without_discrepancy(self) -> Self:
        """The law with its drift alone."""
        return replace(self, c=np.zeros_like(self.c))


def lowest_in_window(grid: Array, losses: Array, path: Array) -> Lowest:
    """The lowest points within the windows, between grid points by a parabola."""
    inside = np.abs(grid - path) <= WINDOW + 1e-9
    rows = np.arange(len(losses))
    at = np.where(inside, losses, np.inf).argmin(axis=1)
    first, last = inside.argmax(axis=1), inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    at_low, at_high = at <= first, at >= last
    at = np.clip(at, 1, losses.shape[1] - 2)
    left, middle, right = (losses[rows, at + step] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    between = ~at_low & ~at_high & (bend > 0)
    part = np.where(between, 0.5 * (left - right) / np.where(between, bend, 1.0), 0.0)
    step = grid[rows, at + 1] - grid[rows, at]
    return Lowest(grid[rows, at] + part * step, middle - 0.25 * (left - right) * part, at_low, at_high)


def _band_end(grid: Array, worse: Array, start: Array) -> Array:
    """Where each curve (R, g) first rises above zero beyond its start (R,), in ±ln N (g,); infinite where it does not.

    The grid may fall as well: it is gone through in the direction in which it rises.
    """
    if grid[0] > grid[-1]:
        grid, worse = grid[::-1], worse[:, ::-1]
    above = (worse > 0) & (grid > start[:, None])
    at, rows = np.maximum(above.argmax(axis=1), 1), np.arange(len(worse))
    before, after = worse[rows, at - 1], worse[rows, at]
    # The point before may lie on the other side of the start, where it can be above zero as well: then the end is at
    # the start or after it, but not beyond the point.
    part = np.where(before < 0, before / np.where(before < after, before - after, -1.0), 1.0)
    end = np.maximum(grid[at - 1] + part * (grid[at] - grid[at - 1]), start)
    return np.asarray(np.where(above.any(axis=1), end, np.inf))


def first_crossing(grid: Array, path: Array, target: Array) -> tuple[Array, Mask, Mask]:
    """Where each path (R, g) first reaches its target (R,), linear between grid points; the grid's ends elsewhere."""
    reached = path >= target[:, None]
    at = np.where(reached.any(axis=1), reached.argmax(axis=1), path.shape[1] - 1)
    before = np.maximum(at - 1, 0)
    rows = np.arange(len(path))
    rise = path[rows, at] - path[rows, before]
    part = np.clip(np.where(rise > 0, (target - path[rows, before]) / np.where(rise > 0, rise, 1.0), 1.0), 0.0, 1.0)
    return grid[before] + part * (grid[at] - grid[before]), np.asarray(at == 0), np.asarray(~reached.any(axis=1))


def curves_json(center: Center, discrepancy: Discrepancy) -> dict[str, Any]:
    """What is needed beside the draws' numbers, to be kept among a fit's diagnostics."""
    return {"center": center._asdict(), "discrepancy": discrepancy.to_json()}
