"""Any law as a `Task`: least squares of the log loss by Levenberg–Marquardt from many seeded starts.

A resample starts at the table's optimum and at points around it, so that it can change basin as the table's own search
can. Laws have a form each, and so no profile and no projection: intervals are the bootstrap's, or the delta method's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flopscape.fitting.any_law.levenberg_marquardt import LOOSE, TIGHT, minimise
from flopscape.fitting.any_law.linearised import Linearised, Quantities
from flopscape.fitting.any_law.problem import NOTHING, LawProblem, problem_of
from flopscape.fitting.any_law.restriction import FLOOR, Restriction
from flopscape.fitting.any_law.task import Ends, GlobalOptimum, LawFit, Refit, Resampler
from flopscape.fitting.common.linear import EXACT_SQUARE, Optimum
from flopscape.fitting.judge.departures import judge_departures
from flopscape.fitting.judge.form import describe_fit, judge_fit
from flopscape.fitting.judge.verdict import DRIFT, Verdict, outliers, refuse
from flopscape.laws.law import Array, Compute, Law, Mask
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import UNIQUE, RunTable, describe_rows, ends_of_compute

STARTS = 96
"""Random starts of a table. Nearly all reach the optimum on published tables and on simulated ones."""
FEWEST_STARTS, ELEMENTS = 12, 1_000_000
"""Starts of a table however long, and starts × rows at once, so that 1e5 rows take 200 MB."""
RESTARTS = 2
"""Starts of a resample besides the table's optimum."""
AT_OPTIMUM, EXACT_SEARCH = 1e-6, 1e-24
"""Relative excess of the objective below which a start has reached the optimum, and the mean r² that searches of exact
data may leave: above rounding, for they stop before."""
AGREEING = 3
"""Starts that must reach the optimum before it counts as found."""
LOG_ERROR_WEAK = 0.5
"""Standard error of the logarithm of an exponent or R* above which it is known to a factor of e² at best."""


