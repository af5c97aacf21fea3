"""A fit judged by its own refits: each made without the largest budgets, and asked for what it has not seen.

Tests of a form see what is wrong among the runs. Whether N* and L* hold beyond them shows only where something beyond
is known: at the table's own largest budgets, once they are hidden. A fit that misses them by more than chance is weak
(misses.py), for it will miss the next budget so too; and so is one whose intervals beyond the runs nothing could check.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from flopscape.fitting.backtest.cuts import Cut, Runs, cuts_of
from flopscape.fitting.backtest.hidden import HIDDEN, compute_of_hidden, optima, truths_of
from flopscape.fitting.backtest.misses import as_per_cent, misses_of, why_it_misses
from flopscape.fitting.backtest.yardstick import Truth
from flopscape.records.backtest import OWN, Forecast, OwnBacktest
from flopscape.records.fit_result import EXTRAPOLATES, FitResult, Prediction
from flopscape.runs.table import RunTable
from flopscape.text import numbers

MOST_CUTS = 3
"""Refits of a fit."""
RESAMPLES = 200
"""Of each refit: percentiles of so few are good to a seventh of the interval's width. A fit by fewer is not judged."""
SHARP = 2.0
"""Variance of what a hidden budget shows, over that claimed beyond the runs, up to which it checks the claim. What it
shows has an error of its own, so that one as sharp as the claim is not to be had."""
NO_BUDGET = "its runs share no budget that could be hidden whole"
Refit = Callable[[RunTable, Sequence[float]], FitResult]
"""From the rows that are not hidden, and the compute to predict the optimum for, to the same fit of them."""


def judge_by_hidden_budgets(result: FitResult, table: RunTable, refit: Refit, why_not: str = "") -> None:
    """Note in a fit what its own refits missed: it is weak for it, or its reason says why it could not be tested.

    Parameters
    ----------
    result : FitResult
        Of all rows of the table; one that is refused or on a bound is let be.
    table : RunTable
    refit : callable
    why_not : str
        Why this fit is not refitted, if it is not.
    """
    if result.status not in ("ok", "weak"):
        return
    found = OwnBacktest(untested=why_not) if why_not else own_backtest(table, refit)
    result.diagnostics[OWN] = asdict(found)
    most = float(table.flops.max())
    beyond = [asked for asked in result.predictions if asked.n_params and asked.flops > EXTRAPOLATES * most]
    missed = f"it misses the hidden: {why}" if (why := why_it_misses(found)) else ""
    if why := missed or ("" if why_not else why_unchecked(found, beyond, most)):
        result.reason = why if result.status == "ok" else f"{result.reason}; {why}"
        result.status = "weak"
    elif found.untested and result.status == "ok":
        result.reason += f"; not tested on hidden budgets: {found.untested}"


def why_unchecked(found: OwnBacktest, beyond: Sequence[Prediction], most: float) -> str:
    """Why intervals beyond the runs are not checked by what was hidden, or nothing.

    They reach farther than any hidden budget did, or are narrower than the errors that hidden budgets could show.

    Parameters
    ----------
    found : OwnBacktest
    beyond : sequence of Prediction
        Those at a compute that no run has.
    most : float
        The largest compute of a run, in FLOPs.

    Examples
    --------
    >>> from flopscape.records.backtest import Miss
    >>> from flopscape.records.fit_result import Estimate
    >>> asked = Prediction(1e22, Estimate(1e9, 0.8e9, 1.25e9), None, None, None)
    >>> print(why_unchecked(OwnBacktest([Miss("the largest budget", 1e21, 10.0, "N*", 0.1, 0.8)]), [asked], 1e21))
    N* at 10²² FLOPs, beyond the runs, is given within 25 %, where hidden budgets show errors from 120 % on
    >>> print(why_unchecked(OwnBacktest([Miss("the largest budget", 1e21, 3.0, "N*", 0.1, 0.2)]), [asked], 1e21))
    it is asked ×10 beyond its runs, and tested on hidden budgets up to ×3
    """
    if not beyond:
        return ""
    if found.untested:
        return f"it is asked beyond its runs and could not be tested on hidden budgets: {found.untested}"
    sizes = [miss for miss in found.hidden if miss.symbol == "N*"]
    farthest, asked = max((miss.extrapolation for miss in sizes), default=1.0), max(one.flops for one in beyond) / most
    if asked > farthest * EXTRAPOLATES:
        return f"it is asked ×{asked:.3g} beyond its runs, and tested on hidden budgets up to ×{farthest:.3g}"
    seen = min((miss.allowed for miss in sizes), default=np.inf)
    within, flops = min(map(_claim, beyond))
    if seen**2 <= SHARP * within**2:
        return ""
    return (
        f"N* at {numbers.flops(flops)} FLOPs, beyond the runs, is given within {as_per_cent(np.expm1(within))}, where"
        f" hidden budgets show errors from {as_per_cent(np.expm1(seen))} on"
    )


def _claim(asked: Prediction) -> tuple[float, float]:
    """Half the width of the interval of ln N*, infinite where an end is open, and the compute."""
    size = asked.n_params
    closed = size and size.low and size.high
    return (float(np.log(size.high / size.low)) / 2 if closed else np.inf), asked.flops  # type: ignore[union-attr, operator]


def own_backtest(table: RunTable, refit: Refit) -> OwnBacktest:
    """What the refits of a table's fit miss of the budgets hidden from them."""
    runs = Runs.of(table)
    cuts, why = cuts_of(runs)
    if not cuts:
        return OwnBacktest(untested=why)
    cuts = cuts[:MOST_CUTS]
    truths, largest = truths_of(runs), runs.hidden_budgets(cuts[-1])
    # Before any refit, for budgets that do not tell their own optimum teach nothing.
    if all(isinstance(truths[budget], str) for budget in largest):
        why = f"its largest budgets do not tell their own optimum: {truths[largest[-1]]}" if largest else NO_BUDGET
        return OwnBacktest(untested=why)
    lines = [line for cut in cuts for line in _lines(runs, cut, truths, refit)]
    return misses_of(lines, "without the largest budgets nothing could be fitted")


def _lines(runs: Runs, cut: Cut, truths: Mapping[float, Truth | str], refit: Refit) -> Iterator[Forecast]:
    """What one refit says of the budgets hidden from it."""
    kept = runs.table.keep(~cut.hidden, HIDDEN)
    asked = compute_of_hidden(runs, cut, kept)
    result = refit(kept, [*asked.values()])
    said = {
        "fit": "", "method": result.method, "cut": cut.name, "n_runs": kept.n_runs, "status": result.status,
        "reason": result.reason,
    }  # fmt: skip
    most = float(runs.spent[runs.ends & ~cut.hidden].max())
    yield from optima(said, result, [*asked], truths, most)
