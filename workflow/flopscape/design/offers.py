"""What may be bought for a comparison: runs of either recipe, and where both share noise two runs of one seed.

The runs are those that `flopscape next` offers each recipe alone (candidates.py, study_candidates.py). Where finished
runs show that a shared order of the data is worth something, a run of A and the one of B that is next to it in size are
one offer, with the same seed at the same budget: comparison/pairs.py will find them as a pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from flopscape.comparison.pairs import SAME as SAME_POINT
from flopscape.design.candidates import SAME, Candidates
from flopscape.design.next_runs import Spend, cost_of
from flopscape.laws.law import Array, Index, Mask
from flopscape.records.plan_row import PlanRow

Plans = tuple[Sequence[PlanRow], Sequence[PlanRow]]
"""The runs that the plan of A and that of B have; none of a table."""
NOBODY = -1
"""In the place of the second run of an offer that is one run."""
NEAR = 0.3
"""In ln N: sizes of two recipes that are farther apart are no pair."""


@dataclass(frozen=True)
class Offers:
    """Offers (n, 2): places among the candidates of A and, behind them, of B; the second one is −1 for a single run."""

    sides: tuple[Candidates, Candidates]
    places: Index

    def __len__(self) -> int:
        return len(self.places)

    def column(self, name: str) -> Array:
        """A number of all candidates, A's first."""
        return np.concatenate([getattr(one, name) for one in self.sides])

    @cached_property
    def is_b(self) -> Mask:
        """Which candidates are of B."""
        return np.repeat([False, True], [len(one) for one in self.sides])

    def cost(self, spend: Spend) -> Array:
        """Of each offer, in the unit of what is spent."""
        costs = np.concatenate([*(cost_of(one, spend) for one in self.sides), [0.0]])
        return np.asarray(costs[self.places].sum(axis=1))

    def of_side(self, bought: Sequence[int], is_b: bool) -> Index:
        """The candidates of one recipe that are in these offers, in their order."""
        runs = self.places[list(bought)].ravel()
        own = runs[(runs != NOBODY) & (self.is_b[runs] == is_b)]
        return np.asarray(own - is_b * len(self.sides[0]))


def offers_of(a: Candidates, b: Candidates, in_pairs: bool, planned: Plans) -> Offers:
    """Single runs, or pairs where there can be any and single runs where not.

    Parameters
    ----------
    a, b : Candidates
        Of each recipe.
    in_pairs : bool
        Whether paired runs share noise.
    planned : tuple
        The runs that the plan of each recipe has already; empty for a table.
    """
    pairs = matches(a, b, planned) if in_pairs else np.empty((0, 2), int)
    singles = [np.setdiff1d(np.arange(len(one)), pairs[:, i]) for i, one in enumerate((a, b))]
    if in_pairs:
        # Where both have as many runs of a seed at a budget these are pairs, and one run more would part them.
        counts = [_counts(rows) for rows in planned]
        paired = {key for key, count in counts[0].items() if counts[1].get(key) == count}
        singles = [
            np.array([i for i in own if not one.rows or _key(one.rows[i]) not in paired], int)
            for own, one in zip(singles, (a, b), strict=True)
        ]
    alone = np.concatenate([singles[0], singles[1] + len(a)])
    places = [pairs + np.array([0, len(a)]), np.stack([alone, np.full(len(alone), NOBODY)], axis=1)]
    return Offers((a, b), np.concatenate(places).astype(int))


def matches(a: Candidates, b: Candidates, planned: Plans) -> Index:
    """Candidates of A and of B that would be a pair: each the nearest in size to the other, shape (pairs, 2)."""
    apart = np.abs(np.log(a.n_params)[:, None] - np.log(b.n_params))
    apart = np.where(_may_pair(a, b, planned) & (apart < NEAR), apart, np.inf)
    if not apart.size:
        return np.empty((0, 2), int)
    to_b, to_a = apart.argmin(axis=1), apart.argmin(axis=0)
    own = np.arange(len(a))
    mutual = np.isfinite(apart[own, to_b]) & (to_a[to_b] == own)
    return np.stack([own[mutual], to_b[mutual]], axis=1)


def _may_pair(a: Candidates, b: Candidates, planned: Plans) -> Mask:
    """Which runs (of A, of B) have the same budget, and a seed that a pair can have there."""
    near = np.abs(np.log(a.flops)[:, None] - np.log(b.flops)) < np.log(SAME)
    if not (a.rows and b.rows):
        # A table's runs get whatever seed their owner gives them.
        return np.asarray(near & (a.repeats[:, None] == b.repeats))
    counts = [_counts(rows) for rows in planned]
    same_n, same_d = (
        np.abs(np.log(getattr(a, name))[:, None] - np.log(getattr(b, name))) < SAME_POINT
        for name in ("n_params", "n_tokens")
    )
    keys = [[_key(row) for row in one.rows] for one in (a, b)]
    same_key = np.array([[mine == theirs for theirs in keys[1]] for mine in keys[0]])
    even = np.array([counts[0].get(key, 0) == counts[1].get(key, 0) for key in keys[0]])
    has_budget = np.array([row.budget is not None for row in a.rows])
    return np.asarray(same_key & even[:, None] & (has_budget[:, None] | (same_n & same_d)))


def _key(row: PlanRow) -> tuple[int, float | None]:
    """What a pair has in common."""
    return row.seed, row.budget


def _counts(rows: Sequence[PlanRow]) -> dict[tuple[int, float | None], int]:
    """How many runs there are of a seed at a budget."""
    counts: dict[tuple[int, float | None], int] = {}
    for row in rows:
        if row.budget is not None:
            counts[_key(row)] = counts.get(_key(row), 0) + 1
    return counts
