"""The next rung of a ladder, or a refinement, from the finished runs of those below it: a pure function.

Each finished budget says where its optimum lies by the lowest point of its parabola. A line through these, ln N*
against ln C, with what published tables say of its slope, says where the next budget's sizes go. So a guess that is off
by a factor of two costs the scouts a little, and the largest budget nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import short_hash
from flopscape.fitting.isoflop.curves import Budget
from flopscape.fitting.isoflop.parabola import FEWEST_SIZES, Parabolas, fit_parabolas
from flopscape.laws.law import Array
from flopscape.plan.family import members
from flopscape.plan.rows import runs_below
from flopscape.plan.rung_words import FOUND, FOUND_ALONE
from flopscape.plan.rungs import (
    LN10,
    REFINE,
    SLOPE,
    Center,
    Line,
    Planned,
    Rung,
    names_of,
    options_of,
    refined,
    rung_at,
    sizes_to_refine,
)
from flopscape.records.checks import recounted
from flopscape.records.plan_row import PlanRow
from flopscape.records.run_record import RunRecord
from flopscape.text import numbers

SLOPE_SD = 0.1
"""How far the slope may be from `SLOPE` before any run, as a standard deviation."""
LEAST_SD = 0.08
"""Of a vertex, in ln N: a parabola is not the curve's shape, and errs by about so much without any noise."""
SURE = 2.0
"""Standard errors of its curvature from which a parabola has a lowest point to speak of."""


class Losses(NamedTuple):
    """The finished runs of one budget C in FLOPs: ln N and the loss in nats of each.

    `half_span` is half the range of ln N that was planned, `n_runs` the number of runs that were, 0 where nobody asks.
    Repeated runs of one size stand as they are.
    """

    flops: float
    log_n: Array
    loss: Array
    half_span: float
    n_runs: int = 0


def centers_of(budgets: Sequence[Losses]) -> list[Center]:
    """Where the optimum of each budget lies: its parabola's lowest point, or the end of the sizes with the lower loss.

    The noise is that of all budgets together, from the residuals of their parabolas; where no budget has more sizes
    than a parabola has coefficients, it is unknown, and a lowest point counts as little as an end.

    Examples
    --------
    >>> log_n = np.linspace(9.0, 11.0, 5)
    >>> [center] = centers_of([Losses(1e12, log_n, 3 + 0.1 * (log_n - 10.2) ** 2, 1.0)])
    >>> round(center.log_n, 6), center.sd
    (10.2, 0.08)
    """
    fitted = [_parabola(budget) for budget in budgets]
    bent = [one for one in fitted if one is not None]
    # A budget alone has two to six degrees of freedom, from which its noise would be known to a third or worse.
    dof = sum(one.residual.shape[1] - FEWEST_SIZES for one in bent)
    variance = sum(float((one.residual**2).sum()) for one in bent) / dof if dof else math.nan
    return [
        replace(_center(budget, one, variance), n_runs=budget.n_runs, n_finished=len(budget.loss))
        for budget, one in zip(budgets, fitted, strict=True)
    ]


def _parabola(budget: Losses) -> Parabolas | None:
    rows = np.arange(len(budget.loss))
    one = Budget(budget.flops, budget.flops, rows, budget.log_n)
    return fit_parabolas(one, budget.loss[None], np.ones(len(rows))) if one.n_sizes >= FEWEST_SIZES else None


def _center(budget: Losses, fitted: Parabolas | None, variance: float) -> Center:
    """The center of one budget whose runs have this noise, NaN where it is not known."""
    if why := _why_no_vertex(budget, fitted, variance):
        return Center(budget.flops, _lower_end(budget, fitted), budget.half_span, f"{why}: the end of lower loss")
    assert fitted is not None
    vertex, unit = float(fitted.points[0, 0]), float(fitted.unit[0, 0, 0])
    if math.isnan(variance):
        return Center(budget.flops, vertex, budget.half_span, FOUND_ALONE)
    return Center(budget.flops, vertex, max(LEAST_SD, math.sqrt(variance * unit)), FOUND)


def _why_no_vertex(budget: Losses, fitted: Parabolas | None, variance: float) -> str:
    if fitted is None:
        return f"{numbers.plural(len(np.unique(budget.log_n)), 'size')} finished, and a parabola needs {FEWEST_SIZES}"
    # Along a slope the vertex of a slight bend lies anywhere, and its own error, which is linear in that of the
    # curvature, says nothing of it. Where the variance is NaN the comparison is false.
    if fitted.coefficients[0, 2] < SURE * fitted.bend_error * math.sqrt(variance):
        return "the curvature is not two standard errors above zero"
    return fitted.budget.why_unused(float(fitted.points[0, 0]))


def _lower_end(budget: Losses, fitted: Parabolas | None) -> float:
    """ln N of the smallest or the largest size, whichever has the lower loss on the curve, or by itself without one."""
    low, high = float(budget.log_n.min()), float(budget.log_n.max())
    if fitted is None:
        at_low, at_high = (float(budget.loss[budget.log_n == end].mean()) for end in (low, high))
    else:
        at_low, at_high = np.polynomial.polynomial.polyval(
            np.array([low, high]) - fitted.center, fitted.coefficients[0]
        )
    return low if at_low < at_high else high


