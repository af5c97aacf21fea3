"""Which runs to buy next with so much, and what each does to the intervals of N*, D* and L* at the targets.

    flopscape next config/studies/kjv-gpt.yaml --target 1e13 --spend 2e12

Everything is told by the answer's own posterior (gains.py), once with all that it believes a law may miss, which is
what its intervals are made of, and once for the law alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from flopscape.answers.extrapolation import refuse_too_far
from flopscape.config.machine import Prices
from flopscape.design.candidates import KINDS, Candidates, kinds, near_path, of_pool, of_table
from flopscape.design.gains import chosen
from flopscape.design.study_candidates import of_study, of_study_pool
from flopscape.design.told import BELIEFS, QUANTITIES, Told
from flopscape.errors import FlopscapeError
from flopscape.fitting.drifting_law import predictions
from flopscape.fitting.drifting_law.fit import Posterior, posterior
from flopscape.fitting.methods import DRAWS_OF_ANSWER
from flopscape.laws.law import Array, Compute, Names
from flopscape.plan.coverage import LEAST_NARROWED
from flopscape.plan.studies import PlannedStudy
from flopscape.records.fit_result import Prediction
from flopscape.records.plan_row import PlanRow
from flopscape.runs.table import RunTable
from flopscape.text import numbers


class Spend(NamedTuple):
    """So many FLOPs, or US dollars."""

    amount: float
    in_usd: bool

    @classmethod
    def read(cls, text: str) -> "Spend":
        """From `2e20` or `$50`.

        >>> Spend.read("$50"), Spend.read("2e20").in_usd
        (Spend(amount=50.0, in_usd=True), False)
        """
        try:
            amount = float(text.strip().removeprefix("$"))
        except ValueError:
            amount = float("nan")
        if not 0 < amount < np.inf:
            raise FlopscapeError(f"--spend {text}: write FLOPs, such as 2e20, or dollars, such as '$50'")
        return cls(amount, text.strip().startswith("$"))

    def words(self, amount: float | None = None) -> str:
        """An amount, its own where none is given, in its unit."""
        value = self.amount if amount is None else amount
        return f"${value:,.2f}" if self.in_usd else f"{numbers.flops(value)} FLOPs"


@dataclass(frozen=True)
class NextRuns:
    """What was asked, and what was found.

    `left` are the parts of the standard deviations of today that are left: under each belief an array
    (runs bought + 1, targets, quantities), after none, one, two … of them. `alone` is the same after each bought run by
    itself, and `of_kind` when the same is spent on candidates of one kind. NaN where the answer has no such optimum.
    `pending` counts runs of the plan without a result, which count as finished everywhere.
    """

    table: RunTable
    targets: list[float]
    spend: Spend
    today: list[Prediction]
    candidates: Candidates
    kind: Names
    bought: Candidates
    bought_kind: Names
    left: dict[str, Array]
    alone: dict[str, Array]
    of_kind: dict[str, dict[str, Array]]
    pending: int = 0

    @property
    def cost(self) -> Array:
        """Of each bought run, in the unit of `spend`."""
        return cost_of(self.bought, self.spend)

    def narrower(self, belief: str) -> Array:
        """By what part all bought runs together narrow each interval, (targets, quantities)."""
        return np.asarray(1 - self.left[belief][-1])

    @property
    def most_narrowed(self) -> dict[str, float]:
        """The largest part by which any interval becomes narrower, under each belief."""
        return {name: float(np.nanmax(self.narrower(name))) for name in BELIEFS}

    @property
    def is_nothing_worth_it(self) -> bool:
        """Whether no interval moves by anything to speak of, whatever is believed."""
        return max(self.most_narrowed.values()) < LEAST_NARROWED

    def frame(self) -> pd.DataFrame:
        """A line a bought run: what it is, and what it narrows each interval by, alone and after those above it."""
        columns: dict[str, Any] = {
            "rank": np.arange(1, len(self.bought) + 1),
            "kind": self.bought_kind,
            "n_params": self.bought.n_params,
            "n_tokens": self.bought.n_tokens,
            "flops": self.bought.flops,
        }
        if self.bought.usd is not None:
            columns["usd"] = self.bought.usd
        if self.bought.numbers is not None:
            columns["pool_row"] = self.bought.numbers
        for belief in BELIEFS:
            after, alone = -np.diff(self.left[belief], axis=0), 1 - self.alone[belief]
            for i, target in enumerate(self.targets):
                for j, name in enumerate(QUANTITIES):
                    label = f"{name}_{target:.4g}_{belief}"
                    columns[f"narrower_{label}"] = after[:, i, j]
                    columns[f"narrower_alone_{label}"] = alone[:, i, j]
        return pd.DataFrame(columns)


def cost_of(candidates: Candidates, spend: Spend) -> Array:
    """In the unit of what is spent.

    Raises
    ------
    FlopscapeError
        Dollars where there are no prices.
    """
    if not spend.in_usd:
        return candidates.flops
    if candidates.usd is None:
        raise FlopscapeError(
            f"--spend {spend.words()}: there are no prices but of a study that trains its runs; give FLOPs"
        )
    return candidates.usd


class Trainer(NamedTuple):
    """The study whose runs they are, where it trains them: candidates are then runs that it can make, with a price."""

    planned: PlannedStudy
    prices: Prices
    results: Path


def next_runs(
    table: RunTable, targets: Sequence[float], spend: Spend, trainer: Trainer | None = None, pool: Path | None = None
) -> NextRuns:
    """The runs to buy next.

    Parameters
    ----------
    table : RunTable
        The finished runs.
    targets : sequence of float
        Compute budgets C whose optimum matters, in FLOPs.
    spend : Spend
        What may be spent.
    trainer : Trainer, optional
        The study of the runs.
    pool : Path, optional
        A table of candidates.

    Raises
    ------
    FlopscapeError
        Nothing to fit, to reach or to buy; see the sentences.
    """
    refuse_targets(table, targets)
    compute = Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    found = posterior(table, compute, DRAWS_OF_ANSWER, 0)
    candidates = candidates_of(found, max(targets), spend, trainer, pool)
    cost = cost_of(candidates, spend)
    refuse_dear(cost, spend)
    pending = pending_runs(trainer, table)
    told = _told(found, targets, candidates, pending)
    bought = [choice.candidate for choice in chosen(told.ranking, cost, spend.amount)]
    kind = kinds(candidates, found.table, found.typical)
    return NextRuns(
        table=found.table,
        targets=[*targets],
        spend=spend,
        today=[predictions.predicted(found.curves, c) for c in targets],
        candidates=candidates,
        kind=kind,
        bought=candidates.take(np.array(bought)),
        bought_kind=kind[bought],
        left=told.left(bought),
        alone=told.alone(bought),
        of_kind=dict(_of_kinds(told, kind, cost, spend.amount)),
        pending=len(pending),
    )


def refuse_targets(table: RunTable, targets: Sequence[float]) -> None:
    """Raise FlopscapeError for a table without runs, and for a target that none of them could answer."""
    if not len(table):
        raise FlopscapeError(f"{table.path}: no completed runs, so nothing tells which ones to buy next")
    least = float(table.flops.min())
    cheapest = numbers.flops(least)
    for target in targets:
        refuse_too_far("--target", target, float(table.flops.max()))
        if not target >= least:
            raise FlopscapeError(
                f"--target {target:g} is below the sweep, whose cheapest run has {cheapest} FLOPs; ask for more"
            )


def candidates_of(
    found: Posterior, most: float, spend: Spend, trainer: Trainer | None = None, pool: Path | None = None
) -> Candidates:
    """The runs that may be bought for targets of which the largest is `most`."""
    table, curves = found.table, found.typical
    flops = np.inf if spend.in_usd else spend.amount
    if trainer is None:
        if pool:
            return near_path(of_pool(pool, table, curves.compute), curves, pool)
        return of_table(table, curves, flops, most)
    if pool:
        return near_path(of_study_pool(pool, trainer.planned, table, curves, *trainer[1:]), curves, pool)
    return of_study(trainer.planned, table, curves, flops, most, *trainer[1:])


def refuse_dear(cost: Array, spend: Spend) -> None:
    """Raise FlopscapeError where nothing can be bought."""
    if not len(cost):
        raise FlopscapeError("every candidate is a run of the plan already; none is left to buy")
    if spend.amount < cost.min():
        least = spend.words(float(cost.min()))
        raise FlopscapeError(f"--spend {spend.words()} is less than the cheapest candidate costs, {least}")


def pending_runs(trainer: Trainer | None, table: RunTable) -> list[PlanRow]:
    """Runs of the plan that will join the fits and have no result yet."""
    done = set(table.run_id.tolist()) | {name for one in table.excluded for name in one.rows}
    rows = trainer.planned.rows if trainer else []
    return [row for row in rows if row.role == "fit" and row.run_id not in done]


def _told(found: Posterior, targets: Sequence[float], candidates: Candidates, pending: Sequence[PlanRow]) -> Told:
    """What is told of the targets by the candidates, the runs that are planned already counted as finished."""
    n, d = (
        np.concatenate([getattr(candidates, name), [getattr(row, name) for row in pending]])
        for name in ("n_params", "n_tokens")
    )
    told = Told.of(found, targets, np.log(n), np.log(d))
    if not told.known_at.any():
        raise FlopscapeError(
            f"--target {targets[0]:g}: the answer has no optimum there to be told better; ask for less compute"
        )
    return told.finished(range(len(candidates), len(n))).take(np.arange(len(candidates)))


def _of_kinds(told: Told, kind: Names, cost: Array, spend: float) -> Iterator[tuple[str, dict[str, Array]]]:
    """What is left of today's standard deviations when all is spent on one kind of candidates."""
    for name in KINDS:
        at = np.flatnonzero((kind == name) & (cost <= spend))
        if len(at):
            of_kind = told.take(at)
            bought = [choice.candidate for choice in chosen(of_kind.ranking, cost[at], spend)]
            yield name, {belief: left[-1] for belief, left in of_kind.left(bought).items()}
