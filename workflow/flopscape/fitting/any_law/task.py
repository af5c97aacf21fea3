"""What every law's fit is made of, and what is judged of all of them.

A `Task` is one law, one table and one objective, with its own search and its own checks; the surface (surface/task.py)
is one law of several, whose search is faster and whose checks are more. A `LawFit` is what came out.

Judged of every law are, in one order: enough runs, a global optimum, parameters that the runs tell apart, nothing on a
bound, resamples that are whole. Each law's task adds its own checks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from flopscape.fitting.any_law.linearised import Linearised, Quantities, pseudo_residuals
from flopscape.fitting.common.linear import EXACT_SQUARE
from flopscape.fitting.judge.verdict import (
    DEGENERATE_SHARE,
    Verdict,
    judge_uncertainty,
    parameters_in_words,
)
from flopscape.laws.law import Array, Index, Mask
from flopscape.laws.surface import LAW as SURFACE
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import RunTable

CONDITION_WEAK, CONDITION_REFUSED = 150.0, 1500.0
"""Condition number of the Jacobian with columns of unit length and ln N, ln D centred at their means.

Centring lowers it about 6.5-fold, and thresholds of 1e3 and 1e4 for uncentred logs with it. On Besiroglu et al. 2024's
surface, budgets 1e18 to 1e20, 7 sizes ±0.6 dex unless said otherwise (SE of a over the relative noise in brackets):
5 budgets 43 (2.4), 2 budgets 48 (2.8), ±1 dex 27 (1.4), ±0.3 dex 63 (4.8), ±0.15 dex 67 (9.6), all ok; ±0.05 dex 197
(29), two budgets 20 % apart 285 (29), D within 12 % of 20·N 394 (49), all weak; D within 2 % of 20·N 1.9e3 (238),
one budget 9.2e3 (68), D = 20·N 8e7, all refused.
"""
NOISE_FACTOR = 10.0
"""SE of a over the relative noise above which the design, not the noise, is to be improved: 2.4 for 5 × 7 runs, and
9.6 for the narrowest design that is worth running. At σ = 1 % it gives a ± 0.2."""
Ends = dict[str, tuple[float, float]]
"""Low and high by quantity, NaN where an end is not known."""
FEW = 2
"""Runs for each parameter and one more, below which little is left to judge by: 12 for a surface."""


class GlobalOptimum(NamedTuple):
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

    def find(self, seed: int) -> GlobalOptimum:
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

    def why_unsettled(self, optimum: GlobalOptimum) -> str:
        """Why the best p may not be the optimum, or nothing."""

    def check(self, verdict: Verdict, diagnostics: dict[str, Any], fit: "LawFit") -> None:
        """What is judged of this law besides what is judged of all."""


@dataclass(frozen=True)
class LawFit:
    """A fitted law with everything that its judges look at; `draws` has a row a resample."""

    task: Task
    optimum: GlobalOptimum
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
        # In nats whatever the objective: `raw` are residuals of the loss itself.
        squares = float(self.task.weights @ self.linearised.raw**2)
        return float(np.sqrt(max(squares / max(self.linearised.dof, 1), EXACT_SQUARE)))

    def error_of(self, name: str) -> float:
        """Standard error of a quantity by the delta method, of its logarithm where it is handled as one."""
        errors = self.quantities.errors(self.linearised.p, self.linearised.covariance)[1]
        return float(errors[self.quantities.names.index(name)])

    def refit(self, weights: Array) -> list[Refit]:
        """The optimum of each weighting (R, n) of the rows."""
        return self.task.refit(self, weights)


def judge(verdict: Verdict, diagnostics: dict[str, Any], fit: LawFit) -> None:
    """Every check; findings go to the verdict, numbers to the diagnostics."""
    judge_identified(verdict, diagnostics, fit)
    _judge_runs(verdict, fit)
    for sentence in (bounds := fit.task.at_bounds(fit)):
        verdict.add("boundary", sentence)
    if why := fit.task.why_unsettled(fit.optimum):
        verdict.add("weak", why)
    # Where the fit is on a bound its resamples are too: the bound has been said, and they are not wrong.
    share = float(fit.draws["degenerate"].mean()) if len(fit.draws) else 0.0
    diagnostics["degenerate_share"] = share
    if share > DEGENERATE_SHARE and not bounds:
        verdict.add("weak", f"{share:.1%} of the resamples end on a bound or have too few distinct runs")
    fit.task.check(verdict, diagnostics, fit)


def judge_identified(verdict: Verdict, diagnostics: dict[str, Any], fit: LawFit) -> None:
    """Whether the runs tell the parameters apart, by the design alone, and determine a, with their noise."""
    diagnostics["condition"] = fit.linearised.condition
    if fit.linearised.free.any():  # what is on its bound is not to be told apart
        judge_condition(verdict, fit.linearised.condition, fit.task.told_apart)
    if "a" not in fit.quantities.names:
        return
    diagnostics["se_a"] = se_a = _error_of_a(fit)
    if (ratio := _noise_factor(fit)) is not None:
        diagnostics["se_a_over_sigma"] = ratio
        if ratio > NOISE_FACTOR:
            verdict.warn(
                f"this design turns a relative noise σ of the loss into a standard error of {ratio:.3g}·σ in a (5"
                " budgets × 7 sizes ±0.6 dex: 2.4): a wider range of sizes in each budget helps most"
            )
    judge_uncertainty(verdict, se_a)


def judge_condition(verdict: Verdict, condition: float, what: str) -> None:
    """Whether the runs tell `what` apart: the condition number of the derivatives with columns of unit length."""
    if not condition <= CONDITION_REFUSED:
        verdict.add(
            "refused", f"{what} are not told apart by these runs: the scaled condition number is {condition:.2g}"
        )
    elif condition > CONDITION_WEAK:
        verdict.add("weak", f"{what} are barely told apart: the scaled condition number is {condition:.2g}")


def _error_of_a(fit: LawFit) -> float:
    """Standard error of a: by the delta method, or of the resamples where that does not hold."""
    return float(fit.draws["a"].std()) if fit.shared or not fit.smooth else fit.error_of("a")


def _noise_factor(fit: LawFit) -> float | None:
    """Standard error of a, by least squares of the log loss on these rows, over the noise of the log loss."""
    around = fit.task.relative(fit.linearised.p)
    if around is None:
        return None
    # Noise cancels in the ratio: what is left is what the design makes of it.
    error = fit.quantities.errors(around.p, around.covariance)[1][fit.quantities.names.index("a")]
    return float(error / np.sqrt(around.variance))


def _judge_runs(verdict: Verdict, fit: LawFit) -> None:
    """Whether there are enough runs, and each of them a row."""
    k, runs = len(fit.optimum.p), fit.table.n_runs
    if runs < FEW * (k + 1):
        verdict.add("weak", f"only {runs} runs for {parameters_in_words(k)}")
    if fit.shared:
        narrow = "profile F and delta are" if fit.quantities.law is SURFACE else "the delta method's are"
        verdict.warn(f"rows share runs: the intervals come from resampling whole runs; {narrow} too narrow")
