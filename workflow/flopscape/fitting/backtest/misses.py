"""Which misses of hidden budgets are chance, and which make a fit weak: the one rule, for a fit and for a backtest.

One of twenty 95 % intervals misses where all is well, and a fit has several, of N* and L* at each hidden budget. So a
share of intervals that must hold, such as 85 %, judges wrongly on both sides: of six numbers it allows no miss, however
narrow, and six independent intervals that are right have one in 26 % of the cases; of twelve it allows a miss however
wide.

Here each number has its chance p: its distance from the truth, over what the interval allows, is 1/1.96 of a standard
normal deviate where the intervals are right. Of m numbers the k farthest are more than chance once each of them has
p ≤ k·5 %/m for any k (Simes 1986, Biometrika 73, whose level holds where numbers err together, as those of one fit do:
Sarkar 1998). With k = 1 this is Bonferroni's bound for a single wide miss; with k = m no miss of all is more than 95 %
intervals allow. A budget that several cuts hide counts once, by its widest miss, for its runs are the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from flopscape.errors import joined
from flopscape.fitting.backtest.hidden import NORMAL_95, allowed, in_logs
from flopscape.records.backtest import Forecast, Miss, Outcome, OwnBacktest
from flopscape.records.fit_result import Estimate
from flopscape.text import numbers

NO_OUTCOME = "no hidden run has a loss that was predicted"
LEVEL = 0.05
"""Chance that a fit whose intervals are right is called weak for what they miss. Of the fits of 166 tables of true
surfaces (5 budgets × 7 sizes, two cuts) 5 % by vpnls are, 4 % by approach3 and 6 % by approach2-exact; were 85 % of N*
and of L* to hold, 18, 13 and 20 %."""


def misses_of(lines: Iterable[Forecast], nothing: str = "no hidden budget tells its own optimum") -> OwnBacktest:
    """How far the refits of one fit were off each hidden N* and L*, and up to where that is chance.

    Parameters
    ----------
    lines : iterable of Forecast
        Of one fit: all of its cuts.
    nothing : str
        Why nothing was tested, if nothing was.

    Examples
    --------
    >>> off = Forecast("f", "vpnls", "the largest budget", 30, "ok", "", "optimum", 1e21, 3.0, true_loss=2.0,
    ...     se_loss=0.0, loss=2.03, loss_low=2.02, loss_high=2.04)
    >>> print(why_it_misses(misses_of([off])))
    without the largest budget L* at 10²¹ FLOPs is 1.5 % too high, where its interval allows 0.50 %
    """
    hidden = [miss for line in lines if line.what == "optimum" for miss in _misses(line)]
    if not hidden:
        return OwnBacktest(untested=nothing)
    widest: dict[tuple[float, str], float] = {}
    for miss in hidden:
        name = miss.flops, miss.symbol
        widest[name] = max(widest.get(name, 0.0), _distance(miss))
    return OwnBacktest(hidden, limit=limit(list(widest.values())))


def misses_of_outcomes(lines: Iterable[Outcome]) -> OwnBacktest:
    """The same of what stays hidden from a finished fit: the loss of each run counts, beside the optima.

    Examples
    --------
    >>> off = Outcome("f", "vpnls", "", 30, "ok", "", "run", 1e21, 3.0, true_loss=2.0, loss=1.97, loss_low=1.96,
    ...     loss_high=1.98)
    >>> print(why_it_misses(misses_of_outcomes([off])))
    the loss of a run at 10²¹ FLOPs is 1.5 % too low, where its interval allows 0.50 %
    """
    # Nothing was left out for these but what is hidden anyway: of a miss there is no cut to tell.
    told = [replace(line, cut="") for line in lines]
    hidden = [miss for line in told for miss in (_misses(line) if line.what == "optimum" else _miss_of_run(line))]
    return OwnBacktest(hidden, limit=limit(map(_distance, hidden))) if hidden else OwnBacktest(untested=NO_OUTCOME)


def _miss_of_run(line: Outcome) -> Iterator[Miss]:
    """A run's loss beside what was predicted, in whose interval the noise of a run is already."""
    if line.true_loss and line.loss:
        yield from _miss(
            line, "L", Estimate(line.loss, line.loss_low, line.loss_high), line.true_loss, 0.0, line.true_loss
        )


