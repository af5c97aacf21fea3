"""Whether a law earns its parameters: the same numbers for it and for the laws that it must beat.

AICc on the same rows, the error of predicting the largest budget from the others, and for nested laws the F test of the
extra parameter (Bates & Watts 1988, section 3.10).
"""

from typing import Any

import numpy as np
from scipy.stats import f as fisher

from flopscape.fitting.any_law.levenberg_marquardt import LOOSE
from flopscape.fitting.any_law.linearised import EXACT, LawLocal
from flopscape.fitting.any_law.problem import problem_of
from flopscape.fitting.any_law.search import global_fit, resample, restarts
from flopscape.fitting.judge.any_law import too_little
from flopscape.fitting.judge.verdict import Verdict
from flopscape.laws.arrays import Array, Mask
from flopscape.laws.registry import law_named
from flopscape.runs.table import RunTable, ends_of_compute

EARNED = 0.05
"""p of the F test above which the extra parameter has not earned its place."""
RIVAL_STARTS = 24
"""Starts of a rival's fit, which only has to be compared."""
NO_SUPPORT = 10.0
"""Excess of AICc that leaves a law essentially no support (Burnham & Anderson 2002, section 2.6)."""


def compare(verdict: Verdict, table: RunTable, fit: LawLocal, supply: Array, seed: int) -> dict[str, Any]:
    """Diagnostics `comparison`, by law, and `f_test` against the nested one; findings where a rival does as well."""
    law = fit.problem.law
    found: dict[str, Any] = {"comparison": {law.name: numbers(table, fit, seed)}}
    for rival in map(law_named, law.rivals):
        if too_little(table, rival, supply):
            continue
        problem = problem_of(rival, table, supply)
        other = LawLocal(problem, global_fit(problem, seed, RIVAL_STARTS, LOOSE).theta)
        found["comparison"][rival.name] = numbers(table, other, seed)
        if rival.name == law.nested:
            found["f_test"] = f_test(other, fit) | {"against": rival.name}
            _judge_nested(verdict, found["f_test"])
        else:
            _judge_rival(verdict, fit, other)
    return found


def _judge_nested(verdict: Verdict, test: dict[str, Any]) -> None:
    if not test["p"] < EARNED:
        verdict.warn(
            f"the extra parameter does not earn its place: F = {test['f']:.2g}, p = {test['p']:.2g}"
            f" against {test['against']}"
        )


def _judge_rival(verdict: Verdict, fit: LawLocal, other: LawLocal) -> None:
    mine, theirs = fit.aicc, other.aicc
    if mine is None or theirs is None or not theirs < mine:
        return
    sentence = f"the law {other.problem.law.name} describes these runs better: AICc lower by {mine - theirs:.3g}"
    if mine - theirs > NO_SUPPORT:
        verdict.add("weak", sentence)
    else:
        verdict.warn(sentence)


def numbers(table: RunTable, fit: LawLocal, seed: int) -> dict[str, Any]:
    """Parameters, Σ r² and AICc of the log loss, and the errors of predicting the largest budget, in nats."""
    largest = ends_of_compute(table)[1]
    return {
        "parameters": len(fit.theta),
        "rss": fit.rss,
        "aicc": fit.aicc,
        "predict_largest": prediction_error(table, fit, largest, seed),
    }


def prediction_error(table: RunTable, fit: LawLocal, rows: Mask, seed: int) -> dict[str, float] | None:
    """Root mean square and mean of measured minus predicted loss at rows left out of a refit; None for too few left."""
    theta = refit_without(fit, rows, seed)
    if theta is None:
        return None
    error = (table.loss - table.loss * np.exp(fit.problem.evaluate(theta[None])[0][0]))[rows]
    return {"rms": float(np.sqrt(np.mean(error**2))), "mean": float(error.mean())}


def refit_without(fit: LawLocal, rows: Mask, seed: int) -> Array | None:
    """θ of the fit to the other rows, None where they are too few."""
    if (~rows).sum() <= len(fit.theta):
        return None
    error = np.sqrt(np.diag(fit.covariance))
    found = resample(fit.problem, (~rows).astype(float)[None], restarts(fit.theta, error, seed))
    return np.asarray(found.theta[0])


def f_test(simple: LawLocal, full: LawLocal) -> dict[str, float]:
    """F of one extra parameter and its p; on a bound of the simple law (a floor of zero) p is too large."""
    more = len(full.theta) - len(simple.theta)
    variance = max(full.rss / max(full.dof, 1), EXACT)
    f = max(simple.rss - full.rss, 0.0) / more / variance
    return {"f": float(f), "p": float(fisher.sf(f, more, max(full.dof, 1)))}
