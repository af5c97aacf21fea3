"""Accuracy at a compute, or of a run of given size and data: the loss by a fitted law, the accuracy by the curve.

Each draw of the law meets a draw of the curve, so that an interval has the errors of both steps. A run that is trained
longer than is optimal (Gadre et al. 2024, arXiv 2403.08540) has the loss of its N and D, and not that of its compute.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flopscape.answers.evaluator import Evaluator
from flopscape.answers.extrapolation import refuse_absurd, refuse_too_far
from flopscape.answers.predict import law_and_draws
from flopscape.downstream.curve_fit import FittedCurve, fit_curve, why_one_sided
from flopscape.downstream.results import Downstream, Target, Untold
from flopscape.downstream.scored_runs import ScoredRuns
from flopscape.downstream.sigmoid import Sigmoid, accuracy
from flopscape.errors import FlopscapeError, listed
from flopscape.fitting.common.row_weights import percentile_interval
from flopscape.laws.law import Array
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.text import numbers

POINTS = 80
"""Of the curve over the loss."""
COMPUTES, SEARCHED_COMPUTES = 60, 24
"""Of the curve over compute, where optima are in closed form and where each is a search."""
NAMES = ("floor", "ceiling", "middle", "steepness")
OPTIONS = ("--flops", "--n-params", "--n-tokens")
BEYOND = 1.5
"""Factor of compute that the curve is told beyond runs and targets."""


def two_steps(
    runs: ScoredRuns,
    result: FitResult,
    draws: pd.DataFrame,
    flops: Sequence[float] = (),
    n_params: Sequence[float] = (),
    n_tokens: Sequence[float] = (),
    *,
    name: str = "",
    seed: int = 0,
) -> Downstream:
    """Accuracies at each compute, or of every size on every number of tokens.

    Parameters
    ----------
    runs : ScoredRuns
        What the curve is fitted to.
    result, draws
        The fit of the loss, as `read_with_draws` reads it.
    flops, n_params, n_tokens : sequences of float
        C in FLOPs; or N in parameters and D in tokens.
    name, seed
        What the fit is called, and the seed of the resampling.

    Raises
    ------
    FlopscapeError
        The fit is of another loss or cannot answer, a number is not positive, or no curve can be told.

    Examples
    --------
    The same on the command line: `flopscape downstream RUNS.csv --fit FIT.json --accuracy accuracy@x --flops 1e22`.
    """
    _refuse(runs, result, draws, flops, n_params, n_tokens)
    asked = [(option, n) for option, some in zip(OPTIONS, (flops, n_params, n_tokens), strict=True) for n in some]
    law, sampled = law_and_draws(result, draws, asked)
    fitted = fit_curve(runs, seed=seed)
    both = _Both(law, sampled, fitted, len(draws))
    targets = [both.optimal(c) for c in flops] + [both.given(n, d) for n in n_params for d in n_tokens]
    _refuse_absurd(targets, float(runs.flops.max()))
    several = zip(NAMES, fitted.curve, fitted.draws, strict=True)
    four = {of: Estimate(float(estimate), *_ends(np.asarray(many))) for of, estimate, many in several}
    return Downstream(
        runs.column, runs.loss_column, runs.loss_unit, name, runs.chance, runs.items, len(runs), **four,
        tells_ceiling=fitted.tells_ceiling, sigma=fitted.sigma,
        items_sigma=_luck(runs, fitted),
        targets=targets, along_loss=_along_loss(runs, fitted, targets), along_flops=_along_flops(runs, both, targets),
        runs=[(float(c), float(x), float(y)) for c, x, y in zip(runs.flops, runs.loss, runs.accuracy, strict=True)],
        warnings=[*runs.notes, *_warnings(runs, fitted, targets)], simulated=runs.simulated or result.simulated,
    )  # fmt: skip


@dataclass(frozen=True)
class _Both:
    """The law and the curve with their draws."""

    law: Evaluator
    sampled: Evaluator
    fitted: FittedCurve
    n_draws: int

    def optimal(self, flops: float) -> Target:
        best = self.law.optimum(flops)
        n, d = (float(value) if np.isfinite(value) else None for value in best[:2])
        return self._target(flops, n, d, False, best.loss, self.sampled.optimum(flops).loss)

    def given(self, n_params: float, n_tokens: float) -> Target:
        flops = float(np.exp(self.law.compute.curve(np.log([n_params]))[0][0])) * n_params * n_tokens
        losses = (law.loss(n_params, n_tokens, flops) for law in (self.law, self.sampled))
        return self._target(flops, n_params, n_tokens, True, *losses)

    def _target(
        self, flops: float, n: float | None, d: float | None, given: bool, loss: Array, losses: Array
    ) -> Target:
        estimate = float(np.nanmedian(losses) if self.law.is_told_by_draws else loss)
        if not np.isfinite(estimate):
            raise Untold(f"{flops:g} FLOPs: the fit has no finite loss there; ask nearer to the runs")
        return Target(flops, n, d, given, Estimate(estimate, *_ends(losses)), self.accuracy_at(estimate, losses))

    def accuracy_at(self, loss: float, losses: Array) -> Estimate:
        """The curve at a loss, and at the losses (R,) of the law's draws by its own draws."""
        pairs = np.resize(np.asarray(losses, float).ravel(), len(np.atleast_1d(self.fitted.draws.middle)))
        return _with_estimate(float(accuracy(self.fitted.curve, loss)), accuracy(self.fitted.draws, pairs))


