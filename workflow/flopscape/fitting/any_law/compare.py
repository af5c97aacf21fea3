"""Whether a law earns its parameters: the same numbers for it and for the laws that it must beat.

AICc on the same rows, the error of predicting the largest budget from the others, and for nested laws the F test of the
extra parameter (Bates & Watts 1988, section 3.10).
"""

from typing import Any

import numpy as np
from scipy.stats import f as fisher

from flopscape.fitting.any_law.levenberg_marquardt import LOOSE
from flopscape.fitting.any_law.linearised import Linearised
from flopscape.fitting.any_law.problem import NOTHING
from flopscape.fitting.any_law.restriction import Restriction
from flopscape.fitting.any_law.search import global_fit, law_task
from flopscape.fitting.any_law.task import LawFit
from flopscape.fitting.common.linear import EXACT_SQUARE
from flopscape.fitting.judge.verdict import COUNTS, Verdict, empty_draws, why_too_little
from flopscape.laws.law import Array, Law, Mask
from flopscape.laws.registry import law_named
from flopscape.runs.table import ends_of_compute

EARNED = 0.05
"""p of the F test above which the extra parameter has not earned its place."""
RIVAL_STARTS = 24
"""Starts of a rival's fit, which only has to be compared."""
NO_SUPPORT = 10.0
"""Excess of AICc that leaves a law essentially no support (Burnham & Anderson 2002, section 2.6)."""


def compare(
    verdict: Verdict, diagnostics: dict[str, Any], fit: LawFit, supply: Array, restriction: Restriction = NOTHING
) -> None:
    """Diagnostics `comparison`, by law, and `f_test` against a nested one; findings where a rival does as well.

    A special case of the law is held to the same restriction, where it has the parameters: else it is none any more,
    and has no F test. Other rivals are free.
    """
    law = fit.quantities.law
    compared = diagnostics["comparison"] = {law.name: numbers(fit)}
    tests: list[dict[str, Any]] = []
    for rival in (law_named(rival) if isinstance(rival, str) else rival for rival in law.rivals):
        held = restriction.of_simpler(rival) if rival.name in law.nested else None
        if why_too_little(fit.table, rival, supply, len((held or NOTHING).free(rival))):
            continue
        other = _fit_rival(rival, fit, supply, held or NOTHING)
        compared[rival.name] = numbers(other)
        if held is not None:
            tests.append(f_test(other.linearised, fit.linearised) | {"against": rival.name})
            _judge_nested(verdict, tests[-1])
        else:
            _judge_rival(verdict, fit, other)
    if tests:
        # Of several the least convincing: the law as a whole is no better founded.
        diagnostics["f_test"] = max(tests, key=lambda test: float(test["p"]))


def _fit_rival(rival: Law, fit: LawFit, supply: Array, restriction: Restriction) -> LawFit:
    """Another law on the same rows, from fewer starts and without draws."""
    task = law_task(rival, fit.table, supply, restriction=restriction)
    # Loosely: AICc is compared in whole units, far above what more steps would change.
    optimum = global_fit(task.problem, fit.seed, RIVAL_STARTS, LOOSE)
    return LawFit(task, optimum, task.linearise(optimum.p), empty_draws(()), fit.seed)


def _judge_nested(verdict: Verdict, test: dict[str, Any]) -> None:
    if not test["p"] < EARNED:
        more = test["parameters"]
        extra = (
            "extra parameter does not earn its" if more == 1 else f"{COUNTS[more]} extra parameters do not earn their"
        )
        verdict.warn(f"the {extra} place: F = {test['f']:.2g}, p = {test['p']:.2g} against {test['against']}")


def _judge_rival(verdict: Verdict, fit: LawFit, other: LawFit) -> None:
    mine, theirs = fit.linearised.aicc, other.linearised.aicc
    if mine is None or theirs is None or not theirs < mine:
        return
    sentence = f"the law {other.quantities.law.name} describes these runs better: AICc lower by {mine - theirs:.3g}"
    if mine - theirs > NO_SUPPORT:
        verdict.add("weak", sentence)
    else:
        verdict.warn(sentence)


def numbers(fit: LawFit) -> dict[str, Any]:
    """Parameters, Σ r² and AICc of the log loss, and the errors of predicting the largest budget, in nats."""
    return {
        "parameters": len(fit.optimum.p),
        "rss": fit.linearised.rss,
        "aicc": fit.linearised.aicc,
        "predict_largest": prediction_error(fit, ends_of_compute(fit.table).largest),
    }


def prediction_error(fit: LawFit, rows: Mask) -> dict[str, float] | None:
    """Root mean square and mean of measured minus predicted loss at rows left out of a refit; None for too few left."""
    if (~rows).sum() <= len(fit.optimum.p):
        return None
    [refit] = fit.refit((~rows).astype(float)[None])
    error = (fit.table.loss - refit.loss)[rows]
    return {"rms": float(np.sqrt(np.mean(error**2))), "mean": float(error.mean())}


def f_test(simple: Linearised, full: Linearised) -> dict[str, Any]:
    """F of the extra parameters and its p; on a bound of the simple law (a floor of zero) p is too large."""
    more = len(full.p) - len(simple.p)
    variance = max(full.rss / max(full.dof, 1), EXACT_SQUARE)
    f = max(simple.rss - full.rss, 0.0) / more / variance
    return {"f": float(f), "p": float(fisher.sf(f, more, max(full.dof, 1))), "parameters": more}
