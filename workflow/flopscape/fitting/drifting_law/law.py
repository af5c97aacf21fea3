"""The mean of the answer: the coupled law, written so that its optimum is a path of the compute.

The coupled law is L = E + (A·N^−α + B·D^−β)^γ (laws/coupled.py). Let u be ln(N·D) and x be ln N, both less a constant,
and let n(u) = x₀ + a·u be ln N* there. Along a fixed u a step of w = x − n(u) takes ln N up and ln D down by w. At the
optimum the two terms stand as a to 1 − a, for there α times the first is β times the second, and a = β/(α + β). So with
s = α + β, which makes α = (1 − a)·s and β = a·s, the bracket is proportional to

    B(w) = a·e^(−αw) + (1 − a)·e^(βw),     B(0) = 1,  B′(0) = 0,

times what it falls by with compute, e^(−u·αβ/(α+β)) = e^(−u·a(1−a)s). The whole law, with a level M at the centre of
the runs of which the part ρ can still be gained, is

    f = M·[(1 − ρ) + ρ·e^(−κu)·B(w)^γ],     κ = γ·a·(1 − a)·s.

Its floor E is M·(1 − ρ); γ = 1 is the surface of Hoffmann et al. 2022. A drift ξ(u) (drift.py) bends the path:
w = x − x₀ − a·u − ξ(u). The law then still has its minimum at w = 0 for every u, whatever the drift.

Parameters are the vector θ = (M, logit ρ, x₀, a, ln s, ln γ), losses are in units of the table's median.
"""

from typing import NamedTuple

import numpy as np

from flopscape.laws.law import Array

NAMES = ("level", "logit_share", "offset", "slope", "log_stiffness", "log_gamma")
OFFSET, SLOPE = 2, 3
"""Places of x₀ and a in θ."""


class Prior(NamedTuple):
    """A normal prior of one parameter."""

    mean: float
    sd: float


PRIORS = (
    Prior(1.0, 0.3),
    Prior(-0.4, 1.0),
    Prior(0.0, 2.0),
    Prior(0.5, 0.06),
    Prior(float(np.log(0.75)), 0.4),
    Prior(0.0, 0.3),
)
"""Of θ. Published tables put a between 0.40 and 0.58 and s = α + β between 0.5 and 1.1; x₀ is centred on 20 tokens a
parameter and left free within a factor of e^2 = 7. That of a decides most: with 0.1 in place of 0.06
benchmarks/backtest.py prints a regret of 14e-4 in place of 10e-4."""
SMALLEST_SLOPE = 0.03
"""a and 1 − a are kept above it, for beyond one of the two terms has no exponent left; see `Conditional.costs`."""


def mean(theta: Array, x: Array, u: Array) -> Array:
    """The law at points.

    Parameters
    ----------
    theta : array, shape (..., 6)
    x, u : array, shape (..., n)
        `x` less the drift, if there is one.

    Returns
    -------
    array, shape (..., n)
        In units of the table's median loss.
    """
    lowest, rise = lowest_and_rise(theta, x, u)
    return np.asarray(lowest + rise)


def lowest_and_rise(theta: Array, x: Array, u: Array) -> tuple[Array, Array]:
    """The two parts of the law: its loss at the optimum of each u, and what it rises by from there, which falls with u.

    Parameters and shapes as of `mean`, which is their sum.
    """
    level, logit, offset, slope, log_stiffness, log_gamma = (theta[..., i, None] for i in range(6))
    slope = np.clip(slope, SMALLEST_SLOPE, 1 - SMALLEST_SLOPE)
    share, stiffness, gamma = 1 / (1 + np.exp(-logit)), np.exp(log_stiffness), np.exp(log_gamma)
    w = x - offset - slope * u
    log_bracket = np.logaddexp(np.log(slope) - (1 - slope) * stiffness * w, np.log1p(-slope) + slope * stiffness * w)
    gained = level * share * np.exp(-gamma * slope * (1 - slope) * stiffness * u)
    return np.asarray(level * (1 - share) + gained), np.asarray(gained * np.expm1(gamma * log_bracket))


def jacobian(theta: Array, x: Array, u: Array) -> tuple[Array, Array]:
    """The law and its derivatives.

    Parameters
    ----------
    theta : array, shape (6,)
    x, u : array, shape (n,)

    Returns
    -------
    f, shape (n,), and its derivatives by θ, shape (n, 6). That by x₀ is also that by the drift, and minus that by x.

    Notes
    -----
    With p the first term's part of the bracket, ∂ln B/∂w = −αp + β(1 − p) = s·(a − p): zero where p = a, at w = 0.
    ln B depends on a as a factor of its terms, by p/a − (1 − p)/(1 − a); through α and β, whose derivatives are −s and
    s, by s·w(p + (1 − p)) = s·w; and through w, by −u·s(a − p).
    """
    level, logit, offset, a, log_stiffness, log_gamma = theta
    share, s, gamma = 1 / (1 + np.exp(-logit)), np.exp(log_stiffness), np.exp(log_gamma)
    w = x - offset - a * u
    log_first = np.log(a) - (1 - a) * s * w
    log_bracket = np.logaddexp(log_first, np.log1p(-a) + a * s * w)
    p = np.exp(log_first - log_bracket)
    pull = s * (a - p)
    kappa = gamma * a * (1 - a) * s
    falling = np.exp(gamma * log_bracket - kappa * u)
    by_slope = p / a - (1 - p) / (1 - a) + s * w - u * pull
    outer = level * share * falling
    columns = (
        1 - share + share * falling,
        level * share * (1 - share) * (falling - 1),
        -outer * gamma * pull,
        outer * gamma * (by_slope - (1 - 2 * a) * s * u),
        outer * (gamma * w * pull - kappa * u),
        outer * (gamma * log_bracket - kappa * u),
    )
    return level * (1 - share + share * falling), np.stack(columns, axis=1)
