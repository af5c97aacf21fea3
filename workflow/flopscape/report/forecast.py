"""What happened to the forecast: what the plan expected before its first run beside what came.

The forecast is results/{study}/forecast.json (design/forecast.py). Intervals are compared by half their width, in ln N*
and in parts of L*; hours, money and FLOPs are those that the records of the runs sum up to. Where two numbers differ by
more than a factor two a sentence says what in the forecast was wrong.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from flopscape.errors import joined
from flopscape.fitting.methods import ANSWER
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.report.appendix import total
from flopscape.report.blocks import Block, Bullets, Grid, Paragraph
from flopscape.report.evidence import Evidence
from flopscape.runs.statuses import measured
from flopscape.text import numbers

MUCH = 2.0
"""Factor between what was expected and what came from which on it is explained."""
HEAD = ["what", "expected", "came", "came over expected"]
SCALES = {
    "noise": "the noise of a run, as a part of the loss,",
    "level": "what the law misses of the level, as a part of the loss,",
    "drift": "the drift of the optimum, in ln N,",
    "shape": "what the law misses of the rise, as a part of it,",
}
"""The scales that widths hang on, in words."""


class Line(NamedTuple):
    """A thing that was expected: both numbers in words, and what came over what was expected, where that is known."""

    what: str
    expected: str
    came: str
    ratio: float | None

    @property
    def differs(self) -> bool:
        """Whether by more than a factor two."""
        return self.ratio is not None and not 1 / MUCH <= self.ratio <= MUCH


def blocks(evidence: Evidence) -> list[Block]:
    """The section; nothing where there was no forecast."""
    if not evidence.forecast:
        return []
    widths, spent = list(_widths(evidence)), list(_spent(evidence))
    rows = [[one.what, one.expected, one.came, numbers.ratio(one.ratio)] for one in (*widths, *spent)]
    note = (
        "Expected by the config alone, before any run. Of an interval half its width at 95 % is compared, in ln N* and"
        " as a part of L*; in brackets what 8 of 10 possible laws would give."
    )
    why = [*_why_widths(evidence, widths), *_why_spent(evidence, spent)]
    said: Block = Bullets(why) if why else Paragraph("Nothing differs by more than a factor two.")
    return [Grid(HEAD, rows, note), said]


def _answer(evidence: Evidence) -> FitResult | None:
    """The fit whose intervals were expected."""
    fits = [fit for fit in (evidence.fit, *evidence.fits.values()) if fit.method == ANSWER and fit.status != "refused"]
    return fits[0] if fits else None


def _widths(evidence: Evidence) -> Iterator[Line]:
    """N* and L* at each asked compute."""
    answer = _answer(evidence)
    came = {prediction.flops: prediction for prediction in answer.predictions} if answer else {}
    for one in evidence.forecast["intervals"]:
        found = came.get(one["flops"])
        at = f"at {numbers.flops(one['flops'])} FLOPs"
        if one["n_params"]:
            yield _width(f"N* {at}", one["n_params"], _half_log(found.n_params if found else None), _factor)
        if one["loss"]:
            yield _width(f"L* {at}", one["loss"], _half_part(found), _percent)


def _width(what: str, expected: Mapping[str, float], came: float | None, write: Callable[..., str]) -> Line:
    typical, spread = write(expected["typical"]), write(expected["low"], expected["high"]).removeprefix("a factor ")
    said = numbers.NOTHING if came is None else f"within {write(came)}"
    return Line(what, f"within {typical} ({spread})", said, came and came / expected["typical"])


def _factor(*halves: float) -> str:
    return f"a factor {' to '.join(numbers.ratio(math.exp(half)) for half in halves)}"


def _percent(*shares: float) -> str:
    return f"{' to '.join(f'{100 * share:.2g}' for share in shares)} %"


def _half_log(number: Estimate | None) -> float | None:
    """Half the width of an interval in logarithms; None where it has an open end, or there is none."""
    if number is None or not number.low or not number.high:
        return None
    return math.log(number.high / number.low) / 2


def _half_part(found: Prediction | None) -> float | None:
    """Half the width of L* as a part of it."""
    loss = found.loss if found else None
    if loss is None or loss.low is None or loss.high is None:
        return None
    return (loss.high - loss.low) / 2 / loss.estimate


def _spent(evidence: Evidence) -> Iterator[Line]:
    """Runs, FLOPs, hours and money; simulated runs take neither of the latter."""
    forecast, runs = evidence.forecast, evidence.trained
    yield Line("runs", f"{forecast['runs']:,}", _became(evidence), measured(runs).sum() / forecast["runs"])
    flops = total(runs, "flops_spent") or total(runs, "flops")
    yield _sum("FLOPs", forecast["flops"], flops, numbers.flops)
    device = forecast["device"]
    if device != "simulated":
        yield _sum(f"{device.upper()}-hours", forecast["device_hours"], total(runs, f"{device}_hours"), numbers.hours)
        yield _sum("money", forecast["usd"], total(runs, "usd"), numbers.money)
        yield _sum(
            "one run after the other", 3600 * forecast["wall_hours"]["1"], total(runs, "seconds"), numbers.duration
        )


def _sum(what: str, expected: float, came: float | None, write: numbers.Writer) -> Line:
    return Line(what, write(expected), write(came), came / expected if came is not None and expected else None)


def _became(evidence: Evidence) -> str:
    """How many runs completed, and what the others did."""
    runs = evidence.trained
    completed = measured(runs)
    others = runs.status[~completed].value_counts().sort_index()
    return joined([f"{int(completed.sum()):,} completed", *(f"{n:,} {status}" for status, n in others.items())])


def _why_widths(evidence: Evidence, lines: list[Line]) -> Iterator[str]:
    """One sentence for the intervals that came wider, and one for those that came narrower."""
    for wider in (True, False):
        much = [one for one in lines if one.differs and one.ratio is not None and (one.ratio > 1) is wider]
        if much:
            factors = sorted(max(one.ratio, 1 / one.ratio) for one in much if one.ratio is not None)
            by = " to ".join(dict.fromkeys(numbers.ratio(factor) for factor in (factors[0], factors[-1])))
            which = f"The interval{'s' * (len(much) > 1)} of {joined([one.what for one in much])}"
            side = f"{by} times as wide as" if wider else f"narrower by a factor {by} than"
            yield f"{which} came {side} expected: {_scales(evidence, wider)}."


def _scales(evidence: Evidence, wider: bool) -> str:
    """The scale that differs most from what was assumed, in the direction of the widths."""
    sign = 1 if wider else -1
    found = _found_scales(_answer(evidence))
    assumed = evidence.forecast["assumed"]
    off = {name: sign * math.log(found[name] / assumed[name]) for name in SCALES if found.get(name) and name in assumed}
    name = max(off, key=lambda name: off[name], default="")
    if not name or off[name] <= 0:
        return "no scale of the answer is so far from what was assumed; the law is, or the place of its optimum"
    value, guess = (f"{one[name]:.2g}" for one in (found, assumed))
    return f"{SCALES[name]} is {value}, and {guess} was assumed"


def _found_scales(answer: FitResult | None) -> dict[str, float]:
    """The scales after the runs, in the units of those that were assumed."""
    if answer is None or "scales" not in answer.diagnostics:
        return {}
    # A fit's own are in the unit of the loss, but for the drift.
    unit = float(answer.diagnostics["drifting_law"]["center"]["loss"])
    scales = {name: float(one["estimate"]) for name, one in answer.diagnostics["scales"].items()}
    return {name: scale if name == "drift" else scale / unit for name, scale in scales.items()}


def _why_spent(evidence: Evidence, lines: list[Line]) -> Iterator[str]:
    """Runs, FLOPs, hours, and money where hours do not explain it."""
    by = {one.what: one for one in lines}
    if by["runs"].differs:
        yield f"Of {evidence.forecast['runs']:,} planned runs {by['runs'].came}."
    if by["FLOPs"].differs:
        yield f"The runs spent {numbers.ratio(by['FLOPs'].ratio)} times the FLOPs of the plan."
    hours = next((one for one in lines if one.what.endswith("-hours")), None)
    if hours is not None and hours.differs:
        yield _why_hours(evidence, hours)
    if (money := by.get("money")) and money.differs and hours and hours.ratio and money.ratio:
        price = money.ratio / hours.ratio
        if not 1 / MUCH <= price <= MUCH:
            yield f"An hour cost {numbers.ratio(price)} times what the forecast had: it assumed other prices."


def _why_hours(evidence: Evidence, hours: Line) -> str:
    """The first guess of the speed beside what the runs reached, both with the time that runs take to start."""
    forecast, runs = evidence.forecast, evidence.trained
    flops, seconds = total(runs, "flops_spent") or total(runs, "flops"), total(runs, "seconds")
    guess = forecast["flops"] / (3600 * forecast["wall_hours"]["1"])
    said = f"{hours.what} came out as {numbers.ratio(hours.ratio)} times what was expected"
    if not flops or not seconds:
        return f"{said}; the runs have no seconds to tell why."
    return (
        f"{said}: a run made {numbers.flops(flops / seconds)} FLOP/s, its start included, where the first guess is"
        f" {numbers.flops(guess)}."
    )
