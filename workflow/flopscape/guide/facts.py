"""What a plan or a table of runs shows of its own design: the facts that the questions of the guide are decided by.

A plan without runs and a table of runs make the same facts; what only losses tell is missing from a plan's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from flopscape.laws.law import Array
from flopscape.plan.coverage import RAY_SPREAD_DEX
from flopscape.records.backtest import Score
from flopscape.records.fit_result import Estimate
from flopscape.runs.table import UNIQUE, RunTable, design_index, seed_scatter

Shape = Literal["few points", "one budget", "budgets", "ladder", "grid"]
"""How N and D vary together over the runs."""
FEWEST_POINTS = 6
"""Different (N, D) below which most of an answer is known before: a surface alone has five numbers."""
SIZES_OF_A_BUDGET = 3
"""Sizes that a parabola needs, and so what makes runs of one compute a budget here."""
MOST_IN_BUDGETS = 0.5
"""Share of the runs that lie in budgets, from which on a table is a sweep of budgets."""

Side = Literal["between", "smallest", "largest", "unknown"]


class Budget(NamedTuple):
    """One compute in FLOPs, its distinct sizes, and where among them the mean loss is lowest."""

    flops: float
    n_sizes: int
    lowest: Side


@dataclass(frozen=True)
class Training:
    """What is known of how the runs were trained; None and empty texts where nobody has said.

    `ends_with_run` is whether each run's schedule ends where the run does, `schedule` the same in words. `rates` is
    what the search for the learning rate has found ("transfers", "drifts", "undecided"), "planned" or "none", and
    `rates_words` says it in a sentence. `train_units` are the distinct units of training data.
    """

    ends_with_run: bool | None = None
    schedule: str = ""
    rates: Literal["", "transfers", "drifts", "undecided", "planned", "none"] = ""
    rates_words: str = ""
    train_units: int | None = None


@dataclass(frozen=True)
class Facts:
    """A design as numbers.

    `measured` is whether there are losses. `repeats` are the degrees of freedom of the scatter `seed_sd` (in the
    table's unit of loss) between runs of one N and D. `epochs` is how often the run of most data saw each unit, None
    where the distinct data are not known. `asked` are the computes in FLOPs that an answer is wanted for, `floor` is
    E of a law that was fitted to the runs, `lowest_loss` the lowest measured one. `tested` is how the fit `answering`
    did on hidden budgets, and `untested` a sentence on why no hidden budget tells, where a backtest says so.
    """

    name: str
    unit: str
    simulated: bool
    measured: bool
    n_runs: int
    n_rows: int
    n_sizes: int
    n_points: int
    shape: Shape
    budgets: tuple[Budget, ...]
    tokens_per_param: tuple[float, float]
    flops: tuple[float, float]
    n_params: tuple[float, float]
    repeats: int
    seed_sd: float
    epochs: float | None
    asked: tuple[float, ...]
    lowest_loss: float | None = None
    training: Training = field(default_factory=Training)
    floor: Estimate | None = None
    tested: Score | None = None
    untested: str = ""
    answering: str = ""

    @property
    def factor(self) -> float | None:
        """The largest asked compute in units of the most that was, or is to be, spent on a run."""
        return max(self.asked) / self.flops[1] if self.asked else None

    @property
    def at_edge(self) -> list[Budget]:
        """Budgets whose lowest loss is that of their smallest or largest size."""
        return [budget for budget in self.budgets if budget.lowest in ("smallest", "largest")]


def facts_of(table: RunTable, name: str, measured: bool, asked: Sequence[float], training: Training) -> Facts:
    """The facts of a table of runs, or of a plan as such a table with losses that mean nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> from flopscape.runs.read import table_of
    >>> n = np.array([5e6, 25e6, 100e6])
    >>> runs = pd.DataFrame({"n_params": n, "n_tokens": 1.35e17 / 6 / n, "loss": [4.66, 4.40, 4.48]})
    >>> three = facts_of(table_of(runs, "three.csv"), "three.csv", True, [1e18], Training())
    >>> three.shape, three.budgets[0].lowest, round(three.factor, 1)
    ('few points', 'between', 7.4)
    """
    budgets = budgets_of(table, measured)
    ratios = table.n_tokens / table.n_params
    spent = np.where(np.isfinite(table.budget), table.budget, table.flops)
    scatter, dof = seed_scatter(table) if measured else (float("nan"), _repeats(table))
    return Facts(
        name=name,
        unit=table.unit,
        simulated=table.simulated,
        measured=measured,
        n_runs=table.n_runs,
        n_rows=len(table),
        n_sizes=len(np.unique(table.n_params)),
        n_points=int(design_index(table).max()) + 1,
        shape=_shape(table, budgets),
        budgets=budgets,
        tokens_per_param=_range(ratios),
        flops=_range(spent),
        n_params=_range(table.n_params),
        repeats=dof,
        seed_sd=scatter,
        epochs=_epochs(table, training.train_units),
        asked=tuple(float(flops) for flops in asked),
        lowest_loss=float(table.loss.min()) if measured else None,
        training=training,
    )


def budgets_of(table: RunTable, measured: bool) -> tuple[Budget, ...]:
    """The budgets of a table that have sizes enough for a curve, smallest first."""
    groups = [(float(flops), table.budget == flops) for flops in np.unique(table.budget[np.isfinite(table.budget)])]
    sizes = [(flops, at, len(np.unique(table.n_params[at]))) for flops, at in groups]
    return tuple(
        Budget(flops, n_sizes, _lowest(table.n_params[at], table.loss[at]) if measured else "unknown")
        for flops, at, n_sizes in sizes
        if n_sizes >= SIZES_OF_A_BUDGET
    )


def _lowest(n_params: Array, loss: Array) -> Side:
    """Where among its sizes the mean loss of a budget is lowest."""
    sizes, size = np.unique(n_params, return_inverse=True)
    at = int(np.argmin(np.bincount(size, loss) / np.bincount(size)))
    return "smallest" if at == 0 else "largest" if at == len(sizes) - 1 else "between"


def _shape(table: RunTable, budgets: Sequence[Budget]) -> Shape:
    """Which of the designs the runs are; the first that holds."""
    if int(design_index(table).max()) + 1 < FEWEST_POINTS:
        return "few points"
    flops = [budget.flops for budget in budgets]
    if np.isin(table.budget, flops).mean() >= MOST_IN_BUDGETS:
        return "budgets" if len(budgets) > 1 else "one budget"
    return "ladder" if _is_ladder(table) else "grid"


def _is_ladder(table: RunTable) -> bool:
    """Whether N and D vary along one line: one size, one ratio of the two, or one D for each N that never falls."""
    if len(np.unique(table.n_params)) == 1:
        return True
    ratio = np.log10(table.n_tokens / table.n_params)
    if np.ptp(ratio) < RAY_SPREAD_DEX:
        return True
    pairs = np.unique(np.stack([table.n_params, table.n_tokens]), axis=1)
    return len(np.unique(pairs[0])) == pairs.shape[1] and bool((np.diff(pairs[1]) >= 0).all())


def _repeats(table: RunTable) -> int:
    """Runs beyond the first of each N and D."""
    return len(table) - (int(design_index(table).max()) + 1)


def _epochs(table: RunTable, train_units: int | None) -> float | None:
    """Passes over the data of the run that makes most of them; a table says it by a column of distinct tokens."""
    if train_units:
        return float(table.n_tokens.max()) / train_units
    return float((table.n_tokens / table.distinct_tokens).max()) if UNIQUE in table.columns else None


def _range(values: Array) -> tuple[float, float]:
    return float(values.min()), float(values.max())