def _refuse_absurd(targets: Sequence[Target], costliest: float) -> None:
    for target in targets:
        refuse_too_far("FLOPs", target.flops, costliest)
        refuse_absurd(f"{target.flops:g} FLOPs", target.n_params, target.n_tokens)


def _luck(runs: ScoredRuns, fitted: FittedCurve) -> float | None:
    """Root mean square of the errors that so many items have by themselves; None where their number is not known."""
    if runs.items is None:
        return None
    return float(np.sqrt(np.mean(runs.error(accuracy(fitted.curve, runs.loss)) ** 2)))


def _with_estimate(estimate: float, draws: Array) -> Estimate:
    """The interval of the draws, widened to hold the estimate: where the ceiling is not told that has the highest."""
    low, high = _ends(draws)
    return Estimate(estimate, low if low is None else min(low, estimate), high if high is None else max(high, estimate))


def _ends(draws: Array) -> tuple[float | None, float | None]:
    low, high = (float(end) if np.isfinite(end) else None for end in percentile_interval(np.asarray(draws)))
    return low, high


def _along_loss(runs: ScoredRuns, fitted: FittedCurve, targets: Sequence[Target]) -> list[tuple[float, Estimate]]:
    told = [*runs.loss, *(end for t in targets for end in (t.loss.estimate, t.loss.low, t.loss.high) if end)]
    many = Sigmoid(*fitted.draws)
    return [
        (float(x), _with_estimate(float(accuracy(fitted.curve, x)), accuracy(many, x)))
        for x in np.linspace(min(told), max(told), POINTS)
    ]


def _along_flops(runs: ScoredRuns, both: _Both, targets: Sequence[Target]) -> list[tuple[float, Estimate]]:
    """Accuracy of the compute-optimal runs; nothing of a law without an optimum."""
    if not both.law.has_optimum:
        return []
    told = [*runs.flops, *(target.flops for target in targets)]
    number = SEARCHED_COMPUTES if both.law.is_searched else COMPUTES
    computes = np.geomspace(min(told), max(told) * BEYOND, number)
    found = [both.optimal(float(c)) for c in computes]
    return [(target.flops, target.accuracy) for target in found]


def _refuse(
    runs: ScoredRuns,
    result: FitResult,
    draws: pd.DataFrame,
    flops: Sequence[float],
    n_params: Sequence[float],
    n_tokens: Sequence[float],
) -> None:
    """Raise FlopscapeError where the question is not one, or the fit is of another loss."""
    if bool(n_params) != bool(n_tokens) or not (flops or n_params):
        raise FlopscapeError("downstream: give --flops C, or --n-params N together with --n-tokens D")
    if result.metric != runs.loss_column:
        raise FlopscapeError(
            f"the fit is of {result.metric}, and the accuracy is to follow from {runs.loss_column}; fit "
            f"that with --column loss={runs.loss_column}, or give --loss {result.metric}"
        )
    if result.status == "refused":
        raise Untold(f"the fit has no prediction: {result.reason}")
    if not len(draws):
        raise Untold("the fit has no draws, so that no interval can be told; fit it with --bootstrap 1000")


def _warnings(runs: ScoredRuns, fitted: FittedCurve, targets: Sequence[Target]) -> list[str]:
    beyond = dict.fromkeys(numbers.flops(t.flops) for t in targets if t.loss.estimate < runs.loss.min())
    chance = runs.chance
    sentences = [
        "" if fitted.tells_ceiling else "The runs do not tell the ceiling: the estimate has 1, and the intervals every "
        "ceiling as far as the runs allow it.",
        why_one_sided(fitted),
        "" if not beyond else f"{listed(beyond)} FLOPs: the loss there lies below "
        "that of all runs, so that the curve is extended too, and not the law alone.",
        *(
            f"{numbers.flops(t.flops)} FLOPs: the interval reaches the chance level, {chance:g}."
            for t in targets if chance is not None and t.accuracy.low is not None and t.accuracy.low < chance + 0.01
        ),
        "" if runs.chance is not None else "No chance level was given: the floor is fitted.",
    ]  # fmt: skip
    return [sentence for sentence in sentences if sentence]
