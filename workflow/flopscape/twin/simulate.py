"""The twin of a study: its own design simulated from known laws, every method fitted to each table.

approach1 needs training curves and is left out; so is the least-absolute-deviations objective, for its cost. Fits by
the answer and by a method of a user's own get the first tables only, one at a time (one_by_one.py). Failures are
counted by their status, but a fit that is `weak` is none.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from flopscape.fitting.isoflop.curves import budgets_of
from flopscape.laws.law import Array
from flopscape.laws.surface import exponents
from flopscape.runs.table import RunTable
from flopscape.twin.designs import Noise, compute_of, draw_losses, improved
from flopscape.twin.estimates import VARIANTS, Estimates, estimates, names
from flopscape.twin.judged import Method, judged
from flopscape.twin.one_by_one import Asked, estimates_of, outcome
from flopscape.twin.possible import changes, middle, near, truth_of
from flopscape.twin.source import Source
from flopscape.twin.summary import COLUMNS, Errors, errors, rows
from flopscape.twin.truths import SURFACE, Scenario, Truth, of_surface, scenarios
from flopscape.twin.verdict import N_STAR, Grounds, Improvement, Outcomes, gain, judge, trusted

INTERVALS_ELSEWHERE = 100
"""Simulations that get intervals where the fitted surface is not the truth: coverage is known to ±0.02 there."""
MOST_RESAMPLED = 6_000_000
"""Rows × tables × resamples of one truth and method: a table of a thousand checkpoints gets 30 intervals of 200
resamples, in some four seconds."""


class Settings(NamedTuple):
    """Budgets C to predict for, simulations, resamples behind an interval, and the seed of both.

    `fits` are those of the study; a method of a user's own is fitted to the first `own_simulations` tables of a truth,
    the answer to `answer_simulations`. With `among_fits` no other method is recommended.
    """

    flops: tuple[float, ...]
    simulations: int = 500
    bootstrap: int = 200
    seed: int = 0
    fits: tuple[Asked, ...] = ()
    own_simulations: int = 0
    answer_simulations: int = 0
    among_fits: bool = False

    def methods(self, rows: int) -> tuple[Method, ...]:
        """What is judged on tables of so many rows."""
        few = self.own_simulations, self.answer_simulations
        return judged(self.fits, self.among_fits, self.simulations, *few, rows)


def simulate(table: RunTable, source: Source, settings: Settings) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Bias, spread, RMSE and coverage of every method under every truth, and the verdict on them.

    Parameters
    ----------
    table : RunTable
        The design; its losses are not used.
    source : Source
        The surface in the table's units, the noise, and what else is possible.
    settings : Settings

    Returns
    -------
    The rows of twin.csv, and the verdict's content.
    """
    noise, methods = source.noise, settings.methods(len(table))
    assumed = scenarios(table, source.surface, noise, _possible(source, settings))
    quantities, listed, outcomes = names(settings.flops), [], {}
    for stream, scenario in enumerate(assumed):
        losses = _losses(scenario.table, scenario.truth, noise, settings, stream)
        for method in methods:
            seen = _errors(scenario, method, losses, noise, settings)
            outcomes[scenario.name, method.name] = seen
            listed += rows(scenario.name, method.name, seen, quantities)
    grounds = Grounds(
        {scenario.name: scenario.words for scenario in assumed},
        {scenario.name: scenario.weight for scenario in assumed},
        settings.flops[0],
        {method.name for method in methods if method.asked},
        {method.name for method in methods if not method.in_study},
        next((method.name for method in methods if method.is_answer), ""),
    )
    # What one more thing would buy is told of one method alone, which must be known before.
    best = next((method for method in methods if method.name == trusted(outcomes, grounds).best), None)
    better = list(_improvements(table, source, best, outcomes, settings)) if best else []
    verdict = judge(outcomes, better, grounds)
    if one_by_one := [method for method in methods if method.asked]:
        verdict["one_by_one"] = [_outcome(method, outcomes) for method in one_by_one]
    return pd.DataFrame(listed)[list(COLUMNS)], verdict


def _possible(source: Source, settings: Settings) -> tuple[str, Truth] | None:
    """Another law for each copy, and what they are in words."""
    if source.found is None:
        return None
    words = f"laws that the answer holds possible after {source.after}, another for each copy"
    return words, truth_of(source.found, settings.simulations, settings.flops, settings.seed)


