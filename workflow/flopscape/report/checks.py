"""What backtest and sensitivity say of a study's answer, in half-widths of its interval."""

import math
from typing import NamedTuple

import numpy as np

from flopscape.answers.backtest.scores import LEAST_HELD
from flopscape.records.backtest import Score
from flopscape.records.columns import CHANGE
from flopscape.records.fit_result import Estimate, Prediction
from flopscape.report.evidence import Evidence

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


def holds(score: Score) -> bool:
    """Whether a fit's intervals held what was hidden from it; of nothing, they held all."""
    return score.held_n_params >= LEAST_HELD * score.n_n_params and score.held_loss >= LEAST_HELD * score.n_loss


def held(score: Score) -> str:
    """How often the intervals of a fit held N* and L*."""
    return f"N* {score.held_n_params} of {score.n_n_params} and L* {score.held_loss} of {score.n_loss} times"


class Choice(NamedTuple):
    """Another choice that a fit allowed: in words, in half-widths of ln D*, and the method behind it."""

    text: str
    size: float
    method: str
    n_choices: int


def farthest_choice(evidence: Evidence) -> Choice | None:
    """Of the table of sensitivity the line that moves D* farthest; conventions are left out, for they rename D*."""
    table, first = evidence.sensitivity, first_prediction(evidence)
    name = f"{CHANGE}{first.flops!r}" if first else ""
    if table is None or name not in table:
        return None
    lines = table[~table.what_changes.isin(["base", "convention"]) & table[name].notna() & (table[name] > -1)]
    if lines.empty:
        return None
    sizes = np.abs(np.log1p(lines[name].to_numpy(float))) / unit(evidence, "n_tokens")
    line = lines.iloc[int(sizes.argmax())]
    words = f"{line.setting} ({line.what_changes}) moves D* by {100 * line[name]:+.1f} %"
    return Choice(words, float(sizes.max()), str(line.method), len(lines))


def how_tested(evidence: Evidence, method: str) -> str:
    """What hidden budgets say of the method of a choice, where it is a fit of the study's too."""
    score = next((one for one in evidence.scores.values() if one.method == method and one.n_n_params), None)
    return f"; on hidden budgets the intervals of {score.fit} held {held(score)}" if score else ""
