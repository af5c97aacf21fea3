"""From a question to a sweep: the largest ladder that the money pays for, and what its answer is expected to be worth.

    flopscape new mine --like config/studies/kjv-gpt.yaml --target 1e13 --hours 0.5

A ladder is known by its largest budget: the budgets below, and the sizes of each, follow from it, from the family of
the model and from how small its smallest members are. Its price grows with that budget, so that the money decides it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from flopscape.config.ladder import Family, Ladder
from flopscape.config.machine import Prices
from flopscape.config.study import Study
from flopscape.config.sweep import Sweep
from flopscape.design.expected import Expected, expected_intervals
from flopscape.design.supply import ANY, USUAL, Supply, units_per_param
from flopscape.errors import FlopscapeError
from flopscape.plan.capacity import Capacity
from flopscape.plan.coverage import MAX_EPOCHS
from flopscape.plan.family import Member, members
from flopscape.plan.finished import Finished
from flopscape.plan.price import price_study
from flopscape.plan.rows import plan_rows
from flopscape.plan.rungs import open_rungs
from flopscape.records.plan_row import PlanRow
from flopscape.records.run_record import RunRecord
from flopscape.text import numbers

Measure = Literal["usd", "hours", "wall_hours", "flops"]
UNITS: dict[Measure, str] = {
    "usd": "US dollars",
    "hours": "hours of GPUs or CPU threads",
    "wall_hours": "hours on the clock",
    "flops": "FLOPs of all runs",
}
MOST_SIZES = 15
"""Of a budget: what is left of the money buys more sizes where a larger budget is not needed."""
STEP, LEAST_DECADES = 0.6, 1.0
"""Of C, in decades: about what neighbouring budgets are apart, and the fewest from the smallest budget to the largest
that a line of optima can be told from."""
BELOW_DEX = 0.45
"""Decades of N from the smallest member of the family to the guess at the smallest budget: sizes reach 0.6 to either
side, and a last one may be missing."""
LEAST_STEPS = 64
"""Of the shortest run: with fewer a warm-up and a decay are no schedule."""
ROUNDING = 0.01
"""In ln C: where the search for the largest budget ends."""
LARGEST = 1e30
"""FLOPs: a ladder above all that is ever paid for."""
COARSER = 4
"""A family is first counted up to so many times the N that is needed."""


class Money(NamedTuple):
    """What may be spent: US dollars, hours of a device such as GPU, hours of the wall, or FLOPs."""

    measure: Measure
    amount: float
    device: str = "device"

    def __str__(self) -> str:
        """The amount with its unit.

        >>> str(Money("usd", 3000.0)), str(Money("hours", 0.5, "GPU"))
        ('3,000 US dollars', '0.5 GPU-hours')
        """
        amount = f"{self.amount:,.0f}" if self.amount >= 1000 else f"{self.amount:.3g}"
        amount = numbers.flops(self.amount) if self.measure == "flops" else amount
        unit = f"{self.device}-hours" if self.measure == "hours" else UNITS[self.measure]
        return f"{amount} {unit}"


class Cost(NamedTuple):
    """What a sweep takes in each measure of `Money`."""

    usd: float
    hours: float
    wall_hours: float
    flops: float

    def of(self, measure: Measure) -> float:
        """The cost in one measure."""
        return float(getattr(self, measure))


@dataclass(frozen=True)
class Means:
    """What runs are priced by: prices, how many go at a time, and finished runs that tell the speed."""

    prices: Prices
    capacity: Capacity
    timed: Sequence[RunRecord] = ()


@dataclass(frozen=True)
class Proposal:
    """A study with a ladder, its runs at their expected sizes, their cost, and the interval at each asked compute.

    `wished` is the larger ladder that the money would pay for and the data do not allow.
    """

    study: Study
    rows: list[PlanRow]
    cost: Cost
    speed_source: str
    expected: list[Expected]
    wished: "Proposal | None" = None

    @property
    def ladder(self) -> Ladder:
        """Its ladder."""
        assert self.study.sweep.ladder is not None
        return self.study.sweep.ladder

    @property
    def longest(self) -> int:
        """Units of data that the longest run sees."""
        return max(row.n_tokens for row in self.rows)

    @property
    def middle(self) -> float:
        """Units of data at the expected optimum of the largest budget, in the middle of those of its runs."""
        units = [row.n_tokens for row in self.rows if row.budget == self.ladder.top_flops]
        return math.sqrt(min(units) * max(units))


def propose(
    base: Study, family: Family, money: Money, targets: Sequence[float], means: Means, supply: Supply = ANY
) -> Proposal:
    """The largest ladder that money and data allow, but no larger than what is asked for: the rest buys more sizes.

    Parameters
    ----------
    base : Study
        The model, the data and the recipe; its sweep does not matter.
    family : Family
        The sizes that its model may have.
    money : Money
    targets : sequence of float
        Compute to answer for, in FLOPs.
    means : Means
    supply : Supply, optional
        The data, of which a run may see no more than a few epochs.

    Raises
    ------
    FlopscapeError
        The money pays for no ladder, the data allow none, or what is asked for is cheaper than its smallest budget.
    """
    if base.simulated and money.measure != "flops":
        raise FlopscapeError(f"{money}: simulated runs cost nothing; say with --flops how much they may stand for")
    per_param = units_per_param(base, supply.unit)
    small = _smallest_budget(base, family, per_param)
    if (least := min(targets)) < small:
        raise FlopscapeError(
            f"--target {numbers.flops(least)}: below the smallest budget of a ladder of this family, "
            f"{numbers.flops(small)} FLOPs; train a few sizes at it instead, as budgets: of a sweep"
        )
    sweeps = _Sweeps(base, family, small, per_param, means)
    first = _rounded(small * 10**LEAST_DECADES, math.ceil)
    _refuse_least(sweeps.at(first), small, money, supply)

    def is_paid(found: Proposal) -> bool:
        return found.cost.of(money.measure) <= money.amount

    wished = max(first, min(_largest(sweeps, is_paid, first), max(targets)))
    top = wished
    if not supply.allows(sweeps.at(wished).longest):
        top = max(first, _largest(sweeps, lambda found: supply.allows(found.longest), first))
    extra = 0
    while is_paid(sweeps.at(top, extra + 1)) and extra < MOST_SIZES:
        extra += 1
    found = sweeps.at(top, extra)
    return replace(found, expected=_expected(found.rows, targets), wished=sweeps.at(wished) if top < wished else None)


def _refuse_least(least: Proposal, small: float, money: Money, supply: Supply) -> None:
    """Raise FlopscapeError where not even the least ladder is possible: first by the data, which no money adds to."""
    budgets = f"budgets from {numbers.flops(small)} to {numbers.flops(least.ladder.top_flops)} FLOPs"
    if not supply.allows(least.middle, MAX_EPOCHS):
        raise FlopscapeError(
            f"the data allow no ladder of this family: at the optimum of the least one, with {budgets}, a run would "
            f"see {supply.seen(least.middle)}, and {MAX_EPOCHS} are the most; bring more data, give smaller sizes, or "
            "pass --allow-repeats"
        )
    if (needed := least.cost.of(money.measure)) > money.amount:
        raise FlopscapeError(
            f"{money} pay for no ladder of this family: the least one takes {money._replace(amount=needed)}, with "
            f"{budgets}; spend more, or give smaller sizes"
        )


class _Sweeps(NamedTuple):
    """The ladders of a question, each known by its largest budget and by sizes in addition to the usual ones."""

    base: Study
    family: Family
    small: float
    per_param: float
    means: Means

    def at(self, top: float, extra: int = 0) -> Proposal:
        """The ladder up to a largest budget, at its expected sizes, without its expected intervals."""
        decades = min(USUAL.decades, math.log10(top / self.small))
        # Steps of about 0.6 decades, and of no more than the usual ladder's over all its decades.
        budgets = min(USUAL.budgets, max(3, 1 + round(decades / STEP)))
        ladder = Ladder(top=top, budgets=budgets, decades=round(decades, 2), tokens_per_param=self.per_param)
        if extra:
            sizes = [min(count + extra, MOST_SIZES) for count in ladder.counts]
            ladder = ladder.model_copy(update={"sizes": sizes})
        study = _with(self.base, Sweep(family=self.family, ladder=ladder))
        rows = plan_rows(study, open_rungs(study, []))
        return Proposal(study, rows, *_cost(study, rows, self.means), [])


def _largest(sweeps: _Sweeps, fits: Callable[[Proposal], bool], first: float) -> float:
    """The largest budget of a ladder that fits, from one on that does, of two digits: by halving in ln C."""
    low = high = math.log(first)
    while high < math.log(LARGEST) and fits(sweeps.at(math.exp(high))):
        low, high = high, high + math.log(10.0)
    while high - low > ROUNDING:
        middle = (low + high) / 2
        low, high = (middle, high) if fits(sweeps.at(math.exp(middle))) else (low, middle)
    return _rounded(math.exp(low), math.floor)


def _smallest_budget(base: Study, family: Family, per_param: float) -> float:
    """The least compute at which the family has sizes on both sides of the guess, and runs have steps enough.

    At D = r·N a member of N parameters and c FLOPs a unit costs C = c·r·N.
    """
    first = _family(base, family, 1)
    wished = first[0].log_n + BELOW_DEX * math.log(10.0)
    known = _family(base, family, COARSER * math.exp(wished))
    start = min(known, key=lambda member: abs(member.log_n - wished))
    guessed = start.flops_per_unit * per_param * start.n_params
    # The widest at that budget sees the fewest units.
    steps = LEAST_STEPS * base.training.batch_units * known[-1].flops_per_unit
    return max(guessed, steps)


def _family(base: Study, family: Family, most: float) -> list[Member]:
    return members(_with(base, Sweep(family=family, ladder=USUAL)), most)


def _with(base: Study, sweep: Sweep) -> Study:
    return base.model_copy(update={"sweep": sweep, "transfer": None})


def _cost(study: Study, rows: Sequence[PlanRow], means: Means) -> tuple[Cost, str]:
    """The price of all runs, and where their speed is from; a rung waits for the one below it."""
    finished = Finished.nothing(means.timed)
    stages = [[row for row in rows if row.budget == budget] for budget in dict.fromkeys(row.budget for row in rows)]
    prices = [
        price_study("", study, stage, finished, dict.fromkeys(_ids(stage), "new"), means.prices, means.capacity)
        for stage in stages
    ]
    wall = sum(price.wall_seconds for price in prices) / 3600
    total = [price.total for price in prices]
    usd, hours, flops = (sum(getattr(line, name) for line in total) for name in ("usd", "device_hours", "flops"))
    return Cost(usd, hours, wall, flops), prices[0].speed_source


def _ids(rows: Sequence[PlanRow]) -> Iterator[str]:
    return (row.run_id for row in rows)


def _rounded(flops: float, way: Callable[[float], int]) -> float:
    """To two digits, up or down, for a config that people read.

    >>> _rounded(1.2789e12, math.floor), _rounded(1.2789e12, math.ceil)
    (1200000000000.0, 1300000000000.0)
    """
    unit = 10.0 ** (math.floor(math.log10(flops)) - 1)
    return float(f"{way(flops / unit) * unit:.2g}")


def _expected(rows: Sequence[PlanRow], targets: Sequence[float]) -> list[Expected]:
    """The interval of the answer at each asked compute, from the runs that are fitted."""
    fitted = [row for row in rows if row.role == "fit"]
    n, d, c = (np.array([getattr(row, name) for row in fitted], float) for name in ("n_params", "n_tokens", "flops"))
    return expected_intervals(n, d, c, targets)
