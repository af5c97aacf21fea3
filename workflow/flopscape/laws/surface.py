"""The five-parameter surface L(N, D) = E + A·N^−α + B·D^−β: values, gradient, exponents, and its optimum at a compute.

Source: Hoffmann et al. 2022 (arXiv 2203.15556), equations 2 and 4; the optimum loss follows by insertion. Every
function broadcasts, so parameters may be arrays of bootstrap draws.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from flopscape.laws.law import Array, Compute, Law, Number, Optimum, spread
from flopscape.laws.parameters import NAMED

ITERATIONS = 60
"""Most steps of the search for the optimum, each at worst halving a bracket of 10 in ln N: down to float64."""
EXCESS = 0.01
"""Part of the compute that a near-optimal size may waste: 1 %."""
FARTHEST = 500.0
"""ln N beyond which a double overflows soon; no band ends there unless A or B is nearly zero."""


class Surface(NamedTuple):
    """Parameters, scalars or arrays of one shape: E in nats, A and B in nats with N in parameters and D in tokens."""

    E: Number
    A: Number
    B: Number
    alpha: Number
    beta: Number


def loss(surface: Surface, n_params: Number, n_tokens: Number) -> Array:
    """L(N, D) in nats."""
    E, A, B, alpha, beta = surface
    return np.asarray(E + A * np.asarray(n_params) ** -alpha + B * np.asarray(n_tokens) ** -beta)


def gradient(surface: Surface, n_params: Array, n_tokens: Array) -> Array:
    """Derivatives of L with respect to (E, A, B, α, β).

    Returns
    -------
    array, shape (5, n)
        For scalar parameters and n runs.
    """
    _, A, B, alpha, beta = surface
    x, y = n_params**-alpha, n_tokens**-beta
    return np.stack([np.ones_like(x), x, y, -A * x * np.log(n_params), -B * y * np.log(n_tokens)])


def exponents(surface: Surface) -> tuple[Array, Array]:
    """a = β/(α + β) and b = α/(α + β) of N* ∝ C^a and D* ∝ C^b (Hoffmann et al. 2022, equation 4).

    >>> a, b = exponents(Surface(1.69, 406.4, 410.7, 0.34, 0.28))
    >>> float(round(a, 3)), float(round(b, 3))
    (0.452, 0.548)
    """
    alpha, beta = np.asarray(surface.alpha), np.asarray(surface.beta)
    return beta / (alpha + beta), alpha / (alpha + beta)


def closed_form_optimum(surface: Surface, flops: Number, kappa: float = 6.0) -> Optimum:
    """Minimum of L under C = κ·N·D with constant κ.

    With D = (C/κ)/N the loss is E + A·N^−α + B·(C/κ)^−β·N^β, whose derivative in ln N is zero where
    αA·N^−α = βB·D^−β: one per cent more of N saves as much as one per cent more of D. Solved for N it is
    N* = G·(C/κ)^a and D* = (C/κ)^b / G with G = (αA/(βB))^(1/(α+β)): Hoffmann et al. 2022, equation 4.

    Examples
    --------
    The rounded parameters of that paper at the compute of Gopher, 5.76e23 FLOPs, ask for 32 billion parameters:

    >>> best = closed_form_optimum(Surface(1.69, 406.4, 410.7, 0.34, 0.28), 5.76e23)
    >>> f"{best.n_params:.3g} parameters, {best.n_tokens:.3g} tokens, {best.loss:.3f} nats"
    '3.22e+10 parameters, 2.98e+12 tokens, 1.931 nats'
    """
    _, A, B, alpha, beta = surface
    a, b = exponents(surface)
    with np.errstate(divide="ignore", invalid="ignore"):
        G = (alpha * np.asarray(A) / (beta * np.asarray(B))) ** (1 / (np.asarray(alpha) + beta))
    n_params = G * (np.asarray(flops) / kappa) ** a
    n_tokens = (np.asarray(flops) / kappa) ** b / G
    return Optimum(n_params, n_tokens, loss(surface, n_params, n_tokens))


def optimum(surface: Surface, flops: float, compute: Compute) -> Optimum:
    """Minimum of L(N, D) under C = κ(N)·N·D: closed form for constant κ, else a search for dL/d ln N = 0.

    Broadcasts over draws of the surface; NaN where A or B is zero, for then L has no interior minimum.
    """
    if compute.is_constant:
        return closed_form_optimum(surface, flops, float(np.exp(compute.log_kappa[0])))
    log_n = _stationary(surface, flops, compute)
    n_params, n_tokens = np.exp(log_n), np.exp(compute.tokens(log_n, flops))
    return Optimum(n_params, n_tokens, loss(surface, n_params, n_tokens))


def stationarity(surface: Surface, log_n: Array, flops: float, compute: Compute) -> tuple[Array, Array]:
    """ln of (αA·N^−α) over (βB·D^−β·(1 + d ln κ/d ln N)), zero at the optimum, and its derivative in ln N.

    Along C = κ(N)·N·D, ln D falls by 1 + κ' for each unit of ln N, κ' being d ln κ/d ln N: dL/d ln N =
    −αA·N^−α + βB·D^−β·(1 + κ'). The logarithm of the two terms' ratio falls with ln N by α + β·(1 + κ') + κ''/(1 + κ'),
    nearly constant, so that Newton's method on it needs few steps.
    """
    _, A, B, alpha, beta = surface
    log_kappa, slope, bend = compute.curve(log_n)
    growth = np.maximum(1 + slope, 1e-3)
    log_d = np.log(flops) - log_kappa - log_n
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.log(alpha * np.asarray(A)) - alpha * log_n
        value = left - np.log(beta * np.asarray(B)) + beta * log_d - np.log(growth)
    return np.asarray(value), np.asarray(-alpha - beta * growth - bend / growth)


def _stationary(surface: Surface, flops: float, compute: Compute) -> Array:
    """Newton's method on the stationarity condition, kept in a bracket of e⁵ around the optimum at the mean κ."""
    x = np.log(closed_form_optimum(surface, flops, float(np.exp(compute.log_kappa.mean()))).n_params)
    low, high = x - 5.0, x + 5.0
    for _ in range(ITERATIONS):
        value, slope = stationarity(surface, x, flops, compute)
        # The condition falls with ln N: where it is still positive the optimum lies above.
        low, high = np.where(value > 0, x, low), np.where(value > 0, high, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = x - value / slope
        new = np.where((new > low) & (new < high), new, (low + high) / 2)
        moved = np.abs(new - x)
        x = new
        if not (moved > 1e-13 * np.maximum(1, np.abs(x))).any():
            break
    return np.asarray(x)


def near_optimal_sizes(surface: Surface, flops: float, compute: Compute) -> list[float] | None:
    """The range of N whose loss at compute C the optimum reaches with 1 % less compute.

    {N : L(N, D(C, N)) ≤ L*(C/1.01)} with D from C = κ(N)·N·D: training such an N wastes at most 1 % of C. The ends have
    no closed form; they are roots in ln N on both sides of N*, bracketed by doubling steps.

    Parameters
    ----------
    surface : Surface
        Scalars, with A and B positive.
    flops : float
        C in FLOPs.

    Returns
    -------
    list
        Lowest and highest N in parameters; None where there is no optimum or no end.
    """
    if not (surface.A > 0 and surface.B > 0):
        return None
    best, less = (optimum(surface, c, compute) for c in (flops, flops / (1 + EXCESS)))
    middle = float(np.log(best.n_params))

    def excess(log_n: float) -> float:
        tokens = np.exp(compute.tokens(np.asarray(log_n), flops))
        return float(loss(surface, np.exp(log_n), tokens) - less.loss)

    ends = []
    for side in (-1.0, 1.0):
        step = 0.1
        with np.errstate(over="ignore"):
            # Doubling steps until the end is between the last two.
            while excess(middle + side * step) < 0 and abs(middle) + step < FARTHEST:
                step *= 2
            if not 0 < excess(middle + side * step) < np.inf:
                return None
            ends.append(float(np.exp(brentq(excess, middle, middle + side * step, xtol=1e-12))))
    return ends


def _optimum(p: Surface, flops: Number, compute: Compute, unique_tokens: Number) -> Optimum:
    """`optimum` as a `Law` has it: tokens never run out."""
    return optimum(p, flops, compute)  # type: ignore[arg-type]


def _in_units(p: Surface, n_unit: Number, d_unit: Number) -> Surface:
    # (N·unit)^−α = unit^−α·N^−α: the amplitude takes the factor back.
    return p._replace(A=p.A * n_unit**p.alpha, B=p.B * d_unit**p.beta)


def _starts(generator: np.random.Generator, count: int, level: float) -> dict[str, Array]:
    E, share = level * generator.uniform(0, 0.95, count), generator.uniform(0.02, 0.98, count)
    alpha, beta = spread(generator, count, 0.05, 2), spread(generator, count, 0.05, 2)
    return {"E": E, "A": share * (level - E), "B": (1 - share) * (level - E), "alpha": alpha, "beta": beta}


LAW = Law(
    name="surface",
    formula="L(N, D) = E + A·N^−α + B·D^−β",
    kind=Surface,
    names=NAMED["surface"].names,
    arguments=("n_params", "n_tokens"),
    value=loss,
    derivative=gradient,
    in_units=_in_units,
    starts=_starts,
    bounds=NAMED["surface"].bounds,
    exponents=exponents,
    optimum=_optimum,
)