def _outcome(method: Method, outcomes: Outcomes) -> dict[str, Any]:
    status = [word for (_, name), seen in outcomes.items() if name == method.name for word in seen.status.tolist()]
    assert method.asked is not None
    return outcome(method.name, method.asked, method.tables, status)


def _losses(table: RunTable, truth: Truth, noise: Noise, settings: Settings, stream: int = 0) -> Array:
    true = truth.loss(table.n_params, table.n_tokens)
    return draw_losses(table, true, noise, settings.simulations, settings.seed, stream)


def _errors(scenario: Scenario, method: Method, losses: Array, noise: Noise, settings: Settings) -> Errors:
    """Errors of one method; intervals for all simulations of the fitted surface and the first ones of the others."""
    if method.asked:
        losses = losses[: method.of(scenario.name)]
    most = MOST_RESAMPLED // (len(scenario.table) * max(settings.bootstrap, 1))
    most = most if scenario.name == SURFACE else min(most, INTERVALS_ELSEWHERE)
    count = len(losses) if method.asked else min(len(losses), most)
    # Without noise every simulated table is the same, and there is nothing for an interval to hold.
    count = count if noise.total and settings.bootstrap else 0
    # Resamples are what a twin spends its time on: only the first tables are resampled, the others give estimates
    # alone.
    parts = [(losses[:count], settings.bootstrap), (losses[count:], 0)]
    halves = [_fit(method, scenario.table, part, settings, resamples) for part, resamples in parts if len(part)]
    joined = Estimates(*(np.concatenate(column) for column in zip(*halves, strict=True)))
    return errors(joined, _truths(scenario, method, settings.flops, len(losses)), names(settings.flops), count)


def _fit(method: Method, table: RunTable, losses: Array, settings: Settings, resamples: int) -> Estimates:
    if method.asked:
        # Always with resamples: nobody promises that a method can do without.
        return estimates_of(method.asked, table, losses, settings.flops, settings.bootstrap, settings.seed)
    return estimates(method.bulk, table, losses, settings.flops, resamples, settings.seed)


def _truths(scenario: Scenario, method: Method, flops: Sequence[float], tables: int) -> Array:
    """What a method estimates of each table (tables, Q).

    approach2's a and b are slopes over the budgets, the answer's those at the middle of the runs; the surfaces' are of
    constant κ.
    """
    truth, budgets = scenario.truth, budgets_of(scenario.table)
    slopes = truth.a, 1 - truth.a
    if method.bulk in VARIANTS and len(budgets) > 1:
        slopes = truth.slopes(np.log([budget.flops for budget in budgets]))
    elif method.is_answer:
        slopes = truth.slopes(near(middle(scenario.table)))
    # In the order of `names`: a, b, then N*, D* and L* at each compute.
    best = [truth.optimum(float(c)) for c in flops]
    truths = (np.asarray(x) for x in (*slopes, *(x for optimum in best for x in optimum)))
    # One number for all tables, or that of the law of each.
    return np.stack([x[:tables] if x.ndim else np.full(tables, x) for x in truths], axis=1)


def _improvements(
    table: RunTable, source: Source, best: Method, outcomes: Outcomes, settings: Settings
) -> Iterator[Improvement]:
    """The trusted method on the designs that one more thing would make; what the answer gains needs no simulation.

    Errors are against the optimum under each design's own κ(N): where κ is interpolated, other sizes are other knots,
    and that is no error of the method.
    """
    designs = improved(table, float(exponents(source.surface)[0]))
    if best.is_answer and source.found:
        found = changes(source.found, table, designs, settings.flops[0])
        gains = [(float(change), 0.0) for change in found]
    else:
        before = outcomes[SURFACE, best.name].error[:, N_STAR]
        gains = [gain(_error_on(design, source, best, settings), before) for _, design in designs.values()]
    for (name, (words, design)), (change, error) in zip(designs.items(), gains, strict=True):
        extra = max(0.0, float(design.flops.sum() - table.flops.sum()))
        yield Improvement(name, words, extra, change, error)


def _error_on(design: RunTable, source: Source, method: Method, settings: Settings) -> Array:
    """Errors of ln N* of a method on another design, where the fitted surface is true."""
    truth = of_surface(source.surface, compute_of(design))
    losses = _losses(design, truth, source.noise, settings)
    losses = losses[: method.of(SURFACE)] if method.asked else losses
    fitted = _fit(method, design, losses, settings, 0)
    return np.asarray(np.log(fitted.value[:, N_STAR] / float(truth.optimum(settings.flops[0]).n_params)))
