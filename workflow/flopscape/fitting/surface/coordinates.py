"""The surface in the parameters it is searched in, p = (E, ln A', ln B', α, β): residuals, derivatives, quantities.

A' and B' are the amplitudes at the centre of the logs, (ū, v̄) = (mean ln N, mean ln D). With u = ln N − ū, v = ln D − v̄

    L = E + A'·e^(−αu) + B'·e^(−βv),    A = A'·e^(αū),    B = B'·e^(βv̄).

Then no unit of N or D matters, and amplitudes and exponents are least correlated: on Chinchilla's runs J'J has the
condition number 4e3 in p, and 8e13 in (E, A, B, α, β).

With x = A'·e^(−αu) and y = B'·e^(−βv) the derivatives of L̂ in p are (1, x, y, −u·x, −v·y), and its second derivatives
are zero but for each term's own block, x·(1, −u; −u, u²). The exact Hessian of ½Σr² with r = L − L̂ is therefore
J·Jᵀ − Σ r·∂²L̂. Of the log loss, with r = ln L − ln L̂, ∂ln L̂ = ∂L̂/L̂ and ∂²ln L̂ = ∂²L̂/L̂ − J·Jᵀ, so that it is
Σ (1 + r)·J·Jᵀ − Σ r·∂²L̂/L̂.
"""

from functools import partial
from typing import Protocol

import numpy as np

from flopscape.fitting.any_law.linearised import Linearised, Quantities, Values
from flopscape.fitting.surface.variable_projection import Problem
from flopscape.laws.law import Array, Compute
from flopscape.laws.surface import LAW, Surface, optimum

SIZE = 5
"""Parameters of a surface."""


class Derivatives(Protocol):
    """What a least-squares objective gives at p (m, 5)."""

    def __call__(self, problem: Problem, p: Array, root: Array | float = 1.0) -> tuple[Array, Array, Array]:
        """Residuals (m, n) and J (m, 5, n), both times `root`, and the exact Hessian of ½RSS (m, 5, 5)."""


def loss_derivatives(problem: Problem, p: Array, root: Array | float = 1.0) -> tuple[Array, Array, Array]:
    """`Derivatives` of the loss: residuals L − L̂ in nats."""
    x, y = _terms(problem, p)
    u, v = problem.u
    J = np.stack([np.ones_like(x), x, y, -u * x, -v * y], axis=1) * root
    residual = (problem.y - p[:, :1] - x - y) * root
    # ½Σr² has the Hessian J·Jᵀ − Σ r·∂²L̂; its second part matters where residuals are not small, as at a wild row.
    H = J @ J.swapaxes(1, 2)
    _add_curvature(H, -residual, J, problem)
    return residual, J, H


def log_derivatives(problem: Problem, p: Array, root: Array | float = 1.0) -> tuple[Array, Array, Array]:
    """`Derivatives` of the log loss: residuals ln L − ln L̂; ∂²ln L̂ = ∂²L̂/L̂ − J·Jᵀ."""
    x, y = _terms(problem, p)
    u, v = problem.u
    predicted = p[:, :1] + x + y
    J = np.stack([np.ones_like(x), x, y, -u * x, -v * y], axis=1) / predicted[:, None] * root
    residual = np.log(problem.y) - np.log(predicted)
    # ∂²ln L̂ = ∂²L̂/L̂ − J·Jᵀ: −Σ r·∂²ln L̂ adds Σ r·J·Jᵀ to J·Jᵀ. J is divided by L̂, and so is its curvature below.
    H = (J * (1 + residual)[:, None]) @ J.swapaxes(1, 2)
    residual = residual * root
    _add_curvature(H, -residual, J, problem)
    return residual, J, H


def _terms(problem: Problem, p: Array) -> tuple[Array, Array]:
    """A'·exp(−α·u) and B'·exp(−β·v), each of shape (m, n)."""
    u, v = problem.u
    return np.exp(p[:, 1, None] - p[:, 3, None] * u), np.exp(p[:, 2, None] - p[:, 4, None] * v)


def _add_curvature(H: Array, factor: Array, J: Array, problem: Problem) -> None:
    """Add Σ factor·∂²L̂ in place: each term's block is its column of J times (1, −u; −u, u²)."""
    for amplitude, exponent, logs in ((1, 3, problem.u[0]), (2, 4, problem.u[1])):
        column = factor * J[:, amplitude]
        cross = (column * -logs).sum(1)
        H[:, amplitude, amplitude] += column.sum(1)
        H[:, amplitude, exponent] += cross
        H[:, exponent, amplitude] += cross
        H[:, exponent, exponent] += (column * logs**2).sum(1)


