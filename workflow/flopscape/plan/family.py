"""The sizes that a study's model may have, with their counts: for whatever chooses a size by a wished N.

A wish is a number of parameters, a model has whole widths and depths. The members of a family are all sizes that its
rule allows, counted by the plug-in itself, and a choice is the member nearest to the wish in ln N.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import count, takewhile
from typing import NamedTuple

from flopscape.config.ladder import Family
from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.plan.sizes import count_sizes
from flopscape.plugins.base import Size
from flopscape.text import numbers

APART = 0.02
"""Least step in ln(width) between neighbouring members: nearer ones have nearly one N, and there would be thousands."""
ALONE = 0.5
"""Step in ln N around a size that is the only one of its budget."""
BLOCK = 64
"""Members that are counted at a time, until they are large enough."""
WIDEST = 1_000_000


class Member(NamedTuple):
    """A size with its parameters (body and head) and its FLOPs per unit, forward and backward."""

    size: Size
    n_params: int
    flops_per_unit: float

    @property
    def log_n(self) -> float:
        """ln N."""
        return math.log(self.n_params)

    def units(self, flops: float) -> float:
        """Units of data that a compute C in FLOPs pays for at this size, before they are rounded to batches."""
        return flops / self.flops_per_unit


def members(study: Study, most: float) -> list[Member]:
    """The family of a study, by growing N, up to the first one of more than `most` parameters.

    Raises
    ------
    FlopscapeError
        The study has no `sweep.family` and none can be told from its sizes, or the plug-in refuses a size.
    """
    family = family_of(study)
    sizes = _sizes(family)
    found: list[Member] = []
    while block := [size for size, _ in zip(sizes, range(BLOCK), strict=False)]:
        counts = count_sizes(study.model, block, study.loss)
        found += [
            Member(size, c.n_params_body + c.n_params_head, c.flops_per_unit)
            for size, c in zip(block, counts, strict=True)
        ]
        # A list of sizes may have any order.
        if not family.sizes and found[-1].n_params > most:
            break
    by_n = {member.n_params: member for member in found}
    inside = sorted(by_n)
    # One more than inside, so that a wish near the end has a neighbour on both sides.
    return [by_n[n] for n in inside[: sum(n <= most for n in inside) + 1]]


def nearest(family: Sequence[Member], log_n: float) -> Member:
    """The member nearest to a wished ln N."""
    return min(family, key=lambda member: abs(member.log_n - log_n))


def why_beyond(family: Sequence[Member], log_n: float) -> str:
    """How a wished ln N lies more than a step beyond an end of a family, as the end of a sentence; or nothing.

    A family of one size reaches half a step of `ALONE` to either side.

    >>> sizes = [Member({"width": w}, n, 1.0) for w, n in ((16, 10_000), (24, 20_000), (32, 40_000))]
    >>> why_beyond(sizes, math.log(60_000)), why_beyond(sizes, math.log(100_000))
    ('', 'the largest size of the family has 40.0 k')
    """
    for end, inner, which in ((family[0], family[:2][-1], "smallest"), (family[-1], family[-2:][0], "largest")):
        step = abs(end.log_n - inner.log_n) or ALONE / 2
        if abs(log_n - end.log_n) > step and (log_n < end.log_n) == (which == "smallest"):
            return f"the {which} size of the family has {numbers.count(end.n_params)}"
    return ""


def spread(family: Sequence[Member], center: float, half_span: float, n_sizes: int) -> list[Member]:
    """As many distinct members as are wished within center ± half_span in ln N, evenly spaced as far as there are some.

    Each wish takes the nearest member that no other has; of a coarse family there may be fewer than were wished.

    Raises
    ------
    FlopscapeError
        Fewer than three members lie in reach: no optimum can be seen with them.
    """
    step = 2 * half_span / max(n_sizes - 1, 1)
    wishes = [center - half_span + i * step for i in range(n_sizes)]
    chosen: dict[int, Member] = {}
    for wish in wishes:
        free = [member for member in family if member.n_params not in chosen]
        # A member farther off than one step is another wish's, or outside the range.
        if free and abs((best := nearest(free, wish)).log_n - wish) <= step:
            chosen[best.n_params] = best
    if len(chosen) < min(3, n_sizes):
        low, high = (numbers.count(math.exp(end)) for end in (wishes[0], wishes[-1]))
        raise FlopscapeError(
            f"sweep.family: {numbers.plural(len(chosen), 'size')} between {low} and {high} parameters, and at least 3 "
            "are needed to see an optimum; give the family sizes there, or the ladder larger budgets and fewer decades"
        )
    return [chosen[n] for n in sorted(chosen)]


def more(family: Sequence[Member], taken: Sequence[float], center: float, n_sizes: int) -> list[Member]:
    """Members to add to the sizes of a budget, `taken` being their ln N: around its optimum, or beyond an end of them.

    With a center among the sizes: those nearest to it, below and above in turn, that are a third of a step from any
    other; where these are too few, half of that, and so on, but never farther than a step beyond the sizes. With a
    center at an end: beyond that end, by steps as they are between the sizes. There may be fewer than were wished.
    """
    low, high = min(taken), max(taken)
    step = (high - low) / (len(set(taken)) - 1) if high > low else ALONE
    if low + APART < center < high - APART or low == high:
        within = [member for member in family if low - step <= member.log_n <= high + step]
        chosen = _around(within, taken, center, step, n_sizes)
    else:
        chosen = _beyond(family, *((low, -step) if center <= low + APART else (high, step)), n_sizes)
    return sorted(chosen, key=lambda member: member.n_params)


def _around(family: Sequence[Member], taken: Sequence[float], center: float, step: float, n_sizes: int) -> list[Member]:
    apart = step / 3
    while len(chosen := _alternately(family, taken, center, apart, n_sizes)) < n_sizes and apart >= APART:
        apart /= 2
    return chosen


def _alternately(
    family: Sequence[Member], taken: Sequence[float], center: float, apart: float, n_sizes: int
) -> list[Member]:
    """The nearest member first, then the nearest one on its other side, and so on; no two closer than `apart`."""
    chosen: list[Member] = []
    while len(chosen) < n_sizes:
        others = (*taken, *(one.log_n for one in chosen))
        free = [member for member in family if all(abs(member.log_n - other) >= apart for other in others)]
        if not free:
            break
        across = [m for m in free if chosen and (m.log_n < center) != (chosen[-1].log_n < center)]
        chosen.append(nearest(across or free, center))
    return chosen


def _beyond(family: Sequence[Member], last: float, step: float, n_sizes: int) -> list[Member]:
    chosen: list[Member] = []
    while len(chosen) < n_sizes:
        ahead = [member for member in family if (member.log_n - last) / step > 0.5]
        if not ahead:
            break
        chosen.append(nearest(ahead, last + step))
        last = chosen[-1].log_n
    return chosen


def guess(family: Sequence[Member], flops: float, tokens_per_param: float) -> float:
    """ln N at which C pays for so many units a parameter: between members, and beyond them by C = κ·N·D.

    With D = r·N a member of N parameters and c FLOPs a unit costs c·r·N.
    """
    wished = math.log(flops / tokens_per_param)
    costs = [member.log_n + math.log(member.flops_per_unit) for member in family]
    if len(family) > 1 and costs[0] <= wished <= costs[-1]:
        upper = next(i for i in range(1, len(costs)) if wished <= costs[i])
        share = (wished - costs[upper - 1]) / (costs[upper] - costs[upper - 1])
        return family[upper - 1].log_n + share * (family[upper].log_n - family[upper - 1].log_n)
    end = family[0] if wished < costs[0] else family[-1]
    # κ of the nearest member: c·r·N = κ·r·N².
    return 0.5 * (wished - math.log(end.flops_per_unit / end.n_params))


def family_of(study: Study) -> Family:
    """`sweep.family`, or what the sizes of the sweep have in common: one depth, or a width over depth, and a multiple.

    A family that is told so begins with the narrowest size of the sweep; above there is no end.

    Raises
    ------
    FlopscapeError
        Neither is there.
    """
    if study.sweep.family:
        return study.sweep.family
    sizes = planned_sizes(study)
    widths = {size.get("width") for size in sizes}
    depths = {size.get("depth") for size in sizes}
    also = {key: value for key, value in sizes[0].items() if key not in ("width", "depth")} if sizes else {}
    same = all({k: v for k, v in size.items() if k not in ("width", "depth")} == also for size in sizes)
    if len(widths) > 1 and same and all(isinstance(x, int) for x in (*widths, *depths)):
        multiple, rule = math.gcd(*widths), _depths(sizes)  # type: ignore[arg-type]  # all are integers
        if rule:
            # No narrower than was ever asked for: where a rule ends below, the sweep does not tell.
            told = {"width_multiple": multiple, "min_width": min(widths), "also": also}  # type: ignore[type-var]
            return Family.model_validate(told | rule)
    raise FlopscapeError(
        "sweep.family is missing, and the sizes of the sweep follow no rule: say which sizes the model may have, such "
        "as family: {width_multiple: 16, depth: 2}"
    )


def planned_sizes(study: Study) -> list[Size]:
    """Every size that the study names."""
    sweep = study.sweep
    named = [budget.sizes or [] for budget in sweep.isoflop.budgets] if sweep.isoflop else []
    named += [part.sizes or [] for part in (sweep.isoflop, sweep.grid) if part]
    return [size for sizes in named for size in sizes] + [row.size for row in sweep.rows]


def _depths(sizes: Sequence[Size]) -> dict[str, float]:
    """One depth, or one width over depth to rounding; empty where there is neither."""
    if len(depths := {size["depth"] for size in sizes}) == 1:
        return {"depth": depths.pop()}
    ratio = math.exp(sum(math.log(size["width"] / size["depth"]) for size in sizes) / len(sizes))
    fits = all(round(size["width"] / ratio) == size["depth"] for size in sizes)
    return {"aspect_ratio": ratio} if fits else {}


def _sizes(family: Family) -> Iterator[Size]:
    """All sizes of a family, by growing width."""
    if family.sizes:
        yield from family.sizes
        return
    multiple, last = family.width_multiple, 0.0
    first = -(-(family.min_width or multiple) // multiple) * multiple
    for width in takewhile(lambda width: width <= (family.max_width or WIDEST), count(first, multiple)):
        if last and math.log(width / last) < APART:
            continue
        last = width
        depth = family.depth or max(1, round(width / (family.aspect_ratio or 1.0)))
        yield {"width": width, "depth": depth, **family.also}
