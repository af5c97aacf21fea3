"""What to distrust about a study's answer: one function a doubt, which yields a sentence where it applies.

Their order in `doubts` is that of the report. What a single fit says of itself are its own `warnings`; these here are
of the study: its runs, its design, and its fits beside each other.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution

from flopscape.answers.compare import disagreements
from flopscape.answers.extrapolation import beyond, outside
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.report.evidence import Evidence
from flopscape.text import numbers

WIDE = 2.0
"""An interval is wide when an end is further from the estimate than this factor."""
MANY_EPOCHS = 4.0
FEW_SEEDS = 3
NOISY = 0.01
"""Chance that any point of a study with equal noise is called noisy."""


def doubts(evidence: Evidence) -> list[str]:
    """All doubts that apply, the gravest first."""
    parts = (
        _not_shown,
        _simulated,
        _few_runs,
        _edges,
        _outside,
        _extrapolation,
        _wide,
        _disagreement,
        _epochs,
        _noisy,
        _seeds,
    )
    return [sentence for part in parts for sentence in part(evidence)]


def _not_shown(evidence: Evidence) -> Iterator[str]:
    yield from evidence.not_shown


def _simulated(evidence: Evidence) -> Iterator[str]:
    if evidence.simulated:
        yield "SIMULATED: the losses come from a formula with noise, nothing was trained."


def _few_runs(evidence: Evidence) -> Iterator[str]:
    lost = len(evidence.runs) - len(evidence.completed)
    if lost:
        runs = numbers.plural(len(evidence.runs), "run")
        if evidence.imported:
            yield f"{lost} of {runs} of the table are not used: the reasons are listed under what was left out."
        else:
            yield f"{lost} of {runs} did not complete: no fit knows what their loss was."


def _edges(evidence: Evidence) -> Iterator[str]:
    """Budgets whose best size is the smallest or largest that was trained there."""
    for which, position in (("smallest", 0), ("largest", -1)):
        at_edge = [
            budget
            for budget in evidence.budgets
            if len(means := _mean_losses(evidence, budget)) > 1 and means.idxmin() == means.index[position]
        ]
        if at_edge:
            listed = ", ".join(numbers.flops(budget) for budget in at_edge)
            yield f"At {listed} FLOPs the best size is the {which} that was trained: the optimum may lie beyond it."


def _mean_losses(evidence: Evidence, budget: float) -> pd.Series:
    """Mean loss of each size at a budget."""
    return evidence.completed[evidence.completed.budget == budget].groupby("n_params").loss.mean()


def _outside(evidence: Evidence) -> Iterator[str]:
    sizes = evidence.completed.n_params
    for prediction in _predictions(evidence.fit):
        n_params = prediction.n_params
        if n_params and len(sizes):
            yield from outside(prediction.flops, n_params.estimate, _range(sizes))


def _extrapolation(evidence: Evidence) -> Iterator[str]:
    # A run of a budget counts as that budget: runs scatter a little around theirs.
    spent = evidence.completed.budget.fillna(evidence.completed.flops)
    for prediction in _predictions(evidence.fit):
        if len(spent):
            yield from beyond(prediction.flops, _range(spent))


def _range(values: pd.Series) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _wide(evidence: Evidence) -> Iterator[str]:
    for prediction in _predictions(evidence.fit):
        for name in ("n_params", "n_tokens"):
            number, symbol = getattr(prediction, name), {"n_params": "N*", "n_tokens": "D*"}[name]
            if number and (factor := spread(number)) > WIDE:
                yield (
                    f"{symbol} at {numbers.flops(prediction.flops)} FLOPs is uncertain by a factor"
                    f" {numbers.count(factor)}: {numbers.interval(number, numbers.count)}."
                )
        if prediction.n_params and prediction.n_params.low is None:
            yield f"{numbers.flops(prediction.flops)} FLOPs: the estimates have no interval."


def spread(number: Estimate) -> float:
    """The larger of high/estimate and estimate/low; 1 without an interval."""
    ends = [1.0]
    if number.high is not None:
        ends.append(number.high / number.estimate)
    if number.low is not None:
        # An interval that reaches zero excludes no factor at all.
        ends.append(number.estimate / number.low if number.low > 0 else float("inf"))
    return max(ends)


def _disagreement(evidence: Evidence) -> Iterator[str]:
    yield from disagreements(evidence.fits)


def _epochs(evidence: Evidence) -> Iterator[str]:
    units = evidence.train_units
    if not units:
        return
    repeated = evidence.completed[evidence.completed.n_tokens > MANY_EPOCHS * units]
    if len(repeated):
        most = numbers.ratio(float(repeated.n_tokens.max()) / units)
        some = numbers.plural(len(repeated), "run")
        yield f"{some} saw the data more than {MANY_EPOCHS:g} times, up to {most}: repeats teach less."
    for prediction in _predictions(evidence.fit):
        if prediction.n_tokens and prediction.n_tokens.estimate > MANY_EPOCHS * units:
            times = numbers.ratio(prediction.n_tokens.estimate / units)
            yield f"D* at {numbers.flops(prediction.flops)} FLOPs is {times} times the training data there is."


def _noisy(evidence: Evidence) -> Iterator[str]:
    """Points whose seeds scatter more than chance explains: F tests against all others, as many as points."""
    runs = evidence.completed
    points = runs.groupby(_cell(runs)).loss.agg(["var", "count"])
    points = points[points["count"] > 1]
    dof = points["count"] - 1
    squares = points["var"] * dof
    others = dof.sum() - dof
    # Were the noise equal everywhere, s² of a point over the pooled s² of all the others would follow F with the two
    # numbers of degrees of freedom, for the two are independent. With one test a point, each is held to NOISY divided
    # by their number (Bonferroni), so that a sound study is called noisy with the chance NOISY at most.
    spread = (squares.sum() - squares) / others.where(others > 0)
    chance = np.asarray(f_distribution.sf(points["var"] / spread, dof, others))
    for i in np.flatnonzero(chance < NOISY / max(len(points), 1)):
        n_params, at = points.index[int(i)]
        own, rest = (numbers.loss(float(values.iloc[i]) ** 0.5) for values in (points["var"], spread))
        yield (
            f"The seeds of N = {numbers.count(n_params)} at {_where(evidence, at)} scatter by {own} nats, those of the"
            f" other points by {rest}: a noisy point, which weights: seeds would trust less."
        )


def _where(evidence: Evidence, at: float) -> str:
    """A budget in FLOPs, or a number of tokens, as `_cell` tells points apart by, in words."""
    return f"{numbers.flops(at)} FLOPs" if at in evidence.budgets else f"{numbers.count(at)} {evidence.unit}s"


def _seeds(evidence: Evidence) -> Iterator[str]:
    runs = evidence.completed
    if runs.empty:
        return
    seeds = runs.groupby(_cell(runs)).seed.nunique()
    few = int((seeds < FEW_SEEDS).sum())
    if few:
        known = "known from the others" if few < len(seeds) else "not known"
        yield (
            f"{few} of {len(seeds)} combinations of size and budget have fewer than {FEW_SEEDS} seeds: the noise"
            f" between seeds is {known}."
        )


def _cell(runs: pd.DataFrame) -> list[pd.Series]:
    """What the seeds of one point have in common: the size, and the budget, or the tokens where a run has no budget."""
    return [runs.n_params, runs.budget.fillna(runs.n_tokens)]


def _predictions(fit: FitResult) -> list[Prediction]:
    return [] if fit.status == "refused" else fit.predictions
