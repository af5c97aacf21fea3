"""The optimum of a budget as its own runs show it, without any law: the truth that forecasts are measured against.

A parabola through a budget's losses is biased where the curve is steeper on one side, and would flatter methods that
draw parabolas themselves. So the curve is a local cubic: at a centre c the losses are fitted by b₀ + b₁·z + b₂·z² +
b₃·z³ in z = ln N − c, each run with the Gaussian weight exp(−z²/(2h²)), h = 1; c is moved to the cubic's own lowest
point until it stays there (Fan & Gijbels 1996, chapter 3, on local polynomials). Then ln N* = c and L* = b₀.

Two errors are added. One is the noise of the runs: with b = P·y the sandwich P·Pᵀ·σ² is the covariance of the
coefficients whatever the weights, and since b₁ = 0 at the lowest point, ln N* moves by −db₁/(2·b₂). The other is the
choice of h: the largest shift of either number under h = 0.75 and 1.5. σ is pooled over all budgets of a table.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from flopscape.laws.law import Array, Mask
from flopscape.runs.table import RunTable
from flopscape.text import numbers

BANDWIDTH, OTHERS = 1.0, (0.75, 1.5)
"""In ln N: a run a factor e from the optimum weighs 0.6 of one at it."""
NOISE_BANDWIDTH = 0.6
"""Narrower, so that the curve's shape is not taken for noise."""
FEWEST, FEWEST_SIZES, FEWEST_BESIDE = 6, 5, 2
"""Runs of a budget, their distinct sizes, and those on either side of the lowest point. A cubic has four numbers."""
FEWEST_FOR_PARABOLA = 3
"""Distinct sizes of a hidden budget: a parabola has three numbers."""
WIDEST = 0.3
"""Largest standard error of ln N*: a truth known within a factor of 1.8 tells good forecasts from bad ones, a wider one
does not."""
SETTLED, MOST_STEPS = 1e-10, 100


@dataclass(frozen=True)
class Truth:
    """The optimum of a budget: ln N*, L* and their standard errors, and the cubic around it.

    `cubic` are b₀ … b₃ in z = ln N − `log_n_params`; `sizes` the smallest and the largest ln N of the budget's runs.
    """

    log_n_params: float
    se_log_n_params: float
    loss: float
    se_loss: float
    cubic: Array
    sizes: tuple[float, float]

    def regret(self, log_n_params: float) -> float:
        """The loss at a size less the lowest, in the loss's own unit; beyond the sizes of the runs, that at their end.

        Examples
        --------
        >>> truth = Truth(20.0, 0.1, 2.5, 0.01, np.array([2.5, 0.0, 0.02, 0.0]), (18.0, 22.0))
        >>> round(truth.regret(21.0), 3), round(truth.regret(30.0), 3)
        (0.02, 0.08)
        """
        z = float(np.clip(log_n_params, *self.sizes)) - self.log_n_params
        # A cubic turns down again far from its lowest point: no regret is below zero.
        return max(float(np.polyval(self.cubic[::-1], z)) - self.loss, 0.0)


def pooled_noise(table: RunTable, rows: Mask) -> float:
    """σ of a run's loss about the smooth curve of its budget, over all budgets; NaN where nothing tells it.

    With the smoother S of a budget, whose row i is the local cubic's value at run i, residuals r = (I − S)·y have the
    expected square σ²·(n − 2·tr S + tr S·Sᵀ) (Hastie, Tibshirani & Friedman 2009, section 7.6).

    Parameters
    ----------
    table : RunTable
    rows : array of bool, shape (n,)
        Which rows are the ends of runs: checkpoints say nothing of another run.
    """
    squares = freedom = 0.0
    for log_n, loss in _budgets(table, rows):
        S = np.stack([_projector(log_n, centre, NOISE_BANDWIDTH)[0] for centre in log_n])
        residual = loss - S @ loss
        squares += float(residual @ residual)
        freedom += len(loss) - 2 * float(np.trace(S)) + float(np.sum(S * S))
    return float(np.sqrt(squares / freedom)) if freedom > 1 else float("nan")


def truth_of(log_n: Array, loss: Array, noise: float) -> Truth | str:
    """The optimum of one budget from its runs, or in words why they do not tell it.

    Parameters
    ----------
    log_n, loss : array, shape (n,)
        ln N and loss of each run of the budget.
    noise : float
        σ of a run, in the unit of the loss; from `pooled_noise`.

    Examples
    --------
    >>> log_n = np.linspace(18, 22, 9)
    >>> truth = truth_of(log_n, 2.5 + 0.02 * (log_n - 20.3) ** 2, 0.001)
    >>> round(truth.log_n_params, 3), round(truth.loss, 3)
    (20.3, 2.5)
    >>> truth_of(log_n[:4], log_n[:4], 0.001)
    'it has 4 runs, and 6 are needed'
    """
    if why := _why_too_few(log_n):
        return why
    if not np.isfinite(noise):
        return "the runs are too few to tell their noise"
    found = _lowest(log_n, loss, BANDWIDTH, _start(log_n, loss))
    if found is None:
        return "its losses have no lowest point among the sizes"
    centre, P = found
    b = P @ loss
    if min(len(np.unique(log_n[log_n < centre])), len(np.unique(log_n[log_n > centre]))) < FEWEST_BESIDE:
        return f"it has fewer than {FEWEST_BESIDE} sizes on one side of its lowest point"
    shifts = np.array(list(_shifts(log_n, loss, centre, float(b[0])))).max(axis=0)
    by_noise = noise * np.sqrt(np.sum(P * P, axis=1))
    se_log_n, se_loss = (by_noise[1] / (2 * b[2]) + shifts[0], by_noise[0] + shifts[1])
    if not se_log_n <= WIDEST:
        return _too_flat(se_log_n)
    return Truth(centre, float(se_log_n), float(b[0]), float(se_loss), b, (float(log_n.min()), float(log_n.max())))


