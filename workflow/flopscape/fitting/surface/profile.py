"""Profile-F intervals of any quantity q(p) of a surface fit by least squares.

The interval of q is its range over the region {p : RSS(p) ≤ RSS_min + t²s²}, with Student's t of n − 5 degrees of
freedom and s² = RSS_min/(n − 5): what an F test of one restriction does not reject (Bates & Watts 1988, section 6.1).
Where the model is linear this is q ± t·SE; where it bends, the ends lie where the region's do.

At an end q can grow no further within the region, so that the gradients are parallel there: ∇½RSS = μ∇q and
½RSS = ½(RSS_min + t²s²). With Σ = (JJᵀ)⁻¹ the linear model has the solution p − p̂ = ± ts·Σ∇q/√(∇q'Σ∇q) and
μ = ± ts/√(∇q'Σ∇q). It is scaled outwards in four steps, and after each Newton's method on the two equations in (p, μ)
corrects it, for all quantities and both sides at once:

    [H − μ∇²q   −∇q] [dp]      [∇½RSS − μ∇q]
    [∇½RSS'       0] [dμ]  = − [½RSS − target]

E stays on E ≥ 0: at zero its equation is left out while the Lagrangian pushes outwards.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.stats import t as student

from flopscape.fitting.any_law.linearised import Linearised, Quantities
from flopscape.fitting.common import linear
from flopscape.fitting.common.linear import TINY
from flopscape.fitting.surface.coordinates import Derivatives
from flopscape.fitting.surface.variable_projection import Problem
from flopscape.laws.law import Array, Index

FRACTIONS = (0.25, 0.5, 0.75, 1.0)
"""Parts of the way outwards, in units of the root of the rise in RSS."""
CORRECTIONS = 12
"""Most of Newton's steps at one part of the way."""
DIFFERENCE = 1e-5
"""Step of the central differences of ∇q, in units of each parameter's own reach."""
Derive = Callable[[Array], tuple[Array, Array, Array]]
"""Residuals, J and the exact Hessian of ½RSS at p (m, 5)."""


@np.errstate(all="ignore")
def profile_intervals(
    problem: Problem, fit: Linearised, derivatives: Derivatives, quantities: Quantities
) -> dict[str, tuple[float, float]]:
    """95 % profile-F interval of each quantity; NaN where the region does not close."""
    t = student.ppf(0.975, max(fit.dof, 1))
    ends = _follow(partial(derivatives, problem, root=fit.root), fit, quantities, float(t))
    out = {}
    for i, name in enumerate(quantities.names):
        low, high = np.exp(ends[i]) if quantities.logarithmic[i] else ends[i]
        out[name] = (float(low), float(high))
    return out


def _follow(derive: Derive, fit: Linearised, quantities: Quantities, t: float) -> Array:
    """Ends of every quantity, shape (Q, 2)."""
    gradients = quantities.evaluate(fit.p[None])[1]
    Q = len(quantities.names)
    # A lane for each end: all 2Q of them walk outwards together.
    which, side = np.repeat(np.arange(Q), 2), np.tile([-1.0, 1.0], Q)
    # Σ = (JJᵀ)⁻¹ alone: how far to go is t·s, which `radius` has.
    covariance = fit.covariance / fit.variance
    along = gradients[0] @ covariance
    size = np.sqrt(np.einsum("qi,qi->q", along, gradients[0]))
    radius = t * np.sqrt(fit.variance)
    direction = (along / size[:, None])[which] * side[:, None] * radius
    multiplier = side * radius / size[which]
    done = np.zeros(2 * Q, bool)
    p, mu = fit.p + FRACTIONS[0] * direction, FRACTIONS[0] * multiplier
    # From each part of the way the solution is stretched to the next: along a ray from the optimum both p − p̂ and μ
    # grow in proportion where the model is linear, so that only its bend is left to correct.
    for before, fraction in zip((FRACTIONS[0], *FRACTIONS), FRACTIONS, strict=False):
        p, mu = fit.p + (p - fit.p) * fraction / before, mu * fraction / before
        target = (fit.rss + (fraction * radius) ** 2) / 2
        p, mu, done = _correct(derive, quantities, which, p, mu, target, radius, covariance)
    ends = quantities.evaluate(p)[0][np.arange(2 * Q), which]
    ends = np.where(done, ends, np.nan)
    # E that is pressed on zero has its lowest value there, even where the region reaches further down.
    ends = np.where((which == 0) & (side < 0) & (p[:, 0] <= 0), 0.0, ends)
    return ends.reshape(Q, 2)


