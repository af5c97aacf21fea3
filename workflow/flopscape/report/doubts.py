"""What to distrust about a study's answer, ranked by what it could do to the answer.

One function a doubt, which yields it where it applies, with its size: how far it could move N* (or D*, or the loss), in
half-widths of the answer's 95 % interval: at the first asked compute, but where a doubt is of another one there. What a
single fit says of itself are its own `warnings`; these here are of the study: its runs, its design, and the checks of
the fit that it recommends (doubts_of_checks.py).
"""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

from flopscape.errors import joined
from flopscape.fitting.drifting_law.law import PRIORS, SLOPE
from flopscape.plan.rung_words import placed_by_few
from flopscape.records.fit_result import EXTRAPOLATES
from flopscape.report.checks import first_prediction, half_width, predictions, unit
from flopscape.report.doubts_of_checks import (
    Doubt,
    missed,
    missed_outcomes,
    other_choices,
    other_fits,
    revised_outcomes,
    too_narrow,
)
from flopscape.report.evidence import Evidence
from flopscape.report.summary import parts_of
from flopscape.text import numbers

MOST = 5
"""Doubts that the report shows; the others stand in its appendix."""
SLOPE_SD = PRIORS[SLOPE].sd
"""Standard deviation of a in N* ∝ C^a between published sweeps: over a factor f in compute it moves ln N* by that
times ln f."""
FEWEST_BUDGETS = 5
MOSTLY_PRIOR = 0.5
"""Standard deviation of ln N* over the prior's from which on the prior has much to say."""
MANY_EPOCHS = 4.0
FEW_SEEDS = 3
NOISY = 0.01
"""Chance that any point of a study with equal noise is called noisy."""


def doubts(evidence: Evidence) -> list[Doubt]:
    """All doubts that apply, each once, the gravest first."""
    parts = (
        _without_interval,
        missed_outcomes,
        revised_outcomes,
        missed,
        _outside,
        _extrapolation,
        other_fits,
        other_choices,
        too_narrow,
        _edges,
        _few_budgets,
        _prior,
        _epochs,
        _repeats,
        _noisy,
        _seeds,
        _lost,
        _placed_by_few,
    )
    found = [doubt for part in parts for doubt in part(evidence)]
    return sorted(found, key=lambda doubt: -doubt.size)


def _at(flops: list[float]) -> str:
    return f"{joined([numbers.flops(c) for c in flops])} FLOPs"


def _without_interval(evidence: Evidence) -> Iterator[Doubt]:
    bare = [p.flops for p in predictions(evidence) if p.n_params and p.n_params.low is p.n_params.high is None]
    if bare:
        yield Doubt(f"At {_at(bare)} the estimates have no interval.", math.inf)


def _outside(evidence: Evidence) -> Iterator[Doubt]:
    sizes = evidence.used.n_params
    found = {
        p.flops: max(math.log(p.n_params.estimate / sizes.max()), math.log(sizes.min() / p.n_params.estimate))
        for p in predictions(evidence)
        if p.n_params and len(sizes)
    }
    if beyond := [c for c, distance in found.items() if distance > 0]:
        span = f"{numbers.count(float(sizes.min()))} to {numbers.count(float(sizes.max()))}"
        yield Doubt(
            f"N* at {_at(beyond)} lies outside the trained sizes, {span}, up to a factor"
            f" {numbers.count(math.exp(max(found.values())))}.",
            max(found[p.flops] / half_width(p.n_params) for p in predictions(evidence) if p.flops in beyond),
        )


def _extrapolation(evidence: Evidence) -> Iterator[Doubt]:
    # A run of a budget counts as that budget: runs scatter a little around theirs.
    spent = evidence.used.budget.fillna(evidence.used.flops)
    if spent.empty:
        return
    factors = {p.flops: max(p.flops / spent.max(), spent.min() / p.flops) for p in predictions(evidence)}
    if beyond := [c for c, factor in factors.items() if factor > EXTRAPOLATES]:
        most = max(factors[c] for c in beyond)
        sizes = {p.flops: SLOPE_SD * math.log(factors[p.flops]) / half_width(p.n_params) for p in predictions(evidence)}
        yield Doubt(
            f"{_at(beyond)} {'is' if len(beyond) == 1 else 'are up to'} a factor {numbers.ratio(most)} beyond the"
            f" budgets that were run: over it the ± {SLOPE_SD:g} by which published exponents differ moves N* by"
            f" {numbers.log_error(SLOPE_SD * math.log(most))}.",
            max(sizes[c] for c in beyond),
        )


def _edges(evidence: Evidence) -> Iterator[Doubt]:
    """Budgets whose best size is the smallest or largest that was trained there."""
    ends: dict[str, list[float]] = {}
    steps = [0.0]
    for budget in evidence.budgets:
        means = evidence.used[evidence.used.budget == budget].groupby("n_params").loss.mean()
        if len(means) > 1 and means.idxmin() in (means.index[0], means.index[-1]):
            is_first = means.idxmin() == means.index[0]
            ends.setdefault("smallest" if is_first else "largest", []).append(budget)
            near = means.index[:2] if is_first else means.index[-2:]
            steps.append(math.log(near[1] / near[0]))
    if ends:
        said = joined([f"the {which} size is the best at {_at(budgets)}" for which, budgets in ends.items()])
        share = (len(steps) - 1) / len(evidence.budgets)
        yield Doubt(
            f"The optimum may lie beyond the sizes that were trained: {said}.", share * max(steps) / unit(evidence)
        )