def global_fit(problem: LawProblem, seed: int, starts: int = STARTS, tolerance: float = TIGHT) -> GlobalOptimum:
    """Best of random starts for all rows alike; of fewer starts where rows are very many."""
    n = len(problem.log_loss)
    starts, lanes = max(min(starts, ELEMENTS // n), FEWEST_STARTS), max(1, ELEMENTS // n)
    # In units of the geometric means every N, D and C is near one, and a law can draw its starts without the table.
    drawn = problem.law.starts(np.random.default_rng(seed), starts, float(np.exp(problem.log_loss.mean())))
    theta = problem.theta(drawn)
    pieces = np.split(theta, range(lanes, starts, lanes))
    parts = [minimise(problem, np.ones((len(some), n)), some, tolerance) for some in pieces]
    optima = Optimum(*map(np.concatenate, zip(*parts, strict=True)))
    best = int(np.argmin(optima.objective))
    # Of exact data every objective is rounding, and none within a relative excess of another.
    reached = optima.objective <= optima.objective[best] * (1 + AT_OPTIMUM) + EXACT_SEARCH * n
    share = int(reached.sum()) / starts
    return GlobalOptimum(optima.p[best], float(optima.objective[best]), bool(optima.converged[best]), share, starts)


def resample(problem: LawProblem, weights: Array, starts: Array) -> Optimum:
    """Optimum for each row of weights (R, n): the best from several starting θ, shape (S, k)."""
    # Each start for all resamples at once: the lowest end of each resample is kept.
    runs = [minimise(problem, weights, np.tile(start, (len(weights), 1)), LOOSE) for start in starts]
    best = np.argmin([optimum.objective for optimum in runs], axis=0)
    lanes = np.arange(len(weights))
    return Optimum(*(np.stack(parts)[best, lanes] for parts in zip(*runs, strict=True)))


def restarts(fit: LawFit) -> Array:
    """θ and `RESTARTS` points three standard errors, at most 1, around it: shape (1 + RESTARTS, k)."""
    theta, error = fit.linearised.p, np.sqrt(np.diag(fit.linearised.covariance))
    away = np.random.default_rng(fit.seed).normal(size=(RESTARTS, len(theta)))
    return np.concatenate([theta[None], theta + away * np.minimum(3 * np.nan_to_num(error, nan=1.0), 1.0)])


def law_task(
    law: Law,
    table: RunTable,
    supply: Array,
    flops: tuple[float, ...] = (),
    unique_tokens: float = np.inf,
    said: Sequence[str] = (),
    restriction: Restriction = NOTHING,
    compute: Compute | None = None,
) -> "LawTask":
    """The task of a law.

    `supply` (n,) are the distinct tokens of each run, `unique_tokens` those at the asked C; `said` are warnings of what
    was asked; `restriction` tells which parameters are not free; `compute` is that of all runs unless given.
    """
    problem = problem_of(law, table, supply, restriction)
    compute = compute or Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    quantities = Quantities(law, flops, compute, problem.in_units, unique_tokens, fixed=restriction.fixed)
    return LawTask(table, np.ones(len(table)), quantities, problem, tuple(said))


@dataclass(frozen=True)
class LawTask:
    """A `Task` of θ; see problem.py."""

    table: RunTable
    weights: Array
    quantities: Quantities
    problem: LawProblem
    said: tuple[str, ...] = ()
    told_apart: str = "the parameters"
    settled: str = "several starts reach one optimum, parameters identified, nothing on a bound"

    @property
    def delta(self) -> float:
        """Infinite: least squares."""
        return np.inf

    def find(self, seed: int) -> GlobalOptimum:
        """The lowest optimum of many random starts."""
        return global_fit(self.problem, seed)

    def linearise(self, p: Array) -> Linearised:
        """All rows around θ (k,)."""
        return self.problem.linearise(p)

    def relative(self, p: Array) -> None:
        """None: nothing is known of designs for other laws."""
        return None

    def refit(self, fit: LawFit, weights: Array) -> list[Refit]:
        """From θ and points around it; see `restarts`."""
        theta = resample(self.problem, weights, restarts(fit)).p
        return [Refit(one, self.problem.losses(one)) for one in theta]

    def resampler(self, fit: LawFit) -> Resampler:
        """The same for resamples."""
        starts, (low, high) = restarts(fit), self.problem.bounds

        def optima(weights: Array) -> tuple[Array, Mask]:
            optima = resample(self.problem, weights, starts)
            return optima.p, ((optima.p <= low) | (optima.p >= high)).any(axis=1) | ~optima.converged

        return optima

    def profile(self, fit: Linearised) -> Ends | None:
        """None: only the surface has exact second derivatives here."""
        return None

    def without_optimum(self, result: FitResult, fit: LawFit) -> tuple[FitResult, pd.DataFrame] | None:
        """Refused where no residual depends on a parameter."""
        unseen = [name for name, row in zip(self.names, fit.linearised.jacobian, strict=True) if not row.any()]
        if not unseen:
            return None
        return refuse(result, f"no run's loss depends on {unseen[0]}: it cannot be seen", self.quantities.flops)

    def has_vanished(self, fit: LawFit) -> bool:
        """Whether an amplitude or scale, which has a unit, is on its bound."""
        named = zip(self.names, fit.linearised.free, strict=True)
        return any(not free and name not in (FLOOR, *self.problem.law.bounds) for name, free in named)

    @property
    def names(self) -> tuple[str, ...]:
        """Of θ."""
        return self.problem.names

    def describe(self, fit: LawFit) -> dict[str, Any]:
        """The objective, the residuals beside the scatter of seeds, and how often data repeat."""
        table = self.table
        described: dict[str, Any] = {"objective": fit.linearised.rss, **describe_fit(fit)}
        if UNIQUE in self.problem.law.arguments:
            supply, unique = self.problem.supply, self.quantities.unique_tokens
            described["share_of_runs_with_repeats"] = float((table.n_tokens > supply).mean())
            described["most_epochs"] = float((table.n_tokens / supply).max())
            described[UNIQUE] = unique if np.isfinite(unique) else None
        return described

    def warnings(self, fit: LawFit) -> list[str]:
        """Of what was asked."""
        return [*self.said]

    def at_bounds(self, fit: LawFit) -> list[str]:
        """Every parameter that is not free, with its value in multiples of the geometric means."""
        values = self.problem.parameters(fit.linearised.p[None])
        named = zip(values.items(), fit.linearised.free, strict=True)
        return [f"{name} is at its bound, {value[0, 0]:.3g}" for (name, value), free in named if not free]

    def why_unsettled(self, optimum: GlobalOptimum) -> str:
        """Too few starts agree, or the best did not converge."""
        reached = round(optimum.share * optimum.starts)
        if reached >= AGREEING and optimum.converged:
            return ""
        return f"only {reached} of {optimum.starts} starts reached the best fit found"

    def check(self, verdict: Verdict, diagnostics: dict[str, Any], fit: LawFit) -> None:
        """Exponents and R* known to a factor, rows far off, the form at every budget, and the move of a."""
        for name in filter(self.problem.law.bounds.__contains__, self.names):
            if (error := fit.error_of(name)) > LOG_ERROR_WEAK:
                verdict.add("weak", f"{name} is uncertain: the standard error of its logarithm is {error:.2g}")
        flagged = self._flag_rows(verdict, diagnostics, fit.linearised)
        judge_fit(verdict, diagnostics)
        judge_departures(verdict, diagnostics, self.table, fit.linearised, ~flagged)
        self._judge_drift(verdict, diagnostics, fit)

    def _flag_rows(self, verdict: Verdict, diagnostics: dict[str, Any], fit: Linearised) -> Mask:
        """Name rows with improbable residuals; they stay in the fit. Exact data have only rounding."""
        if fit.variance <= EXACT_SQUARE:
            return np.zeros(len(self.table), bool)
        # Leverages are of the law made linear at its optimum, where the test of a linear regression holds to first
        # order.
        size = outliers(fit.residual, fit.leverage, len(fit.p))
        flagged = size != 0
        if flagged.any():
            diagnostics["outliers"] = self.table.run_id[flagged].tolist()
            names = describe_rows(self.table, flagged)
            verdict.warn(f"{names}: residual up to {np.abs(size).max():.0f} standard errors; kept")
        return np.asarray(flagged)

    def _judge_drift(self, verdict: Verdict, diagnostics: dict[str, Any], fit: LawFit) -> None:
        """The exponent a without the smallest budget, or fifth of compute, for laws that have one."""
        exponents, ends = self.problem.law.exponents, ends_of_compute(self.table)
        if exponents is None or (~ends.smallest).sum() <= len(fit.optimum.p):
            return
        [refit] = fit.refit((~ends.smallest).astype(float)[None])
        whole, without = (float(exponents(self.problem.in_units(p))[0]) for p in (fit.optimum.p, refit.p))
        diagnostics["without_smallest"] = {"a": without - whole}
        if abs(without - whole) > DRIFT:
            verdict.add(
                "weak", f"leaving out {ends.low} moves a by {without - whole:+.2f}: the form may not hold there"
            )