def _correct(
    derive: Derive,
    quantities: Quantities,
    which: Index,
    p: Array,
    mu: Array,
    target: float,
    radius: float,
    covariance: Array,
) -> tuple[Array, Array, Array]:
    """Newton on (∇½RSS − μ∇q, ½RSS − target) = 0, with the curvature of q taken at the start.

    Returns p, μ and whether each lane has arrived.
    """
    lanes = np.arange(len(p))
    # How far each parameter alone would go: equations and steps are judged in these units.
    scale = np.sqrt(np.maximum(np.diag(covariance), TINY)) * radius
    bend = _curvature(quantities, which, p, scale)
    done = np.zeros(len(p), bool)
    for _ in range(CORRECTIONS):
        p[:, 0] = np.maximum(p[:, 0], 0.0)
        residual, J, H = derive(p)
        # ∇½RSS, for the residual is measured less predicted: ∂r/∂p = −J.
        slope = -np.einsum("min,mn->mi", J, residual)
        normal = quantities.evaluate(p)[1][lanes, which]
        lagrangian = slope - mu[:, None] * normal
        # E on its bound stays there unless the Lagrangian falls as E grows.
        fixed = (p[:, 0] <= 0) & ~(lagrangian[:, 0] < 0)
        lagrangian[fixed, 0] = 0.0
        gap = (residual**2).sum(1) / 2 - target
        error = np.abs(lagrangian * scale).max(1) / radius**2
        done = (np.abs(gap) < 1e-7 * radius**2) & (error < 1e-4)
        if done.all():
            break
        step = _kkt_step(H - mu[:, None, None] * bend, normal, slope, lagrangian, gap, fixed, scale, radius)
        size = np.abs(step[:, :5] / scale).max(1)
        # No parameter moves further at once than it would go alone: beyond, the quadratic model says nothing.
        damp = np.where(done, 0.0, np.minimum(1.0, 1.0 / np.maximum(size, TINY)))
        p = p + damp[:, None] * step[:, :5]
        mu = mu + damp * step[:, 5]
    return p, mu, done


def _kkt_step(
    hessian: Array,
    normal: Array,
    slope: Array,
    lagrangian: Array,
    gap: Array,
    fixed: Array,
    scale: Array,
    radius: float,
) -> Array:
    """Step in (p, μ), shape (m, 6), from the bordered system scaled to order one; NaN lanes stay put."""
    m = len(hessian)
    system = np.zeros((m, 6, 6))
    system[:, :5, :5] = hessian * np.outer(scale, scale) / radius**2
    system[:, :5, 5] = -normal * scale
    system[:, 5, :5] = slope * scale / radius**2
    # The unknowns are dp/scale and dμ/radius², the first five rows are multiplied by scale/radius², the last is divided
    # by radius²: all entries are then of order one, and one elimination serves parameters of any unit.
    right = np.concatenate([-lagrangian * scale / radius**2, -gap[:, None] / radius**2], axis=1)
    system[fixed, 0, :] = system[fixed, :, 0] = 0.0
    system[fixed, 0, 0], right[fixed, 0] = 1.0, 0.0
    wrong = ~(np.isfinite(system).all((1, 2)) & np.isfinite(right).all(1))
    system[wrong], right[wrong] = np.eye(6), 0.0
    # So that no system is singular: where q does not depend on p, the lane never arrives, and its end is NaN.
    system += 1e-14 * np.eye(6)
    step = linear.solve(system, right[:, :, None])[:, :, 0]
    return np.concatenate([step[:, :5] * scale, step[:, 5:] * radius**2], axis=1)


def _curvature(quantities: Quantities, which: Index, p: Array, scale: Array) -> Array:
    """Hessian of each lane's quantity by central differences of its gradient, shape (m, 5, 5)."""
    step = DIFFERENCE * np.where(scale > 1e-140, scale, 1.0)
    rows = []
    for i in range(5):
        h = np.zeros(5)
        h[i] = step[i]
        up, down = (quantities.evaluate(p + sign * h)[1][np.arange(len(p)), which] for sign in (1, -1))
        rows.append((up - down) / (2 * h[i]))
    bend = np.stack(rows, axis=1)
    return np.asarray(np.nan_to_num((bend + bend.swapaxes(1, 2)) / 2, nan=0.0, posinf=0.0, neginf=0.0))
