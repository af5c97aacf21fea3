"""What each method says about R simulated tables: estimates, 95 % intervals and how each fit ended."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flopscape.fitting.quantities import column
from flopscape.fitting.resample import percentile_interval
from flopscape.fitting.varpro import Solution
from flopscape.laws.arrays import Array, Index, Names

ASKED = ("n_params", "n_tokens", "loss")
OK = "ok"


class Estimates(NamedTuple):
    """Arrays (R, Q) in the order of `names`, NaN where there is nothing; `status` (R,) is `ok` or why not."""

    value: Array
    low: Array
    high: Array
    status: Names


def names(flops: Sequence[float]) -> list[str]:
    """a, b, and N*, D* and L* at each asked compute."""
    return ["a", "b", *(column(name, c) for c in flops for name in ASKED)]


def empty(tables: int, quantities: int, status: str) -> Estimates:
    """Nothing but a status."""
    nothing = np.full((tables, quantities), np.nan)
    return Estimates(nothing, nothing.copy(), nothing.copy(), np.full(tables, status, dtype="<U80"))


def percentiles(draws: Array) -> tuple[Array, Array]:
    """`percentile_interval` of the draws (R, K, …) of every table: low and high, each (R, …)."""
    whole = np.isfinite(draws).all(axis=1)
    low, high = np.quantile(np.where(np.isfinite(draws), draws, 0.0), [0.025, 0.975], axis=1)
    for place in zip(*np.nonzero(~whole), strict=True):
        at, rest = place[0], place[1:]
        low[place], high[place] = percentile_interval(draws[(at, slice(None), *rest)])
    return low, high


def chosen(solution: Solution, at: Index) -> Solution:
    """The optima of some tables."""
    return Solution(solution.coefficients[at], solution.exponents[at], solution.objective[at], solution.converged[at])
