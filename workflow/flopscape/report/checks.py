"""What backtest and sensitivity say of a study's answer, in half-widths of its interval."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from flopscape.answers.outcomes import missed, of_fit
from flopscape.records.backtest import Score
from flopscape.records.columns import CHANGE
from flopscape.records.fit_result import Estimate, Prediction
from flopscape.report.evidence import Evidence
from flopscape.twin.hidden_runs import row_of

TYPICAL = 0.25
"""Error of ln N* at hidden budgets of published tables, root mean square: the unit where an answer has no interval."""


def half_width(number: Estimate | None) -> float:
    """Half the width of an interval in logarithms; of one with an open end its other half, of none TYPICAL."""
    if number is None:
        return TYPICAL
    ends = [end for end in (number.low, number.high) if end is not None and end > 0]
    sides = [abs(math.log(end / number.estimate)) for end in ends]
    return sum(sides) / len(sides) or TYPICAL if sides else TYPICAL


def unit(evidence: Evidence, quantity: str = "n_params") -> float:
    """What sizes are in units of: the half-width of ln N* or ln D* at the first asked compute."""
    return half_width(getattr(first, quantity) if (first := first_prediction(evidence)) else None)


def first_prediction(evidence: Evidence) -> Prediction | None:
    """The answer at the first asked compute."""
    return next(iter(predictions(evidence)), None)


def predictions(evidence: Evidence) -> list[Prediction]:
    """The asked answers; none of a fit that refused."""
    return [] if evidence.fit.status == "refused" else evidence.fit.predictions


def held(score: Score) -> str:
    """How often the intervals of a fit held N* and L*."""
    return f"N* {score.held_n_params} of {score.n_n_params} and L* {score.held_loss} of {score.n_loss} times"


def tested(evidence: Evidence, name: str | None) -> Score | None:
    """The score of a fit of which hidden budgets say something."""
    score = evidence.scores.get(name or "")
    return score if score and score.n_n_params else None


def is_borne_out(evidence: Evidence, name: str) -> bool | None:
    """Whether another fit did at least as well on hidden budgets as the recommended one; None where it is untested.

    One that runs speak against which no fit has seen is not borne out, whatever the backtest says.
    """
    if missed(of_fit(evidence.validation, name)):
        return False
    theirs, own = tested(evidence, name), tested(evidence, evidence.recommended)
    if theirs is None:
        return None
    return not theirs.missed and (own is None or (theirs.rms_n_params or 0.0) <= (own.rms_n_params or 0.0))


def distance(evidence: Evidence, name: str) -> float | None:
    """How far the answer is from another fit's N* at the first asked compute, in half-widths; None without one.

    An end of the interval lies at about 1, and what an open end leaves out at 0.
    """
    first, other = first_prediction(evidence), evidence.fits.get(name)
    theirs = next((p.n_params for p in other.predictions if first and p.flops == first.flops), None) if other else None
    if first is None or first.n_params is None or theirs is None or other is None or other.status == "refused":
        return None
    return 0.0 if _holds(first.n_params, theirs.estimate) else _half_widths(first.n_params, theirs.estimate)


def _holds(number: Estimate, value: float) -> bool:
    return (number.low is None or number.low <= value) and (number.high is None or value <= number.high)


def _half_widths(number: Estimate, value: float) -> float:
    return abs(math.log(value / number.estimate)) / half_width(number)


def fit_of_twin(evidence: Evidence) -> str | None:
    """The fit of the study that the twin trusts, which names methods; None where it has no such fit."""
    trusted = evidence.twin.verdict.get("trusted") if evidence.twin else None
    names = [name for name, fit in evidence.fits.items() if trusted and trusted in (name, fit.method)]
    return next((name for name in names if name == trusted), next(iter(names), None))


def row_of_twin(evidence: Evidence) -> Mapping[str, Any]:
    """What the twin found of the recommended fit; empty where it did not judge it."""
    return row_of(evidence.twin.verdict if evidence.twin else {}, evidence.recommended, evidence.fit.method)


def outside(evidence: Evidence) -> list[str]:
    """The fits that put N* outside the answer's interval, less the twin's choice, of which the twin's sentence is."""
    return [name for name in evidence.fits if distance(evidence, name) and name != fit_of_twin(evidence)]


class Choice(NamedTuple):
    """Another choice that the sensitivity has tried: in words, in half-widths of ln D*, and of how many."""

    text: str
    is_outside: bool
    size: float
    is_method: bool
    n_choices: int


def farthest_choice(evidence: Evidence) -> Choice | None:
    """Of the table of sensitivity the line that moves D* farthest, the first of those out of the interval.

    Conventions are left out, for they rename D*, and so are fits of the study: see `outside`. None where there is no
    interval to stay in.
    """
    table, first = evidence.sensitivity, first_prediction(evidence)
    name = f"{CHANGE}{first.flops!r}" if first else ""
    answer = first.n_tokens if first else None
    if table is None or name not in table or answer is None or answer.low is answer.high is None:
        return None
    fitted = {(fit.method, fit.objective) for fit in evidence.fits.values()}
    is_fit = [one in fitted for one in zip(table.method, table.objective, strict=True)]
    is_other = (table.what_changes == "rows") | ~np.array(is_fit, bool)
    is_choice = ~table.what_changes.isin(["base", "convention"]) & table[name].notna() & (table[name] > -1)
    lines = table[is_choice & is_other]
    if lines.empty:
        return None
    changes = 1 + lines[name].to_numpy(float)
    found = [(not _holds(answer, answer.estimate * x), _half_widths(answer, answer.estimate * x)) for x in changes]
    place = max(range(len(found)), key=found.__getitem__)
    line = lines.iloc[place]
    is_method = line.what_changes != "rows"
    text = f"{'by ' if is_method else ''}{line.setting} D* would change by {100 * line[name]:+.1f} %"
    return Choice(text, *found[place], is_method, len(lines))
