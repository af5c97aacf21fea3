"""What backtest, other fits, sensitivity and twin have found to distrust about a study's answer: see doubts.py."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scipy.special import ndtri

from flopscape.answers.earlier import why_revised
from flopscape.errors import joined
from flopscape.fitting.backtest.misses import misses_of_outcomes, why_it_misses
from flopscape.records.backtest import Outcome
from flopscape.report.checks import (
    distance,
    farthest_choice,
    first_prediction,
    half_width,
    held,
    is_borne_out,
    outside,
    row_of_twin,
    tested,
    unit,
)
from flopscape.report.evidence import Evidence
from flopscape.text import numbers
from flopscape.twin.hidden_runs import why_contradicted


class Doubt(NamedTuple):
    """A sentence, and what it could do to the answer, in half-widths of its interval."""

    text: str
    size: float

    @property
    def sentence(self) -> str:
        """The sentence with its size."""
        return (
            f"{self.text.removesuffix('.')} ({self.size:.2g} half-widths)." if math.isfinite(self.size) else self.text
        )


def missed(evidence: Evidence) -> Iterator[Doubt]:
    """Hidden budgets that the recommended fit's own intervals did not hold."""
    score, first = evidence.scores.get(evidence.recommended), first_prediction(evidence)
    if score is None or first is None or not score.missed:
        return
    loss = half_width(first.loss)
    sizes = [(score.rms_n_params or 0.0) / unit(evidence), (score.rms_loss or 0.0) / loss]
    yield Doubt(
        f"Of hidden budgets the 95 % intervals of {evidence.recommended} held {held(score)}; it was off by"
        f" {numbers.log_error(score.rms_n_params)} of N* and {numbers.percent(score.rms_loss or 0.0)} of the loss"
        " (r.m.s.): believe an interval no narrower than that.",
        max(size for size in sizes if math.isfinite(size)),
    )


def missed_outcomes(evidence: Evidence) -> Iterator[Doubt]:
    """Runs that stay hidden, and what the recommended fit had said of them did not hold, whatever the twin promises."""
    if not (why := why_it_misses(misses_of_outcomes(evidence.outcomes))):
        return
    promised = why_contradicted(row_of_twin(evidence), evidence.outcomes)
    yield Doubt(
        f"Of the runs that no fit has seen, {evidence.recommended} missed more than chance does: {why}."
        f"{f' The twin promises otherwise: {promised}.' if promised else ''}",
        _off(evidence, evidence.outcomes),
    )


def revised_outcomes(evidence: Evidence) -> Iterator[Doubt]:
    """Hidden runs that an earlier state of the recommended fit missed, and that of today holds, with them known."""
    said = evidence.said
    if why := why_revised(said):
        worst = max(_off(evidence, one.lines) for one in said[:-1])
        yield Doubt(
            f"What {evidence.recommended} says today of the runs that no fit has seen holds, but it was changed when"
            f" they were known: {why}.",
            worst,
        )


def _off(evidence: Evidence, lines: Sequence[Outcome]) -> float:
    """The farthest miss beyond chance, in half-widths of the answer; 0 without one."""
    found, first = misses_of_outcomes(lines), first_prediction(evidence)
    loss = half_width(first.loss if first else None)
    units = {"N*": unit(evidence), "L*": loss, "L": loss}
    beyond = (miss for miss in found.hidden if abs(miss.off) > found.limit * miss.allowed)
    return max((abs(miss.off) / units[miss.symbol] for miss in beyond), default=0.0)


def other_fits(evidence: Evidence) -> Iterator[Doubt]:
    """Fits of the study outside the interval that hidden budgets do not speak against."""
    fits = {name: verdict for name in outside(evidence) if (verdict := is_borne_out(evidence, name)) is not False}
    if not fits:
        return
    by_verdict = {
        "hidden budgets bear out": [_judged(evidence, name) for name, verdict in fits.items() if verdict],
        "no hidden budget has tested": [_judged(evidence, name) for name, verdict in fits.items() if verdict is None],
    }
    said = [f"{joined(names)}, which {words}," for words, names in by_verdict.items() if names]
    yield Doubt(
        f"{joined(said)} {'puts' if len(fits) == 1 else 'put'} N* outside the interval.",
        max(distance(evidence, name) or 0.0 for name in fits),
    )


def _judged(evidence: Evidence, name: str) -> str:
    """A fit's name, and its status where that is not `ok`."""
    status = evidence.fits[name].status
    return name if status == "ok" else f"{name} ({status})"


def other_choices(evidence: Evidence) -> Iterator[Doubt]:
    """The choice that moves D* farthest, where that is out of the interval."""
    if (farthest := farthest_choice(evidence)) and farthest.is_outside:
        untested = "; no hidden budget has tested that method" if farthest.is_method else ""
        text = f"{farthest.text[0].upper()}{farthest.text[1:]}, out of the interval{untested}."
        yield Doubt(text, farthest.size)


def too_narrow(evidence: Evidence) -> Iterator[Doubt]:
    """Intervals that hold N* of simulated copies too seldom, on laws that are possible after the runs."""
    row = row_of_twin(evidence)
    seen = row.get("possible", {}) if row.get("narrow") else {}
    if seen.get("intervals"):
        share = float(seen["coverage"])
        # Intervals that hold a share c are z(c) standard deviations to either side, where 95 % take 1.96.
        score = tested(evidence, evidence.recommended)
        known = f"; on hidden budgets they did {score.held_n_params} of {score.n_n_params} times" if score else ""
        lacking = 1.96 / float(ndtri((1 + share) / 2)) - 1 if share > 0 else math.inf
        yield Doubt(
            f"On simulated copies of laws that are possible after these runs, the 95 % intervals of"
            f" {evidence.recommended} hold N* in {numbers.percent(round(share, 2))}{known}.",
            lacking,
        )
