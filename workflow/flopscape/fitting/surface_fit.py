"""From a table to a fitted surface, whatever the objective: search, resample, judge, fill in.

`vpnls` and `approach3` differ in what they minimise, which is a `Search`; everything else is here.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from flopscape.fitting import guards, varpro
from flopscape.fitting.judge_surface import judge, judge_rows, too_little
from flopscape.fitting.profile import Local, delta_errors, profile_intervals
from flopscape.fitting.quantities import PARAMETERS, Quantities
from flopscape.fitting.resample import percentile_interval, run_weights
from flopscape.fitting.results import Intervals, optimum_predictions, refused, surface_draws
from flopscape.fitting.table import RunTable
from flopscape.fitting.varpro import Problem, Solution, parameters
from flopscape.laws.arrays import Array, Mask
from flopscape.laws.compute import Compute
from flopscape.records import Estimate, FitResult

FINE_GRID = np.geomspace(0.03, 2.5, 32)
COARSE_GRID = np.geomspace(0.03, 2.5, 12)
"""Exponents where resamples may start, besides the optimum of the whole table."""
AT_OPTIMUM = 1e-6
"""Relative excess of the objective below which a start has reached the optimum."""


class Search(Protocol):
    """How one objective is minimised over (E, A, B, α, β); all searches are global."""

    @property
    def smooth(self) -> bool:
        """Whether profile-F intervals and delta-method errors exist."""

    def polish(self, problem: Problem, weights: Array, starts: Array) -> Solution:
        """Optima from given exponents (R, 2), to full precision."""

    def resample(self, problem: Problem, weights: Array, starts: Array, best: Solution) -> Solution:
        """The same to the precision that a resample needs; `best` is the optimum of the whole table."""

    def weighted(self, problem: Problem, weights: Array) -> Array:
        """Weights (R, n) of the least-squares problem whose grid gives the starts."""

    def local(self, problem: Problem, p: Array) -> Local:
        """Residuals and derivatives at p (5,)."""

    def diagnostics(self, fit: Local) -> dict[str, object]:
        """What only this objective has to report."""

    def warnings(self, fit: Local) -> list[str]:
        """Sentences on what to distrust about the objective itself."""


def estimate_surface(
    search: Search, result: FitResult, table: RunTable, flops: Sequence[float], bootstrap: int, seed: int
) -> tuple[FitResult, pd.DataFrame]:
    """Fit the surface and fill in the result; see `vpnls.estimate` for the arguments."""
    why = too_little(table)
    if why:
        return refused(result, why, flops)
    problem, center = centred_problem(table)
    best, share, n_starts = global_fit(search, problem)
    if not (best.coefficients[0, 1:] > 0).all():
        return _one_sided(result, problem, best, center, flops)
    compute = Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    quantities = Quantities(center, tuple(float(c) for c in flops), compute)
    fit = search.local(problem, parameters(best)[0])
    draws = _bootstrap(search, problem, table, quantities, best, bootstrap, seed)
    verdict = guards.Verdict(warnings=search.warnings(fit))
    result.diagnostics = _diagnostics(table, fit, compute) | {"n_starts": n_starts, "share_of_starts_at_optimum": share}
    result.diagnostics |= search.diagnostics(fit)
    se_a = delta_errors(fit, quantities)["a"] if search.smooth else float(draws["a"].std())
    judge(verdict, result.diagnostics, table, fit, best, draws, se_a)
    judge_rows(verdict, result.diagnostics, problem, table, fit, lambda p, w: from_grid(search, p, w))
    intervals = _intervals(search, verdict, table, problem, fit, quantities, draws)
    return _fill(result, verdict, table, fit, quantities, intervals), draws


def centred_problem(table: RunTable) -> tuple[Problem, tuple[float, float]]:
    """The observations with logs centred at their means, so that no unit of N or D matters."""
    u, v = np.log(table.n_params), np.log(table.n_tokens)
    center = (float(u.mean()), float(v.mean()))
    return Problem(np.stack([u - center[0], v - center[1]]), table.loss), center


def global_fit(search: Search, problem: Problem) -> tuple[Solution, float, int]:
    """Best of many starts, the share of the starts that reach it, and their number."""
    weights = np.ones((1, len(problem.y)))
    starts = varpro.many_starts(problem, search.weighted(problem, weights)[0], FINE_GRID)
    found = search.polish(problem, np.tile(weights, (len(starts), 1)), starts)
    best = int(np.argmin(found.objective))
    floor = 1e-20 * float(problem.y @ problem.y)
    reached = found.objective <= found.objective[best] * (1 + AT_OPTIMUM) + floor
    return found.one(best), float(reached.mean()), len(starts)


def from_grid(search: Search, problem: Problem, weights: Array) -> Solution:
    """Optimum of every row of weights (R, n), each from its own lowest point of the shared grid."""
    features = varpro.grid_features(problem, varpro.GRID)
    starts = varpro.grid_starts(problem, search.weighted(problem, weights), varpro.GRID, features)
    return search.polish(problem, weights, starts)


def _bootstrap(
    search: Search,
    problem: Problem,
    table: RunTable,
    quantities: Quantities,
    best: Solution,
    replicates: int,
    seed: int,
) -> pd.DataFrame:
    """Surfaces and optima of the resamples; `degenerate` marks one on a bound or with too few distinct runs."""
    chunk = max(1, varpro.CHUNK_ELEMENTS // len(table))
    design = guards.design_index(table)
    order, first = np.argsort(design, kind="stable"), np.searchsorted(np.sort(design), np.unique(design))
    grid = np.concatenate([np.tile(COARSE_GRID, (2, 1)), best.exponents.T], axis=1)
    features = varpro.grid_features(problem, grid)
    values, degenerate = [], []
    for weights in run_weights(table.run_id, replicates, seed, chunk):
        starts = varpro.grid_starts(problem, search.weighted(problem, weights), grid, features)
        solution = search.resample(problem, weights, starts, best)
        values.append(parameters(solution))
        few = (np.add.reduceat(weights[:, order], first, axis=1) > 0).sum(axis=1) < guards.FEWEST
        degenerate.append(on_bound(solution) | ~solution.converged | few)
    return surface_draws(np.concatenate(values), np.concatenate(degenerate), quantities)


def on_bound(solution: Solution) -> Mask:
    """Whether any coefficient is zero or any exponent at its bound."""
    at_end = (solution.exponents <= varpro.LOWEST) | (solution.exponents >= varpro.HIGHEST)
    return np.asarray((solution.coefficients <= 0).any(axis=1) | at_end.any(axis=1))


def _diagnostics(table: RunTable, fit: Local, compute: Compute) -> dict[str, object]:
    seed_sd, seed_dof = guards.seed_scatter(table)
    log_residual = np.log(table.loss) - np.log(np.maximum(table.loss - fit.raw, 1e-300))
    rss = float(fit.raw @ fit.raw)
    return {
        "rss": rss,
        "n_rows": len(table),
        "log_rmse": float(np.sqrt(np.mean(log_residual**2))),
        "residual_sd": float(np.sqrt(max(rss / max(fit.dof, 1), 1e-26))),
        "seed_sd": seed_sd if seed_dof else None,
        "seed_dof": seed_dof,
        "condition": fit.condition(),
        "kappa": compute.to_json(),
    }


def _intervals(
    search: Search,
    verdict: guards.Verdict,
    table: RunTable,
    problem: Problem,
    fit: Local,
    quantities: Quantities,
    draws: pd.DataFrame,
) -> Intervals:
    """Both kinds; the bootstrap is reported from 20 runs on, and for rows that share runs."""
    boot = {name: percentile_interval(draws[name].to_numpy()) for name in quantities.names}
    few = table.n_runs < guards.FEW_FOR_BOOTSTRAP and len(table) == table.n_runs
    if not search.smooth:
        if few:
            verdict.warn(
                f"only {table.n_runs} runs: the bootstrap may be up to 2.3 times too wide, and this objective has no"
                " profile-F interval; log_lsq and vpnls have one"
            )
        return Intervals(boot, "bootstrap of runs, percentile", {}, boot)
    profile = profile_intervals(problem, fit, quantities)
    intervals = Intervals(
        profile if few else boot, "profile F" if few else "bootstrap of runs, percentile", profile, boot
    )
    ratio = intervals.disagreement("a")
    if not few and ratio > guards.DISAGREEMENT:
        verdict.warn(f"bootstrap and profile-F intervals of a differ ×{ratio:.2g} in width: trust neither fully")
    return intervals


def _fill(
    result: FitResult,
    verdict: guards.Verdict,
    table: RunTable,
    fit: Local,
    quantities: Quantities,
    intervals: Intervals,
) -> FitResult:
    """Put estimates, intervals and the verdict into the result."""
    surface = quantities.surface(fit.p)
    a = float(fit.p[4] / (fit.p[3] + fit.p[4]))
    low, high = intervals.of("a")
    result.surface = {
        name: intervals.estimate(name, float(value)) for name, value in zip(PARAMETERS, surface, strict=True)
    }
    result.diagnostics["intervals"] = intervals.to_json()
    result.interval = intervals.kind
    result.predictions = optimum_predictions(surface, quantities, intervals)
    for prediction in result.predictions:
        if prediction.n_params:
            guards.judge_extrapolation(verdict, table, prediction.flops, prediction.n_params.estimate)
    result.exponents = {
        "a": intervals.estimate("a", a),
        "b": Estimate(1 - a, None if high is None else 1 - high, None if low is None else 1 - low),
    }
    result.status = verdict.status
    result.reason = verdict.reason("global optimum, parameters identified, nothing on a bound")
    result.warnings = verdict.all_warnings
    if verdict.status == "refused":
        result.exponents, result.predictions = None, refused(result, result.reason, quantities.flops)[0].predictions
    return result


def _one_sided(
    result: FitResult, problem: Problem, best: Solution, center: tuple[float, float], flops: Sequence[float]
) -> tuple[FitResult, pd.DataFrame]:
    """A or B is zero: there is a surface, and no optimum."""
    absent = " and ".join(name for name, c in zip(("A", "B"), best.coefficients[0, 1:], strict=True) if c <= 0)
    amplitude = best.coefficients[0, 1:] * np.exp(best.exponents[0] * np.array(center))
    values = (best.coefficients[0, 0], *amplitude, *best.exponents[0])
    result, draws = refused(result, f"{absent} is at its bound, zero: the loss does not depend on that size", flops)
    result.status = "boundary"
    result.surface = {name: Estimate(float(value)) for name, value in zip(PARAMETERS, values, strict=True)}
    result.diagnostics = {"rss": float(best.objective[0]), "n_rows": len(problem.y)}
    return result, draws