def linearise(problem: Problem, p: Array, derivatives: Derivatives = loss_derivatives) -> Linearised:
    """All rows around p (5,); only E can be on a bound, zero, for a term that is absent ends the fit."""
    residual, jacobian, _ = derivatives(problem, p[None])
    raw = loss_derivatives(problem, p[None])[0][0]
    return Linearised(p, residual[0], jacobian[0], np.array([p[0] > 0, True, True, True, True]), raw)


def surface_quantities(center: tuple[float, float], flops: tuple[float, ...], compute: Compute) -> Quantities:
    """What a surface fit reports: E, ln A, ln B, α, β, a, and ln N* and L* at each asked compute, with exact gradients.

    Parameters
    ----------
    center : tuple
        The means of ln N and ln D to which p refers.
    flops : tuple of float
        The asked compute, in FLOPs.
    compute : Compute
    """
    exact = partial(_evaluate, center)
    return Quantities(LAW, flops, compute, partial(surface_at, center), exact=exact, linear=("alpha", "beta"))


def surface_at(center: tuple[float, float], p: Array) -> Surface:
    """The surface of each p, shape (…, 5); the exponent of a term that is absent is not a number."""
    E, la, lb, alpha, beta = np.moveaxis(p, -1, 0)
    A, B = np.exp(la + alpha * center[0]), np.exp(lb + beta * center[1])
    # An absent term has ln A' = −∞: any exponent would fit.
    if not np.isfinite(p).all():
        alpha, beta = np.where(np.isfinite(la), alpha, np.nan), np.where(np.isfinite(lb), beta, np.nan)
    return Surface(E, A, B, alpha, beta)


def _evaluate(center: tuple[float, float], quantities: Quantities, p: Array) -> Values:
    """`Values` for p of shape (m, 5)."""
    E, la, lb, alpha, beta = p.T
    zero, one = np.zeros_like(E), np.ones_like(E)
    u, v = center
    total = alpha + beta
    # All but a and the optima are linear in p. a = β/(α + β) has the derivatives −β/(α + β)² and α/(α + β)².
    values = [E, la + alpha * u, lb + beta * v, alpha, beta, beta / total]
    gradients = [
        [one, zero, zero, zero, zero],
        [zero, one, zero, u * one, zero],
        [zero, zero, one, zero, v * one],
        [zero, zero, zero, one, zero],
        [zero, zero, zero, zero, one],
        [zero, zero, zero, -beta / total**2, alpha / total**2],
    ]
    for flops in quantities.flops:
        for value, gradient in _optimum(center, quantities.compute, p, flops):
            values.append(value)
            gradients.append(gradient)
    return np.stack(values, 1), np.stack([np.stack(row, 1) for row in gradients], 1)


def _optimum(center: tuple[float, float], compute: Compute, p: Array, flops: float) -> list[tuple[Array, list[Array]]]:
    """ln N* by implicit differentiation of its stationarity, L* by the envelope theorem.

    N* solves F = ln(αx) − ln(βy) − ln(1 + κ') = 0 along C = κ(N)·N·D (see laws/surface.py), with κ' = d ln κ/d ln N,
    so that d ln N*/dp = −(∂F/∂p)/(∂F/∂ln N), and −∂F/∂ln N = α + β·(1 + κ') + κ''/(1 + κ') is `fall`. At the optimum L
    does not change with N along C, so that dL*/dp is ∂L/∂p at a fixed N and D.
    """
    _, la, lb, alpha, beta = p.T
    best = optimum(surface_at(center, p), flops, compute)
    log_n, log_d = np.log(best.n_params), np.log(best.n_tokens)
    u, v = log_n - center[0], log_d - center[1]
    _, slope, bend = compute.curve(log_n)
    fall = alpha + beta * (1 + slope) + bend / (1 + slope)
    one = np.ones_like(la)
    moves = [0 * one, one / fall, -one / fall, (1 / alpha - u) / fall, (v - 1 / beta) / fall]
    x, y = np.exp(la - alpha * u), np.exp(lb - beta * v)
    return [(log_n, moves), (best.loss, [one, x, y, -x * u, -y * v])]
