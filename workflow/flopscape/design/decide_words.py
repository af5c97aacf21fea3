"""What `flopscape next --compare` prints: the intervals today and expected, the runs, and whether they will decide."""

from collections.abc import Iterator
from typing import Any

from flopscape.comparison.verdict import probability, written
from flopscape.design.decide import SURE_ENOUGH, AtTarget, Decision
from flopscape.design.next_words import SHOWN, percent
from flopscape.design.told import BELIEFS
from flopscape.errors import joined
from flopscape.text import numbers
from flopscape.text.terminal import aligned

SHOWN_AS = ("law", "all")
"""The beliefs in the order of the columns: intervals of a comparison are those of an exact law."""
COLUMNS = {"usd": "USD", "seed": "seed"}
"""What runs of studies have, and its title."""
LITTLE = 0.5
"""Part of what the runs narrow if the law is exact, below which it is little what they narrow if it is not."""


def text(found: Decision) -> str:
    """Everything, for the terminal."""
    return "\n".join([*_head(found), "", *_intervals(found), "", *_runs(found), "", *sentences(found)])


def _head(found: Decision) -> Iterator[str]:
    if found.simulated:
        yield "SIMULATED"
    a, b = found.names
    asked = ", ".join(numbers.flops(one.flops) for one in found.targets)
    finished = f"{numbers.plural(found.finished[0], 'finished run')} of {a} and {found.finished[1]} of {b}"
    yield f"Runs that decide soonest between {a} and {b}, after {finished}; asked: {asked} FLOPs"
    spent = f"{found.spend.words(float(found.cost.sum()))} of {found.spend.words()}"
    own = [f"{len(found.offers.of_side(found.bought, is_b))} of {found.names[is_b]}" for is_b in (False, True)]
    in_pairs = f", {numbers.plural(found.pairs, 'pair')} among them" if found.pairs else ""
    yield f"{joined(own)}{in_pairs}, for {spent}; {len(found.offers)} candidates"
    if sum(found.pending):
        waiting = numbers.plural(sum(found.pending), "run")
        yield f"{waiting} of the plans without a result: all that follows counts them as finished, and not as bought"


def _intervals(found: Decision) -> Iterator[str]:
    """What B needs of A's compute, today and expected, and by how much the difference of the two becomes narrower."""
    a, b = found.names
    narrows = ["their difference if the law is exact", "if it misses something"]
    head = [f"{b} needs of {a}'s compute", "95 % today", "expected with these runs", *narrows]
    rows = [head]
    for i, one in enumerate(found.targets):
        narrower = [f"{percent(1 - float(found.left[name][-1, i]))} narrower" for name in SHOWN_AS]
        rows.append([f"at {numbers.flops(one.flops)} FLOPs", written(one.needed), written(one.expected), *narrower])
    yield aligned(rows)


def _runs(found: Decision) -> Iterator[str]:
    """A line a run; the two of a pair under one number, with what they do together."""
    lines = [*found.runs()]
    told = [name for name in COLUMNS if any(line.get(name) is not None for line in lines)]
    rows = [["", "recipe", "N", "D", "FLOPs", *map(COLUMNS.__getitem__, told), "exact", "if not", "what"]]
    for line, above in zip(lines[:SHOWN], [None, *lines], strict=False):
        is_first = above is None or line["rank"] != above["rank"]
        gains = [_mean(found, line, name) for name in SHOWN_AS] if is_first else ["", ""]
        size = [numbers.count(line["n_params"]), numbers.count(line["n_tokens"]), f"{line['flops']:.3g}"]
        own = [_written(name, line.get(name)) for name in told]
        what = f"{line['kind']}, in a pair" if line["pair"] else line["kind"]
        rows.append([str(line["rank"]) if is_first else "", line["recipe"], *size, *own, *gains, what])
    yield "by how many per cent of today's width a run narrows their difference, if the law is exact and if not"
    yield aligned(rows, right=[0, *range(2, len(rows[0]) - 1)])
    if len(lines) > SHOWN:
        yield f"and {numbers.plural(len(lines) - SHOWN, 'run')} more, which --out writes"


def _written(name: str, value: float | None) -> str:
    if value is None:
        return numbers.NOTHING
    return numbers.money(value) if name == "usd" else f"{value:g}"


def _mean(found: Decision, line: dict[str, Any], belief: str) -> str:
    """The mean over targets."""
    gains = [line[f"narrower_{one.flops:.4g}_{belief}"] for one in found.targets]
    return f"{100 * sum(gains) / len(gains):.1f}"


def sentences(found: Decision) -> list[str]:
    """Whether the runs decide, what would, and what the numbers rest on."""
    if found.is_nothing_worth_it:
        most = max(float((1 - found.left[name][-1]).max()) for name in BELIEFS)
        return [
            f"Nothing is worth it: all that {found.spend.words()} buys narrows their difference by no more than "
            f"{percent(most)}, not even if the law is exact. Spend more at once, or ask for less compute."
        ]
    return [*(_decides(found, one) for one in found.targets), *_little(found), *_of_pairs(found)]


def _decides(found: Decision, one: AtTarget) -> str:
    """How likely the interval excludes one after the runs, and what it takes where that is unlikely."""
    at = f"At {numbers.flops(one.flops)} FLOPs"
    likely = (
        f"with the probability {probability(one.if_true)} if today's estimate is the truth, and "
        f"{probability(one.over_all)} over all that the finished runs leave possible"
    )
    if one.decided:
        return f"{at} it is decided today, for the interval excludes 1; after these runs it still does {likely}."
    said, sure = f"{at} it is open today; after these runs the interval excludes 1 {likely}.", percent(SURE_ENOUGH)
    if one.times is None:
        return (
            f"{said} Not even a thousand times these runs would make the first {sure}: the two are too much alike "
            "there, or too far from the runs, to be told apart."
        )
    spend = found.spend.words(one.times * float(found.cost.sum()))
    more = f" For the first to be {sure} it takes about {numbers.ratio(one.times)} times these runs, {spend}."
    return said if one.if_true >= SURE_ENOUGH else said + more


def _little(found: Decision) -> Iterator[str]:
    """A caution where the runs tell of surfaces that may be wrong, and of little else."""
    of_all, of_law = (1 - float(found.left[name][-1].mean()) for name in ("all", "law"))
    if of_all < LITTLE * of_law:
        yield (
            "If the losses differ from a surface by as much as the answers of both believe they may, these runs narrow "
            f"their difference by {percent(of_all)} and not by {percent(of_law)}."
        )


def _of_pairs(found: Decision) -> Iterator[str]:
    if found.pairs:
        yield (
            f"Runs of one seed and budget err together here, ρ = {found.rho:.2f}, for their data come in one order or "
            "the surface misses the same of both, so that a pair tells more of their difference than two other runs: "
            "give its two runs the same seed, batch and number of steps."
        )
