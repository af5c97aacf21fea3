"""Method `approach2`: a parabola of the loss in ln N per budget, and power laws through the vertices.

Hoffmann et al. 2022, section 3.2. Budgets without an interior lowest point are left out by name. a is the slope of
ln N* in ln C and b that of ln D*, D = C/(κ(N)·N) at each vertex; the vertices' covariance is carried through. L*(C) is
E + K·C^−γ through the vertices' losses. With fewer than three usable budgets there is no fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flopscape.fitting import guards, varpro
from flopscape.fitting.parabola import Parabola, describe, fit_parabolas, noise
from flopscape.fitting.powerlaw import Line, fit_line, projector
from flopscape.fitting.quantities import column
from flopscape.fitting.resample import percentile_interval
from flopscape.fitting.results import DRAW_COLUMNS, finite_or_none, prediction, refused
from flopscape.fitting.table import RunTable
from flopscape.fitting.varpro import Problem
from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute
from flopscape.records import Estimate, Exclusion, FitResult

OBJECTIVE = "least squares of a parabola in ln N per budget"
INTERVAL = "vertices' covariance through the power law, Student's t; loss by simulated vertices"
FEWEST_BUDGETS, FEW_BUDGETS = 3, 5
LOSS_LAW = ("loss_E", "loss_K", "loss_gamma")
FLAT = 0.5
"""A vertex less certain than this part of its budget's span in ln N lies on a flat curve."""


@dataclass(frozen=True)
class Vertices:
    """The usable budgets: ln C, vertices (m, 2) in (ln N, loss), their covariances (m, 2, 2), and the noise's dof."""

    log_flops: Array
    points: Array
    covariance: Array
    dof: int
    compute: Compute

    @property
    def slope_of_tokens(self) -> Array:
        """d ln D/d ln N at each vertex for given C: −(1 + d ln κ/d ln N)."""
        return -(1 + self.compute.curve(self.points[:, 0])[1])

    @property
    def log_tokens(self) -> Array:
        return self.compute.tokens(self.points[:, 0], np.exp(self.log_flops))


def estimate(
    table: RunTable, *, flops: Sequence[float] = (), bootstrap: int = 4000, seed: int = 0
) -> tuple[FitResult, pd.DataFrame]:
    """Fit parabolas and power laws.

    Parameters
    ----------
    table : RunTable
        Rows outside every budget are not used.
    flops : sequence of float
        Compute budgets C, in FLOPs, to predict the optimum for.
    bootstrap : int
        Number of simulated sets of vertices.
    seed : int
        Seed of the simulation.

    Returns
    -------
    FitResult, and one row for each simulated set of vertices.
    """
    verdict = guards.Verdict()
    result = FitResult("ok", "", "approach2", "power law", OBJECTIVE)
    table = table.keep(np.isfinite(table.budget), "belongs to no budget")
    parabolas = fit_parabolas(table)
    used = [p for p in parabolas if not p.reason]
    _list_excluded(result, verdict, table, parabolas)
    if len(used) < FEWEST_BUDGETS:
        _list_optima(result, table, parabolas, [])
        result.warnings = verdict.all_warnings
        return refused(result, _too_few(len(used), len(parabolas)), flops)
    rows = np.concatenate([p.rows for p in used])
    compute = Compute.from_runs(table.n_params[rows], table.n_tokens[rows], table.flops[rows])
    variance, dof = noise(table, used)
    vertices = _vertices(used, variance, dof, compute)
    lines = _lines(vertices)
    draws = _simulate(vertices, lines[0], flops, bootstrap, seed)
    result.diagnostics = _diagnostics(table, used, vertices, lines[0], variance)
    _list_optima(result, table, parabolas, [float(v) for v in variance], compute)
    _judge(verdict, result, table, used, vertices, lines[0])
    _flag_rows(verdict, result, table, parabolas)
    return _fill(result, verdict, table, vertices, lines, draws, [float(c) for c in flops]), draws


def _too_few(used: int, budgets: int) -> str:
    """Why there is no power law: no budgets at all, or too few that can be used."""
    found = f"{used} of {budgets} budgets have an interior lowest point" if budgets else "no runs share a budget"
    return f"{found}; at least {FEWEST_BUDGETS} are needed"


def _list_excluded(result: FitResult, verdict: guards.Verdict, table: RunTable, parabolas: list[Parabola]) -> None:
    """Name the budgets that are left out, and the rows outside every budget."""
    result.excluded = [exclusion for exclusion in table.excluded if exclusion.reason == "belongs to no budget"]
    for p in parabolas:
        if p.reason:
            sentence = f"budget {p.budget:.4g}: {p.reason}"
            result.excluded.append(Exclusion([str(name) for name in table.run_id[p.rows]], sentence))
            verdict.warn(f"left out {sentence}")


