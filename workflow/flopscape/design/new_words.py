"""What is said of a proposed study: its plan, price, memory, data, and what its answer is expected to be worth."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flopscape.design.expected import Expected
from flopscape.design.memory import Pieces
from flopscape.design.question import Cost, Money, Proposal
from flopscape.design.supply import MOST_EPOCHS, Supply
from flopscape.plan.coverage import MAX_EPOCHS
from flopscape.records.plan_row import PlanRow
from flopscape.text import numbers
from flopscape.text.terminal import aligned

WIDTH = 116
WORTH_SAYING = 0.05
"""Part of the money that is not worth a sentence."""


class Told(NamedTuple):
    """All that is said: the question, the proposal, and what a tenth and ten times the money would give, or why not."""

    money: Money
    proposal: Proposal
    parallel: int
    supply: Supply
    less: Proposal | str
    more: Proposal | str
    memory: Pieces | None


def header(told: Told) -> list[str]:
    """Lines for the head of the study's file, and for the terminal; sentences are wrapped, the table is not."""
    table = aligned(_table(told.proposal, told.supply.unit), right=range(1, 7)).splitlines()
    return [part for line in _lines(told, table) for part in (_wrapped(line) if line not in table else [line])]


def _wrapped(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent + "  ") or [""]


def _lines(told: Told, table: Sequence[str]) -> list[str]:
    found, targets = told.proposal, [one.flops for one in told.proposal.expected]
    asked = ", ".join(map(numbers.flops, targets))
    return [
        f"Question: the best size, data and loss at {asked} FLOPs, for {told.money}.",
        "",
        "The plan, at the sizes that are expected: each budget is centred on the finished ones below it.",
        *table,
        "",
        *_price(told),
        *_data(told),
        "",
        "Expected of the answer, 95 % intervals over the spread of published sweeps, drifts and departures included:",
        *(f"  {text}" for text in _widths(found.expected)),
        *_other("for a tenth of that", told.less),
        *_other("for ten times as much", told.more),
    ]


def _table(found: Proposal, unit: str) -> list[list[str]]:
    rows = [["budget", "runs", "sizes", "smallest N", "largest N", f"{unit}s", "FLOPs"]]
    for budget in dict.fromkeys(row.budget for row in found.rows):
        own = [row for row in found.rows if row.budget == budget]
        rows.append([_label(own[0]), *_cells(own)])
    return [*rows, ["total", *_cells(found.rows)]]


def _label(row: PlanRow) -> str:
    return f"{row.budget:.3g}" + (" (scouts)" if row.role == "scout" else "")


def _cells(rows: Sequence[PlanRow]) -> list[str]:
    sizes = {row.n_params for row in rows}
    counts = (min(sizes), max(sizes), sum(row.n_tokens for row in rows))
    return [str(len(rows)), str(len(sizes)), *map(numbers.count, counts), f"{sum(row.flops for row in rows):.3g}"]


def _price(told: Told) -> Iterator[str]:
    cost: Cost = told.proposal.cost
    yield (
        f"Price: {numbers.money(cost.usd)}, {numbers.hours(cost.hours)} of devices, about "
        f"{numbers.duration(3600 * cost.wall_hours)} with {told.parallel} at a time."
    )
    yield f"Speed from {told.proposal.speed_source}."
    yield from _memory(told.memory) if told.memory else ()


def _memory(pieces: Pieces) -> Iterator[str]:
    whole = f"{numbers.storage(pieces.memory.of(pieces.share))} a process for the largest"
    units = numbers.plural(pieces.share, "unit")
    if not pieces.at_once:
        yield f"Memory: {whole} with a batch of {units}, beside PyTorch itself."
        yield "That is more than a GPU of 80 GB holds, even with the least at a time: a smaller model is needed."
    elif pieces.is_cut:
        yield (
            f"Memory: {numbers.storage(pieces.memory.of(pieces.at_once))} a process for the largest, beside PyTorch "
            f"itself, with resources.micro_batch_units: {pieces.at_once}; at once its {units} of a batch would take "
            f"{numbers.storage(pieces.memory.of(pieces.share))}."
        )
    else:
        yield f"Memory: {whole}, beside PyTorch itself."


def _data(told: Told) -> Iterator[str]:
    supply, found = told.supply, told.proposal
    if not supply.epoch:
        yield f"Data: the longest run sees {supply.seen(found.longest)}; how many there are is not known yet."
        return
    end = f" More than {MAX_EPOCHS} are worth less and less." if found.longest > MAX_EPOCHS * supply.epoch else ""
    yield f"Data: the longest run sees {supply.seen(found.longest)}.{end}"
    if found.wished:
        top, wished = (numbers.flops(one.ladder.top_flops) for one in (found, found.wished))
        least = "" if supply.allows(found.longest) else ", the least of this family"
        yield (
            f"They end the ladder at {top} FLOPs{least}: by question and money it would go to {wished}, where the "
            f"longest run would see {numbers.ratio(found.wished.longest / supply.epoch)} epochs, and beyond "
            f"{MOST_EPOCHS} a sweep measures repetition (--allow-repeats lifts that)."
        )
        yield from _left(told.money, found)


def _left(money: Money, found: Proposal) -> Iterator[str]:
    """What to do with money that no larger budget takes."""
    left = money.amount - found.cost.of(money.measure)
    if left > WORTH_SAYING * money.amount:
        yield (
            f"{money._replace(amount=left)} are left of it: for more data, or, when the runs are finished, for more "
            "seeds of them (`flopscape next`)."
        )


def _widths(expected: Sequence[Expected]) -> Iterator[str]:
    for one in expected:
        factor, part = math.exp(one.n_params.typical), one.loss.typical
        known = f"N* within a factor {numbers.ratio(factor)}, D* within {numbers.ratio(math.exp(one.n_tokens.typical))}"
        yield f"at {numbers.flops(one.flops)} FLOPs {known}, L* within {100 * part:.2g} %"


def _other(words: str, found: Proposal | str) -> Iterator[str]:
    if isinstance(found, str):
        yield f"  {words}: {found}"
        return
    yield f"  {words}, with runs up to {numbers.flops(found.ladder.top_flops)} FLOPs:"
    yield from (f"    {text}" for text in _widths(found.expected))
