"""Two recipes on one surface: the loss of a run of either, its derivatives, and the optimum along a recipe's compute.

With A the baseline and u = ln N, v = ln D, x = ln C about the means of both recipes' runs,

    L_A(N, D) = E + a·e^(−α·u) + b·e^(−β·(v − ½ν·x))
    L_B(N, D) = E + δE + a·e^(−α_B·(u + μ_N)) + b·e^(−β_B·(v + μ_D + ½ν·x)),   α_B = α·e^δα, β_B = β·e^δβ:

a run of B is as good as one of A with e^μ_N times the parameters and e^(μ_D + ν·x) times the tokens, but for δE nats
that no compute removes. A `Kind` says which of the eleven numbers are free. The joint fits share the exponents (δα =
δβ = 0); the separate ones have no ν and all else, which is two surfaces that know nothing of each other.

Why each recipe has half of ν: real tables are no exact surfaces, and a term in x can follow what a surface misses of
them. Were it B's alone, B would be fitted better than A where the two are one and the same, and called other than A;
halves of one published table then differ "significantly" in most splits (benchmarks/compare.py). As it is, what both
miss alike pulls ν both ways, and A beside B says exactly the inverse of B beside A.

Where the floors are one (δE = 0) and C = κ·N·D with one κ for both, the compute multiplier has a closed form. Along a
compute C the scaled sizes N' and D' of A have the product N'·D' = (C/κ)·e^(−½ν·x), the same for all N of that C, and
those of B (C/κ)·e^(μ_N + μ_D + ½ν·x). The lowest loss depends on this product alone, and is equal for A at m·C, where
x is x + ln m, and B at C when ln m − ½ν·(x + ln m) = μ_N + μ_D + ½ν·x: ln m(C) = (μ_N + μ_D + ν·x)/(1 − ½ν).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flopscape.laws.law import Array, Compute, Index, Mask
from flopscape.laws.surface import Surface, optimum

NAMES = ("E", "ln_a", "ln_b", "ln_alpha", "ln_beta", "delta_E", "mu_N", "mu_D", "nu", "delta_alpha", "delta_beta")
"""The numbers θ in their order: E and δE in nats, all others without unit."""
SHAPE = NAMES[:5]
LOG_LIMITS = (-40.0, 40.0)
"""Of every logarithm: a trial step far outside must not overflow."""


@dataclass(frozen=True)
class Kind:
    """Which numbers of θ are free, in the order of `NAMES`; the others are zero."""

    name: str
    names: tuple[str, ...]

    @property
    def free(self) -> Index:
        """Their places in θ."""
        return np.array([NAMES.index(name) for name in self.names])


FREE_FLOORS = Kind("free floors", (*SHAPE, "delta_E", "mu_N", "mu_D", "nu"))
SHARED_FLOOR = Kind("shared floor", (*SHAPE, "mu_N", "mu_D", "nu"))
SEPARATE = Kind("separate fits", (*SHAPE, "delta_E", "mu_N", "mu_D", "delta_alpha", "delta_beta"))
DATA_ALONE = Kind("tokens alone", (*SHAPE, "mu_D"))
"""B is A with a constant factor of data: too narrow to be believed, and shown by benchmarks alone."""


class Runs(NamedTuple):
    """Runs of one recipe or of both, each array of shape (n,): u, v, x, and whether a run is of B."""

    u: Array
    v: Array
    x: Array
    is_b: Mask


@dataclass(frozen=True)
class Center:
    """Means of ln N, ln D and ln C over the runs of both recipes."""

    log_n: float
    log_d: float
    log_c: float

    def runs(self, n_params: Array, n_tokens: Array, flops: Array, is_b: Mask) -> Runs:
        """Runs about the center."""
        return Runs(np.log(n_params) - self.log_n, np.log(n_tokens) - self.log_d, np.log(flops) - self.log_c, is_b)


def losses(theta: Array, runs: Runs) -> Array:
    """L in nats, shape (n,)."""
    size, data = _terms(theta, runs)[:2]
    return np.asarray(theta[0] + theta[5] * runs.is_b + size + data)


def jacobian(theta: Array, runs: Runs) -> Array:
    """∂L/∂θ, shape (n, 11).

    With t = a·e^(−α·u'), u' = u + μ_N for B: ∂t/∂ln a = t, ∂t/∂ln α = −α·u'·t, ∂t/∂μ_N = −α·t; the same for the data.
    """
    size, data, alpha, beta, u, v = _terms(theta, runs)
    by_alpha, by_beta = -alpha * u * size, -beta * v * data
    b = runs.is_b.astype(float)
    of_b = [b, -alpha * size * b, -beta * data * b, -beta * data * runs.x * (b - 0.5), by_alpha * b, by_beta * b]
    return np.stack([np.ones_like(size), size, data, by_alpha, by_beta, *of_b], axis=1)


def _terms(theta: Array, runs: Runs) -> tuple[Array, Array, Array, Array, Array, Array]:
    """The two terms of the loss, their exponents, and the scaled u and v, each of shape (n,)."""
    _, log_a, log_b, log_alpha, log_beta, _, mu_n, mu_d, nu, delta_alpha, delta_beta = theta
    low, high = LOG_LIMITS
    alpha = np.exp(np.clip(log_alpha + delta_alpha * runs.is_b, low, high))
    beta = np.exp(np.clip(log_beta + delta_beta * runs.is_b, low, high))
    u, v = runs.u + mu_n * runs.is_b, runs.v + mu_d * runs.is_b + nu * runs.x * (runs.is_b - 0.5)
    size = np.exp(np.clip(log_a - alpha * u, low, high))
    data = np.exp(np.clip(log_b - beta * v, low, high))
    return size, data, alpha, beta, u, v


class Best(NamedTuple):
    """The lowest loss of a recipe at each of k computes, in nats, and its derivatives by θ, (k,) and (k, 11)."""

    loss: Array
    gradient: Array
    n_params: Array
    n_tokens: Array


def best(theta: Array, center: Center, compute: Compute, flops: Array, is_b: bool) -> Best:
    """The optimum along the recipe's own C = κ(N)·N·D.

    Its derivatives are those of the loss of the run at the optimum, for N* minimises the loss along the compute: what a
    change of θ does by way of N* is of second order.
    """
    surface = surface_at(theta, center, flops, is_b)
    found = optimum(surface, flops, compute)  # type: ignore[arg-type]  # it broadcasts over computes as over draws
    runs = center.runs(found.n_params, found.n_tokens, flops, np.full(len(flops), is_b))
    return Best(losses(theta, runs), jacobian(theta, runs), found.n_params, found.n_tokens)


def surface_at(theta: Array, center: Center, flops: Array, is_b: bool) -> Surface:
    """The surface of a recipe along each compute, N in parameters and D in tokens: with ν one for each."""
    E, log_a, log_b, log_alpha, log_beta, delta_e, mu_n, mu_d, nu, delta_alpha, delta_beta = theta
    x = np.log(flops) - center.log_c
    alpha, beta = np.exp(log_alpha + delta_alpha * is_b), np.exp(log_beta + delta_beta * is_b)
    a = np.exp(log_a - alpha * (mu_n * is_b - center.log_n))
    b = np.exp(log_b - beta * (mu_d * is_b + nu * x * (is_b - 0.5) - center.log_d))
    return Surface(E + delta_e * is_b, a, b, alpha, beta)
