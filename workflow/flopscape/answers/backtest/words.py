"""A backtest in words: a table of scores, coverage by how far was extrapolated, and two or three sentences."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from flopscape.answers.backtest.scores import by_fit, score, scores
from flopscape.errors import joined
from flopscape.records.backtest import Forecast, Score
from flopscape.text import numbers
from flopscape.text.terminal import aligned

HEAD = [
    "fit", "N* held", "N* high/low", "N* error", "L* held", "L* width", "L* error", "regret", "runs held", "log score",
    "misses",
]  # fmt: skip
FACTORS = (3.0, 10.0)
"""Extrapolation up to which, and beyond which, coverage is counted apart."""
ROUNDED = 1.001
"""Budgets of a factor 3 are 2.9999 apart in a file."""


def table(forecasts: Sequence[Forecast]) -> list[list[str]]:
    """A row for each fit, under `HEAD`: widths are medians of 95 % intervals, errors root mean squares.

    Widths and errors of the loss, and the regret, are parts of the loss. A fit is weak whose misses are
    beyond what intervals that are right have by chance.
    """
    return [_row(one) for one in scores(forecasts)]


def _row(one: Score) -> list[str]:
    return [
        one.fit,
        _share(one.held_n_params, one.n_n_params),
        _written(one.width_n_params, lambda width: f"×{np.exp(width):.3g}"),
        _written(one.rms_n_params, numbers.log_error),
        _share(one.held_loss, one.n_loss),
        _written(one.width_loss, _per_cent),
        _written(one.rms_loss, _per_cent),
        _written(one.regret, _per_cent),
        _share(one.held_runs, one.n_runs),
        _written(one.log_score, lambda value: f"{value:.2f}"),
        _misses(one),
    ]


def _misses(one: Score) -> str:
    """What the misses of hidden optima say of a fit."""
    if not one.n_n_params + one.n_loss:
        return numbers.NOTHING
    if one.missed:
        return "beyond chance"
    return "none" if one.held_n_params + one.held_loss == one.n_n_params + one.n_loss else "by chance"


def by_factor(forecasts: Sequence[Forecast]) -> list[list[str]]:
    """Header and rows: of each fit the intervals that hold N* and L*, by how far beyond its runs the budget lay."""
    ends = [0.0, *FACTORS, np.inf]
    names = [f"up to ×{FACTORS[0]:g}", f"×{FACTORS[0]:g} to ×{FACTORS[1]:g}", f"beyond ×{FACTORS[1]:g}"]
    return [["held, N* and L*", *names]] + [
        [name, *(_held(lines, low, high) for low, high in pairwise(ends))] for name, lines in by_fit(forecasts).items()
    ]


def _held(lines: Sequence[Forecast], low: float, high: float) -> str:
    within = [line for line in lines if low * ROUNDED < line.extrapolation <= high * ROUNDED]
    if not within:
        return numbers.NOTHING
    one = score(within)
    return f"{_share(one.held_n_params, one.n_n_params)}, {_share(one.held_loss, one.n_loss)}"


def _share(held: int, total: int) -> str:
    return f"{held} of {total}" if total else numbers.NOTHING


def _per_cent(part: float) -> str:
    return f"{100 * part:.2g} %"


def _written(value: float | None, write: Callable[[float], str]) -> str:
    return numbers.NOTHING if value is None or not np.isfinite(value) else write(value)


def sentences(forecasts: Sequence[Forecast]) -> list[str]:
    """Whose intervals held what was hidden, and which fit would have cost least; or why nothing was hidden.

    A third sentence names the fits that miss more than by chance.
    """
    hidden = hiding(forecasts)
    if not hidden:
        return [f"No backtest: {forecasts[0].left_out if forecasts else 'there is no fit'}."]
    judged = scores(hidden)
    cuts = _cuts(hidden)
    told = [one for one in judged if one.n_n_params or one.n_loss]
    if not told:
        return [f"Fitted again without {cuts}: {_why_no_optimum(hidden)}.", *_on_runs(judged)]
    silent = [f"{one.fit} said nothing of them" for one in judged if one.n_silent and one not in told]
    held = "; ".join([*map(_coverage, told), *silent])
    return [
        f"Fitted again without {cuts}, the 95 % intervals held the hidden N* and L*: {held}.",
        _best(told),
        *_weak(judged),
    ]


def _weak(judged: Sequence[Score]) -> list[str]:
    """Which fits miss hidden budgets by more than chance, each with its worst misses; nothing where none does."""
    told = [f"{one.fit}, {one.missed}" for one in judged if one.missed]
    return [f"Weak, for misses beyond chance: {'; '.join(told)}."] if told else []


def _cuts(forecasts: Sequence[Forecast]) -> str:
    """What was hidden: of many cuts the first and the last, for each hides more than the one before."""
    names = [*dict.fromkeys(line.cut for line in forecasts)]
    return joined(names) if len(names) < 4 else f"{names[0]}, {names[1]} and so on to {names[-1]}"


def _coverage(one: Score) -> str:
    if one.n_n_params == one.n_loss:
        return f"{one.fit} {one.held_n_params} and {one.held_loss} of {one.n_loss} times"
    return f"{one.fit} N* {_share(one.held_n_params, one.n_n_params)} times, L* {_share(one.held_loss, one.n_loss)}"


def _why_no_optimum(forecasts: Sequence[Forecast]) -> str:
    """Why no hidden optimum was judged."""
    optima = [line for line in forecasts if line.what == "optimum"]
    if not optima:
        return "no whole budget was hidden, so that only single runs tell how good the predictions were"
    if left_out := [line for line in optima if line.left_out]:
        where = f"that of {numbers.flops(left_out[0].flops)} FLOPs"
        return f"no hidden budget tells its own optimum ({where}: {left_out[0].left_out})"
    return "no fit said anything of the hidden budgets"


def _on_runs(judged: Sequence[Score]) -> list[str]:
    """What single hidden runs say, where there is nothing else."""
    held = [f"{one.fit} {_share(one.held_runs, one.n_runs)}" for one in judged if one.n_runs]
    return [f"Of the losses of single hidden runs the 95 % intervals held: {'; '.join(held)}."] if held else []


def _best(judged: Sequence[Score]) -> str:
    """Which fit chose the best sizes, and what the worst choice cost."""
    ranked = sorted((one for one in judged if one.regret is not None), key=lambda one: float(one.regret or 0))
    if not ranked:
        return "No fit gave a size for a hidden budget."
    costs = [f"{one.fit} {_per_cent(float(one.regret or 0))}" for one in ranked]
    if len(ranked) == 1:
        return f"The sizes that {ranked[0].fit} recommended cost {_per_cent(float(ranked[0].regret or 0))} of the loss."
    return (
        "The sizes that they recommended there cost, beyond the lowest loss at that compute, on average of that loss: "
        f"{', '.join(costs)}."
    )


def hiding(forecasts: Sequence[Forecast]) -> list[Forecast]:
    """The lines of fits from which something was hidden."""
    return [line for line in forecasts if line.what != "nothing"]


def text(forecasts: Sequence[Forecast]) -> str:
    """All of it for the terminal."""
    said, hidden = "\n".join(sentences(forecasts)), hiding(forecasts)
    tables = [aligned([HEAD, *table(hidden)], right=range(1, len(HEAD)))] if hidden else []
    if any(line.what == "optimum" and line.is_judged for line in hidden):
        tables.append(aligned(by_factor(hidden), right=(1, 2, 3)))
    return "\n\n".join([*tables, said])
