"""How well a sweep can answer: a grade of its design before a FLOP is spent, with reasons.

The thresholds are those of the fits that will judge the runs, so that a sweep which cannot be fitted well is named
while it still costs nothing: a parabola needs points on both sides of its vertex, a scatter between seeds needs seeds,
and no fit can tell N from D along runs that all have one ratio of them.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from flopscape.records.plan_row import PlanRow
from flopscape.text import numbers

MIN_COUNT, GOOD_COUNT, GOOD_SEEDS = 5, 7, 3
"""Budgets, and sizes at each: below the first number a sweep is poor, below the second, or without the seeds, fair."""
MIN_HALF_SPAN_DEX = 0.3
"""Half the span of ln N at a budget, in decades: ±0.3 is a factor of two to either side of the middle."""
MAX_EPOCHS = 4
"""Times that data can be repeated at nearly no loss (Muennighoff et al. 2023, arXiv 2305.16264)."""
LEAST_NARROWED = 0.05
"""Part by which some interval has to become narrower for a change of a sweep, or a run, to be worth anything at all."""
RAY_SPREAD_DEX = 0.05
"""Runs whose tokens per parameter all lie this close together are one ray."""


@dataclass(frozen=True)
class Coverage:
    """A grade and the sentences that explain it; `poor` names what must change, `fair` what is missing for `good`."""

    grade: Literal["poor", "fair", "good"]
    reasons: list[str]


def grade_coverage(rows: list[PlanRow], train_units: int | None, unit: str = "token") -> Coverage:
    """Grade a plan.

    Parameters
    ----------
    rows : list of PlanRow
        The plan, of which only the rows that are fitted count. IsoFLOP rows are judged by budget; grids and explicit
        rows by their distinct sizes and token counts.
    train_units : int or None
        Units of training data, for epochs; None where it is not known yet.
    unit : str
        What D counts, for the sentences.
    """
    # Hidden runs and scouts are in no fit: what they cover, no fit knows. A plan of nothing else is graded as it is.
    rows = [row for row in rows if row.role == "fit"] or rows
    problems = [*_few(rows, MIN_COUNT, unit), *_narrow(rows), *_repeated_data(rows, train_units), *_one_ray(rows, unit)]
    if problems:
        return Coverage("poor", problems)
    missing = [*_few(rows, GOOD_COUNT, unit), *_few_seeds(rows)]
    return Coverage("fair" if missing else "good", missing)


def _by_budget(rows: list[PlanRow]) -> dict[float, list[PlanRow]]:
    groups = defaultdict(list)
    for row in rows:
        if row.budget is not None:
            groups[row.budget].append(row)
    return groups


def _sizes(rows: Iterable[PlanRow]) -> set[int]:
    return {row.n_params for row in rows}


def _few(rows: list[PlanRow], count: int, unit: str) -> list[str]:
    """Fewer than `count` budgets, or sizes at a budget; without budgets, fewer sizes or counts of units."""
    budgets = _by_budget(rows)
    if not budgets:
        found = {"size": len(_sizes(rows)), f"{unit} count": len({row.n_tokens for row in rows})}
        return [f"{numbers.plural(n, kind)}: plan at least {count}" for kind, n in found.items() if n < count]
    reasons = [f"{numbers.plural(len(budgets), 'budget')}: plan at least {count}"] if len(budgets) < count else []
    few = {budget: n for budget, group in budgets.items() if (n := len(_sizes(group))) < count}
    if few:
        margin = " valid ones (10 leave room for failures)" if count == GOOD_COUNT else ""
        where = ", ".join(f"{budget:.3g}" for budget in few) if len(few) < len(budgets) else "every budget"
        reasons.append(f"{_range(few.values())} sizes at {where}: plan at least {count}{margin}")
    return reasons


def _range(numbers: Collection[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _narrow(rows: list[PlanRow]) -> list[str]:
    """Budgets whose sizes span less than ±0.3 dex; without budgets, the whole grid."""
    # 0 stands for no budget: a grid is judged as one group.
    groups = _by_budget(rows) or {0.0: rows}
    narrow = {budget: s for budget, group in groups.items() if (s := _half_span(_sizes(group))) < MIN_HALF_SPAN_DEX}
    return [
        f"sizes span only ±{span:.2f} dex of N{f' at {budget:.3g} FLOPs' if budget else ''}: widen to ±0.3 or more"
        for budget, span in narrow.items()
    ]


def _half_span(sizes: set[int]) -> float:
    return math.log10(max(sizes) / min(sizes)) / 2


def _repeated_data(rows: list[PlanRow], train_units: int | None) -> list[str]:
    longest = max(row.n_tokens for row in rows)
    if train_units is None or longest <= MAX_EPOCHS * train_units:
        return []
    many = sum(row.n_tokens > MAX_EPOCHS * train_units for row in rows)
    epochs = longest / train_units
    return [
        f"{many} runs repeat the data more than {MAX_EPOCHS} times (up to {epochs:.1f}): drop small sizes or add data"
    ]


def _one_ray(rows: list[PlanRow], unit: str) -> list[str]:
    # Along D = ρ·N the law is E + A·N^−α + B·ρ^−β·N^−β, two powers of one variable: which of them is due to N no run
    # there can say.
    ratios = [math.log10(row.n_tokens / row.n_params) for row in rows]
    if len(rows) > 1 and max(ratios) - min(ratios) < RAY_SPREAD_DEX:
        return [f"all runs lie at {10 ** ratios[0]:.3g} {unit}s per parameter: no fit can tell N from D there"]
    return []


def _few_seeds(rows: list[PlanRow]) -> list[str]:
    seeds: dict[tuple[float | None, int], set[int]] = defaultdict(set)
    for row in rows:
        # A point is a size at a budget; its D follows from both.
        seeds[row.budget if row.budget is not None else row.n_tokens, row.n_params].add(row.seed)
    few = sum(len(s) < GOOD_SEEDS for s in seeds.values())
    return [f"{few} of {len(seeds)} points have fewer than {GOOD_SEEDS} seeds"] if few else []
