"""The curve of accuracy over loss with draws of it, and what the runs do not tell of it.

Draws are refits of resamples of whole runs. Where the runs do not reach the ceiling it is no number of theirs: the fit
has 1, and the draws have 1, or any ceiling from the runs' mean on, which is thrice as probable beforehand; each
as often as the runs bear it out.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import f as f_distribution
from scipy.stats import t as student

from flopscape.downstream.results import Untold
from flopscape.downstream.scored_runs import ScoredRuns
from flopscape.downstream.sigmoid import Sigmoid, SigmoidProblem, accuracy, best_fit, curve_of, problem_of, refits
from flopscape.fitting.common.row_weights import run_weights
from flopscape.laws.law import Array

DRAWS = 1000
ROUNDS = 3
"""Fits, each with the errors that the one before it expects."""
SURE, CLEAR = 0.01, 0.01
"""p of the F tests by which a ceiling below 1 is believed, and accuracies that move with the loss at all."""
CEILINGS, ONE = 24, 0.25
"""Ceilings among which those of the draws are, where the runs do not tell it, and how probable 1 is beforehand."""
EXACT = 1e-18
"""Mean square, beside the errors', from which on residuals are rounding."""
HALF = 0.5
"""Part of the way from floor to ceiling that is the bend's middle."""


@dataclass(frozen=True)
class FittedCurve:
    """A fitted sigmoid.

    `draws` has arrays of shape (R,). `tells_ceiling` is false where the runs do not reach the ceiling. `sigma` is the
    standard deviation of accuracies about the curve, `dof` its degrees of freedom, and `passed` the part of the way
    from floor to ceiling that the runs of the highest and of the lowest loss have gone.
    """

    curve: Sigmoid
    draws: Sigmoid
    tells_ceiling: bool
    sigma: float
    dof: int
    passed: tuple[float, float]


def fit_curve(runs: ScoredRuns, draws: int = DRAWS, seed: int = 0) -> FittedCurve:
    """The curve through the runs' accuracies, and resamples of it.

    Raises
    ------
    Untold
        The accuracies do not fall with the loss, as where all runs are at chance, or one is below chance.

    Examples
    --------
    `fit_curve(read_scored("runs.csv", "accuracy@hellaswag", "loss@hellaswag", chance=0.25)).curve.middle`
    """
    mean = float(runs.accuracy.mean())
    floor = (runs.chance,) * 2 if runs.chance is not None else (0.0, mean)
    if runs.items is None and runs.chance is not None:
        runs.refuse_below_chance(_own_scatter(runs, mean))
    if mean <= floor[0]:
        raise Untold(_why_flat(runs))
    theta, problem, free = _reweighted(runs, floor, (mean, 1.0))
    _refuse_flat(runs, problem, free)
    whole, _, fixed = _reweighted(runs, floor, (1.0, 1.0), problem.error)
    tells = _p_value(fixed - free, 1, free, len(runs) - problem.n_free) < SURE
    best = theta if tells else whole
    weights = np.concatenate([*run_weights(runs.run_id, draws, seed, draws)])
    starts = np.stack([theta, whole])
    many = _resampled(problem, weights, theta) if tells else _of_all_ceilings(problem, weights, starts, seed)
    curve = Sigmoid(*(float(number) for number in np.concatenate(curve_of(best[None]))))
    residual = runs.accuracy - accuracy(curve, runs.loss)
    dof = max(len(runs) - problem.n_free + (not tells), 1)
    sigma = float(np.sqrt(residual @ residual / dof))
    return FittedCurve(curve, curve_of(many), bool(tells), sigma, dof, _passed(curve, runs.loss))


def _own_scatter(runs: ScoredRuns, mean: float) -> float:
    """Standard deviation about a curve of any floor: about one from chance, runs below it would excuse themselves."""
    _, problem, squares = _reweighted(runs, (0.0, mean), (mean, 1.0))
    return float(np.sqrt(squares / max(len(runs) - problem.n_free, 1)))


def _reweighted(
    runs: ScoredRuns, floor: tuple[float, float], ceiling: tuple[float, float], error: Array | None = None
) -> tuple[Array, SigmoidProblem, float]:
    """θ, the problem and the sum of squares, with the errors of the accuracies that the fit itself expects."""
    expected = np.full(len(runs), runs.accuracy.mean())
    for _ in range(ROUNDS if error is None and runs.items else 1):
        errors = runs.error(expected) if error is None else error
        problem = problem_of(runs.loss, runs.accuracy, errors, floor, ceiling)
        theta, squares = best_fit(problem)
        expected = accuracy(curve_of(theta[None]).columns, runs.loss)[0]
    return theta, problem, squares


