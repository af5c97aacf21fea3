"""The cheapest model once serving counts, by draws of the answer: no closed form, so it is sought along lines of cost.

Training N parameters on D tokens and serving S tokens costs T = κ(N)·N·(D + S/3) (Sardana et al. 2023, arXiv
2401.00448; laws/inference.py). Along a line of given T the place is ln D: every D above zero has an N, while not every
N has a D. ln N = ln T − ln(D + S/3) − ln κ(N) is the line of equal C for D far above S/3, and level far below it.

The best loss at T falls with T. So the model of least cost at a given loss is the best one of the T at which it first
reaches that loss: one search answers both questions. It costs no less than the model of least training that reaches the
loss, and no more than that model with its serving.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flopscape.fitting.drifting_law.curve import (
    MOST_POINTS,
    STEP,
    WINDOW,
    Curves,
    first_crossing,
    lowest_in_window,
)
from flopscape.laws.inference import FORWARD
from flopscape.laws.law import Array, Mask, Number

COARSE_STEP = 2.0
"""Of the first grid in ln T. The best loss falls as e^(−0.15·ln T) or so, and a line between two points is off by some
0.07 in ln T."""
FINE_POINTS = 32
"""Of the second, at quantiles of what the first one finds: it is dense where the draws are."""
MARGIN = 0.25
"""In ln T, of the second grid beyond what the first one finds."""


class Served(NamedTuple):
    """ln N, ln D, the loss and the cost ln T of each draw, shape (R,).

    A draw that reaches the loss only beyond every T that was searched, or nowhere, has infinite N, D and T; one that
    does so below them has −∞. The masks tell where N lies on an end of the window that was searched at its T.
    """

    log_n: Array
    log_d: Array
    loss: Array
    log_total: Array
    at_low: Mask
    at_high: Mask


@dataclass(frozen=True)
class Serving:
    """R draws of the law, and the tokens to serve, 0 or more.

    Examples
    --------
    The same on the command line: `flopscape predict FIT.json --loss 2.0 --inference-tokens 1e13`.
    """

    curves: Curves
    d_inference: float

    def best_at(self, log_total: float) -> Served:
        """The lowest loss of every draw at T, within the window around the lowest of its law alone."""
        total = np.full(len(self.curves.t), log_total)
        if not self.d_inference:
            best = self.curves.lowest(float(np.exp(log_total)))
            log_d = self.curves.compute.tokens(best.log_n, np.exp(log_total))
            return Served(best.log_n, log_d, best.loss, total, best.at_low, best.at_high)
        grid = self._places(log_total)
        log_n = self._log_size(grid, log_total)
        # The law is trusted within a distance in ½·ln(D/N), which along a line of equal C is that in ln D or ln N.
        place = (grid - log_n) / 2
        # The law's own lowest point need not be exact, for it is the middle of a window: every fourth place will do.
        law = self.curves.without_discrepancy().loss(log_n[::4], grid[::4])
        losses = self.curves.loss(log_n, grid)
        middle = place[::4][law.argmin(axis=1)][:, None]
        best = lowest_in_window(np.broadcast_to(place, losses.shape), losses, middle)
        # It calls the place ln N. N falls along the line, and the place's upper end is the lower end of N.
        log_d = np.interp(best.log_n, place, grid)
        return Served(self._log_size(log_d, total), log_d, best.loss, total, best.at_high, best.at_low)

    def cheapest(self, usual: Served) -> Served:
        """The least T of every draw that reaches the losses of `usual`, which are those of least training alone."""
        reached = np.isfinite(usual.log_total)
        if not self.d_inference or not reached.any():
            return usual
        low, high = usual.log_total[reached].min(), self.total(usual)[reached].max()
        return self.first_to_reach(usual.loss, float(low) - MARGIN, float(high) + MARGIN)

    @np.errstate(invalid="ignore", over="ignore")  # draws without such a model: infinite as they are, or NaN
    def total(self, model: Served) -> Array:
        """ln T of models of least training, for which `log_total` is ln C, with their serving."""
        return np.asarray(model.log_total + np.log1p(FORWARD * self.d_inference * np.exp(-model.log_d)))

    @np.errstate(divide="ignore", invalid="ignore")  # nothing served: ln 0 = −∞ adds nothing
    def _log_size(self, log_d: Array, log_total: Number) -> Array:
        """ln N where training on D and serving cost T; it depends on κ(N), and a few rounds settle it."""
        compute = self.curves.compute
        log_passes = np.logaddexp(log_d, np.log(FORWARD * self.d_inference))
        log_n = log_total - log_passes - compute.log_kappa[-1]
        for _ in range(0 if compute.is_constant else 6):
            log_n = log_total - log_passes - compute.curve(log_n)[0]
        return np.asarray(log_n)

    def _places(self, log_total: float) -> Array:
        """ln D among which every draw's optimum lies, from the law without its drift, and more on both sides.

        Its optimum has αA·N^−α = βB·D^−β·(1 + S/(3D)), where N·(D + S/3) is given. So (α + β)·ln D is larger by
        (1 − α)·ln(1 + S/(3D)) than with nothing served; α + β = s and α = (1 − a)·s as in law.py.
        """
        path, law = self.curves.path(np.array([log_total]))[:, 0], self.curves.t[:, :6]
        alone = log_total - self.curves.compute.curve(path)[0] - path
        stiffness = np.exp(law[:, 4])
        alpha = np.clip((1 - law[:, 3]) * stiffness, 0.0, 1.0)
        more = (1 - alpha) / stiffness * np.log1p(FORWARD * self.d_inference * np.exp(-alone))
        low, high = float(alone.min()) - 4 * WINDOW, float((alone + more).max()) + 4 * WINDOW
        return np.linspace(low, high, int(np.clip(np.ceil((high - low) / STEP), 2, MOST_POINTS)))

    def first_to_reach(self, loss: Array, low: float, high: float) -> Served:
        """The first ln T between two ends at which each draw's best loss is its target (R,)."""
        coarse = np.linspace(low, high, max(int((high - low) / COARSE_STEP), 1) + 2)
        found = self._first_of(coarse, loss).log_total
        inner = found[np.isfinite(found)]
        if not len(inner):
            return self._first_of(coarse, loss)
        fine = np.quantile(inner, np.linspace(0.0, 1.0, FINE_POINTS))
        margin = np.clip([fine[0] - MARGIN, fine[-1] + MARGIN], low, high)
        return self._first_of(np.unique(np.concatenate([[low], margin, fine, [high]])), loss)

    def _first_of(self, grid: Array, loss: Array) -> Served:
        """The same among the T of a grid, with lines between them."""
        best = [self.best_at(float(log_total)) for log_total in grid]
        log_total, before, missed = first_crossing(grid, -np.stack([at.loss for at in best], axis=1), -loss)
        at, rows = np.clip(np.searchsorted(grid, log_total), 1, len(grid) - 1), np.arange(len(loss))
        part = (log_total - grid[at - 1]) / (grid[at] - grid[at - 1])
        places = np.stack([at.log_d for at in best], axis=1)
        log_d = (1 - part) * places[rows, at - 1] + part * places[rows, at]
        log_n, log_d, log_total = (
            np.where(before, -np.inf, np.where(missed, np.inf, values))
            for values in (self._log_size(log_d, log_total), log_d, log_total)
        )
        at_low, at_high = (
            np.stack(ends, axis=1)[rows, at] for ends in ([b.at_low for b in best], [b.at_high for b in best])
        )
        return Served(log_n, log_d, loss, log_total, at_low, at_high)


def least_training(curves: Curves, loss: Number) -> Served:
    """The compute-optimal model of every draw at a loss, one for all or of each its own (R,)."""
    low, high = curves.searched
    return Serving(curves, 0.0).first_to_reach(np.broadcast_to(np.asarray(loss, float), len(curves.t)), low, high)
