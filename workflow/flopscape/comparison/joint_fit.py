"""Least squares of both recipes at once, on the loss in nats.

As the surface fits of `vpnls` do, a recipe's losses are taken to scatter by the same number of nats wherever they were
measured; the σ of the two may differ, and each row is divided by its recipe's. The searches are MINPACK's
Levenberg–Marquardt (Moré 1978, as scipy has it) with exact derivatives, from several starts.

With J the derivatives of the whitened residuals r, n runs and p free numbers, θ̂ is normal to first order with
covariance (JᵀJ)⁻¹·rᵀr/(n − p), and a linear function of it over its standard error has Student's t with n − p degrees
of freedom. Where the scatter differs from run to run, as that of published tables does, that is too little for what
hangs on the noisiest runs, and (JᵀJ)⁻¹·Jᵀ·diag(r²/(1 − h))·J·(JᵀJ)⁻¹ is right whatever the scatter (MacKinnon & White
1985, HC2; h are the leverages), but itself noisy. A standard error here is the larger of the two (Angrist & Pischke
2009, section 8.1): the first alone calls a half of a published table better than the other in up to a fifth of splits.

No test decides between kinds of fit: the simpler one chosen where it is not rejected has
intervals that are too narrow where it is a little wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from flopscape.comparison.model import FREE_FLOORS, NAMES, Center, Kind, Runs, jacobian, losses
from flopscape.comparison.pairs import correlation, paired_runs, whitened
from flopscape.fitting.common.linear import inverse
from flopscape.fitting.surface.many_tables import fit_surfaces
from flopscape.laws.law import Array, Index
from flopscape.laws.surface import Surface
from flopscape.laws.surface import loss as surface_loss
from flopscape.runs.table import RunTable

OWN_NUMBERS = 5
"""Numbers of a recipe's own surface."""
SIGMA_PRIOR = 1.0
"""Standard deviation, over comparisons, of the logarithm of the ratio of two recipes' variances: a factor of e."""
ABSENT = -25.0
"""ln of an amplitude that a start lacks."""
TOLERANCE = 1e-12
"""Relative change of θ and of the sum of squares at which a search stops."""
EVALUATIONS = 300
"""Most evaluations of a search; 10 to 40 are usual."""
LEAST_FREE = 1e-3
"""Least 1 − leverage of a row that is divided by."""
PAIRED_ROUNDS = 2
"""Times that ρ is estimated anew from the residuals of the fit that it gave."""


class Observed(NamedTuple):
    """The runs of both recipes, A's first."""

    center: Center
    runs: Runs
    loss: Array
    """Shape (n,), in nats."""
    sigma: Array
    """Shape (n,): standard deviation of each row's recipe, in nats."""
    pairs: Index
    """Shape (k, 2): rows that share their data's order."""
    surfaces: tuple[Surface, Surface]
    """Of each recipe alone: where searches start."""


@dataclass(frozen=True)
class JointFit:
    """One kind of fit of two recipes.

    `theta` and the covariances are of all eleven numbers, zero for those that are not free; `robust` is the one that
    holds whatever the scatter of each run. `sigma` is the residuals'
    standard deviation of each recipe in nats, `rho` the correlation of paired runs.
    """

    kind: Kind
    theta: Array
    covariance: Array
    robust: Array
    dof: int
    objective: float
    sigma: tuple[float, float]
    rho: float
    residual: Array
    converged: bool

    def error_of(self, gradient: Array) -> Array:
        """Standard errors √(gᵀΣg) of what has these derivatives by θ, (…, 11), by the larger covariance."""
        variances = [((gradient @ matrix) * gradient).sum(axis=-1) for matrix in (self.covariance, self.robust)]
        return np.asarray(np.sqrt(np.maximum(np.maximum(*variances), 0.0)))


def observed(a: RunTable, b: RunTable, use_pairs: bool = True, surfaces: Sequence[Surface] | None = None) -> Observed:
    """Both tables' runs about their common center, with each recipe's σ; the surfaces of the two may be given."""
    own = tuple(surfaces) if surfaces else (own_surface(a), own_surface(b))
    n, d, c = (np.concatenate([getattr(a, name), getattr(b, name)]) for name in ("n_params", "n_tokens", "flops"))
    center = Center(*(float(np.log(values).mean()) for values in (n, d, c)))
    is_b = np.arange(len(n)) >= len(a)
    pairs = paired_runs(a, b) + np.array([0, len(a)]) if use_pairs else np.empty((0, 2), int)
    variances = [_variance(table, surface) for table, surface in zip((a, b), own, strict=True)]
    sigma: Array = np.sqrt(drawn_together(variances, [len(a) - OWN_NUMBERS, len(b) - OWN_NUMBERS]))
    runs = center.runs(n, d, c, is_b)
    return Observed(center, runs, np.concatenate([a.loss, b.loss]), sigma[is_b.astype(int)], pairs, (own[0], own[1]))


def own_surface(table: RunTable) -> Surface:
    """The least-squares surface of one recipe."""
    return Surface(
        *(float(np.asarray(x)[0]) for x in fit_surfaces(table.n_params, table.n_tokens, table.loss[None]).surface)
    )


def _variance(table: RunTable, surface: Surface) -> float:
    residual = table.loss - surface_loss(surface, table.n_params, table.n_tokens)
    return max(float((residual**2).sum()) / max(len(table) - OWN_NUMBERS, 1), 1e-24)


