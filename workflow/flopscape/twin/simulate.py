"""The twin of a study: its own design simulated from a known surface, every method fitted to each table.

approach1 needs training curves and is left out; so is the least-absolute-deviations objective, for its cost. Fits by a
method of a user's own get the first tables only, one at a time (one_by_one.py). Failures are counted by their status,
but a fit that is `weak` is none.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from flopscape.fitting.isoflop.curves import budgets_of
from flopscape.laws.law import Array
from flopscape.laws.surface import Surface, exponents
from flopscape.runs.table import RunTable
from flopscape.twin.designs import Noise, compute_of, draw_losses, improved
from flopscape.twin.estimates import METHODS, VARIANTS, Estimates, estimates, names
from flopscape.twin.one_by_one import Asked, estimates_of, name_of, outcome, why_left_out
from flopscape.twin.summary import COLUMNS, Errors, errors, rows
from flopscape.twin.truths import SURFACE, Scenario, Truth, of_surface, scenarios
from flopscape.twin.verdict import N_STAR, Improvement, Outcomes, judge

INTERVALS_ELSEWHERE = 100
"""Simulations that get intervals where the fitted surface is not the truth: coverage is known to ±0.02 there."""


class Settings(NamedTuple):
    """Budgets C to predict for, simulations, resamples behind an interval, and the seed of both.

    `fits` are made besides the methods of the twin, each of the first `own_simulations` tables of a truth.
    """

    flops: tuple[float, ...]
    simulations: int = 500
    bootstrap: int = 200
    seed: int = 0
    fits: tuple[Asked, ...] = ()
    own_simulations: int = 0

    @property
    def asked(self) -> dict[str, Asked]:
        """The fits that are made one table at a time, by the name that they have in the twin."""
        return {name_of(fit): fit for fit in self.fits if not why_left_out(fit, self.own_simulations)}


def simulate(
    table: RunTable, surface: Surface, noise: Noise, settings: Settings
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Bias, spread, RMSE and coverage of every method under every truth, and the verdict on them.

    Parameters
    ----------
    table : RunTable
        The design; its losses are not used.
    surface : Surface
        The truth, in the table's units.
    noise : Noise
    settings : Settings

    Returns
    -------
    The rows of twin.csv, and the verdict's content.
    """
    assumed = scenarios(table, surface, noise)
    quantities, listed, outcomes, asked = names(settings.flops), [], {}, settings.asked
    for scenario in assumed:
        losses = _losses(scenario.table, scenario.truth, noise, settings)
        for method in (*METHODS, *asked):
            outcome = _errors(scenario, method, losses, noise, settings)
            outcomes[scenario.name, method] = outcome
            listed += rows(scenario.name, method, outcome, quantities)
    words = {scenario.name: scenario.words for scenario in assumed}
    # Judged twice: what one more thing would buy is simulated for the trusted method alone, which must be known before.
    trusted = judge(outcomes, [], words, settings.flops[0], asked)["trusted"]
    better = list(_improvements(table, surface, trusted, noise, settings)) if trusted else []
    verdict = judge(outcomes, better, words, settings.flops[0], asked)
    if asked:
        verdict["one_by_one"] = [_outcome(name, fit, outcomes) for name, fit in asked.items()]
    return pd.DataFrame(listed)[list(COLUMNS)], verdict


def _outcome(name: str, fit: Asked, outcomes: Outcomes) -> dict[str, Any]:
    status = [seen.status.tolist() for (_, method), seen in outcomes.items() if method == name]
    return outcome(fit, len(status[0]), [word for words in status for word in words])


def _losses(table: RunTable, truth: Truth, noise: Noise, settings: Settings) -> Array:
    true = truth.loss(table.n_params, table.n_tokens)
    return draw_losses(table, true, noise, settings.simulations, settings.seed)


def _errors(scenario: Scenario, method: str, losses: Array, noise: Noise, settings: Settings) -> Errors:
    """Errors of one method; intervals for all simulations of the fitted surface and the first ones of the others."""
    count = len(losses) if scenario.name == SURFACE else min(INTERVALS_ELSEWHERE, len(losses))
    if is_own := method in settings.asked:
        losses = losses[: settings.own_simulations]
        count = len(losses)
    # Without noise every simulated table is the same, and there is nothing for an interval to hold.
    count = count if noise.total and settings.bootstrap else 0
    # Resamples are what a twin spends its time on: only the first tables are resampled, the others give estimates
    # alone.
    parts = [(losses[:count], settings.bootstrap), (losses[count:], 0)]
    halves = [_fit(method, scenario.table, part, settings, resamples) for part, resamples in parts if len(part)]
    joined = Estimates(*(np.concatenate(column) for column in zip(*halves, strict=True)))
    seen = errors(joined, _truths(scenario, method, settings.flops), names(settings.flops), count)
    return seen._replace(silent=_silent(joined)) if is_own else seen


def _silent(estimates: Estimates) -> tuple[int, ...]:
    """Places of the quantities of which a method has no interval on any table."""
    return tuple(np.flatnonzero(np.isnan(estimates.low).all(axis=0)).tolist())


def _fit(method: str, table: RunTable, losses: Array, settings: Settings, resamples: int) -> Estimates:
    if (asked := settings.asked.get(method)) is not None:
        # Always with resamples: nobody promises that a method can do without.
        first = losses[: settings.own_simulations]
        return estimates_of(asked, table, first, settings.flops, settings.bootstrap, settings.seed)
    return estimates(method, table, losses, settings.flops, resamples, settings.seed)


def _truths(scenario: Scenario, method: str, flops: Sequence[float]) -> Array:
    """What a method estimates: approach2's a and b are slopes over the budgets, the surfaces' are of constant κ."""
    a, b = scenario.truth.a, 1 - scenario.truth.a
    if method in VARIANTS and len(budgets := budgets_of(scenario.table)) > 1:
        a, b = scenario.truth.slopes(np.log([budget.flops for budget in budgets]))
    # In the order of `names`: a, b, then N*, D* and L* at each compute.
    best = [scenario.truth.optimum(float(c)) for c in flops]
    return np.array([a, b, *(float(x) for optimum in best for x in optimum)])


def _improvements(
    table: RunTable, surface: Surface, trusted: str, noise: Noise, settings: Settings
) -> Iterator[Improvement]:
    """The trusted method on the designs that one more thing would make.

    Its errors are against the optimum under each design's own κ(N): where κ is interpolated, other sizes are other
    knots, and that is no error of the method.
    """
    for name, (words, design) in improved(table, float(exponents(surface)[0])).items():
        truth = of_surface(surface, compute_of(design))
        fitted = _fit(trusted, design, _losses(design, truth, noise, settings), settings, 0)
        error = np.log(fitted.value[:, N_STAR] / float(truth.optimum(settings.flops[0]).n_params))
        yield Improvement(name, words, max(0.0, float(design.flops.sum() - table.flops.sum())), error)
