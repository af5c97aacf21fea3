"""Candidates of a study: sizes that its model can have, in whole batches, priced as the plan prices its runs."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flopscape.config.machine import Prices
from flopscape.config.study import Study
from flopscape.config.sweep import Row, Sweep
from flopscape.design.candidates import HALF_SPAN, Candidates, budgets_of, is_repeated, of_pool, wishes
from flopscape.design.question import LEAST_STEPS
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import canonical
from flopscape.fitting.drifting_law.curve import Curves
from flopscape.plan.coverage import MAX_EPOCHS
from flopscape.plan.family import Member, members, nearest, planned_sizes
from flopscape.plan.price import device_cost, speed_of
from flopscape.plan.rates import batch_of
from flopscape.plan.rows import plan_rows
from flopscape.plan.sizes import count_sizes
from flopscape.plan.studies import PlannedStudy, look_at_study, train_units
from flopscape.plugins.base import Counts, Size
from flopscape.records.plan_row import PlanRow
from flopscape.runs.table import RunTable
from flopscape.text import numbers


class Wish(NamedTuple):
    """A run as `sweep.rows` would have it: of a budget where it has one, else of so many tokens."""

    size: Size
    n_tokens: int
    seed: int = 0
    budget: float | None = None

    @property
    def row(self) -> Row:
        """For a study."""
        long = {"flops": self.budget} if self.budget is not None else {"n_tokens": self.n_tokens}
        return Row.model_validate({"size": self.size, "seed": self.seed} | long)


SAME_SIZE = 1e-3
"""In ln N: a row of a pool with so nearly the parameters of a size is of that size."""


def of_study(
    planned: PlannedStudy, table: RunTable, curves: Curves, spend: float, most: float, prices: Prices, results: Path
) -> Candidates:
    """Sizes of the study's family around the optimum's path, and another seed of every finished run.

    Left out are runs that the plan has, and those that would repeat the data more often than is good.
    """
    log_n, flops = wishes(curves, budgets_of(table, spend, most))
    family = sizes_of(planned.study, float(np.exp(log_n.max())))
    sized = [(nearest(family, wish), float(c)) for wish, c in zip(log_n, flops, strict=True)]
    # Where a family has few sizes, several wishes have one nearest member, and it may lie far from all of them.
    sized = [(one, c) for (one, c), wish in zip(sized, log_n, strict=True) if abs(one.log_n - wish) < HALF_SPAN / 4]
    # A run joins a budget that the study has. A few runs at another compute are no budget: they show no optimum of it.
    own = {row.budget for row in planned.rows if row.role == "fit"}
    wished = [Wish(one.size, max(1, round(one.units(c))), budget=c if c in own else None) for one, c in sized]
    found = _planned(planned, [*_fitting(planned.study, wished), *_seeds(planned, table)])
    supply = train_units(planned.study, results)
    kept = [row for row in found if supply is None or row.n_tokens <= MAX_EPOCHS * supply]
    return _candidates(kept, planned, table, prices, results)


def of_study_pool(
    path: Path, planned: PlannedStudy, table: RunTable, curves: Curves, prices: Prices, results: Path
) -> Candidates:
    """The candidates of a file as runs of the study: each row's `n_params` must be those of a size of its model.

    Raises
    ------
    FlopscapeError
        What `of_pool` raises, a size that the model cannot have, a run of less than a batch.
    """
    pool = of_pool(path, table, curves.compute)
    family = sizes_of(planned.study, float(pool.n_params.max()))
    seeds = _next_seeds(planned)
    rows = []
    for number, (log_n, n_tokens) in enumerate(zip(np.log(pool.n_params), pool.n_tokens, strict=True), 1):
        one = nearest(family, float(log_n))
        if abs(one.log_n - log_n) > SAME_SIZE:
            raise FlopscapeError(
                f"{path}, row {number}: the study's model has no size of {np.exp(log_n):,.0f} parameters; the "
                f"nearest is {one.size} with {one.n_params:,}"
            )
        rows.append(_with_seed(Wish(one.size, max(1, round(float(n_tokens)))), seeds))
    if len(kept := _fitting(planned.study, rows)) < len(rows):
        number = next(i for i, row in enumerate(rows, 1) if row not in kept)
        raise FlopscapeError(f"{path}, row {number}: {rows[number - 1].n_tokens:,} units are too few for one run")
    found = _planned(planned, rows)
    if len(found) < len(rows):
        raise FlopscapeError(
            f"{path}: {numbers.plural(len(rows) - len(found), 'row')} would be a run that the plan or another row has "
            "already, for a run trains whole batches; take it out"
        )
    return replace(_candidates(found, planned, table, prices, results), numbers=pool.numbers)


def sizes_of(study: Study, most: float) -> list[Member]:
    """The family of a study up to so many parameters, or the sizes of its plan where none can be told or counted."""
    try:
        family = members(study, most)
    except FlopscapeError:
        family = []
    sizes = {canonical(size): size for size in planned_sizes(study)}
    known = {canonical(member.size) for member in family}
    return sorted(family + _counted(study, [size for key, size in sizes.items() if key not in known]), key=_log_n)


def _log_n(member: Member) -> float:
    return member.log_n


def _counted(study: Study, sizes: list[Size]) -> list[Member]:
    counts = count_sizes(study.model, sizes, study.loss) if sizes else []
    return [
        Member(size, one.n_params_body + one.n_params_head, one.flops_per_unit)
        for size, one in zip(sizes, counts, strict=True)
    ]


def _fitting(study: Study, rows: Sequence[Wish]) -> list[Wish]:
    """The rows that are a batch at least, and have room for the schedule; the plan refuses others."""
    sizes = {canonical(row.size): row.size for row in rows}
    counts = dict(zip(sizes, count_sizes(study.model, list(sizes.values()), study.loss), strict=True)) if rows else {}
    return [row for row in rows if _is_a_run(study, row, counts[canonical(row.size)])]


def _is_a_run(study: Study, row: Wish, counts: Counts) -> bool:
    """Whether a run has steps enough: with a few dozen no schedule is one, and no law of N and D holds."""
    batch = batch_of(study, counts, row.n_tokens)
    return row.n_tokens >= LEAST_STEPS * batch and study.training.has_room(round(row.n_tokens / batch) * batch)


def _seeds(planned: PlannedStudy, table: RunTable) -> list[Wish]:
    """Another seed of every size and length that has finished runs."""
    done, seeds = set(table.run_id.tolist()), _next_seeds(planned)
    finished = {
        _point(row): Wish(row.size, row.n_tokens, budget=row.budget) for row in planned.rows if row.run_id in done
    }
    return [_with_seed(row, seeds) for row in finished.values()]


def _next_seeds(planned: PlannedStudy) -> dict[tuple[str, int], int]:
    """The least seed that no run of the plan has, by size and length."""
    seeds: dict[tuple[str, int], int] = {}
    for row in planned.rows:
        seeds[_point(row)] = max(seeds.get(_point(row), 0), row.seed + 1)
    return seeds


def _point(row: PlanRow | Wish) -> tuple[str, int]:
    return canonical(row.size), row.n_tokens


def _with_seed(row: Wish, seeds: dict[tuple[str, int], int]) -> Wish:
    """The row with the next seed of its point, which is then taken."""
    seed = seeds.get(_point(row), 0)
    seeds[_point(row)] = seed + 1
    return row._replace(seed=seed)


def _planned(planned: PlannedStudy, rows: Iterable[Wish]) -> list[PlanRow]:
    """The rows as the study would plan them, without those that it has."""
    asked = list(rows)
    if not asked:
        return []
    # Alone, without the study's own sweep: what a run costs together with others, by shared checkpoints, is not told.
    found = plan_rows(planned.study.model_copy(update={"sweep": Sweep(rows=[wish.row for wish in asked])}))
    have = {row.run_id for row in planned.rows}
    return [row for row in found if row.run_id not in have]


def _candidates(
    rows: Sequence[PlanRow], planned: PlannedStudy, table: RunTable, prices: Prices, results: Path
) -> Candidates:
    n, d, c = (np.array([getattr(row, name) for row in rows], float) for name in ("n_params", "n_tokens", "flops"))
    speed = speed_of(planned.study, prices, look_at_study(planned, results).sample)
    usd = np.array([device_cost(planned.study, prices, speed.seconds(row, row.n_tokens)).usd for row in rows])
    repeats = is_repeated(n, d, table) if len(rows) else np.zeros(0, bool)
    # Simulated runs cost nothing, and some machines are free.
    return Candidates(n, d, c, repeats, usd if (usd > 0).all() else None, tuple(rows))
