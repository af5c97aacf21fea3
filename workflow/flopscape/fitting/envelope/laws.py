"""Power laws through the vertices of an envelope, and the law of its losses, for many sets of runs at once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from flopscape.fitting.common.loss_law import fit_loss_law
from flopscape.fitting.common.row_weights import run_weights
from flopscape.fitting.envelope.grid import EDGE, CurveGrid
from flopscape.fitting.envelope.vertices import RULES, EnvelopePoints, Rule, binned_rule, horizon_rule
from flopscape.laws.law import Array, Index, Mask

FEWEST_MODELS = 3
"""Distinct N on the envelope: two always lie on a line."""
CHUNK = 250
"""Resamples worked on at once: arrays of 250 × 1,500 bins stay near the processor's cache."""
LOSS_POINTS = 48
"""Budgets of the grid at which the loss law is fitted: it has three parameters."""


@dataclass(frozen=True)
class EnvelopeLaws:
    """What turns a set of runs into laws, by one rule; they refer to ln C₀ = `center`, the same for every set."""

    grid: CurveGrid
    rule: str

    @property
    def _everyone(self) -> Mask:
        return np.ones((1, len(self.grid.n)), bool)

    @cached_property
    def vertices(self) -> Rule:
        """The envelope's points by the chosen rule."""
        return RULES[self.rule](self.grid)

    @cached_property
    def best(self) -> EnvelopePoints:
        """The vertices of all runs together."""
        return self.vertices(self._everyone)

    @cached_property
    def center(self) -> float:
        """Mean ln C of the vertices of all runs."""
        return float(self.best.log_flops[self.best.kept].mean())

    @cached_property
    def _loss_grid(self) -> CurveGrid:
        """Budgets of the grid over which the models of the vertices of all runs are the lowest."""
        # A hull's vertices are only the middles of the stretches over which inner models are lowest; the binned rule
        # gives the stretches whole. Final losses have none.
        stretches = self.best if self.rule == "horizon" else binned_rule(self.grid)(self._everyone)
        x = self.grid.log_flops
        inside = np.concatenate([points.log_flops[points.kept] for points in (self.best, stretches)])
        columns = np.flatnonzero((x >= inside.min() - EDGE) & (x <= inside.max() + EDGE))
        # Spread evenly; where there are fewer budgets than that, `linspace` names some twice.
        columns = np.unique(columns[np.linspace(0, len(columns) - 1, LOSS_POINTS).astype(int)])
        return CurveGrid(self.grid.run_id, self.grid.n, self.grid.log_cost, x[columns], self.grid.log_loss[:, columns])

    def central(self) -> dict[str, float]:
        """The laws of all runs together."""
        return {name: float(value[0]) for name, value in self.laws_of(self._everyone).items()}

    @np.errstate(all="ignore")
    def laws_of(self, present: Mask) -> dict[str, Array]:
        """`log_n_params` at the centre, `a`, `b` and the loss law of each set, (S, R) to (S,) by name.

        NaN and `degenerate` with fewer than three models on the envelope.
        """
        # D = C over the FLOPs per token: ln D is ln C less `log_cost`, for every run its own.
        vertices = self.vertices(present)
        x = np.where(vertices.kept, vertices.log_flops - self.center, 0.0)
        log_n, a = _lines(x, self.grid.log_n[vertices.run], vertices.kept)
        _, b = _lines(x, x - self.grid.log_cost[vertices.run], vertices.kept)
        degenerate = count_models(self.grid, vertices) < FEWEST_MODELS
        laws = {"log_n_params": log_n, "a": a, "b": b} | self._loss_law(present)
        return {name: np.where(degenerate, np.nan, value) for name, value in laws.items()} | {"degenerate": degenerate}

    def resampled(self, replicates: int, seed: int) -> dict[str, Array]:
        """The laws of resamples of whole runs: how often a run is drawn moves no envelope, only whether it is."""
        # Rows of a grid are runs, so that a weight is how often a resample drew the run.
        weights = run_weights(self.grid.run_id, replicates, seed, CHUNK)
        parts = [self.laws_of(counts > 0) for counts in weights]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _loss_law(self, present: Mask) -> dict[str, Array]:
        """Through the lowest losses at a few of the grid's budgets."""
        grid = self._loss_grid
        # The rule that drops no end: the grid has been cut to the stretches of inner models already.
        lowest = horizon_rule(grid)(present)
        losses = np.exp(grid.log_loss[lowest.run, np.arange(len(grid.log_flops))])
        kept = lowest.kept
        # A column that a set does not have weighs nothing; its loss need only be a number.
        law = fit_loss_law(grid.log_flops - self.center, np.where(kept, losses, 1.0), kept.astype(float))
        return {name: np.where(kept.sum(axis=1) >= 3, value, np.nan) for name, value in law.items()}


def _lines(x: Array, y: Array, kept: Mask) -> tuple[Array, Array]:
    """Ordinate at x = 0 and slope of the least-squares line through the kept points of each row."""
    count = kept.sum(axis=1)
    x_mean, y_mean = ((values * kept).sum(axis=1) / count for values in (x, y))
    # Points that are not kept get z = 0 and so no part in either sum.
    z = (x - x_mean[:, None]) * kept
    slope = (z * y).sum(axis=1) / (z * z).sum(axis=1)
    return y_mean - slope * x_mean, slope


def count_models(grid: CurveGrid, vertices: EnvelopePoints) -> Index:
    """Distinct N among the kept points of each set."""
    _, model = np.unique(grid.n, return_inverse=True)
    sets, places = np.nonzero(vertices.kept)
    on_envelope = np.zeros((len(vertices.run), int(model.max()) + 1), bool)
    on_envelope[sets, model[vertices.run[sets, places]]] = True
    return np.asarray(on_envelope.sum(axis=1))
