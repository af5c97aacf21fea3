"""Method `approach1`: power laws through the lower envelope of training curves (Hoffmann et al. 2022, section 3.1).

The vertices come from one of the rules in `envelope`; a is the slope of ln N in ln C through them, b that of ln D.
L*(C) is E + K·C^−γ through the envelope's losses. Points of a run that has yet to decay its learning rate are higher
than the loss of a run that ends there; rule `horizon` and curves of constant rate have no such points.

Intervals are percentiles over resamples of whole runs. An envelope is an extreme value, for which the bootstrap is not
consistent in general (Bickel & Freedman 1981): how often these intervals cover is known from simulation only. They are
too wide there, for a third of the runs is missing from a resample, and with them rungs of the ladder of sizes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError, listed
from flopscape.fitting.common.loss_law import LOSS_LAW, loss_along, power_law_draws
from flopscape.fitting.common.row_weights import percentile_interval
from flopscape.fitting.envelope.curves import DECAYING, UNKNOWN, Curves, read_curves, table_curves
from flopscape.fitting.envelope.grid import CurveGrid, curve_grid, horizon_grid, why_too_long
from flopscape.fitting.envelope.laws import FEWEST_MODELS, EnvelopeLaws, count_models
from flopscape.fitting.envelope.vertices import RULES, middles
from flopscape.fitting.judge.verdict import (
    DEGENERATE_SHARE,
    Verdict,
    column,
    finite_or_none,
    judge_extrapolation,
    judge_uncertainty,
    prediction,
    refuse,
    why_too_many_budgets,
    why_too_many_rows,
)
from flopscape.laws.law import Compute
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.runs.table import RunTable

POINTS = {
    "hull": "one vertex a run on the lower convex hull of ln L over ln C",
    "binned": "the run of lowest loss at each of 1,500 log-spaced FLOPs",
    "horizon": "the lowest final loss of each budget",
    "vertices": "every vertex of the lower convex hull of ln L over ln C",
}
FINAL = "the final losses of whole runs"
INTERVAL = "percentiles over resamples of whole runs"
FEW_MODELS = 5
"""Distinct N on the envelope: four leave two degrees of freedom."""


def estimate(
    table: RunTable,
    *,
    flops: Sequence[float] = (),
    bootstrap: int = 4000,
    seed: int = 0,
    curves: str | Path | None = None,
    rule: Literal["hull", "binned", "horizon", "vertices"] = "hull",
) -> tuple[FitResult, pd.DataFrame]:
    """Fit power laws through the envelope.

    Parameters
    ----------
    table : RunTable
        Gives N and the FLOPs per token of each run, and the curves where its rows are checkpoints that share a run_id.
    flops : sequence of float
        Compute budgets C, in FLOPs, to predict the optimum for.
    bootstrap : int
        Resamples of whole runs.
    seed : int
        Seed of the resamples.
    curves : path, optional
        Training curves, such as a study's `curves.parquet`. The rule `horizon` reads none.
    rule : {"hull", "binned", "horizon", "vertices"}
        What is on the envelope: the convex hull of all curves, the lowest curve in each bin of compute, the ends of the
        runs alone, or every vertex of the convex hull, those of the first and last model too (McLeish et al. 2025).

    Returns
    -------
    FitResult, and one row for each resample.

    Raises
    ------
    FlopscapeError
        An unknown rule, or curves that are not what `envelope.curves.read_curves` asks for.
    """
    if rule not in RULES:
        raise FlopscapeError(f"approach1: unknown rule {rule!r}; choose {', '.join(RULES)}")
    verdict = Verdict()
    result = FitResult("ok", "", "approach1", "power law", f"least squares of ln N in ln C through {POINTS[rule]}")
    grid, why = _grid(table, curves, rule, result, verdict)
    fit = _fit(table, EnvelopeLaws(grid, rule), result, flops, bootstrap, seed) if grid else why
    if isinstance(fit, str):
        result.warnings = verdict.all_warnings
        return refuse(result, fit, flops)
    _judge(verdict, fit)
    _tell(result, verdict, fit, flops)
    return (result, fit.draws) if result.status != "refused" else refuse(result, result.reason, flops)


class EnvelopeFit(NamedTuple):
    """All that approach1 has fitted to a table: the laws of all runs, and of resamples of them."""

    table: RunTable
    laws: EnvelopeLaws
    models: int
    """Distinct N on the envelope."""
    central: dict[str, float]
    """The laws of all runs together, by name; see `EnvelopeLaws.of`."""
    draws: pd.DataFrame
    """One row for each resample; see `power_law_draws`."""
    compute: Compute


def _fit(
    table: RunTable, laws: EnvelopeLaws, result: FitResult, flops: Sequence[float], bootstrap: int, seed: int
) -> EnvelopeFit | str:
    """The laws of all runs and of the resamples, with the points of the envelope in the result; or why there are none.

    κ(N) comes from the FLOPs per token of each run, C/D = κ(N)·N: one token stands for D.
    """
    grid = laws.grid
    result.optima = _optima(laws)
    models = int(count_models(grid, laws.best)[0])
    if models < FEWEST_MODELS:
        return _why_too_few(models, laws.rule)
    compute = Compute.from_runs(grid.n, np.ones(len(grid.n)), np.exp(grid.log_cost))
    central = laws.central()
    draws = power_law_draws(laws.resampled(bootstrap, seed), laws.center, compute, flops)
    return EnvelopeFit(table, laws, models, central, draws, compute)


def _grid(
    table: RunTable, path: str | Path | None, rule: str, result: FitResult, verdict: Verdict
) -> tuple[CurveGrid | None, str]:
    """The losses to take the envelope of, or why there are none."""
    if rule == "horizon":
        inside = table.keep(np.isfinite(table.budget), "belongs to no budget")
        result.excluded = inside.excluded[len(table.excluded) :]
        result.objective += f"; points: {FINAL}"
        why = why_too_many_rows(inside) or why_too_many_budgets(inside)
        why = why if len(inside) else "rule horizon needs runs that share a budget"
        return (None, why) if why else (horizon_grid(inside), "")
    if path is None and table.n_runs == len(table):
        return None, f"rule {rule} needs training curves and the table has one row a run; give curves or rule horizon"
    curves = table_curves(table) if path is None else read_curves(table, path)
    result.excluded = curves.excluded
    result.objective += f"; points: {curves.source} along runs at {curves.schedule}"
    result.diagnostics |= {"points": curves.source, "schedule": curves.schedule, "curves_hash": curves.content_hash}
    if not len(curves):
        return None, f"rule {rule} needs training curves, and no run has one of two points; give curves or rule horizon"
    _judge_points(verdict, curves)
    return (None, why) if (why := why_too_long(curves)) else (curve_grid(curves), "")


def _judge_points(verdict: Verdict, curves: Curves) -> None:
    """Say which points are biased, and which runs have none."""
    advice = "use rule horizon, or curves of constant rate"
    if curves.schedule == DECAYING:
        verdict.warn(f"points before the end of a decay are biased high, and so is the envelope: {advice}")
    if curves.schedule == UNKNOWN:
        verdict.warn(f"the learning rate along the curves is not known; if it decays, points are biased high: {advice}")
    for exclusion in curves.excluded:
        verdict.warn(f"left out for {exclusion.reason}: {listed(exclusion.rows, 5)}")


def _optima(laws: EnvelopeLaws) -> list[dict[str, object]]:
    """One entry a run on the envelope, the middle of its stretch, or with rule vertices one a vertex; by compute."""
    points = laws.best if laws.rule == "vertices" else middles(laws.grid, laws.best)
    kept = np.flatnonzero(points.kept[0])
    kept = kept[np.argsort(points.log_flops[0, kept], kind="stable")]
    return [_optimum(laws, int(points.run[0, at]), float(points.log_flops[0, at])) for at in kept]


def _optimum(laws: EnvelopeLaws, run: int, x: float) -> dict[str, object]:
    """A run's point of the envelope at ln C = x."""
    grid, reached = laws.grid, np.isfinite(laws.grid.log_loss[run])
    curve = grid.log_flops[reached], grid.log_loss[run, reached]
    # The vertices are of the curves as they were read, and the grid has them smoothed.
    log_loss = np.interp(x, *(grid.corners[run] if laws.rule == "vertices" else curve))
    numbers = {"n_params": grid.n[run], "n_tokens": np.exp(x - grid.log_cost[run]), "loss": np.exp(log_loss)}
    entry: dict[str, object] = {"budget": float(np.exp(x)), "flops": float(np.exp(x))}
    entry |= {name: float(value) for name, value in numbers.items()}
    return entry | {"run_id": str(grid.run_id[run]), "used": True, "reason": ""}