def _list_optima(
    result: FitResult, table: RunTable, parabolas: list[Parabola], variance: list[float], compute: Compute | None = None
) -> None:
    """Every budget's vertex, used or not; D from the compute of the used rows, 6·N·D where there are none."""
    remaining = iter(variance)
    for p in parabolas:
        own = next(remaining, np.nan) if not p.reason else (variance[0] if variance else np.nan)
        known = p.coefficients[2] > 0
        log_n = np.array(p.vertex[0]) if known else np.array(np.nan)
        tokens = (compute or Compute.from_runs(table.n_params, table.n_tokens, table.flops)).tokens(log_n, p.flops)
        result.optima.append(describe(p, float(np.exp(tokens)), own))


def _vertices(used: list[Parabola], variance: Array, dof: int, compute: Compute) -> Vertices:
    covariance = np.stack([v * p.vertex_covariance for v, p in zip(variance, used, strict=True)])
    log_flops = np.log([p.flops for p in used])
    return Vertices(log_flops, np.array([p.vertex for p in used]), covariance, dof, compute)


def _lines(vertices: Vertices) -> tuple[Line, Line]:
    """Power laws of N* and of D*."""
    variance = vertices.covariance[:, 0, 0]
    n_line = fit_line(vertices.log_flops, vertices.points[:, 0], variance, vertices.dof)
    d_variance = variance * vertices.slope_of_tokens**2
    return n_line, fit_line(vertices.log_flops, vertices.log_tokens, d_variance, vertices.dof)


@np.errstate(all="ignore")
def _simulate(vertices: Vertices, line: Line, flops: Sequence[float], replicates: int, seed: int) -> pd.DataFrame:
    """Draw the vertices from a multivariate t with the line's degrees of freedom, and refit both laws to each set."""
    generator = np.random.default_rng(seed)
    m = len(vertices.log_flops)
    extra = np.zeros((m, 2, 2))
    extra[:, 0, 0], extra[:, 1, 1] = line.scatter, _loss_scatter(vertices)
    spread = np.linalg.cholesky(vertices.covariance * (vertices.dof > 0) + extra + 1e-30 * np.eye(2))
    normal = generator.standard_normal((replicates, m, 2))
    scale = np.sqrt(line.dof / generator.chisquare(line.dof, replicates))
    moved = np.einsum("mij,rmj->rmi", spread, normal) * scale[:, None, None]
    points = vertices.points + moved
    P = projector(vertices.log_flops)
    intercept, a = P @ points[:, :, 0].T
    b = P[1] @ (vertices.log_tokens + vertices.slope_of_tokens * moved[:, :, 0]).T
    columns: dict[str, Any] = {name: np.full(replicates, np.nan) for name in DRAW_COLUMNS}
    columns |= {"replicate": np.arange(replicates), "a": a, "b": b, "degenerate": np.zeros(replicates, bool)}
    law = _loss_law(vertices, points[:, :, 1])
    columns |= {"log_n_params": intercept} | law
    for c in flops:
        log_n = intercept + a * (np.log(c) - line.center)
        values = (np.exp(log_n), np.exp(vertices.compute.tokens(log_n, c)), _loss_at(law, vertices, c))
        columns |= {column(name, c): v for name, v in zip(("n_params", "n_tokens", "loss"), values, strict=True)}
    return pd.DataFrame(columns)


def _loss_law(vertices: Vertices, losses: Array) -> dict[str, Array]:
    """E + K·exp(−γ·(ln C − centre)), with E and K ≥ 0, through each row of losses (R, m): the kernel with one term."""
    problem = Problem((vertices.log_flops - vertices.log_flops.mean())[None], losses)
    law = varpro.solve(problem, np.ones_like(losses))
    return dict(zip(LOSS_LAW, (*law.coefficients.T, law.exponents[:, 0]), strict=True))


def _loss_at(law: dict[str, Array], vertices: Vertices, flops: float | Array) -> Array:
    """L*(C) of the loss law."""
    E, K, gamma = (law[name] for name in LOSS_LAW)
    return np.asarray(E + K * np.exp(-gamma * (np.log(flops) - vertices.log_flops.mean())))


def _loss_scatter(vertices: Vertices) -> float:
    """Variance of the vertices' losses about their law beyond their own, by moments; zero for three budgets."""
    losses, m = vertices.points[:, 1], len(vertices.points)
    if m <= 3:
        return 0.0
    residual = losses - _loss_at(_loss_law(vertices, losses[None]), vertices, np.exp(vertices.log_flops))
    own = vertices.covariance[:, 1, 1].mean() if vertices.dof else 0.0
    return max(0.0, float(residual @ residual) / (m - 3) - own)


