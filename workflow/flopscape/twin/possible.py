"""What else than the fitted surface is possible after the runs: laws, noise and gains by the method answer.

The method answer (fitting/answer.py) holds laws possible whose optimum drifts and that miss something, as published
sweeps do. Each copy of a study is simulated from another of its draws. So a method's errors and the coverage of its
intervals over all copies are those that are to be expected on this study, as far as its runs and other sweeps tell; a
surface that fits them is one law among many.

A plan has no runs yet, and a surface that is given is not that of the runs: then one set of losses is simulated from
the surface, and what is possible after it takes the place.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from flopscape.answers.fitted_answer import FittedAnswer
from flopscape.fitting.answer import NEAR
from flopscape.fitting.drifting_law.cells import planned_cells
from flopscape.fitting.drifting_law.fit import Posterior, posterior
from flopscape.fitting.drifting_law.shares import Shares
from flopscape.laws.law import Array, Compute
from flopscape.laws.surface import Surface, loss
from flopscape.runs.table import RunTable, seed_scatter
from flopscape.twin.designs import Noise, compute_of, draw_losses
from flopscape.twin.truths import Truth

DRAWS = 2048
ENOUGH_SEEDS = 10
"""Degrees of freedom of the scatter between seeds, from which on it is known within a fifth, and is the noise."""


def after_runs(table: RunTable, seed: int) -> Posterior:
    """What the method answer finds in the runs."""
    return posterior(table, compute_of(table), DRAWS, seed)


def after_simulated_runs(table: RunTable, surface: Surface, noise: Noise, seed: int) -> Posterior | None:
    """What it would find in runs of this design that follow the surface; None without noise, where they tell all."""
    if not noise.total:
        return None
    true = loss(surface, table.n_params, table.n_tokens)
    # A stream that no scenario has, so that what is possible does not follow the luck of a simulated table.
    (losses,) = draw_losses(table, true, noise, 1, seed, stream=99)
    return after_runs(replace(table, loss=losses), seed)


def is_of_seeds(table: RunTable) -> bool:
    """Whether seeds tell the noise; rows of one run are none, even where they stand at one N and D."""
    return table.n_runs == len(table) and seed_scatter(table)[1] >= ENOUGH_SEEDS


def noise_of(table: RunTable, found: Posterior, surface: Surface | None) -> Noise:
    """The noise that the answer tells from what laws miss, or that between seeds where there are enough of them."""
    own, *others = found.cells.center.loss * np.exp(np.median(found.draws.h, axis=0))
    if is_of_seeds(table):
        own = seed_scatter(table)[0]
    # The last of the scales is what a row has beside the error of its run; tables of whole runs have none.
    row = float(others[-1]) if found.cells.shared else 0.0
    return Noise(float(own), row, _misfit(table, found, surface) if surface else 0.0)


def _misfit(table: RunTable, found: Posterior, surface: Surface) -> float:
    """Root mean square of the surface less the answer's typical law at the runs."""
    log_n, log_d = np.log(table.n_params), np.log(table.n_tokens)
    away = found.typical.loss(log_n, log_d)[0] - loss(surface, table.n_params, table.n_tokens)
    return float(np.sqrt(np.mean(away**2)))


def truth_of(found: Posterior, copies: int, flops: Sequence[float], seed: int) -> Truth:
    """So many draws of the answer, each a law of its own, in random order: any first ones are a sample.

    Draws without an optimum at an asked C, within the sizes for which they are trusted, are no truth to find it of.
    """
    curves = found.curves
    at_end = np.any([best.at_low | best.at_high for best in map(curves.lowest, map(float, flops))], axis=0)
    usable = np.flatnonzero(~at_end) if not at_end.all() else np.arange(len(at_end))
    chosen = np.resize(np.random.default_rng([seed, 3]).permutation(usable), copies)
    laws = FittedAnswer(replace(curves, t=curves.t[chosen], c=curves.c[chosen]), many=True)
    # C = 6·N·D for the slope, which is then β/(α + β) of a law that is a surface.
    plain = FittedAnswer(replace(laws.curves, compute=Compute.constant()), many=True)
    a, _ = Truth(plain.loss, plain.optimum, np.nan).slopes(near(curves.center.log_product + np.log(6.0)))
    return Truth(laws.loss, laws.optimum, a)


def middle(table: RunTable) -> float:
    """The ln C at the middle of the runs where the answer's a is taken."""
    return float((np.log(table.n_params) + np.log(table.n_tokens)).mean() + compute_of(table).log_kappa.mean())


def near(log_flops: float) -> Array:
    """The two ln C around a middle whose slope is the answer's a there."""
    return np.array([log_flops - NEAR, log_flops + NEAR])


def spread_after(found: Posterior, design: RunTable, flops: float) -> float | None:
    """Standard deviation of the answer's ln N* at C after the runs of a design, as a part of that before any run.

    Around the typical draw losses are nearly linear in the law's numbers, and what runs leave open then depends on
    where they stand and not on their losses (fitting/drifting_law/shares.py). None where that draw has no optimum.
    """
    cells = planned_cells(design, found.cells.center)
    left = Shares.after(found.typical, cells, found.at.scales).at(flops).get("n_params", {})
    return left.get("sd_over_prior")


def changes(found: Posterior, table: RunTable, designs: dict[str, tuple[str, RunTable]], flops: float) -> Array:
    """Relative changes of that standard deviation by each design in place of the study's own, NaN where unknown."""
    before = spread_after(found, table, flops)
    after = [spread_after(found, design, flops) for _, design in designs.values()]
    return np.array([np.nan if not before or x is None else x / before - 1 for x in after])
