"""Which method to trust on a sweep, by how much, and what one more thing would buy, in numbers; sentences.py has words.

The method of the smallest error over all truths is trusted, the possible laws weighing half. But none whose intervals
hold N* too seldom on the possible laws: its number may be good, and nobody would know. And none that the study does not
have, where it is said which it has; such a method is named beside. Where no method has a clearly smaller error than the
answer, the answer is trusted, for it assumes least.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from flopscape.laws.law import Array
from flopscape.twin.estimates import OK
from flopscape.twin.sentences import sentences
from flopscape.twin.summary import Errors, moments, ratio, weighted_ratio
from flopscape.twin.truths import POSSIBLE

MOST_MISSING = 0.05
"""Share of fits without an estimate up to which a method can be recommended."""
NO_GAIN = 0.01
"""Part of another method's error that is no reason to prefer a method which was tried on fewer tables."""
N_STAR = 2
"""Place of N* at the first asked compute among the quantities."""
NOMINAL, TOLERATED = 0.95, 0.03
"""Coverage, and how far below it that of a method may be, beyond Monte Carlo error, and the method be trusted."""

Outcomes = Mapping[tuple[str, str], Errors]
"""(scenario, method) → errors."""


class Improvement(NamedTuple):
    """One more budget, a wider grid, another seed: its extra compute in FLOPs, and the relative change of the error.

    `change_se` is the Monte Carlo error of it, zero of a change that was not simulated.
    """

    name: str
    words: str
    extra_flops: float
    change: float
    change_se: float


class Grounds(NamedTuple):
    """What a verdict rests on.

    `words` and `weights` are of the truths by name, the first being the fitted surface; `flops` is the asked compute;
    `few` are the methods with fewer tables than the others, `elsewhere` those that are not in the study, and `answer`
    is the one that assumes least.
    """

    words: Mapping[str, str]
    weights: Mapping[str, float]
    flops: float
    few: Collection[str] = ()
    elsewhere: Collection[str] = ()
    answer: str = ""


class Choice(NamedTuple):
    """The method to trust, if any, and the one that errors are compared with: it, or that of the least error."""

    best: str | None
    reference: str | None


def gain(after: Array, before: Array) -> tuple[float, float]:
    """Relative change of the root mean square error, and its Monte Carlo error."""
    value, error = ratio(after, before)
    return value - 1, error


def trusted(outcomes: Outcomes, grounds: Grounds) -> Choice:
    """Of the study's methods that hold their coverage on the possible laws the one of the smallest error."""
    pooled = _pooled(outcomes, grounds)
    here = {m: errors for m, errors in pooled.items() if m not in grounds.elsewhere}
    held = {m: errors for m, errors in here.items() if not is_narrow(outcomes, m)}
    best = _smallest(held, grounds)
    if best and best != grounds.answer and grounds.answer in held:
        value, error = weighted_ratio(held[grounds.answer], held[best], _weights(grounds))
        best = grounds.answer if value - 2 * error <= 1 and _missing(held[grounds.answer]) <= MOST_MISSING else best
    return Choice(best, best or _smallest(here, grounds) or _smallest(pooled, grounds))


def is_narrow(outcomes: Outcomes, method: str) -> bool:
    """Whether the intervals of a method hold the N* of the possible laws too seldom, or it has none and others have."""
    on_possible = {name: seen.coverage_of(N_STAR) for (truth, name), seen in outcomes.items() if truth == POSSIBLE}
    covered = on_possible.get(method, np.zeros(0, bool))
    if not len(covered):
        return any(len(other) for other in on_possible.values())
    return float(covered.mean()) < NOMINAL - allowed(len(covered))


def allowed(intervals: int) -> float:
    """How far from nominal the coverage of so many intervals may be seen: two binomial standard errors more."""
    return TOLERATED + 2 * float(np.sqrt(NOMINAL * (1 - NOMINAL) / intervals))


def _pooled(outcomes: Outcomes, grounds: Grounds) -> dict[str, list[Array]]:
    """The errors of N* under each truth, by method."""
    methods = dict.fromkeys(method for _, method in outcomes)
    return {m: [outcomes[s, m].error[:, N_STAR] for s in grounds.words] for m in methods}