def line_through(centers: Sequence[Center]) -> Line:
    """The most probable line ln N*(ln C) through centers with normal errors, its slope being N(0.5, 0.1²) before them.

    About the weighted mean of ln C, where any height is as good as another, the slope has the precision
    Σ w·x² + 1/0.1² and the mean (Σ w·x·y + 0.5/0.1²) over it, with w = 1/sd².

    Examples
    --------
    >>> one = line_through([Center(1e12, 11.0, 0.1, "")])
    >>> one.slope, round(one.at(math.log(1e14)) - 11.0, 3)
    (0.5, 2.303)
    """
    log_flops, log_n = np.log([center.flops for center in centers]), np.array([center.log_n for center in centers])
    weights = np.array([center.sd for center in centers]) ** -2.0
    # Height and slope err independently about the weighted means: there Σ w·x = 0.
    at, height = float(np.average(log_flops, weights=weights)), float(np.average(log_n, weights=weights))
    x = log_flops - at
    precision = weights @ x**2 + SLOPE_SD**-2
    slope = (weights @ (x * (log_n - height)) + SLOPE * SLOPE_SD**-2) / precision
    return Line(at, height, float(slope))


def plan_rung(study: Study, name: str, below: Sequence[Rung], records: Mapping[str, RunRecord]) -> Rung:
    """One rung from the config and the records of the runs below it, by their ids, and of no others.

    Parameters
    ----------
    study : Study
    name : str
        1, 2, … of a ladder, or `refine`.
    below : sequence of Rung
        The rungs planned before it, in order; any above it are passed over.
    records : mapping of run id to RunRecord
        All that are finished; more than are needed do no harm.

    Raises
    ------
    FlopscapeError
        A rung below is not planned, a record is missing, fewer than three sizes of a ladder's budget have a loss, no
        run of a refinement has one, or the family has no sizes where they are wanted.
    """
    below = rungs_below(study, name, below)
    rows = runs_below(study, name, below)
    if missing := [row.run_id for row in rows if row.run_id not in records]:
        raise FlopscapeError(
            f"rung {name}: {numbers.plural(len(missing), 'run')} below it "
            f"{'has' if len(missing) == 1 else 'have'} no record, such as {missing[0]}; run snakemake to train them"
        )
    centers = centers_of(_losses(name, rows, records))
    try:
        budgets, line = _around(study, name, below, centers)
    except FlopscapeError as error:
        raise FlopscapeError(f"rung {name}: {error}") from error
    return Rung(name, budgets, line, tuple(centers), options_of(study, name, below), _hash(rows, records))


def _around(
    study: Study, name: str, below: Sequence[Rung], centers: Sequence[Center]
) -> tuple[list[Planned], Line | None]:
    """Budgets around the optima that were found, and the line through these, which a refinement does not need."""
    if name == REFINE:
        at = {center.flops: center.log_n for center in centers}
        return refined(study, sizes_to_refine(study, below), at), None
    line = line_through(centers)
    return _budget(study, int(name) - 1, line), line


def rungs_below(study: Study, name: str, below: Sequence[Rung]) -> list[Rung]:
    """The rungs below a name; raises FlopscapeError for a name that the study has not, or a rung that is missing."""
    if name not in (names := names_of(study)):
        known = f"its rungs are {', '.join(names)}" if names else "it has neither sweep.ladder nor sweep.refine"
        raise FlopscapeError(f"rung {name}: the study has none of that name; {known}")
    wanted = names[: names.index(name)]
    planned = [rung.name for rung in below]
    if lacking := [one for one in wanted if one not in planned]:
        raise FlopscapeError(
            f"rung {name}: rung {lacking[0]} below it is not planned yet, or was planned for other options"
        )
    return list(below[: len(wanted)])


def _losses(name: str, rows: Sequence[PlanRow], records: Mapping[str, RunRecord]) -> list[Losses]:
    """The finished runs of each budget, smallest first; raises FlopscapeError where a ladder's budget has too few."""
    found = []
    for flops in sorted({row.budget for row in rows if row.budget is not None}):
        own = [row for row in rows if row.budget == flops]
        done = [row for row in own if records[row.run_id].loss is not None]
        if name != REFINE:
            _refuse_few(name, flops, own, done)
        if done:
            log_n = np.log([recounted(row, records[row.run_id])[0].n_params for row in done])
            loss = np.array([records[row.run_id].loss for row in done])
            planned = np.log([row.n_params for row in own])
            found.append(Losses(flops, log_n, loss, float(np.ptp(planned)) / 2, len(own)))
    if not found:
        raise FlopscapeError(f"rung {name}: no run of any budget has a loss; see `reason` in the records of the runs")
    return found


def _refuse_few(name: str, flops: float, rows: Sequence[PlanRow], done: Sequence[PlanRow]) -> None:
    """Raise FlopscapeError where too few sizes of a budget have a loss to see an optimum by."""
    sizes = len({row.n_params for row in done})
    # A ladder plans as many at each budget; were it planned by a line through fewer, no run of it would know better.
    if sizes >= FEWEST_SIZES:
        return
    some = f"runs of {numbers.plural(sizes, 'size')}" if done else "none of the runs"
    first = next(row.run_id for row in rows if row not in done)
    raise FlopscapeError(
        f"rung {name}: at budget {numbers.flops(flops)} {some} have a loss, {len(done)} of {len(rows)}, and it takes "
        f"{FEWEST_SIZES} sizes to say where the optimum lies; see `reason` in the records of the others, such as "
        f"{first}: lower training.learning_rate if they diverged, delete them to train them again, or start at a "
        "larger sweep.ladder.top"
    )


def _budget(study: Study, number: int, line: Line) -> list[Planned]:
    """A ladder's budget around a line, of a family counted as far as it is wanted."""
    ladder = study.sweep.ladder
    assert ladder is not None
    center = line.at(math.log(ladder.top_flops * ladder.shares[number]))
    return rung_at(ladder, number, line, members(study, math.exp(center + LN10 * ladder.half_span_dex)))


def _hash(rows: Sequence[PlanRow], records: Mapping[str, RunRecord]) -> str:
    """Of what was read of the records."""
    return short_hash(sorted([row.run_id, records[row.run_id].status, records[row.run_id].loss] for row in rows))
