"""Which runs of two recipes decide soonest which of them is better, and what the comparison is expected to say then.

    flopscape next --compare kjv-gpt kjv-gpt-swiglu --target 1e13 --spend 2e12

deciding.py tells what runs would do to the difference of both recipes, offers.py which ones there are to buy, and
gains.py takes them one by one, as it does for one recipe.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from flopscape.comparison.compare import LEVEL, fitted, ranges
from flopscape.comparison.model import FREE_FLOORS
from flopscape.comparison.multiplier import difference, multiplier, quantile
from flopscape.comparison.recipes import Recipe, refuse_incomparable
from flopscape.comparison.results import Range
from flopscape.comparison.verdict import needed
from flopscape.design.candidates import Candidates, kinds
from flopscape.design.deciding import Points, Standing, probability_of_deciding
from flopscape.design.gains import chosen
from flopscape.design.next_runs import Spend, Trainer, candidates_of, pending_runs, refuse_dear, refuse_targets
from flopscape.design.offers import NOBODY, Offers, offers_of
from flopscape.design.told import BELIEFS
from flopscape.errors import FlopscapeError
from flopscape.fitting.drifting_law.fit import posterior
from flopscape.laws.law import Array, Compute, Index, Names
from flopscape.plan.coverage import LEAST_NARROWED
from flopscape.records.plan_row import PlanRow
from flopscape.text import numbers

DRAWS = 256
"""Of each answer's posterior: its typical draw alone is used, and hardly moves with more."""
SURE_ENOUGH = 0.8
"""Probability of deciding for which a larger spend is looked for."""
MULTIPLES = np.geomspace(1.0, 1000.0, 61)
"""Of the spend, at which that is looked for: 12 % apart."""


class Side(NamedTuple):
    """A recipe that is compared, and the study that trains its runs where there is one."""

    recipe: Recipe
    trainer: Trainer | None = None


@dataclass(frozen=True)
class AtTarget:
    """The comparison at one compute of B, in FLOPs, today and as it is expected when the runs are finished.

    `needed` is what B needs of A's compute for the same loss; an estimate or an end of it that is None is zero where it
    is a low one, and else has no limit. `decided` says whether one lies outside of its interval today, and `if_true`
    how likely it lies there when the runs are finished and today's estimate is the truth, `over_all` over all that the
    finished runs leave possible. `times` is the least multiple of the bought runs with which `if_true` is 80 %; None
    where a thousand are too few.
    """

    flops: float
    needed: Range
    expected: Range
    decided: bool
    if_true: float
    over_all: float
    times: float | None


@dataclass(frozen=True)
class Decision:
    """What was asked, and what was found.

    `names`, `finished` runs and `pending` ones, which the plans have and count as finished, are of A and of B. `kinds`
    says of each candidate what it is beside the runs that exist, and `bought` are the offers that are taken, in their
    order. `left` are under each belief the parts of the standard deviation of the recipes' difference that are left
    after none, one, two … of them, (offers + 1, targets). `rho` is the correlation of the noise of paired runs.
    """

    names: tuple[str, str]
    finished: tuple[int, int]
    pending: tuple[int, int]
    targets: list[AtTarget]
    spend: Spend
    offers: Offers
    kinds: Names
    bought: list[int]
    left: dict[str, Array]
    rho: float
    simulated: bool

    @property
    def cost(self) -> Array:
        """Of each bought offer, in the unit of `spend`."""
        return self.offers.cost(self.spend)[self.bought]

    @property
    def is_nothing_worth_it(self) -> bool:
        """Whether no interval moves by anything to speak of, whatever is believed."""
        return max(float((1 - self.left[name][-1]).max()) for name in BELIEFS) < LEAST_NARROWED

    @property
    def pairs(self) -> int:
        """How many of the bought offers are two runs."""
        return int((self.offers.places[self.bought] != NOBODY).all(axis=1).sum())

    def rows_of(self, is_b: bool) -> list[PlanRow]:
        """The bought runs of one study, as its plan would have them."""
        return [self.offers.sides[is_b].rows[i] for i in self.offers.of_side(self.bought, is_b)]

    def runs(self) -> Iterator[dict[str, Any]]:
        """Each bought run in plain numbers; the two of a pair have one rank, and one gain."""
        priced = all(side.usd is not None for side in self.offers.sides)
        names = ["n_params", "n_tokens", "flops", *(["usd"] if priced else [])]
        columns = {name: self.offers.column(name) for name in names}
        seeds = [seed for side in self.offers.sides for seed in _seeds(side)]
        narrower = {name: -np.diff(left, axis=0) for name, left in self.left.items()}
        for rank, offer in enumerate(self.bought):
            gains = {
                f"narrower_{one.flops:.4g}_{name}": float(gain[rank, i])
                for name, gain in narrower.items()
                for i, one in enumerate(self.targets)
            }
            places = [place for place in self.offers.places[offer].tolist() if place != NOBODY]
            for at in places:
                what = {"recipe": self.names[int(self.offers.is_b[at])], "pair": len(places) > 1}
                what |= {"kind": str(self.kinds[at]), "seed": seeds[at]}
                yield {"rank": rank + 1} | what | {name: float(column[at]) for name, column in columns.items()} | gains

    def to_json(self) -> dict[str, Any]:
        """Nested mappings and lists of JSON values."""
        plain = {name: getattr(self, name) for name in ("names", "finished", "pending", "rho", "simulated")}
        spend = {"spend": self.spend.amount, "in_usd": self.spend.in_usd, "cost": float(self.cost.sum())}
        left = {name: left[-1].tolist() for name, left in self.left.items()}
        targets = [asdict(one) for one in self.targets]
        return plain | spend | {"targets": targets, "left": left, "runs": [*self.runs()]}