def judge(outcomes: Outcomes, improvements: Sequence[Improvement], grounds: Grounds) -> dict[str, Any]:
    """The verdict's numbers and sentences; `improvements` are of the trusted method."""
    choice = trusted(outcomes, grounds)
    count = max(len(outcome.status) for outcome in outcomes.values())
    content: dict[str, Any] = {"trusted": choice.best, "reference": choice.reference}
    content |= {"quantity": "n_params", "flops": grounds.flops, "simulations": count}
    if choice.reference is None:
        content["sentences"] = ["No method gives an estimate on these simulated runs."]
        return content
    pooled, reference = _pooled(outcomes, grounds), choice.reference
    content["methods"] = [_row_of_method(m, outcomes, pooled, reference, grounds) for m in pooled]
    content["scenarios"] = [
        _row_of_scenario(s, words, outcomes[s, reference], grounds) for s, words in grounds.words.items()
    ]
    content["improvements"] = [_finite(better._asdict()) for better in improvements]
    content["sentences"] = sentences(content)
    return content


def _smallest(pooled: Mapping[str, Sequence[Array]], grounds: Grounds) -> str | None:
    """The method of the smallest error over all truths.

    One that was fitted to fewer tables may have had luck with them. It comes before the best of the others only where
    it is better on the very same tables, beyond two Monte Carlo errors.
    """
    best = _best({m: errors for m, errors in pooled.items() if m not in grounds.few}, grounds)
    few = {m: errors for m, errors in pooled.items() if m in grounds.few}
    if best is None:
        return _best(few, grounds)
    for method, errors in few.items():
        value, error = weighted_ratio(errors, pooled[best], _weights(grounds))
        if _missing(errors) <= MOST_MISSING and value + 2 * error < 1 - NO_GAIN:
            best = method
    return best


def _best(pooled: Mapping[str, Sequence[Array]], grounds: Grounds) -> str | None:
    """The method of the smallest mean square over all truths, among those that seldom lack an estimate, if any."""
    squares = {
        m: sum(w * float(np.nanmean(e**2)) for w, e in zip(_weights(grounds), errors, strict=True))
        for m, errors in pooled.items()
        if min(np.isfinite(e).sum() for e in errors) > 1
    }
    steady = {m: square for m, square in squares.items() if _missing(pooled[m]) <= MOST_MISSING}
    # Where every method often fails, the best of those that fail is still more than nothing, and its failures are told.
    ranked = steady or squares
    return min(ranked, key=ranked.__getitem__) if ranked else None


def _weights(grounds: Grounds) -> list[float]:
    return [grounds.weights[s] for s in grounds.words]


def _missing(errors: Sequence[Array]) -> float:
    """Share of the tables without an estimate."""
    return float(np.isnan(np.concatenate(errors)).mean())


def _row_of_method(
    method: str, outcomes: Outcomes, pooled: Mapping[str, Sequence[Array]], reference: str, grounds: Grounds
) -> dict[str, Any]:
    """One row of the table in the report: under the fitted surface, on possible laws, and all against the reference."""
    of_method = {s: outcomes[s, method] for s in grounds.words}
    surface = next(iter(of_method.values()))
    value, error = (1.0, 0.0)
    if method != reference:
        value, error = weighted_ratio(pooled[method], pooled[reference], _weights(grounds))
    failed = np.concatenate([seen.status for seen in of_method.values()]) != OK
    row = {"method": method} | _errors(surface) | {"ratio": value, "ratio_se": error, "failures": float(failed.mean())}
    if POSSIBLE in of_method:
        row["possible"] = _finite(_errors(of_method[POSSIBLE]))
        row["narrow"] = is_narrow(outcomes, method)
    if method in grounds.elsewhere:
        row["in_study"] = False
    if method == grounds.answer:
        row["has_prior"] = True
    row["simulations_elsewhere"] = len(surface.error)
    if method in grounds.few:
        row["simulations"] = len(of_method.get(POSSIBLE, surface).error)
    return _finite(row)


def _errors(seen: Errors) -> dict[str, Any]:
    """Moments of the errors of N*, and the coverage of its intervals with their number."""
    error, covered = seen.error[:, N_STAR], seen.coverage_of(N_STAR)
    share = float(covered.mean()) if len(covered) else np.nan
    return moments(error[np.isfinite(error)]) | {"coverage": share, "intervals": len(covered)}


def _row_of_scenario(name: str, words: str, seen: Errors, grounds: Grounds) -> dict[str, Any]:
    error = seen.error[:, N_STAR]
    of_truth = {"weight": grounds.weights[name], "simulations": len(error)}
    return _finite({"scenario": name, "words": words} | of_truth | moments(error[np.isfinite(error)]))


def _finite(content: dict[str, Any]) -> dict[str, Any]:
    """The same content with None for numbers that are not finite, for JSON has no word for those."""
    return {k: (None if isinstance(v, float) and not np.isfinite(v) else v) for k, v in content.items()}
