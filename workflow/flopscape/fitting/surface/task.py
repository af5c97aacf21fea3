"""The surface as a `Task`: the law that is searched by variable projection, for each of four objectives.

Its search has only (α, β) to walk in, from every point of a grid, so that its optimum is certain; its judgement knows
more than that of other laws: what leaving out the ends of compute, or wild rows, does to its exponents, whether seeds
scatter less than it misses, and where the optima lie among the runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flopscape.fitting.any_law.fit import Check, fit_law
from flopscape.fitting.any_law.linearised import Linearised, Quantities
from flopscape.fitting.any_law.task import Ends, GlobalOptimum, LawFit, Refit, Resampler
from flopscape.fitting.common.row_weights import SeedWeights, weights_of
from flopscape.fitting.judge.departures import judge_departures
from flopscape.fitting.judge.form import describe_fit, judge_fit, judge_sampled
from flopscape.fitting.judge.refits import judge_ends, judge_outliers
from flopscape.fitting.judge.verdict import Verdict, refuse, why_too_little, why_too_many_rows
from flopscape.fitting.surface import variable_projection
from flopscape.fitting.surface.coordinates import linearise, log_derivatives, surface_quantities
from flopscape.fitting.surface.global_starts import (
    Search,
    centred_problem,
    from_grid,
    from_optimum,
    global_fit,
    on_bound,
)
from flopscape.fitting.surface.profile import profile_intervals
from flopscape.fitting.surface.variable_projection import Problem, parameters
from flopscape.laws.law import Array, Compute, Mask
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.runs.table import RunTable


def fit_surface(
    search: Search,
    result: FitResult,
    table: RunTable,
    flops: Sequence[float],
    bootstrap: int,
    seed: int,
    weights: str | None = None,
    check: Check | None = None,
) -> tuple[FitResult, pd.DataFrame]:
    """Fit the surface and fill in the result; see `vpnls.estimate` for the arguments, and `fit_law` for `check`."""
    made = weights_of(table, weights)
    if why := why_too_many_rows(table) or why_too_little(table):
        return refuse(result, why, flops)
    problem, center = centred_problem(table)
    compute = Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    quantities = surface_quantities(center, tuple(float(c) for c in flops), compute)
    rows = np.ones(len(table)) if made is None else made.weights
    if made is not None and made.dof:
        result.objective += ", rows weighted by the seeds' scatter"
    return fit_law(SurfaceTask(table, rows, quantities, problem, search, made), result, bootstrap, seed, check)


@dataclass(frozen=True)
class SurfaceTask:
    """A `Task` of p = (E, ln A', ln B', α, β); see coordinates.py. −inf stands for the logarithm of an absent term."""

    table: RunTable
    weights: Array
    quantities: Quantities
    problem: Problem
    search: Search
    made: SeedWeights | None
    told_apart: str = "N and D"
    settled: str = "global optimum, parameters identified, nothing on a bound"

    @property
    def delta(self) -> float:
        """The search's."""
        return self.search.delta

    def find(self, seed: int) -> GlobalOptimum:
        """The lowest optimum downhill of the points of a fine grid of exponents; the seed decides nothing."""
        best, share, starts = global_fit(self.search, self.problem, self.weights)
        return GlobalOptimum(parameters(best)[0], float(best.objective[0]), bool(best.converged[0]), share, starts)

    def linearise(self, p: Array) -> Linearised:
        """All rows around p (5,), in the objective's residuals."""
        return linearise(self.problem, p, self.search.derivatives).weighted(self.weights)

    def relative(self, p: Array) -> Linearised:
        """All rows around p (5,), in residuals of the log loss."""
        return linearise(self.problem, p, log_derivatives).weighted(self.weights)

    def refit(self, fit: LawFit, weights: Array) -> list[Refit]:
        """From the lowest point of a grid of exponents, for each weighting."""
        solution = from_grid(self.search, self.problem, weights)
        # From the coefficients and not from p: an absent term is a zero there, and −∞ here.
        losses = [
            c[0] + c[1:] @ np.exp(-theta[:, None] * self.problem.u) for c, theta in zip(*solution[:2], strict=True)
        ]
        return [Refit(*one) for one in zip(parameters(solution), losses, strict=True)]

    def resampler(self, fit: LawFit) -> Resampler:
        """From a coarse grid of exponents that has the optimum in it."""

        def resample(weights: Array) -> tuple[Array, Mask]:
            solution = from_optimum(self.search, self.problem, weights, fit.optimum.p)
            return parameters(solution), on_bound(solution) | ~solution.converged

        return resample

    def profile(self, fit: Linearised) -> Ends | None:
        """Of the least-squares objectives."""
        if not np.isinf(self.delta):
            return None
        return profile_intervals(self.problem, fit, self.search.derivatives, self.quantities)

    def without_optimum(self, result: FitResult, fit: LawFit) -> tuple[FitResult, pd.DataFrame] | None:
        """Where A or B is zero there is a surface, and no optimum. A wild row may be why: it is named."""
        absent = [name for name, value in zip(("A", "B"), fit.optimum.p[1:3], strict=True) if np.isneginf(value)]
        if not absent:
            return None
        bound = f"{absent[0]} is at its bound" if len(absent) == 1 else "A and B are at their bounds"
        surface = self.quantities.parameters(fit.optimum.p)._replace(alpha=fit.optimum.p[3], beta=fit.optimum.p[4])
        why, verdict = f"{bound}, zero: the loss does not depend on that size", Verdict()
        result, draws = refuse(result, why, self.quantities.flops)
        result.status = "boundary"
        result.surface = {name: Estimate(float(value)) for name, value in surface._asdict().items()}
        result.diagnostics = {"rss": fit.optimum.objective, "n_rows": len(self.table)}
        judge_outliers(verdict, result.diagnostics, fit)
        result.warnings = verdict.all_warnings
        return result, draws

    def has_vanished(self, fit: LawFit) -> bool:
        """Never here: `without_optimum` has ended such a fit."""
        return False

    def describe(self, fit: LawFit) -> dict[str, Any]:
        """The objective, the residuals beside the scatter of seeds, and the weights."""
        own = self.search.diagnostics(self._unweighted(fit)) | describe_fit(fit)
        if self.made is None:
            return own
        return own | {"weights": self.made.to_json(), "objective": fit.optimum.objective}

    def warnings(self, fit: LawFit) -> list[str]:
        """On δ, and on weights that could not be made."""
        alike = [self.made.sentence] if self.made is not None and not self.made.dof else []
        return [*self.search.warnings(self._unweighted(fit)), *alike]

    def _unweighted(self, fit: LawFit) -> Linearised:
        return linearise(self.problem, fit.optimum.p, self.search.derivatives)

    def at_bounds(self, fit: LawFit) -> list[str]:
        """E at zero, and exponents at the ends of their range."""
        E, _, _, *exponents = fit.optimum.p
        said = ["the irreducible loss E is at its bound, zero"] if E <= 0 else []
        ends = (variable_projection.LOWEST, variable_projection.HIGHEST)
        for name, value in zip(("α", "β"), exponents, strict=True):
            if not ends[0] < value < ends[1]:
                said.append(f"the exponent {name} is at its bound, {value:g}")
        return said

    def why_unsettled(self, optimum: GlobalOptimum) -> str:
        """Newton's method stopped before its decrement was small."""
        return "" if optimum.converged else "Newton's method did not settle"

    def check(self, verdict: Verdict, diagnostics: dict[str, Any], fit: LawFit) -> None:
        """Misfit, optima among the runs, the ends of compute, wild rows, and the form at every budget."""
        judge_fit(verdict, diagnostics)
        judge_sampled(verdict, diagnostics, fit)
        judge_ends(verdict, diagnostics, fit)
        judged = judge_outliers(verdict, diagnostics, fit)
        # A wild row would bend its budget's parabola more than the surface: the form is tested without them.
        judge_departures(verdict, diagnostics, self.table, judged.without, ~judged.flagged)
