"""What a multiplier is made of, how it changes with compute, and where the two curves cross.

All errors are of first order. With Δ(ln m, θ) = L*_A(m·C) − L*_B(C) zero at the estimate, ln m moves with θ by

    ∂ln m/∂θ = −(∂Δ/∂θ)/(∂Δ/∂ln m),   ∂Δ/∂ln m = dL*_A/d ln C = −β·(1 − ½ν)·b·D*^−β,

the last because N* minimises the loss along the compute, so that only D's own growth with C counts, and x's.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np

from flopscape.comparison.model import NAMES
from flopscape.comparison.multiplier import Curves, difference, multiplier, quantile
from flopscape.comparison.results import Crossing, Part, Place, Range
from flopscape.laws.inference import increasing_root
from flopscape.laws.law import Array

SEARCHED = (0.1, 1000.0)
"""Crossings are looked for from this part of the least common compute to this multiple of the most."""
GRID = 241
"""Computes at which the sign of the difference is looked at."""


def place_of(flops: float, bottom: float, top: float) -> Place:
    """Where a compute lies beside those of the runs; 5 % off an end is inside, as rounding to whole batches is."""
    return "below" if flops < bottom / 1.05 else "beyond" if flops > top * 1.05 else "inside"


def with_ends(estimate: float, error: float, t: float, write: Callable[[float], float] = float) -> Range:
    """Estimate ± t standard errors; `write` is applied to all three."""
    return Range(*(float(write(estimate + k * t * error)) for k in (0, -1, 1)))


def log_gradient(curves: Curves, flops: float) -> tuple[float, Array]:
    """ln m at a compute, and its derivatives by θ, (11,); infinite, and then not numbers, where no m is enough."""
    log_m = float(multiplier(curves, np.array([flops])).estimate[0])
    if not np.isfinite(log_m):
        return log_m, np.full(len(NAMES), np.nan)
    of_a, of_b = curves.best(np.array([flops * np.exp(log_m)]), False), curves.best(np.array([flops]), True)
    # ∂L_A/∂ln b is b·D^−β, and β = e^(ln β).
    beta, nu = np.exp(curves.fit.theta[NAMES.index("ln_beta")]), curves.fit.theta[NAMES.index("nu")]
    slope = -beta * (1 - nu / 2) * of_a.gradient[0, NAMES.index("ln_b")]
    return log_m, np.asarray(-(of_a.gradient[0] - of_b.gradient[0]) / slope)


def growth(curves: Curves, bottom: float, top: float, t: float) -> Range | None:
    """The factor by which m changes for each tenfold compute between two; None where m is infinite at an end."""
    (low, from_low), (high, from_high) = (log_gradient(curves, flops) for flops in (bottom, top))
    if not np.isfinite(low) or not np.isfinite(high):
        return None
    decades = np.log10(top / bottom)
    error = float(curves.fit.error_of((from_high - from_low) / decades))
    return with_ends((high - low) / decades, error, t, np.exp)


def parts(curves: Curves, flops: float, t: float) -> list[Part]:
    """The factors of m by cause; none where m is infinite.

    With s = 1 − ½ν, parameters and data give ln m = μ_N/s + (μ_D + ν·x)/s, which is all of it where floors and κ are
    one (see model.py). With κ of A for both, what m is more than these is the floor's; and what m is more than that
    with each recipe's own κ, the cost of a token.
    """
    x, unit = np.log(flops) - curves.center.log_c, np.eye(len(NAMES))
    of_nu, of_mu_n, of_mu_d = (unit[NAMES.index(name)] for name in ("nu", "mu_N", "mu_D"))
    nu, mu_n, mu_d = (float(row @ curves.fit.theta) for row in (of_nu, of_mu_n, of_mu_d))
    s = 1 - nu / 2
    mu = mu_n / s, (mu_d + nu * x) / s
    # ds/dν = −½, so that each of the two grows by half of itself over s.
    of_n = (of_mu_n + mu[0] / 2 * of_nu) / s
    of_d = (of_mu_d + (x + mu[1] / 2) * of_nu) / s
    whole, from_whole = log_gradient(curves, flops)
    alike, from_alike = log_gradient(replace(curves, compute=(curves.compute[0],) * 2), flops)
    if not np.isfinite(whole) or not np.isfinite(alike):
        return []
    told: list[tuple[Literal["parameters", "data", "floor", "cost"], float, Array]] = [
        ("parameters", mu[0], of_n),
        ("data", mu[1], of_d),
        ("floor", alike - sum(mu), from_alike - of_n - of_d),
        ("cost", whole - alike, from_whole - from_alike),
    ]
    return [Part(name, with_ends(value, float(curves.fit.error_of(g)), t, np.exp)) for name, value, g in told]


def crossings(curves: Curves, bottom: float, top: float, level: float) -> list[Crossing]:
    """Where the lowest losses of both recipes are equal, from a tenth of `bottom` to a thousand times `top`.

    The interval of a crossing is the connected set of computes around it at which the difference is not beyond its
    error; an end at the end of what was searched is open.
    """
    t = quantile(curves.fit, level)
    grid = np.linspace(np.log(SEARCHED[0] * bottom), np.log(SEARCHED[1] * top), GRID)

    def at(log_c: Array) -> tuple[Array, Array]:
        found = difference(curves, np.exp(log_c), np.zeros_like(log_c))
        return found.value, np.abs(found.value) - t * found.error

    value, beyond = at(grid)
    found = []
    for i in np.flatnonzero(np.sign(value[:-1]) * np.sign(value[1:]) < 0):
        rising = float(np.sign(value[i + 1]))
        flops = _root(lambda x: at(x)[0], grid[i], grid[i + 1], rising)
        ends = [_end(at, grid, beyond, int(i) + (side > 0), side) for side in (-1, 1)]
        found.append(Crossing(Range(flops, *ends), place_of(flops, bottom, top), rising > 0))
    return found


def _end(at: Callable[[Array], tuple[Array, Array]], grid: Array, beyond: Array, start: int, side: int) -> float | None:
    """The compute on one side of a crossing from which on the recipes differ by more than their error."""
    for i in _outwards(start, side, len(grid)):
        if beyond[i] > 0:
            # Between this point and the one before it, which may lie on the crossing's other side.
            low, high = sorted((float(grid[i]), float(grid[i - side])))
            return _root(lambda x: at(x)[1], low, high, side)
    return None


def _root(function: Callable[[Array], Array], low: float, high: float, sign: float) -> float:
    """The compute between ln C = low and high where a function that rises, or falls with sign −1, is zero."""
    return float(np.exp(increasing_root(lambda x: sign * function(x), np.array([low]), np.array([high]))[0]))


def _outwards(start: int, side: int, count: int) -> Iterator[int]:
    yield from range(start, count if side > 0 else -1, side)
