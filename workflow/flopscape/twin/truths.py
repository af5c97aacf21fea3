"""What the simulated losses follow: the surface itself, what else is possible, and truths that no method assumes.

What else is possible is what the method answer holds possible after the runs: possible.py.

The coupled exponent is L = E + (A·N^−α + B·D^−β)^γ (laws/coupled.py), its other parameters matched to the surface at
the sampled runs. The cubic adds to the surface, along every C, a term in w³, w = ln N − ln N*(C), which leaves N*, D*
and L* where they are and tilts the curve that a parabola, or the exact shape, is fitted to. Both depart from
the surface as far as constants below say, but no further than the runs do: their noise would hide it, and where the
surface does not hold within the runs, they are that far from it themselves.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from flopscape.fitting.isoflop.power_law import projector
from flopscape.laws import coupled
from flopscape.laws.coupled import Coupled
from flopscape.laws.law import Array, Compute, Optimum
from flopscape.laws.surface import Surface, exponents
from flopscape.laws.surface import loss as surface_loss
from flopscape.laws.surface import optimum as surface_optimum
from flopscape.runs.table import RunTable
from flopscape.twin.designs import DRIFT, Noise, compute_of, drifting

GAMMA = 0.85
"""Exponent of the coupled truth, the surface's being 1: over five decades it moves losses near 2.5 nats by 0.01."""
SURFACE, POSSIBLE = "surface", "possible"
"""Names of the scenarios in which the fitted surface is true, whose errors come first in every table, and in which each
copy of the study follows another law that is possible."""
HALF = 0.5
"""Weight of the possible laws in a method's error over all truths; the others share the rest. They are as likely as the
runs and published sweeps make them, the others are the questions of a sceptic."""
TILT = 0.1
"""Share of the curve's quadratic rise at the grid's edge that the cubic adds on one side and takes on the other."""


class Truth(NamedTuple):
    """Losses at N and D (n,), the optimum at one compute, and a = β/(α + β) of the underlying surface.

    A truth of R laws, one for each copy of a study, has losses (R, n), optima (R,) and a (R,): each the slope of ln N*
    in ln C at the middle of the runs, if κ were constant.
    """

    loss: Callable[[Array, Array], Array]
    optimum: Callable[[float], Optimum]
    a: float | Array

    def slopes(self, log_flops: Array) -> tuple[Array, Array]:
        """Slopes of the true ln N* and ln D* in ln C over some budgets: a and b, unless κ varies with N."""
        best = [self.optimum(float(c)) for c in np.exp(log_flops)]
        P = projector(log_flops)[1]
        return P @ np.log([b.n_params for b in best]), P @ np.log([b.n_tokens for b in best])


def of_surface(surface: Surface, compute: Compute) -> Truth:
    """The truth in which the fitted surface itself holds."""
    return Truth(
        lambda n, d: surface_loss(surface, n, d),
        lambda flops: surface_optimum(surface, flops, compute),
        float(exponents(surface)[0]),
    )


def of_coupled(surface: Surface, compute: Compute, table: RunTable, sigma: float) -> tuple[Truth, float]:
    """The coupled law nearest to the surface at the runs, no further than σ from it (RMS; any if σ = 0), and its γ."""
    full = matched(surface, table.n_params, table.n_tokens, GAMMA)
    away = distance(coupled.loss(full, table.n_params, table.n_tokens), surface, table)
    # Small departures of γ from one move losses in proportion: as much of it as the noise hides is as much of the
    # distance.
    gamma = 1 - (1 - GAMMA) * _share(away, sigma)
    law = matched(surface, table.n_params, table.n_tokens, gamma)
    truth = Truth(
        lambda n, d: coupled.loss(law, n, d),
        lambda flops: coupled.optimum(law, flops, compute),
        float(coupled.exponents(law)[0]),
    )
    return truth, gamma


def distance(losses: Array, surface: Surface, table: RunTable) -> float:
    """Root mean square of losses less the surface's at the runs."""
    return float(np.sqrt(np.mean((losses - surface_loss(surface, table.n_params, table.n_tokens)) ** 2)))


def _share(away: float, sigma: float) -> float:
    """Part of a departure that noise can hide; all of it where there is no noise to speak of."""
    return min(1.0, sigma / away) if sigma > 0 and away > 0 else 1.0


def matched(surface: Surface, n_params: Array, n_tokens: Array, gamma: float) -> Coupled:
    """Least squares of the coupled law with a given γ on the surface's losses; N and D in units of their means."""
    # About the middle of the runs A and α, B and β are nearly independent, and the search has an easy way.
    units = [float(np.exp(np.log(x).mean())) for x in (n_params, n_tokens)]
    n, d = n_params / units[0], n_tokens / units[1]
    E, A, B, alpha, beta = (float(x) for x in surface)
    A, B = A * units[0] ** -alpha, B * units[1] ** -beta
    aim = surface_loss(Surface(E, A, B, alpha, beta), n, d)
    # The start gives the surface's reducible loss back at the middle, where both terms are A and B: (A·s + B·s)^γ = A +
    # B for s = (A + B)^(1/γ − 1).
    share = (A + B) ** (1 / gamma - 1)

    def law(p: Array) -> Coupled:
        A, B, alpha, beta = np.exp(p[1:])
        return Coupled(p[0], A, B, alpha, beta, gamma)

    # All but E as logarithms, so that amplitudes and exponents stay positive in the search.
    start = [E, *np.log([A * share, B * share, alpha, beta])]

    def residual(p: Array) -> Array:
        return coupled.loss(law(p), n, d) - aim

    fit = least_squares(residual, start, x_scale="jac", xtol=1e-14, ftol=1e-14)
    return coupled.in_units(law(fit.x), *units)


