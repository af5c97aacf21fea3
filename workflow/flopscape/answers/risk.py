"""The risk of going beyond the runs, in sentences made from numbers: how far, how wide, from where, and how tested.

Of all that is asked the farthest counts: the budget that lies farthest beyond what was run, and the size that lies
farthest beyond those that were trained.
"""

from collections.abc import Iterable, Iterator, Sequence

from flopscape.answers.backtest.scores import score
from flopscape.answers.backtest.words import hiding
from flopscape.answers.sizes import SizePrediction
from flopscape.errors import joined
from flopscape.fitting.drifting_law.predictions import ONLY_A_RANGE
from flopscape.records.backtest import Forecast
from flopscape.records.fit_parts import Sampled
from flopscape.records.fit_result import EXTRAPOLATES, Estimate, FitResult, Prediction
from flopscape.records.fit_summary import shares_of
from flopscape.text import numbers

ONLY_THE_PRIOR = 0.9
"""Part of the prior's standard deviation from which on the runs have hardly narrowed what was known before."""
OF_SHARES = {
    "law": "on the law's own numbers",
    "drift": "on a drift of its optimum with scale",
    "discrepancy": "on what its form may miss",
}


def risk(
    result: FitResult, budgets: Sequence[Prediction], sizes: Sequence[SizePrediction], tests: Sequence[Forecast] | None
) -> list[str]:
    """Paragraphs on how far the answer lies beyond the runs, what its interval rests on, and how it was tested.

    Parameters
    ----------
    result : FitResult
        A fit that answers.
    budgets, sizes
        What it was asked.
    tests : sequence of Forecast or None
        The lines of its backtest, and None where there is none.
    """
    ranges = result.sampled
    told: list[Iterable[str]] = [_reach(ranges, result.n_runs, budgets, sizes)] if ranges else []
    if budgets:
        at = farthest(budgets, ranges)
        told.append([*_width(at, result.loss_unit), *_origin(result, at)])
    asked = max(at.flops / ranges.flops[1] for at in budgets) if ranges and budgets else None
    told.append(_tests(tests, asked))
    return [text for sentences in told if (text := " ".join(sentences))]


def farthest(budgets: Sequence[Prediction], ranges: Sampled | None) -> Prediction:
    """The budget that lies farthest beyond those that were run, the largest where the fit has not kept them."""
    return max(budgets, key=lambda at: _outside(at.flops, ranges.flops) if ranges else at.flops)


def _outside(value: float, ends: Sequence[float]) -> float:
    """How many times a number lies above the larger end or below the smaller; below one between them."""
    return max(value / ends[1], ends[0] / value)


def _reach(ranges: Sampled, n_runs: int, budgets: Sequence[Prediction], sizes: Sequence[SizePrediction]) -> list[str]:
    """What was run, and how far beyond that the farthest budget and the farthest size lie."""
    spent = " to ".join(dict.fromkeys(map(numbers.flops, ranges.flops)))
    trained = " to ".join(dict.fromkeys(map(numbers.count, ranges.n_params)))
    told = [f"The {numbers.plural(n_runs, 'run')} spent {spent} FLOPs each, on sizes of {trained} parameters."]
    if budgets:
        told.append(_reach_of_budget(farthest(budgets, ranges), ranges))
    if sizes:
        told.append(_reach_of_size(max(sizes, key=lambda at: _outside(at.n_params, ranges.n_params)), ranges))
    return told


def _reach_of_budget(at: Prediction, ranges: Sampled) -> str:
    if _outside(at.flops, ranges.flops) <= EXTRAPOLATES:
        return "Every budget that is asked about lies within what was spent."
    place = _place(at.flops, ranges.flops, ("what the costliest run spent", "what the cheapest run spent"))
    first = f"The farthest budget, {numbers.flops(at.flops)} FLOPs, lies {place}"
    if at.n_params is None:
        return f"{first}."
    return f"{first}, and its N* {_place_of_size(at.n_params.estimate, ranges)}."


def _place(value: float, ends: Sequence[float], words: tuple[str, str]) -> str:
    """A number outside two ends, by its factor from the nearer, which has words."""
    side = f"above {words[0]}" if value > ends[1] else f"below {words[1]}"
    return f"a factor {numbers.ratio(_outside(value, ends))} {side}"


