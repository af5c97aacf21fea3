"""Which runs are hidden: the largest budgets, one more with each cut, or without budgets the costliest runs.

A run is hidden whole, with all its checkpoints and seeds: those left over would tell what is asked. Runs that are
planned to stay hidden are in no table that is cut: answers/validation.py scores what the fits themselves say of them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flopscape.laws.law import Array, Mask
from flopscape.runs.table import RunTable
from flopscape.text import numbers

FEWEST_BUDGETS, FEWEST_RUNS = 3, 6
"""What must be left to fit. Through two budgets any power law goes, and a surface has five parameters."""
MOST_HIDDEN = 0.5
"""Share of the budgets, or of the runs, that is hidden at most: a fit of fewer is hardly the fit of all."""
SHARES = (0.2, 0.35, 0.5)
"""Of the runs, where there are no budgets."""


@dataclass(frozen=True)
class Cut:
    """What one refit does not see: a name in words, and the rows (n,)."""

    name: str
    hidden: Mask


@dataclass(frozen=True)
class Runs:
    """A table of runs as the backtest sees it: which rows are the ends of their runs.

    `spent` is what the whole run of a row cost: its budget, or its FLOPs where it is in none.
    """

    table: RunTable
    ends: Mask
    spent: Array

    @classmethod
    def of(cls, table: RunTable) -> "Runs":
        """The runs of a table."""
        # Rows of another N under the same run id, such as a sweep's name, are no checkpoints of it.
        run = [table.run_id, table.n_params]
        longest = pd.Series(table.n_tokens).groupby(run).transform("max").to_numpy()
        own = np.where(np.isfinite(table.budget), table.budget, table.flops)
        ends = np.asarray(table.n_tokens >= longest)
        spent = pd.Series(np.where(ends, own, 0.0)).groupby(run).transform("max").to_numpy()
        return cls(table, ends, spent)

    @property
    def budgets(self) -> list[float]:
        """The budgets that may be hidden, ascending; none where fewer than half of the runs are in one."""
        of_runs = self.table.budget[self.ends]
        inside = np.isfinite(of_runs)
        return sorted(set(of_runs[inside].tolist())) if len(of_runs) and inside.mean() >= 0.5 else []

    def hidden_budgets(self, cut: Cut) -> list[float]:
        """The budgets of which a cut hides every run, ascending."""
        budget = np.where(self.ends, self.table.budget, np.nan)
        hidden, kept = (set(budget[rows & np.isfinite(budget)].tolist()) for rows in (cut.hidden, ~cut.hidden))
        return sorted(hidden - kept)

    def left(self, hidden: Mask) -> int:
        """How many runs a cut leaves."""
        return int((self.ends & ~hidden).sum())


def cuts_of(runs: Runs) -> tuple[list[Cut], str]:
    """The cuts of a table, the mildest first, and where there are none why, in a sentence.

    Examples
    --------
    >>> from flopscape.runs.read import table_of
    >>> n = np.tile(np.geomspace(1e6, 1e8, 7), 5)
    >>> c = np.repeat([1e17, 1e18, 1e19, 1e20, 1e21], 7)
    >>> table = table_of(pd.DataFrame({"n_params": n, "n_tokens": c / 6 / n, "loss": 3 + 1 / n, "budget": c}), "t")
    >>> [cut.name for cut in cuts_of(Runs.of(table))[0]]
    ['the largest budget', 'the largest 2 budgets']
    """
    found, why = _of_budgets(runs) if len(runs.budgets) >= FEWEST_BUDGETS else _of_shares(runs)
    return found, "" if found else why


def _of_budgets(runs: Runs) -> tuple[list[Cut], str]:
    budgets, found = runs.budgets, []
    most = min(len(budgets) - FEWEST_BUDGETS, int(MOST_HIDDEN * len(budgets)))
    for number in range(1, most + 1):
        hidden = runs.spent >= budgets[-number]
        if runs.left(hidden) >= FEWEST_RUNS:
            found.append(Cut(f"the largest {f'{number} budgets' if number > 1 else 'budget'}", hidden))
    why = (
        f"the runs have {len(budgets)} budgets, and a refit needs {FEWEST_BUDGETS} after the largest is hidden"
        if most < 1
        else f"without the largest budget fewer than {FEWEST_RUNS} runs are left to fit"
    )
    return found, why


def _of_shares(runs: Runs) -> tuple[list[Cut], str]:
    """The costliest runs; runs of one cost are hidden together or not at all."""
    spent = runs.spent[runs.ends]
    found: list[Cut] = []
    for share in SHARES:
        at_least = float(np.quantile(spent, 1 - share)) if len(spent) else 0.0
        hidden = runs.spent >= at_least
        enough = runs.left(hidden) >= FEWEST_RUNS and runs.left(hidden) >= (1 - MOST_HIDDEN) * len(spent) - 1
        if enough and not any((cut.hidden == hidden).all() for cut in found):
            costliest = len(spent) - runs.left(hidden)
            found.append(Cut(f"the costliest {costliest} of {len(spent)} runs", hidden))
    what = numbers.plural(len(spent), "run")
    return found, f"the table's {what} are too few, or cost too much alike, to hide the costliest and fit the rest"