def drawn_together(variances: Sequence[float], dof: Sequence[int]) -> Array:
    """Two estimated variances, their ratio drawn towards one by as much as it is uncertain.

    ln s² of k degrees of freedom has a variance of about 2/k, and the logarithm of the true ratio is believed to be
    zero with the variance `SIGMA_PRIOR`²; the ratio's posterior mean stands in for it.

    >>> drawn_together([1.0, 4.0], [10**9, 10**9]).round(3).tolist()
    [1.0, 4.0]
    """
    logs, noise = np.log(variances), sum(2 / max(k, 1) for k in dof)
    believed = SIGMA_PRIOR**2 / (SIGMA_PRIOR**2 + noise)
    pooled = np.log(np.average(variances, weights=np.maximum(dof, 1)))
    return np.asarray(np.exp(pooled + believed * (logs - pooled)), float)


def fit_all(data: Observed, kinds: Sequence[Kind]) -> dict[Kind, JointFit]:
    """Every kind of fit, with the ρ of the first that `FREE_FLOORS` leaves in the pairs."""
    free = fit(data, FREE_FLOORS, starts(data))
    for _ in range(PAIRED_ROUNDS if len(data.pairs) else 0):
        free = fit(data, FREE_FLOORS, [free.theta], correlation(free.residual / data.sigma, data.pairs))
    others = {kind: fit(data, kind, [free.theta, *starts(data)], free.rho) for kind in kinds if kind != FREE_FLOORS}
    return {FREE_FLOORS: free} | others


def starts(data: Observed) -> list[Array]:
    """θ with the exponents of A, of B, and with each recipe's own; the offsets make the terms agree at the center."""
    own = [_about_center(surface, data.center) for surface in data.surfaces]
    (e_a, *amplitudes_a, alpha_a, beta_a), (e_b, *amplitudes_b, alpha_b, beta_b) = own
    lines = []
    for alpha, beta, change in ((alpha_a, beta_a, False), (alpha_b, beta_b, False), (alpha_a, beta_a, True)):
        # a·e^(−α_B·μ_N) is B's amplitude at the center.
        of_b = (alpha_b, beta_b) if change else (alpha, beta)
        mu = [(x - y) / np.exp(e) for x, y, e in zip(amplitudes_a, amplitudes_b, of_b, strict=True)]
        lines.append([e_a, *amplitudes_a, alpha, beta, e_b - e_a, *mu, 0.0, of_b[0] - alpha, of_b[1] - beta])
    return [np.array(line) for line in lines]


def _about_center(surface: Surface, center: Center) -> tuple[float, float, float, float, float]:
    """E, ln a, ln b, ln α, ln β with the amplitudes at the center of the logarithms."""
    E, A, B, alpha, beta = map(float, surface)
    with np.errstate(divide="ignore"):
        a, b = np.log(A) - alpha * center.log_n, np.log(B) - beta * center.log_d
    return E, max(float(a), ABSENT), max(float(b), ABSENT), float(np.log(alpha)), float(np.log(beta))


def fit(data: Observed, kind: Kind, begin: Sequence[Array], rho: float = 0.0) -> JointFit:
    """The lowest optimum that the starts lead to."""
    free, found = kind.free, None

    def whole(part: Array) -> Array:
        theta = np.zeros(len(NAMES))
        theta[free] = part
        return theta

    def residual(part: Array) -> Array:
        return whitened((losses(whole(part), data.runs) - data.loss) / data.sigma, data.pairs, rho)

    def slope(part: Array) -> Array:
        rows = jacobian(whole(part), data.runs)[:, free] / data.sigma[:, None]
        return whitened(rows, data.pairs, rho)

    for start in begin:
        new = least_squares(
            residual, start[free], slope, method="lm", xtol=TOLERANCE, ftol=TOLERANCE, gtol=TOLERANCE,
            max_nfev=EVALUATIONS,
        )  # fmt: skip
        if found is None or new.cost < found.cost:
            found = new
    assert found is not None
    return _described(data, kind, whole(found.x), slope(found.x), residual(found.x), rho, found.status > 0)


def _described(
    data: Observed, kind: Kind, theta: Array, slope: Array, whitened_residual: Array, rho: float, converged: bool
) -> JointFit:
    """The fit at its optimum, from derivatives (n, p) and residuals of the whitened rows."""
    dof, objective = len(data.loss) - len(kind.names), float((whitened_residual**2).sum())
    unit = inverse(slope.T @ slope)
    leverage = ((slope @ unit) * slope).sum(axis=1)
    # A row that a number of its own belongs to has no residual to say how it scatters.
    squares = whitened_residual**2 / np.maximum(1 - leverage, LEAST_FREE)
    residual = data.loss - losses(theta, data.runs)
    # Each recipe pays for the free numbers in proportion to its runs.
    paid = max(dof, 1) / len(data.loss)
    sigma = [float(np.sqrt((residual[rows] ** 2).mean() / paid)) for rows in (~data.runs.is_b, data.runs.is_b)]
    return JointFit(
        kind=kind,
        theta=theta,
        covariance=_of_all(unit * objective / max(dof, 1), kind),
        robust=_of_all(unit @ (slope.T * squares) @ slope @ unit, kind),
        dof=dof,
        objective=objective,
        sigma=(sigma[0], sigma[1]),
        rho=rho,
        residual=residual,
        converged=converged,
    )


def _of_all(covariance: Array, kind: Kind) -> Array:
    """The covariance of all numbers, zero for those that are not free."""
    matrix = np.zeros((len(NAMES), len(NAMES)))
    matrix[np.ix_(kind.free, kind.free)] = covariance
    return matrix
