"""What is said of a proposed study: its plan, price, memory, data, and what its answer is expected to be worth."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flopscape.design.expected import Expected
from flopscape.design.memory import Memory
from flopscape.design.question import Cost, Money, Proposal
from flopscape.plan.coverage import MAX_EPOCHS
from flopscape.records.plan_row import PlanRow
from flopscape.text import numbers
from flopscape.text.terminal import aligned

LARGE = 70e9
"""Bytes of a process: with a little room, what a GPU of 80 GB holds."""
WIDTH = 116


class Needed(NamedTuple):
    """The memory of the largest model, the units that one process takes at once, and the fewest that it may take."""

    memory: Memory
    units: int
    window: int = 1


class Told(NamedTuple):
    """All that is said: the question, the proposal, and what a tenth and ten times the money would give, or why not."""

    money: Money
    proposal: Proposal
    parallel: int
    unit: str
    less: Proposal | str
    more: Proposal | str
    memory: Needed | None
    train_units: int | None


def header(told: Told) -> list[str]:
    """Lines for the head of the study's file, and for the terminal; sentences are wrapped, the table is not."""
    table = aligned(_table(told.proposal, told.unit), right=range(1, 7)).splitlines()
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


def _memory(needed: Needed) -> Iterator[str]:
    whole = needed.memory.of(needed.units)
    yield f"Memory: {numbers.storage(whole)} a process for the largest, beside PyTorch itself."
    if whole > LARGE:
        room = max(0.0, (LARGE - needed.memory.fixed) / needed.memory.per_unit)
        units = needed.window * int(room // needed.window)
        if not units:
            least = numbers.plural(needed.window, "unit")
            yield f"That is more than a GPU of 80 GB holds, even with {least} at a time: a smaller model is needed."
            return
        yield (
            f"That is of {numbers.count(needed.units)} units at once: with resources.micro_batch_units: {units} it is"
            f" {numbers.storage(needed.memory.of(units))}."
        )


def _data(told: Told) -> Iterator[str]:
    longest = told.proposal.longest
    if not told.train_units:
        yield f"Data: the longest run sees {numbers.count(longest)} {told.unit}s; how many there are is not known yet."
        return
    epochs = longest / told.train_units
    end = f" More than {MAX_EPOCHS} are worth less and less." if epochs > MAX_EPOCHS else ""
    yield (
        f"Data: the longest run sees {numbers.count(longest)} {told.unit}s, {numbers.ratio(epochs)} epochs of "
        f"{numbers.count(told.train_units)}.{end}"
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
