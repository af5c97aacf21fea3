"""Which grid reaches an aimed error of N* by parabolas: width from the closed-form bias, points from the noise.

Of one budget, for sizes equally spaced in ln N and centred on the optimum. The bias of the vertex is
`isoflop.bias.vertex_shift`, which grows with the width; the delta method's standard error of the vertex falls with it
and with the number of sizes. So the widest grid whose bias is small enough needs the fewest points.
"""

from typing import NamedTuple

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.fitting.isoflop.bias import vertex_shift
from flopscape.fitting.isoflop.parabola import coefficients
from flopscape.laws.law import Array
from flopscape.laws.surface import Surface, closed_form_optimum, loss
from flopscape.text import numbers

WIDEST = float(np.log(10.0))
"""Half-width in ln N that is advised at most: a wider grid's bias hangs on exponents that nobody knows so well."""
FEWEST_POINTS = 5
"""Sizes that are advised at least: with three a parabola fits anything."""
AIM = 0.05
"""Relative error of N* for which a twin advises a grid."""
MOST_POINTS = 100_000
"""Points beyond which the advice is that the aim is out of reach."""


class Advice(NamedTuple):
    """A grid of one budget: half-width in ln N, sizes, and what it gives: relative bias and SD of N*."""

    half_width: float
    points: int
    bias: float
    spread: float

    @property
    def sentence(self) -> str:
        """For the verdict: bias and spread of this design."""
        return (
            f"{self.points} sizes within ×{np.exp(self.half_width):.3g} of the optimum at each budget: bias of N*"
            f" {100 * self.bias:+.2g} %, standard error {100 * self.spread:.2g} % from one budget"
        )


def advice_for(surface: Surface, flops: float, sigma: float) -> str:
    """The sentence of a twin: the grid by which parabolas would reach the aim at one compute, or that none does."""
    aim = f"For parabolas to find N* within {100 * AIM:g} % at {numbers.power_of_ten(flops, 2)} FLOPs"
    try:
        return f"{aim}: {advise(surface, flops, sigma, AIM).sentence}."
    except FlopscapeError as error:
        return f"{aim}: out of reach; {error}."


def advise(surface: Surface, flops: float, sigma: float, aim: float) -> Advice:
    """The widest grid whose bias, and the fewest sizes whose standard error, are below an aimed error.

    Parameters
    ----------
    surface : Surface
        Approximately known; α and β give the bias, all of it the curvature at the optimum.
    flops : float
        The budget's compute C, spent as 6·N·D.
    sigma : float
        Noise of one run, in nats.
    aim : float
        Relative error of N*, such as 0.05, that bias and standard error shall each not exceed.

    Raises
    ------
    FlopscapeError
        An aim that is not between 0 and 1, σ < 0, or an aim that no reasonable number of runs reaches.
    """
    if not 0 < aim < 1:
        raise FlopscapeError(f"aim {aim!r}: a relative error of N* between 0 and 1, such as 0.05")
    if not 0 <= sigma < np.inf:
        raise FlopscapeError(f"noise σ = {sigma!r}: must be zero or positive")
    # Bias and standard error each get 1/√2 of the aim, so that together, as a root mean square, they reach it.
    part = aim / np.sqrt(2)
    low, high = FEWEST_POINTS - 1, FEWEST_POINTS
    # Doubled until enough, then halved in between: the spread falls as sizes are added.
    while _spread(surface, flops, sigma, *_grid(surface, part, high)) > part:
        low, high = high, 2 * high
        if high > MOST_POINTS:
            raise FlopscapeError(f"aim {aim:g}: not even {MOST_POINTS} sizes a budget reach it with σ = {sigma:g} nats")
    while high - low > 1:
        middle = (low + high) // 2
        enough = _spread(surface, flops, sigma, *_grid(surface, part, middle)) <= part
        low, high = (low, middle) if enough else (middle, high)
    half_width, points = _grid(surface, part, high)
    bias = float(np.expm1(_shift(surface, half_width, points)))
    return Advice(half_width, points, bias, _spread(surface, flops, sigma, half_width, points))


def _grid(surface: Surface, aim: float, points: int) -> tuple[float, int]:
    """Largest half-width whose bias is at most the aim, by bisection, with the number of points."""
    # The bias vanishes with the width, in leading order as (α − β)·W² (fitting/isoflop/bias.py), and grows with it: one
    # half-width has just the aimed bias.
    low, high = 0.0, WIDEST
    if abs(np.expm1(_shift(surface, high, points))) <= aim:
        return high, points
    # Sixty halvings of the interval leave only rounding of it.
    for _ in range(60):
        middle = (low + high) / 2
        small = abs(np.expm1(_shift(surface, middle, points))) <= aim
        low, high = (middle, high) if small else (low, middle)
    return low, points


def _offsets(half_width: float, points: int) -> Array:
    return np.linspace(-half_width, half_width, points)


def _shift(surface: Surface, half_width: float, points: int) -> float:
    return float(vertex_shift(float(surface.alpha), float(surface.beta), _offsets(half_width, points)))


def _spread(surface: Surface, flops: float, sigma: float, half_width: float, points: int) -> float:
    """Delta-method standard error of ln N at the vertex; infinite where there is no lowest point."""
    w = _offsets(half_width, points)
    n_params = closed_form_optimum(surface, flops).n_params * np.exp(w)
    losses = loss(surface, n_params, flops / (6 * n_params))
    # The parabola of losses without noise: to first order in σ, noise moves its vertex by the gradient there.
    (c,), unit, _ = coefficients(w, losses[None], np.ones(points))
    if not c[2] > 0:
        return float("inf")
    # ∂x/∂(c0, c1, c2) of the vertex x = −c1/(2·c2); the variance of x is σ² times gradient·unit·gradient.
    gradient = np.array([0.0, -1 / (2 * c[2]), c[1] / (2 * c[2] ** 2)])
    return float(sigma * np.sqrt(gradient @ unit @ gradient))