def _why_too_few(models: int, rule: str) -> str:
    kinds = "no model is" if not models else f"only {models} model{'s are' if models > 1 else ' is'}"
    where = "" if rule == "vertices" else " between smaller and larger ones, without its first and last segment"
    return f"{kinds} on the envelope{where}; at least {FEWEST_MODELS} are needed"


def _diagnostics(fit: EnvelopeFit) -> dict[str, object]:
    """The envelope and its power law in numbers."""
    names = ("log_n_params", "a", *LOSS_LAW)
    law = {"center_log_flops": fit.laws.center} | {name: finite_or_none(fit.central[name]) for name in names}
    return {
        "n_runs_on_curves": len(fit.laws.grid.n),
        "se_a": finite_or_none(fit.draws["a"].std()),
        "degenerate_share": float(fit.draws["degenerate"].mean()),
        "kappa": fit.compute.to_json(),
        "power_law": law,
        "rule": fit.laws.rule,
        "n_models": fit.models,
    }


def _judge(verdict: Verdict, fit: EnvelopeFit) -> None:
    """Whether the envelope has enough models, with all runs and in the resamples."""
    if not np.isfinite(fit.central["loss_E"]):
        verdict.add("refused", "the envelope has a lowest loss between two models at fewer than three budgets")
    judge_uncertainty(verdict, float(fit.draws["a"].std()))
    if fit.models < FEW_MODELS:
        few = f"only {fit.models} models on the envelope; {FEW_MODELS} are needed for a trustworthy slope"
        verdict.add("weak", few)
    share = fit.draws["degenerate"].mean()
    if share > DEGENERATE_SHARE:
        verdict.add("weak", f"{share:.0%} of the resamples have fewer than {FEWEST_MODELS} models on the envelope")


def _tell(result: FitResult, verdict: Verdict, fit: EnvelopeFit, flops: Sequence[float]) -> None:
    """Put diagnostics, estimates, intervals and the verdict into the result."""
    central, draws = fit.central, fit.draws
    result.diagnostics |= _diagnostics(fit)
    result.interval = INTERVAL
    result.exponents = {name: _with_interval(central[name], draws[name]) for name in ("a", "b")}
    for c in map(float, flops):
        x = np.log(c) - fit.laws.center
        log_n, loss = central["log_n_params"] + central["a"] * x, float(loss_along(central, x))
        n_params = _with_interval(float(np.exp(log_n)), draws[column("n_params", c)])
        best = _with_interval(loss, draws[column("loss", c)])
        result.predictions.append(prediction(c, n_params, best, fit.compute))
        judge_extrapolation(verdict, fit.table, c, n_params.estimate)
    result.status, result.warnings = verdict.status, verdict.all_warnings
    result.reason = verdict.reason(f"{fit.models} models on the envelope, on a power law")


def _with_interval(value: float, draws: pd.Series) -> Estimate:
    """The value of all runs, between percentiles of the resamples'."""
    return Estimate(value, *(finite_or_none(end) for end in percentile_interval(draws.to_numpy())))
