"""What a posterior says in numbers and words: predictions with their intervals, and what to distrust about them."""

from collections.abc import Iterator

import numpy as np

from flopscape.fitting.common.row_weights import percentile_interval
from flopscape.fitting.drifting_law import law
from flopscape.fitting.drifting_law.curve import Curves, Lowest
from flopscape.fitting.judge.verdict import FEWEST, Verdict, prediction
from flopscape.laws.law import Array, Mask
from flopscape.records.fit_result import Estimate, Prediction
from flopscape.text import numbers

AT_AN_END = 0.025
"""Part of the draws at an end of the search from which on the interval is open there: its percentile is among them."""
LARGEST_LOG = 700.0
"""e to it is a float, and so is its inverse."""
ONLY_A_RANGE = 10.0
"""Ratio of the ends of a 95 % interval from which on the number between them says little."""
LEAST_EFFECTIVE = 0.05
"""Effective part of the proposals under which the ends of intervals are rough."""
TOO_FEW = 0.004
"""Effective part under which there is no interval: some 200 of 50,000 proposals, of which five make an end."""
SLOPE_LEFT, PLACE_LEFT = 0.9, 0.15
"""Part of the prior's standard deviation from which on the runs have not said what a is, or where the optimum lies:
0.15 is ± 0.3 in ln N at the middle of the runs. Published sweeps leave 0.6 of a's and 0.03 of the place's."""
ONE_BUDGET = float(np.log(2.0))
"""Range of ln(N·D) below which the runs have all about one cost, and their growth with it is not seen."""


def middle(values: Array) -> float:
    """The median of the draws, which is the estimate of everything that draws tell."""
    return float(np.median(values))


def estimate(values: Array, open_low: bool = False, open_high: bool = False) -> Estimate:
    """Median and central 95 % of draws; an open end is not known."""
    low, high = percentile_interval(values)
    return Estimate(middle(values), None if open_low else low, None if open_high else high)


def estimate_of_logs(logs: Array, open_low: bool = False, open_high: bool = False) -> Estimate:
    """The same of numbers whose logarithms are given; infinite ones count as the largest or least that a float holds.

    Examples
    --------
    >>> found = estimate_of_logs(np.append(np.log(np.arange(1.0, 99.0)), [np.inf] * 3), open_high=True)
    >>> round(found.estimate), found.high
    (51, None)
    """
    found = estimate(np.clip(logs, -LARGEST_LOG, LARGEST_LOG), open_low, open_high)
    ends = (found.estimate, found.low, found.high)
    return Estimate(*(None if end is None else float(np.exp(end)) for end in ends))  # type: ignore[arg-type]


def is_open(at_end: Mask) -> bool:
    """Whether too many draws lie on an end of the search."""
    return bool(at_end.mean() > AT_AN_END)


def predicted(curves: Curves, flops: float, best: Lowest | None = None) -> Prediction:
    """N*, D*, L* and D*/N* at C, and the near-optimal sizes: medians and intervals of the draws."""
    best = best or curves.lowest(flops)
    n_params = estimate_of_logs(best.log_n, is_open(best.at_low), is_open(best.at_high))
    found = prediction(flops, n_params, estimate(best.loss), curves.compute)
    found.near_optimal_n_params = curves.near_optimal(flops, best)
    return found


def judge_prior(verdict: Verdict, t: Array, n_runs: int, span: float) -> dict[str, float]:
    """Weak where the priors decide; what is left of their standard deviations, by name. `span` is the range of u."""
    spread = t[:, : len(law.PRIORS)].std(axis=0)
    left = {name: float(sd / prior.sd) for name, sd, prior in zip(law.NAMES, spread, law.PRIORS, strict=True)}
    if n_runs < FEWEST:
        _prior_dominated(
            verdict, f"{numbers.plural(n_runs, 'run')}, and fewer than {FEWEST} leave most to what was known before"
        )
    elif left["offset"] > PLACE_LEFT:
        _prior_dominated(verdict, "these runs do not say where the optimum lies, as sizes on both sides of it would")
    elif span < ONE_BUDGET:
        _prior_dominated(verdict, "these runs do not say how N* grows with compute, as runs of several budgets would")
    elif left["slope"] > SLOPE_LEFT:
        _prior_dominated(verdict, "these runs do not say how N* grows with compute")
    return left


def _prior_dominated(verdict: Verdict, why: str) -> None:
    verdict.add("weak", f"prior-dominated: {why}")
    slope = law.PRIORS[law.SLOPE]
    verdict.warn(
        f"what the runs leave open is taken from published sweeps, such as a = {slope.mean:g} ± {slope.sd:g}, the"
        " growth of ln N* with ln C",
        "prior-dominated",
    )


def judge_prediction(verdict: Verdict, found: Prediction) -> None:
    """Weak where N* has an open end, or an interval so wide that it is only a range: its middle is no answer to use."""
    n, at = found.n_params, f"C = {numbers.flops(found.flops)}"
    if n is None:
        return
    for end, word in ((n.low, "lower"), (n.high, "upper")):
        if end is None:
            verdict.warn(
                f"{at}: N* has no {word} end, for over {AT_AN_END:.1%} of the draws still improve where the law is no"
                " longer trusted",
                "open end",
            )
    if n.low and n.high and n.high / n.low > ONLY_A_RANGE:
        ends = " to ".join(numbers.count(end) for end in (n.low, n.high))
        verdict.warn(f"{at}: N* is known as a range only, {ends}; the number between says little", "only a range")
    if not (n.low and n.high) or n.high / n.low > ONLY_A_RANGE:
        verdict.add("weak", f"at {at} the runs do not bound N* within a factor of {ONLY_A_RANGE:g}")


def judge_draws(verdict: Verdict, effective: float) -> None:
    """Weak where a few draws stand for all: the ends of an interval are then those of so few."""
    if effective < TOO_FEW:
        verdict.add("weak", f"the draws are worth {effective:.2%} of the proposals, too few for an interval")


def doubts_of_draws(effective: float, doubts: list[str]) -> Iterator[str]:
    """Sentences about the sampling."""
    yield from doubts
    if effective < LEAST_EFFECTIVE:
        yield (
            f"the draws are worth {effective:.1%} of the proposals, under {LEAST_EFFECTIVE:.0%}: the ends of the"
            " intervals are rough"
        )
