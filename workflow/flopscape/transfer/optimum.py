"""The best learning rate of one size: a parabola in ln rate through the best rate tried and its two neighbours.

Near its minimum a smooth curve is a parabola, and a rate acts by its ratio to the best one, so that x = ln rate is the
axis on which the curve is even. Three points fix the parabola; more, fitted by least squares, would let the far and
steep sides, which are no parabola, push the vertex about. With the middle point (x₁, y₁), in Newton's form,

    y = y₁ + c₁·(x − x₁) + c₂·(x − x₁)²,

the slopes s₀ = (y₁ − y₀)/(x₁ − x₀) on the left and s₁ = (y₂ − y₁)/(x₂ − x₁) on the right give c₂ = (s₁ − s₀)/(x₂ − x₀)
and c₁ = s₀ + c₂·(x₁ − x₀). The vertex is where y' = 0: x* = x₁ − c₁/(2c₂) and y* = y₁ − c₁²/(4c₂), if c₂ > 0.
Everything is done for R vectors of losses at once: the measured one and those redrawn with its noise
(transfer/verdict.py).
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from flopscape.laws.law import Array, Index, Mask

FIVE = 5
"""Rates nearest the best whose scatter about a parabola stands for the noise where there is one seed only."""


@dataclass(frozen=True)
class Optimum:
    """ln rate and loss of the best point of each of R loss vectors (R,), and whether it is only an end of the grid."""

    log_rate: Array
    loss: Array
    at_edge: Mask


def optima(log_rates: Array, losses: Array) -> Optimum:
    """Vertices of parabolas through the best three points.

    Parameters
    ----------
    log_rates : array, shape (k,)
        ln rate, ascending; k at least 1.
    losses : array, shape (R, k)
        In nats.

    Returns
    -------
    Optimum
        Where the best rate has a neighbour on one side only, or all three losses are the same, that rate itself.

    Examples
    --------
    The parabola (x − 0.5)² + 2, tried at three rates:

    >>> best = optima(np.array([-1.0, 0.0, 1.0]), np.array([[4.25, 2.25, 2.25]]))
    >>> float(best.log_rate[0]), float(best.loss[0])
    (0.5, 2.0)
    """
    rows, last = np.arange(len(losses)), len(log_rates) - 1
    best = losses.argmin(axis=1)
    # At an end of the grid the parabola of the three next to it is computed and thrown away: all R go in one step.
    inner = np.clip(best, 1, max(last - 1, 0))
    at_edge = (best == 0) | (best == last)
    if last < 2:
        return Optimum(log_rates[best], losses[rows, best], at_edge)
    center, c1, c2 = parabolas(log_rates, losses, inner)
    # Three equal losses: the middle one is no lower than its neighbours, and has no vertex.
    at_edge |= c2 <= 0
    with np.errstate(divide="ignore", invalid="ignore"):
        shift, gain = -c1 / (2 * c2), c1**2 / (4 * c2)
    lowest = losses[rows, best]
    log_rate = np.where(at_edge, log_rates[best], center + shift)
    return Optimum(log_rate, np.where(at_edge, lowest, lowest - gain), at_edge)


def parabolas(log_rates: Array, losses: Array, middle: Index) -> tuple[Array, Array, Array]:
    """y = y₁ + c1·(x − x₁) + c2·(x − x₁)² through the points middle − 1, middle, middle + 1: x₁, c1, c2, each (R,)."""
    rows = np.arange(len(losses))
    x = [log_rates[middle + i] for i in (-1, 0, 1)]
    y = [losses[rows, middle + i] for i in (-1, 0, 1)]
    left, right = (y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1])
    c2 = (right - left) / (x[2] - x[0])
    return x[1], left + c2 * (x[1] - x[0]), c2


def loss_at(log_rates: Array, losses: Array, at: Array) -> Array:
    """Loss of each vector at its own ln rate (R,): the parabola between the best point's neighbours, else PCHIP.

    PCHIP is monotone between neighbours (Fritsch and Butland 1984, doi 10.1137/0905021), so that no rate outside costs
    less than the optimum. NaN beyond the rates tried.
    """
    rows, last = np.arange(len(losses)), len(log_rates) - 1
    if last < 2:
        return np.full(len(losses), np.nan)
    # Each of R interpolants is evaluated at all R places, and its own is on the diagonal: R² values, in one call.
    smooth = np.diagonal(PchipInterpolator(log_rates, losses, axis=1, extrapolate=False)(at))
    middle = np.clip(losses.argmin(axis=1), 1, last - 1)
    center, c1, c2 = parabolas(log_rates, losses, middle)
    near = (log_rates[middle - 1] <= at) & (at <= log_rates[middle + 1]) & ~optima(log_rates, losses).at_edge
    bent = losses[rows, middle] + c1 * (at - center) + c2 * (at - center) ** 2
    return np.where(near, bent, smooth)


def scatter_about_parabola(log_rates: Array, losses: Array) -> tuple[float, int]:
    """Squares of the residuals of a least-squares parabola through the rates nearest the best, and their dof.

    Five points less three coefficients leave two degrees of freedom. What is no parabola counts as noise here, so that
    an interval made from it is rather too wide.
    """
    # By their places in the ascending list, not by ln rate: the best, and two neighbours on each side where there are
    # so many.
    nearest = np.sort(np.argsort(np.abs(np.arange(len(losses)) - losses.argmin()), kind="stable")[:FIVE])
    if len(nearest) <= 3:
        return 0.0, 0
    # Centred, so that the columns 1, x, x² are less alike and the fit loses fewer digits.
    x = log_rates[nearest] - log_rates[nearest].mean()
    residual = losses[nearest] - np.polyval(np.polyfit(x, losses[nearest], 2), x)
    return float(residual @ residual), len(nearest) - 3