def _few_budgets(evidence: Evidence) -> Iterator[Doubt]:
    count, first = int(evidence.used.budget.nunique()), first_prediction(evidence)
    if not 0 < count < FEWEST_BUDGETS or first is None:
        return
    # Student's t of a line through so few optima, over that of many: what intervals lack that take σ for known. The
    # answer's own have it already, as the part that other budgets would narrow.
    parts = parts_of(evidence.fit, first.flops)
    lacking = float(t_distribution.ppf(0.975, max(count - 2, 1))) / 1.96 - 1
    yield Doubt(
        f"The growth of N* with compute rests on {numbers.plural(count, 'budget')}, fewer than {FEWEST_BUDGETS}.",
        parts.left_open**0.5 if parts else lacking,
    )


def _prior(evidence: Evidence) -> Iterator[Doubt]:
    first = first_prediction(evidence)
    parts = parts_of(evidence.fit, first.flops) if first else None
    if parts and parts.sd_over_prior > MOSTLY_PRIOR:
        yield Doubt(
            "The interval is in good part the prior's, which is from published sweeps of language models: another kind"
            " of data or model may lie outside it.",
            parts.sd_over_prior,
        )


def _epochs(evidence: Evidence) -> Iterator[Doubt]:
    units = evidence.train_units
    times = {p.flops: p.n_tokens.estimate / units for p in predictions(evidence) if p.n_tokens and units}
    if over := [c for c, number in times.items() if number > MANY_EPOCHS]:
        most, up_to = max(times.values()), "up to " if len(over) > 1 else ""
        yield Doubt(
            f"D* at {_at(over)} is {up_to}{numbers.ratio(most)} times the training data, and repeats teach less.",
            math.log(most / MANY_EPOCHS) / unit(evidence, "n_tokens"),
        )


def _repeats(evidence: Evidence) -> Iterator[Doubt]:
    units, runs = evidence.train_units, evidence.used
    if units and len(repeated := runs[runs.n_tokens > MANY_EPOCHS * units]):
        most = numbers.ratio(float(repeated.n_tokens.max()) / units)
        some = numbers.plural(len(repeated), "run")
        yield Doubt(f"{some} saw the data more than {MANY_EPOCHS:g} times, up to {most}.", len(repeated) / len(runs))


def _noisy(evidence: Evidence) -> Iterator[Doubt]:
    """Points whose seeds scatter more than chance explains: F tests against all others, as many as points."""
    runs = evidence.used
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
    found = np.flatnonzero(chance < NOISY / max(len(points), 1))
    named = []
    for i in found:
        n_params, at = points.index[int(i)]
        own, rest = (numbers.loss(float(values.iloc[i]) ** 0.5) for values in (points["var"], spread))
        named.append(f"N = {numbers.count(n_params)} at {_where(evidence, at)} by {own} (others by {rest})")
    if named:
        yield Doubt(
            f"Seeds scatter more than chance explains, in nats: {joined(named)}; weights: seeds would trust such points"
            " less.",
            len(named) / len(points),
        )


def _where(evidence: Evidence, at: float) -> str:
    """A budget in FLOPs, or a number of tokens, as `_cell` tells points apart by, in words."""
    return f"{numbers.flops(at)} FLOPs" if at in evidence.budgets else f"{numbers.count(at)} {evidence.unit}s"


def _seeds(evidence: Evidence) -> Iterator[Doubt]:
    runs, first = evidence.used, first_prediction(evidence)
    if runs.empty or first is None:
        return
    seeds = runs.groupby(_cell(runs)).seed.nunique()
    few = int((seeds < FEW_SEEDS).sum())
    if few:
        # A standard deviation of ν degrees of freedom is known to 1/√(2ν), and so is the part of an interval that it is
        # behind.
        parts = parts_of(evidence.fit, first.flops)
        share = parts.noise**0.5 if parts else 1.0
        known = "the points with several" if len(runs) > len(seeds) else "the scatter about the law"
        which = f"{few} of {len(seeds)}" if few < len(seeds) else f"All {few}"
        yield Doubt(
            f"{which} combinations of size and budget have fewer than {FEW_SEEDS} seeds: the noise is known from"
            f" {known}.",
            share / math.sqrt(2 * max(len(runs) - len(seeds), 1)),
        )


def _lost(evidence: Evidence) -> Iterator[Doubt]:
    lost = 0 if evidence.imported else len(evidence.runs) - len(evidence.completed)
    if lost:
        runs = numbers.plural(len(evidence.runs), "run")
        yield Doubt(f"{lost} of {runs} did not complete: no fit knows their loss.", lost / len(evidence.runs))


def _placed_by_few(evidence: Evidence) -> Iterator[Doubt]:
    """Rungs of a ladder that were planned without some of the runs that should have placed them."""
    yield from (Doubt(text, share) for text, share in placed_by_few(evidence.rungs))


def _cell(runs: pd.DataFrame) -> list[pd.Series]:
    """What the seeds of one point have in common: the size, and the budget, or the tokens where a run has no budget."""
    return [runs.n_params, runs.budget.fillna(runs.n_tokens)]
