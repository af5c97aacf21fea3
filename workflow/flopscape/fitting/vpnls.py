"""Method `vpnls`: the surface by least squares on the loss, with E, A, B ≥ 0 and only (α, β) searched.

Objective Σ (L_i − E − A·N_i^−α − B·D_i^−β)², every completed row with weight one. The search is global and exact; see
varpro.py. Intervals: percentile bootstrap of whole runs from 20 runs on, the profile-F interval below.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from flopscape.fitting import guards, varpro
from flopscape.fitting.profile import Local, delta_errors, local, profile_intervals
from flopscape.fitting.quantities import PARAMETERS, Quantities
from flopscape.fitting.resample import percentile_interval, run_weights
from flopscape.fitting.results import Intervals, optimum_predictions, refused, surface_draws
from flopscape.fitting.table import RunTable
from flopscape.fitting.varpro import Problem, Solution
from flopscape.laws.arrays import Array, Mask
from flopscape.laws.compute import Compute
from flopscape.records import Estimate, FitResult

OBJECTIVE = "least squares on the loss"
FINE_GRID = np.geomspace(0.03, 2.5, 32)
COARSE_GRID = np.geomspace(0.03, 2.5, 12)
"""Exponents where resamples may start, besides the optimum of the whole table."""
ON_A_LINE = 0.01
"""Standard deviation across a line in (ln N, ln D) below which the runs lie on it."""
AT_OPTIMUM = 1e-6
"""Relative excess of the objective below which a start has reached the optimum."""


def estimate(
    table: RunTable, *, flops: Sequence[float] = (), bootstrap: int = 4000, seed: int = 0
) -> tuple[FitResult, pd.DataFrame]:
    """Fit the surface.

    Parameters
    ----------
    table : RunTable
    flops : sequence of float
        Compute budgets C, in FLOPs, to predict the optimum for.
    bootstrap : int
        Resamples of whole runs.
    seed : int
        Seed of the resampling.

    Returns
    -------
    FitResult, and the resamples' surfaces and optima, one row each.
    """
    result = FitResult("ok", "", "vpnls", "surface", OBJECTIVE)
    why = _too_little(table)
    if why:
        return refused(result, why, flops)
    problem, center = _problem(table)
    best, share, n_starts = _global_fit(problem)
    if not (best.coefficients[0, 1:] > 0).all():
        return _one_sided(result, problem, best, center, flops)
    compute = Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    quantities = Quantities(center, tuple(float(c) for c in flops), compute)
    fit = local(problem, _parameters(best)[0])
    grid = np.concatenate([np.tile(COARSE_GRID, (2, 1)), best.exponents.T], axis=1)
    draws = _bootstrap(problem, table, quantities, grid, bootstrap, seed)
    verdict = guards.Verdict()
    result.diagnostics = _diagnostics(table, fit, compute) | {"n_starts": n_starts, "share_of_starts_at_optimum": share}
    errors = delta_errors(fit, quantities)
    _judge(verdict, result.diagnostics, table, fit, best, draws, errors["a"])
    _judge_rows(verdict, result.diagnostics, problem, table, fit)
    intervals = _intervals(verdict, table, problem, fit, quantities, draws)
    return _fill(result, verdict, table, fit, quantities, intervals), draws


def _too_little(table: RunTable) -> str:
    """Why no surface can be fitted at all, or nothing."""
    if table.n_runs < guards.FEWEST:
        return f"{table.n_runs} completed runs for five parameters; at least {guards.FEWEST} are needed"
    for name, values in (("N", table.n_params), ("D", table.n_tokens)):
        if np.ptp(np.log(values)) < 1e-6:
            return f"all runs have the same {name} = {values[0]:g}: the surface's dependence on it cannot be seen"
    logs = np.log(np.stack([table.n_params, table.n_tokens]))
    if np.linalg.svd(logs - logs.mean(axis=1, keepdims=True), compute_uv=False)[1] < ON_A_LINE * np.sqrt(len(table)):
        return (
            "all runs lie on one line in ln N and ln D (one budget, or one number of tokens per parameter):"
            " N and D are not told apart"
        )
    if len(np.unique(guards.design_index(table))) < guards.FEWEST:
        return f"fewer than {guards.FEWEST} distinct pairs of N and D for five parameters"
    return ""


def _problem(table: RunTable) -> tuple[Problem, tuple[float, float]]:
    """The observations with logs centred at their means, so that no unit of N or D matters."""
    u, v = np.log(table.n_params), np.log(table.n_tokens)
    center = (float(u.mean()), float(v.mean()))
    return Problem(np.stack([u - center[0], v - center[1]]), table.loss), center


def _global_fit(problem: Problem) -> tuple[Solution, float, int]:
    """Best of many starts, the share of the starts that reach it, and their number."""
    weights = np.ones(len(problem.y))
    starts = varpro.many_starts(problem, weights, FINE_GRID)
    found = varpro.newton(problem, np.tile(weights, (len(starts), 1)), starts)
    best = int(np.argmin(found.objective))
    floor = 1e-20 * float(problem.y @ problem.y)
    reached = found.objective <= found.objective[best] * (1 + AT_OPTIMUM) + floor
    return found.one(best), float(reached.mean()), len(starts)


def _parameters(solution: Solution) -> Array:
    """(E, ln A', ln B', α, β) of each solution, −inf for an absent term."""
    with np.errstate(divide="ignore"):
        logs = np.log(solution.coefficients[:, 1:])
    return np.concatenate([solution.coefficients[:, :1], logs, solution.exponents], axis=1)


def _bootstrap(
    problem: Problem, table: RunTable, quantities: Quantities, grid: Array, replicates: int, seed: int
) -> pd.DataFrame:
    """Surfaces and optima of the resamples; `degenerate` marks one on a bound or with too few distinct runs."""
    chunk = max(1, varpro.CHUNK_ELEMENTS // len(table))
    design = guards.design_index(table)
    order, first = np.argsort(design, kind="stable"), np.searchsorted(np.sort(design), np.unique(design))
    features = varpro.grid_features(problem, grid)
    parameters, degenerate = [], []
    for weights in run_weights(table.run_id, replicates, seed, chunk):
        starts = varpro.grid_starts(problem, weights, grid, features)
        solution = varpro.newton(problem, weights, starts, varpro.RESAMPLE_DECREMENT)
        parameters.append(_parameters(solution))
        few = (np.add.reduceat(weights[:, order], first, axis=1) > 0).sum(axis=1) < guards.FEWEST
        degenerate.append(_on_bound(solution) | ~solution.converged | few)
    return surface_draws(np.concatenate(parameters), np.concatenate(degenerate), quantities)


def _on_bound(solution: Solution) -> Mask:
    """Whether any coefficient is zero or any exponent at its bound."""
    at_end = (solution.exponents <= varpro.LOWEST) | (solution.exponents >= varpro.HIGHEST)
    return np.asarray((solution.coefficients <= 0).any(axis=1) | at_end.any(axis=1))


def _diagnostics(table: RunTable, fit: Local, compute: Compute) -> dict[str, object]:
    seed_sd, seed_dof = guards.seed_scatter(table)
    log_residual = np.log(table.loss) - np.log(np.maximum(table.loss - fit.residual, 1e-300))
    return {
        "rss": fit.rss,
        "n_rows": len(table),
        "log_rmse": float(np.sqrt(np.mean(log_residual**2))),
        "residual_sd": float(np.sqrt(fit.variance)),
        "seed_sd": seed_sd if seed_dof else None,
        "seed_dof": seed_dof,
        "condition": fit.condition(),
        "kappa": compute.to_json(),
    }


def _judge(
    verdict: guards.Verdict,
    diagnostics: dict[str, object],
    table: RunTable,
    fit: Local,
    best: Solution,
    draws: pd.DataFrame,
    se_a: float,
) -> None:
    """Whether the parameters are identified, off their bounds, and globally optimal."""
    if len(table) > table.n_runs:
        se_a = float(draws["a"].std())
        verdict.warn(
            "rows share runs: the intervals come from resampling whole runs, and profile-F would be too narrow"
        )
    condition = fit.condition()
    diagnostics["se_a"] = se_a
    if condition > guards.CONDITION_REFUSED:
        verdict.add(
            "refused", f"N and D are not told apart by these runs: the scaled condition number is {condition:.2g}"
        )
    elif condition > guards.CONDITION_WEAK:
        verdict.add("weak", f"N and D are barely told apart: the scaled condition number is {condition:.2g}")
    guards.judge_uncertainty(verdict, se_a)
    if table.n_runs < guards.FEW:
        verdict.add("weak", f"only {table.n_runs} runs for five parameters")
    if fit.p[0] <= 0:
        verdict.add("boundary", "the irreducible loss E is at its bound, zero")
    for name, value in zip(("α", "β"), best.exponents[0], strict=True):
        if value <= varpro.LOWEST or value >= varpro.HIGHEST:
            verdict.add("boundary", f"the exponent {name} is at its bound, {value:g}")
    if not best.converged[0]:
        verdict.add("weak", "Newton's method did not settle")
    share = float(draws["degenerate"].mean())
    diagnostics["degenerate_share"] = share
    if share > guards.DEGENERATE_SHARE and fit.p[0] > 0:
        verdict.add("weak", f"{share:.1%} of the resamples end on a bound or have too few distinct runs")


def _judge_rows(
    verdict: guards.Verdict, diagnostics: dict[str, object], problem: Problem, table: RunTable, fit: Local
) -> None:
    """Refit without the smallest budget, without the largest, and without flagged rows, all in one batch."""
    smallest, largest = guards.ends_of_compute(table)
    flagged = guards.outliers(fit.residual, fit.leverage(), 5)
    weights = 1.0 - np.stack([smallest, largest, flagged != 0])
    refit = varpro.solve(problem, weights)
    exponents = np.array([fit.p[3], fit.p[4], fit.p[4] / (fit.p[3] + fit.p[4])])
    moved = [np.array([*theta, theta[1] / theta.sum()]) - exponents for theta in refit.exponents]
    enough = weights.sum(axis=1) >= guards.FEWEST
    if enough[0]:
        diagnostics["without_smallest"] = dict(zip(("alpha", "beta", "a"), moved[0].tolist(), strict=True))
        if np.abs(moved[0]).max() > guards.DRIFT:
            worst = int(np.abs(moved[0]).argmax())
            text = f"{('α', 'β', 'a')[worst]} by {moved[0][worst]:+.2f}"
            verdict.add("weak", f"leaving out the smallest budget moves {text}: the form may not hold there")
    if enough[1]:
        error = problem.y - _predict(problem, refit, 1)
        diagnostics["predict_largest"] = {
            "rms": float(np.sqrt(np.mean(error[largest] ** 2))),
            "mean": float(error[largest].mean()),
        }
    if (flagged != 0).any() and enough[2]:
        diagnostics["outliers"] = table.run_id[flagged != 0].tolist()
        diagnostics["a_without_outliers"] = float(exponents[2] + moved[2][2])
        verdict.warn(
            f"{guards.describe_rows(table, flagged != 0)}: residual up to {np.abs(flagged).max():.0f} standard errors;"
            f" kept, and without it a = {exponents[2] + moved[2][2]:.3f} instead of {exponents[2]:.3f}"
        )


def _predict(problem: Problem, solution: Solution, index: int) -> Array:
    c, theta = solution.coefficients[index], solution.exponents[index]
    return np.asarray(c[0] + c[1:] @ np.exp(-theta[:, None] * problem.u))


def _intervals(
    verdict: guards.Verdict,
    table: RunTable,
    problem: Problem,
    fit: Local,
    quantities: Quantities,
    draws: pd.DataFrame,
) -> Intervals:
    """Both kinds; the bootstrap is reported from 20 runs on, and for rows that share runs."""
    profile = profile_intervals(problem, fit, quantities)
    boot = {name: percentile_interval(draws[name].to_numpy()) for name in quantities.names}
    few = table.n_runs < guards.FEW_FOR_BOOTSTRAP and len(table) == table.n_runs
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