def _seeds(side: Candidates) -> list[int | None]:
    """Of the candidates of a study; a table's have none."""
    return [row.seed for row in side.rows] if side.rows else [None] * len(side)


def decide(
    a: Side, b: Side, targets: Sequence[float], spend: Spend, use_pairs: bool = True, same_text: bool = False
) -> Decision:
    """The runs of A and B that decide soonest between them.

    Parameters
    ----------
    a, b : Side
        The baseline and the other recipe.
    targets : sequence of float
        Computes C at which they are compared, in FLOPs.
    spend : Spend
        What may be spent on both together.
    use_pairs, same_text : bool
        As `flopscape.comparison.compare.compare` takes them.

    Raises
    ------
    FlopscapeError
        The recipes cannot be compared, a target is out of reach, or nothing can be bought.
    """
    sides = a, b
    refuse_incomparable([one.recipe for one in sides], same_text)
    for one in sides:
        refuse_targets(one.recipe.table, targets)
    return decision(sides, standing_of(a.recipe, b.recipe, use_pairs), targets, spend)


def standing_of(a: Recipe, b: Recipe, use_pairs: bool) -> Standing:
    """What the finished runs tell of both recipes; raises FlopscapeError where they leave nothing open."""
    data, curves = fitted(a, b, [], use_pairs)
    if sum(curves[FREE_FLOORS].fit.sigma) <= numbers.EXACT:
        raise FlopscapeError(
            f"{a.table.path} and {b.table.path}: the losses have next to no scatter about the surface of both, so that "
            "no further run would tell more; `flopscape compare` has the answer"
        )
    of_a, of_b = (
        posterior(table, Compute.from_runs(table.n_params, table.n_tokens, table.flops), DRAWS, 0)
        for table in (a.table, b.table)
    )
    return Standing(data, curves[FREE_FLOORS], (of_a, of_b))


def decision(sides: tuple[Side, Side], standing: Standing, targets: Sequence[float], spend: Spend) -> Decision:
    """The same of recipes that can be compared and whose finished runs have been fitted."""
    a, b = (one.recipe for one in sides)
    pending = [pending_runs(one.trainer, one.recipe.table) for one in sides]
    offers = _offers(sides, standing, max(targets), spend)
    cost = offers.cost(spend)
    refuse_dear(cost, spend)
    rows = standing.rows(_points(offers, pending), _with_pending(offers, sum(map(len, pending))))
    told = standing.told(np.array(targets, float), rows)
    told = told.finished(range(len(offers), len(rows))).take(np.arange(len(offers)))
    bought = [choice.candidate for choice in chosen(told.ranking, cost, spend.amount)]
    kind = [kinds(one, found.table, found.typical) for one, found in zip(offers.sides, standing.answers, strict=True)]
    return Decision(
        names=(a.name, b.name),
        finished=(len(a.table), len(b.table)),
        pending=(len(pending[0]), len(pending[1])),
        targets=[*_at_targets(standing, np.array(targets, float), rows[len(offers) :], rows[bought])],
        spend=spend,
        offers=offers,
        kinds=np.concatenate(kind),
        bought=bought,
        left={name: left[..., 0] for name, left in told.left(bought).items()},
        rho=standing.fit.rho,
        simulated=a.table.simulated,
    )


def _offers(sides: tuple[Side, Side], standing: Standing, most: float, spend: Spend) -> Offers:
    of_a, of_b = (
        candidates_of(found, most, spend, side.trainer) for found, side in zip(standing.answers, sides, strict=True)
    )
    planned = [one.trainer.planned.rows if one.trainer else [] for one in sides]
    in_pairs = bool(len(standing.data.pairs) and standing.fit.rho)
    return offers_of(of_a, of_b, in_pairs, (planned[0], planned[1]))


def _points(offers: Offers, pending: Sequence[Sequence[PlanRow]]) -> Points:
    """All candidates, and behind them the runs that are pending."""
    rows = [*pending[0], *pending[1]]
    n, d, c = (
        np.append(offers.column(name), [float(getattr(row, name)) for row in rows])
        for name in ("n_params", "n_tokens", "flops")
    )
    return Points(n, d, c, np.append(offers.is_b, np.repeat([False, True], [len(one) for one in pending])))


def _with_pending(offers: Offers, count: int) -> Index:
    """The offers, and behind them every pending run as a single one."""
    first = len(offers.is_b)
    pending = np.stack([np.arange(first, first + count), np.full(count, NOBODY)], axis=1)
    return np.concatenate([offers.places, pending])


def _at_targets(standing: Standing, flops: Array, finished: Array, bought: Array) -> Iterator[AtTarget]:
    """The comparison at each target, by rows of the pending and of the bought runs."""
    equal = np.zeros(len(flops))
    now = difference(standing.curves, flops, equal)
    decided = np.abs(now.value) > quantile(standing.fit, LEVEL) * now.error

    def likely(times: float, if_true: bool) -> Array:
        curves = standing.expected(finished, bought, times)
        then, t = difference(curves, flops, equal).error, quantile(curves.fit, LEVEL)
        return probability_of_deciding(now, then, t, if_true)

    today, expected = (
        [needed(one) for one in ranges(multiplier(curves, flops, LEVEL))]
        for curves in (standing.curves, standing.expected(finished, bought))
    )
    over_all, if_true = likely(1.0, False), np.stack([likely(float(times), True) for times in MULTIPLES])
    for i, c in enumerate(flops):
        enough = np.flatnonzero(if_true[:, i] >= SURE_ENOUGH)
        times = float(MULTIPLES[enough[0]]) if len(enough) else None
        told = bool(decided[i]), float(if_true[0, i]), float(over_all[i])
        yield AtTarget(float(c), today[i], expected[i], *told, times)
