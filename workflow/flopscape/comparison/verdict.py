"""The verdict on two recipes in a sentence, and how its numbers are written.

Said after a run in the process of the workflow, and so without numpy.
"""

import math

from flopscape.comparison.results import FARTHEST, AtCompute, Comparison, Pair, Range
from flopscape.text import numbers

NEVER = "never"
SURE = (0.001, 0.999)
"""Probabilities beyond which only that they are beyond is told."""


def simultaneous(found: Comparison) -> str:
    """What the level of several pairs is of."""
    return (
        f"Intervals are wide enough for all {len(found.pairs)} pairs together: in {numbers.percent(found.level)} of"
        " such comparisons none of them misses (Bonferroni on Student's t)."
    )


def verdict(pair: Pair) -> str:
    """Which recipe is better at the target, by how much, and how far from the runs that is."""
    at = pair.target
    place = f"at {numbers.flops(at.flops)} FLOPs{_where(pair, at)}"
    if at.multiplier.estimate is None:
        return (
            f"{pair.b} is {_better(at)}: {pair.a} would reach at no compute the loss that {pair.b} reaches {place}"
            f"{_at_least(pair, at)}."
        )
    needs = f"{written(needed(at.multiplier))} of {pair.a}'s compute for the same loss {place}"
    if at.verdict == "undecided":
        return (
            f"Neither is shown to be better: {pair.b} needs {needs}; that it is the better one there has the"
            f" probability {probability(at.probability)}."
        )
    return f"{pair.b} is {at.verdict}: it needs {needs}."


def _better(at: AtCompute) -> str:
    return at.verdict if at.verdict != "undecided" else "perhaps better"


def _at_least(pair: Pair, at: AtCompute) -> str:
    low = at.multiplier.low
    # The least of what is told is the same as never.
    return f"; it needs at least {factor(low)} times as much as {pair.b}" if low and math.log(low) < FARTHEST else ""


def _where(pair: Pair, at: AtCompute) -> str:
    """How far a compute lies from those of the runs."""
    if at.place == "inside":
        return ""
    if at.place == "beyond":
        return f", {numbers.ratio(at.flops / pair.top)} times the most that both have runs of"
    return f", {numbers.ratio(pair.bottom / at.flops)} times less than the least that both have runs of"


def multiplier(pair: Pair) -> str:
    """The compute multiplier at the target with its interval, in a sentence; empty where there is none."""
    found = pair.target.multiplier
    return "" if found.estimate is None else f"The compute multiplier is {written(found)}."


def needed(multiplier: Range) -> Range:
    """B's compute over A's, the inverse of the multiplier."""
    low, high = (None if end is None else 1 / end for end in (multiplier.high, multiplier.low))
    return Range(None if multiplier.estimate is None else 1 / multiplier.estimate, low, high)


def factor(value: float | None) -> str:
    """A factor with three digits."""
    return numbers.NOTHING if value is None else numbers.ratio(value)


def written(number: Range) -> str:
    """An estimate with its interval: 0.81 [0.74, 0.90]; what never happens is called so."""
    estimate = NEVER if number.estimate is None else _told(number.estimate)
    low = "0" if number.low is None else factor(number.low)
    high = "∞" if number.high is None else factor(number.high)
    return f"{estimate} [{low}, {high}]"


def _told(estimate: float) -> str:
    """A factor, or that it lies beyond the largest that is told."""
    beyond = abs(math.log(estimate)) > FARTHEST * (1 - 1e-6)
    return f"{'over' if estimate > 1 else 'under'} {factor(estimate)}" if beyond else factor(estimate)


def probability(value: float) -> str:
    """A probability in per cent; next to certain is said as such.

    >>> probability(0.734), probability(0.99999)
    ('73.4 %', 'over 99.9 %')
    """
    if value < SURE[0]:
        return f"under {numbers.percent(SURE[0])}"
    return f"over {numbers.percent(SURE[1])}" if value > SURE[1] else numbers.percent(value)
