"""What `flopscape compare` prints below its verdict: a table over compute, and what it rests on."""

from collections.abc import Iterator

from flopscape.comparison.recipes import is_of_bytes
from flopscape.comparison.results import AtCompute, Comparison, Crossing, Pair, Range, RestsOn, SingleBudget
from flopscape.comparison.verdict import factor, probability, simultaneous, verdict, written
from flopscape.errors import joined
from flopscape.runs.table import SIX_N_D
from flopscape.text import numbers
from flopscape.text.terminal import aligned

CAUSES = {
    "parameters": "parameters",
    "data": "data",
    "floor": "the floor",
    "cost": "FLOPs a parameter and unit of data",
}
"""Names of a multiplier's parts."""
EQUAL = 1e-3
"""Relative difference of two factors that are told as one."""


def text(found: Comparison) -> str:
    """Everything, for the terminal."""
    head = ["SIMULATED"] if found.simulated else []
    several = len(found.pairs) > 1
    if several:
        head += [*(verdict(pair) for pair in found.pairs), "", simultaneous(found)]
    parts = ["\n".join(head)] if head else []
    for pair in found.pairs:
        title = [f"{pair.b} beside {pair.a}"] if several else [verdict(pair)]
        parts.append("\n".join([*title, "", table(pair), "", *sentences(pair)]))
    return "\n\n".join(parts)


def table(pair: Pair) -> str:
    """A line for each compute of B, in columns for the terminal."""
    return aligned(grid(pair))


def grid(pair: Pair) -> list[list[str]]:
    """The titles of the columns, and a row for each compute of B."""
    loss = pair.rests_on.loss_unit
    head = [
        f"{pair.b}'s FLOPs", "the sweeps", f"{pair.a} needs, times that", "if floors are one", "separate fits",
        f"L* {pair.a}, {loss}", f"L* {pair.b}", "difference", f"{pair.b} better",
    ]  # fmt: skip
    rows = [[numbers.flops(at.flops), at.place, *_cells(at)] for at in pair.points]
    return [head, *rows]


def _cells(at: AtCompute) -> list[str]:
    losses = [numbers.loss(one.estimate) for one in (at.loss_a, at.loss_b)]
    multipliers = [written(one) for one in (at.multiplier, at.shared_floor, at.separate)]
    return [*multipliers, *losses, signed(at.difference, 4), probability(at.probability)]


def sentences(pair: Pair) -> list[str]:
    """What the table does not say."""
    return [*course(pair), *single(pair), *rests(pair), *(f"warning: {text}" for text in pair.warnings)]


def course(pair: Pair) -> list[str]:
    """How the multiplier changes with compute, what it is made of, and where the curves cross."""
    return [*filter(None, [_growth(pair), _parts(pair), *_crossings(pair)])]


def _growth(pair: Pair) -> str:
    if pair.growth is None:
        return ""
    low, high = pair.growth.low or 0.0, pair.growth.high or float("inf")
    how = (
        "grows with scale"
        if low > 1
        else "shrinks with scale"
        if high < 1
        else "is not shown to grow or shrink with scale"
    )
    return (
        f"The multiplier {how}: from {numbers.flops(pair.bottom)} to {numbers.flops(pair.top)} FLOPs it changes by"
        f" {written(pair.growth)} for each tenfold compute (ν = {_plain(pair.nu)} in the data term)."
    )


def _plain(number: Range) -> str:
    return f"{number.estimate:.3f} [{number.low:.3f}, {number.high:.3f}]"


def _parts(pair: Pair) -> str:
    """The factors of the multiplier; the cost of a token where the recipes' differ."""
    told = [part for part in pair.parts if part.cause != "cost" or abs((part.factor.estimate or 1) - 1) > EQUAL]
    if not told:
        return ""
    names = [f"{written(part.factor)} ({CAUSES[part.cause]})" for part in told]
    return (
        f"At {numbers.flops(pair.target.flops)} FLOPs the multiplier is the product of {joined(names)}, each known far"
        f" less well than all together; the floor of {pair.b} lies {signed(pair.delta_floor, 3)} beside {pair.a}'s."
    )


def signed(number: Range, digits: int) -> str:
    """A difference with its sign and interval."""
    ends = ("∞" if end is None else f"{end:+.{digits}f}" for end in (number.estimate, number.low, number.high))
    return "{} [{}, {}]".format(*ends)


def _crossings(pair: Pair) -> Iterator[str]:
    low, high = (numbers.flops(end) for end in pair.searched)
    if not pair.crossings:
        yield f"No crossing of the two loss curves is seen between {low} and {high} FLOPs."
    if len(pair.crossings) > 1:
        yield "The two loss curves lie so near each other that they cross more than once: where they do says little."
    yield from (_crossing(pair, one) for one in pair.crossings[:2])