def truth_of_few(log_n: Array, loss: Array, noise: float) -> Truth | str:
    """The optimum of a budget of three sizes or more, by one parabola where a cubic would ask for more of them.

    The sizes of a hidden budget are few and near its optimum, where the third power of a curve moves its lowest point
    by less than the noise of the runs does; the standard errors are of that noise alone.

    Examples
    --------
    >>> log_n = np.array([19.5, 20.0, 20.5])
    >>> truth = truth_of_few(log_n, 2.5 + 0.02 * (log_n - 20.1) ** 2, 0.001)
    >>> round(truth.log_n_params, 3), round(truth.loss, 3), round(truth.se_log_n_params, 3)
    (20.1, 2.5, 0.043)
    """
    if not _why_too_few(log_n):
        return truth_of(log_n, loss, noise)
    if (sizes := len(np.unique(log_n))) < FEWEST_FOR_PARABOLA:
        return f"it has {numbers.plural(sizes, 'size')}, and {FEWEST_FOR_PARABOLA} are needed"
    if not np.isfinite(noise):
        return "the runs are too few to tell their noise"
    bend, slope, _ = np.polyfit(log_n - log_n.mean(), loss, 2)
    centre = float(log_n.mean() - slope / (2 * bend)) if bend > 0 else np.inf
    if not log_n.min() < centre < log_n.max():
        return "its losses have no lowest point among the sizes"
    # About the lowest point b₁ = 0, and ln N* moves with the noise by −db₁/(2·b₂), as for the cubic above.
    P = np.linalg.pinv((log_n - centre)[:, None] ** np.arange(3))
    b, errors = P @ loss, noise * np.sqrt(np.sum(P * P, axis=1))
    se_log_n = float(errors[1] / (2 * b[2]))
    if se_log_n > WIDEST:
        return _too_flat(se_log_n)
    sizes_of_runs = (float(log_n.min()), float(log_n.max()))
    return Truth(centre, se_log_n, float(b[0]), float(errors[0]), np.append(b, 0.0), sizes_of_runs)


def _too_flat(se_log_n: float) -> str:
    return f"its runs place the lowest point no better than ± {se_log_n:.2g} in ln N"


def _why_too_few(log_n: Array) -> str:
    """Why a local cubic cannot be drawn, or nothing."""
    if len(log_n) < FEWEST:
        return f"it has {len(log_n)} run{'' if len(log_n) == 1 else 's'}, and {FEWEST} are needed"
    if (sizes := len(np.unique(log_n))) < FEWEST_SIZES:
        return f"it has {sizes} sizes, and {FEWEST_SIZES} are needed"
    return ""


def _budgets(table: RunTable, rows: Mask) -> Iterator[tuple[Array, Array]]:
    """ln N and loss of each budget that has runs enough for a cubic."""
    for budget in np.unique(table.budget[rows & np.isfinite(table.budget)]):
        of_budget = rows & (table.budget == budget)
        log_n = np.log(table.n_params[of_budget])
        if not _why_too_few(log_n):
            yield log_n, table.loss[of_budget]


def _projector(log_n: Array, centre: float, bandwidth: float) -> Array:
    """P (4, n), with which b = P·y are the coefficients of the local cubic at a centre."""
    z = log_n - centre
    # Weighted least squares as plain ones of √w·X and √w·y: b = (√w·X)⁺·√w·y.
    root = np.exp(-(z**2) / (4 * bandwidth**2))
    return np.asarray(np.linalg.pinv(root[:, None] * z[:, None] ** np.arange(4)) * root)


def _start(log_n: Array, loss: Array) -> float:
    """The lowest point of one parabola through all runs, or the size of the lowest loss."""
    middle = log_n.mean()
    bend, slope, _ = np.polyfit(log_n - middle, loss, 2)
    lowest = middle - slope / (2 * bend) if bend > 0 else log_n[loss.argmin()]
    return float(np.clip(lowest, log_n.min(), log_n.max()))


def _lowest(log_n: Array, loss: Array, bandwidth: float, centre: float) -> tuple[float, Array] | None:
    """Where a local cubic is lowest at its own centre, and its projector; None where it settles nowhere inside."""
    for _ in range(MOST_STEPS):
        P = _projector(log_n, centre, bandwidth)
        _, slope, bend, twist = P @ loss
        # The slope b₁ + 2·b₂·z + 3·b₃·z² has two zeros; this form of the root has the minimum, also as b₃ → 0.
        inside = bend**2 - 3 * twist * slope
        if inside < 0 or bend + np.sqrt(inside) <= 0:
            return None
        step = -slope / (bend + np.sqrt(inside))
        if abs(step) < SETTLED:
            return (centre, P) if bend > 0 else None
        centre += float(np.clip(step, -bandwidth, bandwidth))
        if not log_n.min() <= centre <= log_n.max():
            return None
    return None


def _shifts(log_n: Array, loss: Array, centre: float, lowest: float) -> Iterator[tuple[float, float]]:
    """How far ln N* and L* move under the other bandwidths; infinitely where one has no lowest point."""
    for bandwidth in OTHERS:
        found = _lowest(log_n, loss, bandwidth, centre)
        moved = (np.inf, np.inf) if found is None else (found[0] - centre, float(found[1][0] @ loss) - lowest)
        yield abs(moved[0]), abs(moved[1])
