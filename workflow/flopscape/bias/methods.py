"""The ways that the experiments compare, on thousands of simulated tables of one design at once.

Approach 2 here uses every vertex wherever it lies, as the published experiments do; `outside` marks those beyond the
sampled sizes, which `flopscape fit` leaves out by name. The baselines show what a search is worth: a library's
minimisers, each believed where it stops.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from flopscape.bias.designs import Design
from flopscape.fitting.isoflop.power_law import projector
from flopscape.fitting.surface.many_tables import fit_surfaces
from flopscape.laws.law import Array, Mask, Names
from flopscape.laws.surface import exponents

OBJECTIVES = {"vpnls": "lsq", "approach3-huber": "huber", "approach3-log_lsq": "log_lsq", "approach3-lad": "lad"}
"""Method → what it minimises."""
METHODS = ("approach2", *OBJECTIVES)
START = np.array([(0.0, 3.0), (0.0, 15.0), (0.0, 15.0), (0.05, 1.0), (0.05, 1.0)])
"""Ranges of (E, ln A, ln B, α, β) that a random start is drawn from; their middles are the fixed start."""
WAYS: dict[str, dict[str, object]] = {
    "BFGS, analytic gradient": {"method": "BFGS", "jac": True},
    "BFGS, finite differences": {"method": "BFGS", "jac": False},
    "simplex": {"method": "Nelder-Mead", "jac": False, "options": {"maxiter": 10_000, "maxfev": 10_000}},
}


class PowerLaws(NamedTuple):
    """N*(C) of R tables: ln N* = log_n + a·(ln C − center)."""

    a: Array
    """Shape (R,); NaN where a budget's parabola has no lowest point."""
    log_n: Array
    """Shape (R,): ln N* at the mean of ln C."""
    center: float
    vertices: Array
    """Shape (R, B): ln N of each vertex."""
    outside: Mask
    """Shape (R, B): the vertex lies beyond the sampled sizes."""

    def n_params(self, flops: Array | float) -> Array:
        """N* (R,) at one compute, or (R, m) at m."""
        x = np.log(flops) - self.center
        return np.exp(self.log_n[:, None] + self.a[:, None] * np.atleast_1d(x)).reshape(len(self.a), *np.shape(flops))

    def n_tokens(self, flops: Array | float) -> Array:
        """D* = C/(6·N*), of the shape of `n_params`."""
        return np.asarray(flops / (6.0 * self.n_params(flops)))


def approach2(design: Design, losses: Array, degree: int = 2) -> PowerLaws:
    """Parabolas, or cubics, per budget and the power law through their lowest points.

    Parameters
    ----------
    losses : array, shape (R, B, n)
        In nats.
    degree : int
        2, or 3 for the cubic whose minimum nearest the centre is taken.
    """
    log_n = np.log(design.n_params)
    center = log_n.mean(axis=1)
    half = np.ptp(log_n, axis=1) / 2
    # Powers of ln N in units of the grid's half-width, (B, n, degree + 1): columns of like length, whatever the width.
    X = ((log_n - center[:, None]) / half[:, None])[..., None] ** np.arange(degree + 1)
    # Budgets share no coefficient, and all tables share the design: one pseudo-inverse a budget. The mean loss is taken
    # off first, for it is far larger than the curve, and moves no vertex.
    coefficients = np.einsum("bkn,rbn->rbk", np.linalg.pinv(X), losses - losses.mean(axis=2, keepdims=True))
    place = _lowest(coefficients)
    vertices = center + half * place
    log_flops = np.log(design.flops)
    # Least squares through all vertices, (2, B) times (B, R).
    intercept, a = projector(log_flops) @ vertices.T
    return PowerLaws(a, intercept, float(log_flops.mean()), vertices, np.abs(place) > 1)