def _crossing(pair: Pair, one: Crossing) -> str:
    better = pair.b if one.to_b else pair.a
    ends = [numbers.flops(end) if end else ("below " if i == 0 else "above ") + numbers.flops(pair.searched[i])
            for i, end in enumerate((one.flops.low, one.flops.high))]  # fmt: skip
    place = {"inside": "inside the sweeps", "beyond": "beyond the sweeps", "below": "below the sweeps"}[one.place]
    at = numbers.flops(one.flops.estimate)
    return f"The loss curves cross at {at} FLOPs [{ends[0]}, {ends[1]}], {place}; {better} is the better one beyond."


def single(pair: Pair) -> Iterator[str]:
    """Whether single budgets alone would have decided as the target does (arXiv 2504.11393)."""
    if not pair.single_budgets:
        return
    smallest = pair.single_budgets[0]
    same = "the same" if smallest.verdict == pair.target.verdict else "otherwise"
    at = numbers.flops(smallest.budget)
    yield f"The smallest budget alone, {at} FLOPs, would have decided {same}: {_said(pair, smallest)}."
    agree = sum(one.verdict == pair.target.verdict for one in pair.single_budgets)
    asked = numbers.plural(len(pair.single_budgets), "budget")
    target = numbers.flops(pair.target.flops)
    verb = "agrees" if agree == 1 else "agree"
    yield f"Of {asked} asked alone, {agree} {verb} with the verdict at {target} FLOPs."


def _said(pair: Pair, one: SingleBudget) -> str:
    how = "lowest points of parabolas" if one.measured == "parabolas" else "paired runs"
    better = {
        "better": f"{pair.b} is better",
        "worse": f"{pair.a} is better",
        "undecided": "neither is shown to be better",
    }
    return f"{better[one.verdict]} there, the losses differing by {signed(one.difference, 4)} ({how})"


def rests(pair: Pair) -> Iterator[str]:
    """What the numbers stand on."""
    on = pair.rests_on
    runs = f"{numbers.plural(on.runs_a, 'run')} of {pair.a} and {on.runs_b} of {pair.b}"
    yield (
        f"Rests on {runs}, one surface for both with {on.dof} degrees of freedom left; σ of a run from its residuals,"
        f" {on.sigma_a:.3g} and {on.sigma_b:.3g}{_seeds(on.seed_sigma_a, on.seed_sigma_b)}."
    )
    if on.pairs:
        runs = numbers.plural(on.pairs, "pair")
        yield f"{runs} of runs have seed and budget in common, and so their data's order: {_shared(on)}."
    yield _counts(pair)


def _shared(on: RestsOn) -> str:
    """What ρ is, and of what."""
    if not on.rho:
        return "no correlation of their residuals is seen"
    parts = {
        "between seeds of one size and compute, which is noise alone": on.rho_seeds,
        "between the means over seeds, where what is missed counts for more": on.rho_cells,
    }
    told = ", and ".join(f"{_correlation(one)} {words}" for words, one in parts.items() if one)
    return (
        f"their residuals have the correlation ρ = {on.rho:.2f}, in which is the noise that a seed brings to both and"
        f" what the surface misses of both alike{f': {told}' if told else ''}"
    )


def _correlation(number: Range) -> str:
    return f"{number.estimate:.2f} [{number.low:.2f}, {number.high:.2f}]"


def _seeds(first: float | None, second: float | None) -> str:
    told = [f"{one:.3g}" for one in (first, second) if one is not None]
    return f" ({joined(told)} between seeds)" if told else "; no size has two seeds"


def _counts(pair: Pair) -> str:
    on = pair.rests_on
    kappa = [_of_ends(ends) for ends in (on.kappa_a, on.kappa_b)]
    same = kappa[0] == kappa[1] and on.unit_a == on.unit_b
    per = kappa[0] if same else f"{kappa[0]} ({pair.a}) and {kappa[1]} ({pair.b})"
    counted = on.conventions.get("flops", "flops")
    counted = "counted as 6·N·D" if counted == SIX_N_D else f"the column {counted}"
    why = "" if same else ", and compared at equal compute, for a parameter or a token of one is not the other's"
    # A byte is the same for all, and what one recipe cuts it into is not.
    bytes_ = "; what a token of each is worth is in the part of the data" if is_of_bytes(on.loss_unit) else ""
    return f"C is {counted}, {per} FLOPs a parameter and {on.unit_a}; losses are in {on.loss_unit}{why}{bytes_}."


def _of_ends(ends: tuple[float, float]) -> str:
    """FLOPs a parameter and token from the smallest to the largest size."""
    low, high = ends
    return factor(low) if abs(low / high - 1) < EQUAL else f"{factor(low)} to {factor(high)}"