def _p_value(gained: float, numbers: int, left: float, dof: int) -> float:
    """p of the F test that so many more numbers gain no more than noise would."""
    if dof < 1:
        return 1.0
    exact = EXACT * dof
    return float(f_distribution.sf(max(gained - exact, 0.0) / numbers / ((left + exact) / dof), numbers, dof))


def _refuse_flat(runs: ScoredRuns, problem: SigmoidProblem, squares: float) -> None:
    """Raise Untold unless the curve is clearly better than one accuracy for all runs."""
    weights = problem.error**-2
    mean = float(np.average(runs.accuracy, weights=weights))
    flat = float(weights @ (runs.accuracy - mean) ** 2)
    if _p_value(flat - squares, problem.n_free - 1, squares, len(runs) - problem.n_free) > CLEAR:
        raise Untold(_why_flat(runs))


def _why_flat(runs: ScoredRuns) -> str:
    low, high = runs.accuracy.min(), runs.accuracy.max()
    beside = "" if runs.chance is None else f", chance being {runs.chance:g}"
    return (
        f"{runs.path}, column {runs.column}: {low:.3g} to {high:.3g} in {len(runs)} runs{beside}; it does not rise "
        f"clearly where {runs.loss_column} falls, so that no curve can be told from noise; score larger runs, more "
        "items, or a task that small models can do"
    )


def _of_all_ceilings(problem: SigmoidProblem, weights: Array, starts: Array, seed: int) -> Array:
    """θ (R, 4) of the resamples, the ceiling of each drawn among all that the runs allow.

    With σ unknown the likelihood of a ceiling is S^(−n/2) for its least sum of squares S.
    """
    ceilings = np.linspace(problem.low[1], 1.0, CEILINGS + 1)[1:]
    before = np.array([*np.full(CEILINGS - 1, (1 - ONE) / (CEILINGS - 1)), ONE])
    fits = [_with_ceiling(problem, ceiling) for ceiling in ceilings]
    found = [best_fit(one, starts) for one in fits]
    squares = np.array([least for _, least in found]) + EXACT * len(problem.loss)
    likely = before * (squares.min() / squares) ** (len(problem.loss) / 2)
    chosen = np.random.default_rng(seed).choice(CEILINGS, len(weights), p=likely / likely.sum())
    many = np.empty((len(weights), 4))
    for at in np.unique(chosen):
        many[chosen == at] = _resampled(fits[at], weights[chosen == at], found[at][0])
    return many


def _resampled(problem: SigmoidProblem, weights: Array, theta: Array) -> Array:
    """θ (R, 4) of resamples, moved away from the fit's as far as few runs ask for.

    A resample has the scatter of the residuals, which k fitted numbers have made smaller by √((n − k)/n); and that is
    itself known from n − k numbers alone, for which Student's quantile stands in place of the normal one.
    """
    n, k = len(problem.loss), problem.n_free
    left = max(n - k, 1)
    wider = np.sqrt(n / left) * student.ppf(0.975, left) / ndtri(0.975)
    return np.asarray(np.clip(theta + wider * (refits(problem, weights, theta) - theta), problem.low, problem.high))


def _with_ceiling(problem: SigmoidProblem, ceiling: float) -> SigmoidProblem:
    low, high = problem.low.copy(), problem.high.copy()
    low[1] = high[1] = ceiling
    return SigmoidProblem(problem.loss, problem.accuracy, problem.error, low, high)


def _passed(curve: Sigmoid, loss: Array) -> tuple[float, float]:
    ends = accuracy(curve, np.array([loss.max(), loss.min()]))
    first, last = (ends - curve.floor) / (curve.ceiling - curve.floor)
    return float(first), float(last)


def why_one_sided(fitted: FittedCurve) -> str:
    """A sentence where all runs are on one side of the bend's middle; else nothing."""
    if fitted.passed[1] < HALF:
        return (
            "No run has passed the middle of the bend: what comes beyond the runs rests on the form of the curve and "
            "on a ceiling that they do not show."
        )
    if fitted.passed[0] > HALF:
        return "All runs have passed the middle of the bend: the floor, and runs of higher loss, are not shown by them."
    return ""
