"""What a fit had said of hidden runs before it was what it is today, in words: a line for each prediction it made."""

from collections.abc import Sequence

from flopscape.answers.archive import Prediction, place_of
from flopscape.answers.outcomes import COMING, NOTHING, held, missed, of_run, predicted_and_found
from flopscape.records.backtest import Outcome
from flopscape.text import numbers

HEAD = ["said on", "before the outcome", "runs fitted", "predicted", "found", "held"]


def rows(said: Sequence[Prediction]) -> list[list[str]]:
    """A row for each prediction, under `HEAD`: of the one line that tells most, and how many of all intervals held."""
    place = place_of(_telling(said))
    return [
        [
            one.date,
            "yes" if one.is_before else "no",
            f"{one.n_runs:,}",
            *_numbers(next((line for line in one.lines if place_of(line) == place), None)),
            held(one.lines) or COMING,
        ]
        for one in said
    ]


def headline(said: Sequence[Prediction]) -> str:
    """Of what the numbers in the rows are."""
    line = _telling(said)
    at = f"at {numbers.flops(line.flops)} FLOPs"
    what = f"L* {at}" if line.what == "optimum" else f"the {of_run(line)} {at}"
    return f"Predicted and found: {what}. Held: 95 % intervals of all hidden runs that hold what was found."


def why_earlier(name: str, said: Sequence[Prediction]) -> str:
    """Since when what a fit says of hidden runs stands, where that was before they were finished."""
    first = next((one for one in said if one.is_before), None)
    if first is None:
        return ""
    has_come = any(line.true_loss is not None for line in first.lines)
    return f"{name} predicted these runs on {first.date}, before any of them {'was' if has_come else 'is'} finished."


def why_revised(said: Sequence[Prediction]) -> str:
    """What an earlier prediction missed by more than chance where today's does not; empty where none did."""
    if len(said) < 2 or missed(said[-1].lines):
        return ""
    found = ((one, missed(one.lines)) for one in said[:-1])
    return next((f"on {one.date}, with {one.n_runs:,} runs, it missed: {why}" for one, why in found if why), "")


def _telling(said: Sequence[Prediction]) -> Outcome:
    """The line that a row is of: of the latest prediction the optimum, or else the run, of the largest compute."""
    lines = [line for line in said[-1].lines if line.loss is not None] or said[-1].lines
    return max(lines, key=lambda line: (line.what == "optimum", line.true_loss is not None, line.flops))


def _numbers(line: Outcome | None) -> list[str]:
    return NOTHING if line is None else predicted_and_found(line)