def with_cubic(surface: Surface, compute: Compute, table: RunTable, sigma: float) -> tuple[Truth, float]:
    """The surface with t·½·L″·w³/W along every compute, and its t: TILT, or what departs from the surface by σ (RMS).

    L″ = (α + β)·α·A·N*^−α is the curvature at the optimum for constant κ, W the grid's widest half-span in ln N.
    """
    full = _cubic(surface, compute, table, TILT)
    away = distance(full.loss(table.n_params, table.n_tokens), surface, table)
    # The cubic enters linearly, and so does its distance from the surface.
    tilt = TILT * _share(away, sigma)
    return _cubic(surface, compute, table, tilt), tilt


def _cubic(surface: Surface, compute: Compute, table: RunTable, tilt: float) -> Truth:
    plain = of_surface(surface, compute)
    _, A, _, alpha, beta = surface
    half = widest_half_span(table)

    def loss(n: Array, d: Array) -> Array:
        # Each run has its own C = κ(N)·N·D, and the cubic is about the optimum of that C.
        flops = n * d * np.exp(compute.curve(np.log(n))[0])
        log_best = np.log(_each(plain.optimum, flops))
        w = np.log(n) - log_best
        # L″(0): along C the surface is E + α·A·N*^−α·g(w) with g″(0) = α + β (fitting/isoflop/bias.py).
        bend = (alpha + beta) * alpha * A * np.exp(-alpha * log_best)
        # At the edge w = W the quadratic rise is ½·L″·W², and the cubic t times that.
        return np.asarray(surface_loss(surface, n, d) + tilt / 2 * bend * w**3 / half)

    # w³ has neither value nor slope at w = 0, so that N*, D* and L* stay the surface's.
    return plain._replace(loss=loss)


def widest_half_span(table: RunTable) -> float:
    """Half the widest range of ln N at one budget, of all runs where no budget has two sizes."""
    log_n, budgets = np.log(table.n_params), np.unique(table.budget[np.isfinite(table.budget)])
    spans = [float(np.ptp(log_n[table.budget == budget])) for budget in budgets]
    return (max(spans, default=0.0) or float(np.ptp(log_n))) / 2


def _each(optimum: Callable[[float], Optimum], flops: Array) -> Array:
    """N* of each run's compute, shape (n,)."""
    # An optimum under a varying κ is a search: one for each compute and not for each run.
    distinct, index = np.unique(flops, return_inverse=True)
    return np.array([float(optimum(float(c)).n_params) for c in distinct])[index.ravel()]


class Scenario(NamedTuple):
    """What is simulated: a truth on a design, in words, and its weight in the errors over all truths."""

    name: str
    words: str
    truth: Truth
    table: RunTable
    weight: float = 1.0


def scenarios(
    table: RunTable, surface: Surface, noise: Noise, possible: tuple[str, Truth] | None = None
) -> list[Scenario]:
    """The fitted surface on the study's design, what is possible, in words and as a truth, and what no method assumes.

    Another truth is one more entry here.
    """
    compute = compute_of(table)
    plain = of_surface(surface, compute)
    coupled, gamma = of_coupled(surface, compute, table, noise.departure)
    cubic, tilt = with_cubic(surface, compute, table, noise.departure)
    drifted = drifting(table)
    drift = f"a grid that drifts by {DRIFT:g} decades"
    coupling = f"a coupled exponent γ = {gamma:.2g}{_distance(coupled, surface, table, noise)}"
    cube = f"a cubic term of {100 * tilt:.2g} % at the grid's edge{_distance(cubic, surface, table, noise)}"
    found = [
        Scenario(SURFACE, "the fitted surface", plain, table),
        *([Scenario(POSSIBLE, *possible, table)] if possible else []),
        Scenario("coupled", coupling, coupled, table),
        Scenario("drift", drift, of_surface(surface, compute_of(drifted)), drifted),
        Scenario("cubic", cube, cubic, table),
    ]
    others = (1 - HALF * bool(possible)) / sum(scenario.name != POSSIBLE for scenario in found)
    return [scenario._replace(weight=HALF if scenario.name == POSSIBLE else others) for scenario in found]


def _distance(truth: Truth, surface: Surface, table: RunTable, noise: Noise) -> str:
    """How far a truth's losses are from the surface's, in units of the noise."""
    root = distance(truth.loss(table.n_params, table.n_tokens), surface, table)
    return f" ({root / noise.total:.2g} σ from the surface)" if noise.total else f" ({root:.2g} nats from the surface)"