def _place_of_size(n_params: float, ranges: Sampled) -> str:
    """Where a size lies beside those that were trained."""
    if _outside(n_params, ranges.n_params) <= 1:
        return "lies among the sizes that were trained"
    return f"lies {_place(n_params, ranges.n_params, ('the largest size trained', 'the smallest size trained'))}"


def _reach_of_size(at: SizePrediction, ranges: Sampled) -> str:
    first = f"The farthest size, {numbers.count(at.n_params)} parameters, {_place_of_size(at.n_params, ranges)}"
    cost = at.flops.estimate / ranges.flops[1]
    if cost <= EXTRAPOLATES:
        return f"{first}."
    return f"{first}; to train it on its D* would take {numbers.count(cost)} times the costliest run."


def _width(at: Prediction, loss_unit: str) -> Iterator[str]:
    """How wide the intervals are at one budget."""
    there = f"At {numbers.flops(at.flops)} FLOPs"
    if at.n_params:
        yield f"{there} the 95 % interval of N* {_span(at.n_params)}."
    if at.loss and at.loss.low is not None and at.loss.high is not None:
        wide = at.loss.high - at.loss.low
        part = numbers.percent(wide / at.loss.estimate)
        yield f"That of the loss is {numbers.loss(wide)} {loss_unit} wide, {part} of it."


def _span(number: Estimate) -> str:
    if number.low is None and number.high is None:
        return "has no end on either side: the runs do not bound N* there"
    if number.low is None or number.high is None:
        side = "upper" if number.high is None else "lower"
        return f"has no {side} end: the runs do not bound N* on that side"
    factor = number.high / number.low
    only = ", so that N* is known as a range only and the number in the middle says little"
    return f"spans a factor {numbers.ratio(factor)} from end to end{only if factor > ONLY_A_RANGE else ''}"


def _origin(result: FitResult, at: Prediction) -> Iterator[str]:
    """What the width at one budget is made of, as far as the fit tells."""
    shares = shares_of(result, at.flops, "n_params")
    if shares is None:
        if result.method != "answer":
            yield (
                "These intervals are for the case that the form of the fitted law is exact: neither a drift of the"
                " optimum beyond the runs nor what the form misses is in them."
            )
        return
    parts = [f"{numbers.percent(round(getattr(shares, name), 2))} {words}" for name, words in OF_SHARES.items()]
    open_part = numbers.percent(round(1 - shares.noise, 2))
    yield (
        f"Of the variance of ln N* there {numbers.percent(round(shares.noise, 2))} is noise. The other {open_part} is"
        f" what these runs leave open, and what sweeps published before fill in: {joined(parts)}."
    )
    if shares.sd_over_prior > ONLY_THE_PRIOR:
        yield "These runs have hardly narrowed what those sweeps say alone."
    else:
        wider = numbers.count(1 / shares.sd_over_prior, 2)
        yield f"Without any run, from those sweeps alone, the interval of ln N* would be {wider} times as wide."


def _tests(lines: Sequence[Forecast] | None, asked: float | None) -> Iterator[str]:
    """How the same fit did on budgets that were hidden from it, and whether they lay as far as the asked ones."""
    if lines is None:
        return
    hidden = hiding(lines)
    judged = [line for line in hidden if line.what == "optimum" and line.is_judged]
    if not judged:
        why = lines[0].left_out if lines and not hidden else "no hidden budget shows its own optimum"
        yield f"No backtest says how such an extrapolation turned out here: {why}."
        return
    total = score(judged)
    yield (
        f"Made again without its largest budgets, this fit held the hidden N* in {total.held_n_params} of"
        f" {total.n_n_params} cases and the hidden loss in {total.held_loss} of {total.n_loss}."
    )
    if total.missed:
        yield f"It is not to be trusted at larger budgets: {total.missed}."
    reached = max(line.extrapolation for line in judged)
    if asked and asked > reached * EXTRAPOLATES:
        yield (
            f"Those budgets lay up to {numbers.count(reached)} times beyond the runs that were left; what is asked here"
            f" lies {numbers.count(asked)} times beyond, farther than anything that was tested."
        )
