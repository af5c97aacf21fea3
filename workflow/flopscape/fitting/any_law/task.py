"""What every law's fit is made of: a task says how a law is searched and what is checked; a `LawFit` is what came out.

The surface (surface/task.py) is one law of several; its search is faster and its checks are more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from flopscape.fitting.any_law.linearised import Linearised, pseudo_residuals
from flopscape.fitting.any_law.quantities import Quantities
from flopscape.fitting.common.linear import EXACT_SQUARE
from flopscape.fitting.judge.verdict import Verdict
from flopscape.laws.law import Array, Index, Mask
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import RunTable

Ends = dict[str, tuple[float, float]]
"""Low and high by quantity, NaN where an end is not known."""


class Found(NamedTuple):
    """The best p (k,) of all starts, its objective, and how many of the starts reached it."""

    p: Array
    objective: float
    converged: bool
    share: float
    starts: int


class Refit(NamedTuple):
    """Another optimum p (k,) of the same task, and the loss (n,) that it predicts for every row, in nats."""

    p: Array
    loss: Array


Resampler = Callable[[Array], tuple[Array, Mask]]
"""From weights (R, n) to the optima p (R, k), and which are on a bound or did not converge (R,)."""


class Task(Protocol):
    """One law, one table, one objective."""

    @property
    def table(self) -> RunTable:
        """The rows that are fitted."""

    @property
    def weights(self) -> Array:
        """The rows' own, shape (n,)."""

    @property
    def quantities(self) -> Quantities:
        """What is reported."""

    @property
    def told_apart(self) -> str:
        """What the runs have to tell apart, in words."""

    @property
    def settled(self) -> str:
        """Why a fit is trusted with which nothing is wrong."""

    @property
    def delta(self) -> float:
        """Huber's δ in the units of the residuals: infinite for least squares, zero for absolute deviations."""

    def find(self, seed: int) -> Found:
        """The global optimum."""

    def linearise(self, p: Array) -> Linearised:
        """All rows around p (k,)."""

    def relative(self, p: Array) -> Linearised | None:
        """The same in residuals of the log loss, for laws whose design is judged by it."""

    def refit(self, fit: "LawFit", weights: Array) -> list[Refit]:
        """The optimum of each weighting (R, n) of the rows, found as thoroughly as a judgement needs."""

    def resampler(self, fit: "LawFit") -> Resampler:
        """How the optima of resamples are found."""

    def profile(self, fit: Linearised) -> Ends | None:
        """Profile-F intervals, where the law and the objective have them."""

    def without_optimum(self, result: FitResult, fit: "LawFit") -> tuple[FitResult, pd.DataFrame] | None:
        """The result of a fit that ends with its best p: there is no optimum to judge. None of any other."""

    def has_vanished(self, fit: "LawFit") -> bool:
        """Whether a term of the law is absent, so that nothing can be predicted."""

    def describe(self, fit: "LawFit") -> dict[str, Any]:
        """Numbers by name, before anything is judged."""

    def warnings(self, fit: "LawFit") -> list[str]:
        """Sentences on what to distrust about the objective or the weights."""

    def at_bounds(self, fit: "LawFit") -> list[str]:
        """A sentence for each parameter that is on a bound."""

    def why_unsettled(self, found: Found) -> str:
        """Why the best p may not be the optimum, or nothing."""

    def check(self, verdict: Verdict, diagnostics: dict[str, Any], fit: "LawFit") -> None:
        """What is judged of this law besides what is judged of all."""


@dataclass(frozen=True)
class LawFit:
    """A fitted law with everything that its judges look at; `draws` has a row a resample."""

    task: Task
    found: Found
    linearised: Linearised
    draws: pd.DataFrame
    seed: int

    @property
    def table(self) -> RunTable:
        """The rows that were fitted."""
        return self.task.table

    @property
    def quantities(self) -> Quantities:
        """What is reported."""
        return self.task.quantities

    @property
    def smooth(self) -> bool:
        """Whether the objective is least squares of something, so that RSS has a profile."""
        return bool(np.isinf(self.task.delta))

    @property
    def shared(self) -> bool:
        """Whether rows share runs."""
        return len(self.table) > self.table.n_runs

    @cached_property
    def run(self) -> Index:
        """Index of each row's run."""
        return np.unique(self.table.run_id, return_inverse=True)[1].ravel()

    @cached_property
    def robust(self) -> Linearised:
        """The fit for its errors' sake, with pseudo-residuals where the objective is not least squares."""
        return pseudo_residuals(self.linearised, self.task.delta)

    @cached_property
    def noise(self) -> float:
        """Standard deviation of the loss about the law, in nats."""
        squares = float(self.task.weights @ self.linearised.raw**2)
        return float(np.sqrt(max(squares / max(self.linearised.dof, 1), EXACT_SQUARE)))

    def error_of(self, name: str) -> float:
        """Standard error of a quantity by the delta method, of its logarithm where it is handled as one."""
        errors = self.quantities.errors(self.linearised.p, self.linearised.covariance)[1]
        return float(errors[self.quantities.names.index(name)])

    def refit(self, weights: Array) -> list[Refit]:
        """The optimum of each weighting (R, n) of the rows."""
        return self.task.refit(self, weights)