def _diagnostics(
    table: RunTable, used: list[Parabola], vertices: Vertices, line: Line, variance: Array
) -> dict[str, object]:
    seed_sd, seed_dof = guards.seed_scatter(table)
    return {
        "rss": sum(p.rss for p in used),
        "n_rows": sum(len(p.rows) for p in used),
        "n_budgets": len(used),
        "residual_sd": float(np.sqrt(variance.mean())) if vertices.dof else None,
        "residual_dof": vertices.dof,
        "seed_sd": seed_sd if seed_dof else None,
        "seed_dof": seed_dof,
        "scatter_log_n_params": float(np.sqrt(line.scatter)),
        "interval_dof": line.dof,
        "se_a": line.slope_error,
        "kappa": vertices.compute.to_json(),
        "power_law": {"center_log_flops": line.center, "log_n_params": line.intercept, "a": line.slope}
        | {name: float(value[0]) for name, value in _loss_law(vertices, vertices.points[None, :, 1]).items()},
    }


def _judge(
    verdict: guards.Verdict,
    result: FitResult,
    table: RunTable,
    used: list[Parabola],
    vertices: Vertices,
    line: Line,
) -> None:
    """Whether the power law is determined, and what happens without the outer budgets."""
    guards.judge_uncertainty(verdict, line.slope_error)
    if len(used) < FEW_BUDGETS:
        verdict.add("weak", f"only {len(used)} usable budgets; {FEW_BUDGETS} are needed for a trustworthy slope")
    flat = 0
    for p, covariance in zip(used, vertices.covariance, strict=True):
        if np.sqrt(covariance[0, 0]) > FLAT * np.ptp(np.log(table.n_params[p.rows])):
            flat += 1
            verdict.warn(f"budget {p.budget:.4g}: the curve is too flat to place its lowest point")
    if len(used) - flat < FEWEST_BUDGETS:
        verdict.add("refused", f"{flat} of {len(used)} curves are too flat to place their lowest points")
    if len(used) > FEWEST_BUDGETS:
        _leave_out(verdict, result, vertices, line)


def _leave_out(verdict: guards.Verdict, result: FitResult, vertices: Vertices, line: Line) -> None:
    """Drift of a without the smallest budget, and the error of predicting the largest budget's ln N*."""
    x, y = vertices.log_flops, vertices.points[:, 0]
    drift = float(projector(x[1:])[1] @ y[1:]) - line.slope
    result.diagnostics["without_smallest"] = {"a": drift}
    if abs(drift) > guards.DRIFT:
        verdict.add("weak", f"leaving out the smallest budget moves a by {drift:+.2f}: no single power law")
    intercept, slope = projector(x[:-1]) @ y[:-1]
    predicted = float(intercept + slope * (x[-1] - x[:-1].mean()))
    result.diagnostics["predict_largest"] = {"log_n_params": float(y[-1]) - predicted}


def _flag_rows(verdict: guards.Verdict, result: FitResult, table: RunTable, parabolas: list[Parabola]) -> None:
    """Warn of rows far off their budget's parabola, budgets that are left out included: the row may be why."""
    curves = [p for p in parabolas if np.isfinite(p.coefficients).all()]
    if not curves:
        return
    residual = []
    for p in curves:
        x = np.log(table.n_params[p.rows]) - p.center
        residual.append(table.loss[p.rows] - np.polynomial.polynomial.polyval(x, p.coefficients))
    leverage = np.concatenate([p.leverage for p in curves])
    flagged = guards.outliers(np.concatenate(residual), leverage, 3 * len(curves))
    rows = np.concatenate([p.rows for p in curves])[flagged != 0]
    if len(rows):
        result.diagnostics["outliers"] = table.run_id[rows].tolist()
        far = f"{np.abs(flagged).max():.0f} standard errors"
        verdict.warn(f"{guards.describe_rows(table, rows)}: off its budget's parabola by {far}; kept")


@np.errstate(all="ignore")
def _fill(
    result: FitResult,
    verdict: guards.Verdict,
    table: RunTable,
    vertices: Vertices,
    lines: tuple[Line, Line],
    draws: pd.DataFrame,
    flops: Sequence[float],
) -> FitResult:
    """Put estimates, intervals and the verdict into the result."""
    line = lines[0]
    result.interval = INTERVAL
    law = _loss_law(vertices, vertices.points[None, :, 1])
    for c in flops:
        log_n, error = line.at(np.log(c)), line.t * line.error_at(np.log(c))
        n_params = Estimate(*np.exp([log_n, log_n - error, log_n + error]).tolist())
        ends = percentile_interval(draws[column("loss", c)].to_numpy())
        best = Estimate(float(_loss_at(law, vertices, c)[0]), *(finite_or_none(end) for end in ends))
        result.predictions.append(prediction(c, n_params, best, vertices.compute))
        guards.judge_extrapolation(verdict, table, c, n_params.estimate)
    result.exponents = {
        name: Estimate(x.slope, x.slope - x.t * x.slope_error, x.slope + x.t * x.slope_error)
        for name, x in zip(("a", "b"), lines, strict=True)
    }
    result.status, result.warnings = verdict.status, verdict.all_warnings
    result.reason = verdict.reason(f"{len(vertices.points)} interior lowest points on a power law")
    if result.status == "refused":
        return refused(result, result.reason, flops)[0]
    return result
