"""How the facts decide each question of the guide: the answer, what was found with its numbers, and a command.

One function a question, named as the question is in guide/chart.py.
"""

from typing import NamedTuple

from flopscape.errors import joined
from flopscape.guide.facts import Budget, Facts
from flopscape.plan.coverage import MAX_EPOCHS, MIN_COUNT
from flopscape.records.fit_result import EXTRAPOLATES
from flopscape.text import numbers

KNOWN_NOISE = 6
"""Degrees of freedom from which on a scatter is known within a factor of two either way, at 90 %."""
BUDGETS_OF_A_LINE = 3
"""Optima that a power law through them needs, to be more than the line between two points."""
FAR = 10.0
"""Factor of compute beyond which no table at hand has been tested."""


class Found(NamedTuple):
    """The answer to a question, what was found, and a command or other thing to do now; the last may be empty."""

    answer: str
    fact: str
    now: str = ""


def rows(facts: Facts) -> Found:
    """Whether rows are ends of runs."""
    runs = numbers.plural(facts.n_runs, "run")
    if facts.n_rows > facts.n_runs:
        return Found("checkpoints", f"{facts.n_rows:,} rows are checkpoints of {runs}.")
    return Found("ends", f"{runs}, one row each." if facts.measured else f"{runs} are planned, each to its end.")


def points(facts: Facts) -> Found:
    """Whether there are points enough for a law."""
    few = facts.shape == "few points"
    pairs = f"{facts.n_points} different pairs of N and D, of {numbers.plural(facts.n_sizes, 'size')}."
    return Found("fewer" if few else "six or more", pairs)


def shape(facts: Facts) -> Found:
    """The design, by which approach it allows."""
    low, high = (numbers.ratio(end) for end in facts.tokens_per_param)
    ratio = f"{low} to {high} {facts.unit}s a parameter" if low != high else f"{low} {facts.unit}s a parameter"
    spent = f"{numbers.flops(facts.flops[0])} to {numbers.flops(facts.flops[1])} FLOPs"
    if facts.shape == "budgets":
        return Found("several budgets", f"{len(facts.budgets)} budgets, {spent}, at {ratio}.")
    if facts.shape == "one budget":
        return Found("one budget", f"One budget of three or more sizes, {numbers.flops(facts.budgets[0].flops)} FLOPs.")
    if facts.shape == "ladder":
        along = f"{facts.n_sizes} sizes with one D each" if facts.n_sizes > 1 else "All runs are of one size"
        return Found("a ladder", f"{along}, at {ratio}.")
    return Found("a grid", f"{numbers.plural(facts.n_sizes, 'size')} at {ratio}, most of them in no common budget.")


def optima(facts: Facts) -> Found:
    """Whether each budget brackets its optimum."""
    sizes = [budget.n_sizes for budget in facts.budgets]
    count = f"{min(sizes)}" if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
    each = f"{count} sizes at each of {len(sizes)} budgets"
    bracketed = [budget for budget in facts.budgets if budget.n_sizes >= MIN_COUNT and budget not in facts.at_edge]
    if len(bracketed) < BUDGETS_OF_A_LINE or (facts.measured and len(bracketed) < len(sizes)):
        open_ended = f"; {_edges(facts.at_edge)}" if facts.at_edge else ""
        return Found("fewer" if len(bracketed) < BUDGETS_OF_A_LINE else "three or more", f"{each}{open_ended}.")
    if not facts.measured:
        return Found("not seen yet", f"{each}; where the lowest loss lies only the runs will show.")
    return Found("all", f"{each}, the lowest mean loss between them everywhere.")


def _edges(budgets: list[Budget]) -> str:
    where = joined(f"{numbers.flops(budget.flops)} FLOPs (the {budget.lowest})" for budget in budgets)
    return f"the lowest loss is at the end of the sizes at {where}"


def schedule(facts: Facts) -> Found:
    """Whether schedules are tuned for the length of each run."""
    known = facts.training.ends_with_run
    if facts.simulated:
        return Found("yes", "Losses are simulated: there is no schedule.")
    if known is None:
        return Found("unknown", "The table does not say how its runs were trained.")
    return Found("yes" if known else "no", facts.training.schedule)


def rates(facts: Facts) -> Found:
    """Whether the learning rate was searched across sizes."""
    training = facts.training
    if facts.simulated:
        return Found("yes", "Losses are simulated: there is no learning rate.")
    if not training.rates:
        return Found("unknown", "The table does not say how its runs were trained.")
    if training.rates in ("transfers", "drifts"):
        return Found("yes" if training.rates == "transfers" else "no", training.rates_words)
    now = f"snakemake transfer --config studies={facts.name}" if training.rates == "planned" else ""
    return Found("not shown", training.rates_words, now)


def data(facts: Facts) -> Found:
    """Whether data are repeated."""
    if facts.simulated:
        return Found("no", "Losses are simulated: no data are seen.")
    if facts.epochs is None:
        return Found("unknown", f"How many distinct {facts.unit}s there were is not said.")
    times = numbers.ratio(facts.epochs)
    words = (
        f"The run of most {facts.unit}s sees each {times} times."
        if facts.epochs > 1
        else f"No run repeats its data: at most {numbers.percent(facts.epochs)} of the {facts.unit}s are seen."
    )
    return Found("yes" if facts.epochs > MAX_EPOCHS else "no", words)


def noise(facts: Facts) -> Found:
    """Whether seeds tell the noise."""
    if not facts.repeats:
        return Found("no", "No pair of N and D has a second seed.")
    scatter = f", which scatter by {numbers.loss(facts.seed_sd)}" if facts.measured else ""
    words = f"{numbers.plural(facts.repeats, 'run')} beyond the first of a pair of N and D{scatter}."
    return Found("yes" if facts.repeats >= KNOWN_NOISE else "no", words)


def floor(facts: Facts) -> Found:
    """Whether the loss has a floor that the runs show."""
    estimate = facts.floor
    if estimate is None or estimate.low is None or facts.lowest_loss is None:
        return Found("unknown", "No law of N and D with a floor was fitted.")
    lowest = numbers.loss(facts.lowest_loss)
    words = f"E = {numbers.interval(estimate, numbers.loss)}; the lowest measured loss is {lowest}."
    # A floor that is zero within a tenth of the losses themselves is none that anything rests on.
    return Found("yes" if estimate.low > 0.1 * facts.lowest_loss else "no", words)


def reach(facts: Facts) -> Found:
    """How far the question lies beyond the runs."""
    factor = facts.factor
    if factor is None:
        return Found("nothing asked", f"The runs reach {numbers.flops(facts.flops[1])} FLOPs.", "add --flops")
    words = f"{numbers.flops(max(facts.asked))} FLOPs is ×{numbers.ratio(factor)} the largest budget."
    if factor <= EXTRAPOLATES:
        return Found("within", words)
    return Found("up to ×10" if factor <= FAR else "beyond ×10", words)


def hidden(facts: Facts) -> Found:
    """Whether a backtest was passed."""
    score = facts.tested
    if score is None or not (score.n_loss or score.n_n_params):
        return Found("not tested", _why_untested(facts))
    words = (
        f"The 95 % intervals of {facts.answering} hold N* of {score.held_n_params} of {score.n_n_params} hidden"
        f" budgets, L* of {score.held_loss} of {score.n_loss}."
    )
    return Found("no", f"{words[:-1]}: {score.missed}.") if score.missed else Found("yes", words)


def _why_untested(facts: Facts) -> str:
    return facts.untested or "No hidden budget was predicted yet."
