"""Method `answer`: N*, D* and the loss with intervals that also hold for what the runs and their law do not tell.

A law with an exact form gives intervals for the case that it is true, and on published tables with their largest
budgets hidden such 95 % intervals hold the optimum in some 60 % of the cases. Here the form is believed in part:

- a coupled law whose optimum is a path of the compute (drifting_law/law.py), with priors from published sweeps;
- a drift of that path, whose slope far from the runs is that of the law again (drifting_law/drift.py);
- a discrepancy, none at the optimum and larger away from it (drifting_law/discrepancy.py);
- noise, told from seeds where there are some, and shared by the checkpoints of a run (drifting_law/cells.py).

How large drift, discrepancy and noise are is inferred with everything else. The draws are from the posterior by
importance sampling, or by steps from the prior where runs leave much open (drifting_law/draws.py), and long Markov
chains agree (benchmarks/answer_mcmc.py); all numbers are their medians and 95 % intervals. Any table of one run or more
has an answer, from the priors where it must be: the status is then `weak`, and a sentence says so. An end of an
interval that the runs do not bound is left open.

    flopscape fit runs.csv --method answer --flops 1e24 --out answer.json
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from flopscape.fitting.drifting_law import predictions
from flopscape.fitting.drifting_law.curve import Lowest, curves_json
from flopscape.fitting.drifting_law.fit import Posterior, columns, posterior
from flopscape.fitting.drifting_law.shares import Shares
from flopscape.fitting.judge.verdict import ASKED, DRAW_COLUMNS, Verdict, column, judge_extrapolation, refuse
from flopscape.fitting.methods import DRAWS_OF_ANSWER
from flopscape.laws.law import Array, Compute
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.runs.table import RunTable

FEWEST_DRAWS = 256
LAW = "drifting"
OBJECTIVE = "posterior of a coupled law with drift, discrepancy and normal noise"
NEAR = 0.5
"""Distance in ln C of the two points whose slope is a."""


def estimate(
    table: RunTable,
    *,
    flops: Sequence[float] = (),
    bootstrap: int = 4000,
    seed: int = 0,
) -> tuple[FitResult, pd.DataFrame]:
    """Infer the law and all that it misses.

    Parameters
    ----------
    table : RunTable
        Of any design. A row whose loss is ten times the middle one, or a tenth of it, or that all others contradict
        (drifting_law/wild.py), is left out by name.
    flops : sequence of float
        Compute budgets C, in FLOPs, to predict the optimum for.
    bootstrap : int
        Draws; not fewer than 256 nor more than 2,048, which give the ends of a 95 % interval.
    seed : int
        Seed of the draws.

    Returns
    -------
    FitResult, and the draws: the numbers of the law, its drift and its discrepancy, and the optima.
    """
    result, verdict = FitResult("ok", "", "answer", LAW, OBJECTIVE), Verdict()
    if not len(table):
        return refuse(result, "no completed runs", flops)
    compute = Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    found = posterior(table, compute, int(np.clip(bootstrap, FEWEST_DRAWS, DRAWS_OF_ANSWER)), seed)
    result.excluded = found.table.excluded[len(table.excluded) :]
    optima = {float(c): found.curves.lowest(float(c)) for c in flops}
    slope = _slope(found)
    result.diagnostics = _diagnostics(found, optima)
    _judge(result, verdict, found, optima)
    result.exponents = {name: predictions.estimate(values) for name, values in slope.items()}
    result.parameters = _parameters(found)
    result.interval = f"95 % of {len(found.draws.t):,} draws from the posterior"
    return result, _draws(found, slope, optima)


def _judge(result: FitResult, verdict: Verdict, found: Posterior, optima: dict[float, Lowest]) -> None:
    """Predictions, status, reason and warnings."""
    result.diagnostics["left_of_prior"] = predictions.judge_prior(
        verdict, found.draws.t, found.table.n_runs, float(np.ptp(found.cells.u))
    )
    predictions.judge_draws(verdict, found.draws.effective)
    for sentence in predictions.doubts_of_draws(found.draws.effective, found.doubts):
        verdict.warn(sentence)
    for c, best in optima.items():
        prediction = predictions.predicted(found.curves, c, best)
        result.predictions.append(prediction)
        predictions.judge_prediction(verdict, prediction)
        if prediction.n_params:
            judge_extrapolation(verdict, found.table, c, prediction.n_params.estimate)
    result.status, result.warnings = verdict.status, verdict.all_warnings
    result.reason = verdict.reason("the runs say more than what was known before of where N* lies and how it grows")


def _slope(found: Posterior) -> dict[str, Array]:
    """a and b of each draw: slopes of ln N* and ln D* in ln C, without the discrepancy, at the middle of the runs."""
    compute = found.curves.compute
    log_kappa = float(compute.log_kappa.mean())
    log_c = found.cells.center.log_product + log_kappa + NEAR * np.array([-1.0, 1.0])
    law = found.curves.without_discrepancy()
    # The path is the optimum at equal N·D: where κ falls with N, that at equal C lies at larger sizes, and is sought.
    log_n = law.path(log_c) if compute.is_constant else np.stack([law.lowest(float(c)).log_n for c in np.exp(log_c)], 1)
    log_d = log_c - compute.curve(log_n)[0] - log_n
    return {name: np.diff(values, axis=1)[:, 0] / (2 * NEAR) for name, values in (("a", log_n), ("b", log_d))}


def _parameters(found: Posterior) -> dict[str, Estimate]:
    """The law at no drift and no discrepancy as L = E + (A·N^−α + B·D^−β)^γ, N and D as they are, and its middle.

    Notes
    -----
    With x = ln N − n₀ and u = ln N + ln D − p the mean of law.py is M(1 − ρ) + (P + Q)^γ, where

        ln P = ln(ρM)/γ − a(1−a)s·u + ln a − (1−a)s·(x − x₀ − a·u) = ln(ρM)/γ + ln a − α·(x − x₀),
        ln Q = ln(ρM)/γ − a(1−a)s·u + ln(1−a) + a·s·(x − x₀ − a·u) = ln(ρM)/γ + ln(1−a) + β·(x − u − x₀),

    α = (1−a)s and β = a·s: all of u cancels in P, and x − u = p − n₀ − ln D has no N. So P = A·N^−α and Q = B·D^−β.
    """
    level, logit, offset, slope, log_stiffness, log_gamma = found.draws.t[:, :6].T
    center, s, gamma = found.cells.center, np.exp(log_stiffness), np.exp(log_gamma)
    reducible = 1 / (1 + np.exp(-logit))
    alpha, beta = (1 - slope) * s, slope * s
    log_scale = np.log(center.loss * level * reducible) / gamma
    values = {
        "E": center.loss * level * (1 - reducible),
        "A": _exp(log_scale + np.log(slope) + alpha * (offset + center.log_n)),
        "B": _exp(log_scale + np.log1p(-slope) + beta * (center.log_product - center.log_n - offset)),
        "alpha": alpha,
        "beta": beta,
        "gamma": gamma,
        "n_params_at_middle": _exp(offset + center.log_n),
        "loss_at_middle": center.loss * level,
    }
    return {name: predictions.estimate(draws) for name, draws in values.items()}


def _exp(logs: Array) -> Array:
    """Numbers that a float holds, whatever their logarithms."""
    return np.asarray(np.exp(np.clip(logs, None, 700.0)))


def _diagnostics(found: Posterior, optima: dict[float, Lowest]) -> dict[str, Any]:
    """What evaluates the fit anywhere, the scales, the parts of each variance, and how good the draws are."""
    shares = Shares(found.typical, found.at)
    scale, cells = found.cells.center.loss, found.cells
    noise, level, drifting, shape = np.exp(found.draws.h[:, :4].T)
    scales = {"noise": scale * noise, "level": scale * level, "drift": drifting, "shape": scale * shape}
    residual = cells.loss - found.typical.loss(cells.x + cells.center.log_n, _log_d(found))[0] / scale
    one = {name: float(values[0]) for name, values in columns(found.typical).items()}
    return {
        "kappa": found.curves.compute.to_json(),
        "drifting_law": curves_json(found.cells.center, found.curves.discrepancy) | {"numbers": one},
        "scales": {name: vars(predictions.estimate(values)) for name, values in scales.items()},
        "shares": [{"flops": c} | shares.at(c) for c in optima],
        "effective": found.draws.effective,
        "residual_sd": float(scale * np.sqrt(np.mean(residual**2))),
        "log_rmse": float(np.sqrt(np.mean(np.log1p(np.maximum(residual / cells.loss, -0.99)) ** 2))),
        "seed_sd": float(scale * np.sqrt(cells.squares / cells.dof)) if cells.dof else None,
    }


def _log_d(found: Posterior) -> Array:
    cells = found.cells
    return np.asarray(cells.u - cells.x + cells.center.log_product - cells.center.log_n)


def _draws(found: Posterior, slope: dict[str, Array], optima: dict[float, Lowest]) -> pd.DataFrame:
    """One row a draw; `noise` is the standard deviation of a run's loss, in the loss's unit."""
    count = len(found.draws.t)
    frame: dict[str, Any] = {name: np.full(count, np.nan) for name in DRAW_COLUMNS}
    frame |= {"replicate": np.arange(count), "degenerate": np.zeros(count, bool)} | slope | columns(found.curves)
    frame |= {"noise": found.cells.center.loss * np.exp(found.draws.h[:, 0])}
    for c, best in optima.items():
        values = (np.exp(best.log_n), np.exp(found.curves.compute.tokens(best.log_n, c)), best.loss)
        frame |= {column(name, c): v for name, v in zip(ASKED, values, strict=True)}
    return pd.DataFrame(frame)
