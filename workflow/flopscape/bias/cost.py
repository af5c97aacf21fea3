"""What a wrong split of compute costs, and Approach 2 against the surface on one table, both resampled together."""

from dataclasses import dataclass

import numpy as np

from flopscape.fitting.surface import global_starts
from flopscape.laws.law import Array, Index, Mask
from flopscape.laws.surface import Surface, closed_form_optimum, loss
from flopscape.runs.table import RunTable


def effective_flops(true: Surface, flops: float, n_params: Array | float) -> Array:
    """C′ ≤ C: the compute at which the optimal split reaches the loss of spending C on n_params, D = C/(6·N).

    L*(C) − E falls as C^−γ with γ = αβ/(α + β) (Hoffmann et al. 2022, equation 4, inserted into 2), so
    C′/C = ((L − E)/(L*(C) − E))^(−1/γ). The wasted share is 1 − C′/C.
    """
    alpha, beta = np.asarray(true.alpha), np.asarray(true.beta)
    excess = loss(true, n_params, flops / (6.0 * np.asarray(n_params))) - true.E
    least = closed_form_optimum(true, flops).loss - true.E
    return np.asarray(flops * (excess / least) ** (-(alpha + beta) / (alpha * beta)))


@dataclass(frozen=True)
class Comparison:
    """Both methods at one compute; the first entry is the table itself, the others its R resamples."""

    n_params: Array
    """N* by Approach 2, shape (1 + R,); NaN with fewer than three usable budgets."""
    budgets: Index
    """Budgets whose parabola has its lowest point among the sizes; the others are left out."""
    surface: Surface
    """Least squares of the surface, each parameter of shape (1 + R,)."""
    failed: Mask
    """No power law, or a surface at a bound."""


def compare(table: RunTable, flops: float, resamples: int, seed: int) -> Comparison:
    """Fit Approach 2 and the surface to a table and to the same resamples of it, drawn within each budget."""
    weights = within_budgets(table.budget, resamples, seed)
    n_params, budgets = approach2_at(table, weights, flops)
    problem, center = global_starts.centred_problem(table)
    solution = global_starts.solve(problem, weights)
    # Amplitudes are at the centre of the logs: A = A'·e^(α·ū) and B = B'·e^(β·v̄), and the zero in front leaves E as it
    # is.
    E, A, B = solution.coefficients.T * np.exp(np.insert(solution.exponents * center, 0, 0.0, axis=1)).T
    failed = global_starts.on_bound(solution) | ~solution.converged | ~np.isfinite(n_params)
    return Comparison(n_params, budgets, Surface(E, A, B, *solution.exponents.T), failed)


def within_budgets(budget: Array, resamples: int, seed: int) -> Array:
    """Multiplicities of every row (1 + R, n): all ones, then resamples that keep each budget's number of rows."""
    generator = np.random.default_rng(seed)
    weights = np.ones((1 + resamples, len(budget)))
    for rows in groups(budget):
        # Drawing as many rows with replacement, each with the same chance, gives multinomial counts.
        weights[1:, rows] = generator.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=resamples)
    return weights


def groups(budget: Array) -> list[Index]:
    """The rows of each budget, smallest budget first."""
    return [np.flatnonzero(budget == value) for value in np.unique(budget)]


def approach2_at(table: RunTable, weights: Array, flops: float) -> tuple[Array, Index]:
    """N* at C by Approach 2 for every row of weights (R, n), and the number of budgets each rests on."""
    parts = groups(table.budget)
    # ln N of every budget's vertex for every resample, (R, budgets), and ln C beside it, NaN where there is none.
    y = np.stack([_vertex(np.log(table.n_params[rows]), table.loss[rows], weights[:, rows]) for rows in parts], axis=1)
    used = np.isfinite(y)
    x = np.where(used, [np.log(table.flops[rows]).mean() for rows in parts], np.nan)
    with np.errstate(all="ignore"):
        # The line through the used budgets alone: NaN ordinates take their abscissae with them.
        z = x - np.nanmean(x, axis=1, keepdims=True)
        a = np.nansum(z * y, axis=1) / np.nansum(z**2, axis=1)
        log_n = np.nanmean(y, axis=1) + a * (np.log(flops) - np.nanmean(x, axis=1))
    # Two points always lie on a line, which would say nothing of its error.
    return np.where(used.sum(axis=1) < 3, np.nan, np.exp(log_n)), used.sum(axis=1)


@np.errstate(all="ignore")
def _vertex(log_n: Array, losses: Array, weights: Array) -> Array:
    """ln N of one budget's lowest point for every row of weights; NaN where it is not among the sizes drawn."""
    center, half = log_n.mean(), np.ptp(log_n) / 2
    # Sizes in units of the half-width, so that the columns 1, x, x² are alike in length.
    X = ((log_n - center) / half)[:, None] ** np.arange(3)
    # XᵀWX of each row of weights; its pseudo-inverse, for a resample may have drawn fewer than three sizes.
    gram = np.einsum("rn,ni,nj->rij", weights, X, X)
    c = np.einsum("rij,rj->ri", np.linalg.pinv(gram, hermitian=True), (weights * losses) @ X)
    # −c1/(2·c2) in units of the half-width.
    vertex = center - half * c[:, 1] / (2 * c[:, 2])
    drawn = np.where(weights > 0, log_n, np.nan)
    # Among the sizes that were drawn, which reach less far than those of the table.
    inside = (vertex > np.nanmin(drawn, axis=1)) & (vertex < np.nanmax(drawn, axis=1))
    return np.where((c[:, 2] > 0) & inside & ((weights > 0).sum(axis=1) >= 3), vertex, np.nan)