def _misses(line: Forecast) -> Iterator[Miss]:
    """N* and L* of a hidden budget, where there are a truth and an interval."""
    truth, se = line.true_n_params, line.se_log_n_params
    if truth and se is not None and line.n_params:
        size = in_logs(Estimate(line.n_params, line.n_params_low, line.n_params_high))
        yield from _miss(line, "N*", size, float(np.log(truth)), se, 1.0)
    truth, se = line.true_loss, line.se_loss
    if truth and se is not None and line.loss:
        yield from _miss(line, "L*", Estimate(line.loss, line.loss_low, line.loss_high), truth, se, truth)


def _miss(
    line: Forecast, symbol: Literal["N*", "L*", "L"], number: Estimate, truth: float, se: float, unit: float
) -> Iterator[Miss]:
    """One number beside its truth; an interval that is open on the truth's side cannot miss it."""
    may = allowed(truth, se, number)
    if np.isfinite(may):
        yield Miss(line.cut, line.flops, line.extrapolation, symbol, (number.estimate - truth) / unit, may / unit)


def _distance(miss: Miss) -> float:
    """How far off, in what the interval allows; an interval of no width allows nothing."""
    return abs(miss.off) / miss.allowed if miss.allowed > 0 else np.inf if miss.off else 0.0


def limit(distances: Iterable[float]) -> float:
    """Multiple of what a 95 % interval allows up to which misses are chance, where so many were off by so much.

    Parameters
    ----------
    distances : iterable of float
        Of each number, in multiples of what its interval allows.

    Examples
    --------
    Of two numbers one alone may miss by a little, and not both; of twelve one by nearly half as much again.

    >>> round(limit([0.2]), 2), round(limit([0.2, 1.1]), 2), round(limit([1.1, 1.1]), 2), round(limit([1.01] * 12), 2)
    (1.0, 1.14, 1.0, 1.0)
    >>> round(limit([0.2] * 11 + [1.4]), 2)
    1.46
    """
    farthest = np.sort(np.asarray(list(distances)))[::-1]
    levels = LEVEL * np.arange(1, len(farthest) + 1) / len(farthest)
    beyond = 2 * ndtr(-NORMAL_95 * farthest) <= levels
    at = np.flatnonzero(beyond)[-1] if beyond.any() else 0
    return max(float(-ndtri(levels[at] / 2) / NORMAL_95), 1.0)


def why_it_misses(found: OwnBacktest) -> str:
    """Which hidden budgets a fit missed by more than chance, how far, and what its intervals allowed; or nothing.

    Of N*, of L* and of the losses of runs the widest miss.

    Examples
    --------
    >>> print(why_it_misses(OwnBacktest([Miss("the largest budget", 1e21, 3.0, "L*", -0.012, 0.004)])))
    without the largest budget L* at 10²¹ FLOPs is 1.2 % too low, where its interval allows 0.40 %
    """
    worst = []
    for symbol in ("N*", "L*", "L"):
        off = [miss for miss in found.hidden if miss.symbol == symbol and abs(miss.off) > found.limit * miss.allowed]
        if off:
            worst.append(max(off, key=lambda miss: abs(miss.off) / miss.allowed))
    return joined(_words(miss) for miss in worst) if worst else ""


def _words(miss: Miss) -> str:
    sign = 1 if miss.off > 0 else -1
    off, may = (as_per_cent(abs(_part(miss.symbol, sign * abs(size)))) for size in (miss.off, miss.allowed))
    what = "the loss of a run" if miss.symbol == "L" else miss.symbol
    return (
        f"{f'without {miss.cut} ' if miss.cut else ''}{what} at {numbers.flops(miss.flops)} FLOPs is {off} too"
        f" {'high' if sign > 0 else 'low'}, where its interval allows {may}"
    )


def _part(symbol: str, off: float) -> float:
    """An error as a part of the truth: ln N* off by x is a factor exp(x); that of a loss is a part already."""
    return float(np.expm1(off)) if symbol == "N*" else off


def as_per_cent(part: float) -> str:
    """A part of one, with two digits."""
    return f"{numbers.count(100 * float(part), 2)} %"