@np.errstate(all="ignore")
def _lowest(c: Array) -> Array:
    """Where c1·x + c2·x² (+ c3·x³) is lowest, (R, B); NaN where it has no minimum."""
    if c.shape[-1] == 3:
        return np.where(c[..., 2] > 0, -c[..., 1] / (2 * c[..., 2]), np.nan)
    # The slope c1 + 2·c2·x + 3·c3·x² has two zeros; this form of the root has the minimum, also as c3 → 0.
    root = np.sqrt(c[..., 2] ** 2 - 3 * c[..., 3] * c[..., 1])
    return np.asarray(-c[..., 1] / (c[..., 2] + root))


class Exponents(NamedTuple):
    """a of R tables, NaN where there is none, and how each fit ended: `ok` or why not."""

    a: Array
    status: Names


def exponents_by(method: str, design: Design, losses: Array) -> Exponents:
    """a from losses (R, B, n) by one of `METHODS`; a failure keeps its row and says what it is."""
    return _of_parabolas(design, losses) if method == "approach2" else _of_surfaces(method, design, losses)


def _of_parabolas(design: Design, losses: Array) -> Exponents:
    law = approach2(design, losses)
    missing, outside = np.isnan(law.a), np.asarray(law.outside.any(axis=1))
    return Exponents(law.a, _first_of([(missing, "no lowest point"), (outside, "vertex outside the sizes")]))


def _of_surfaces(method: str, design: Design, losses: Array) -> Exponents:
    flat = losses.reshape(len(losses), -1)
    fits = fit_surfaces(design.n_params.ravel(), design.n_tokens.ravel(), flat, OBJECTIVES[method])
    with np.errstate(invalid="ignore"):
        a = np.where(np.isfinite(exponents(fits.surface)[0]), exponents(fits.surface)[0], np.nan)
    return Exponents(a, _first_of([(fits.at_bound, "at a bound"), (~fits.converged, "not converged")]))


def _first_of(findings: Iterable[tuple[Mask, str]]) -> Names:
    """The first finding that is true of each table, or `ok`."""
    masks, words = zip(*findings, strict=True)
    return np.asarray(np.select(list(masks), list(words), default="ok").astype(str))


def parameters_from(way: str, design: Design, losses: Array) -> Array:
    """(E, A, B, α, β) where one of `WAYS` stops, from the middle of the ranges; losses of shape (B, n)."""
    logs, y = _logs(design), losses.ravel()
    options = dict(WAYS[way])
    gradient = options.pop("jac")
    # SciPy takes (value, gradient) from one function where `jac` is true, and a value alone where it makes differences.
    function = objective if gradient else lambda p, *rest: objective(p, *rest)[0]
    p = minimize(function, START.mean(axis=1), (logs, y), jac=gradient, **options).x  # type: ignore[call-overload]
    with np.errstate(over="ignore"):
        return np.array([p[0], np.exp(p[1]), np.exp(p[2]), p[3], p[4]])


def exponents_from_random_starts(design: Design, losses: Array, seed: list[int]) -> Array:
    """a of each table (R,) where L-BFGS-B stops after one random start; NaN where α + β is not positive."""
    generator, logs = np.random.default_rng(seed), _logs(design)
    a = []
    for y in losses.reshape(len(losses), -1):
        p = minimize(objective, generator.uniform(*START.T), (logs, y), "L-BFGS-B", jac=True).x
        # a = β/(α + β).
        a.append(p[4] / (p[3] + p[4]) if p[3] + p[4] > 0 else np.nan)
    return np.array(a)


def _logs(design: Design) -> Array:
    return np.log(np.stack([design.n_params.ravel(), design.n_tokens.ravel()]))


@np.errstate(over="ignore", invalid="ignore")
def objective(p: Array, logs: Array, y: Array) -> tuple[float, Array]:
    """Σ r² of the surface and its gradient in (E, ln A, ln B, α, β)."""
    x, z = np.exp(p[1] - p[3] * logs[0]), np.exp(p[2] - p[4] * logs[1])
    residual = p[0] + x + z - y
    # Derivatives of the predicted loss E + x + z in (E, ln A, ln B, α, β): 1, x, z, −x·ln N, −z·ln D.
    slopes = (residual, residual * x, residual * z, -residual * x * logs[0], -residual * z * logs[1])
    return float(residual @ residual), 2 * np.array([slope.sum() for slope in slopes])
