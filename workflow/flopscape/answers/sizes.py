"""What a finished fit says of a given size: for how many tokens it is the right one, and the loss on given tokens.

Most people have a model and ask for its data. That is the inverse of N*(C): the D at which the size is the optimal one
for the compute C = κ(N)·N·D. Near the end of what the runs tell N* grows slowly with C in some draws, so that the
interval of D is longer than that of N*, and often open above: then only "at least so many tokens" is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from flopscape.answers.extrapolation import refuse_absurd
from flopscape.answers.predict import law_and_draws, predict
from flopscape.fitting.drifting_law.predictions import ONLY_A_RANGE
from flopscape.laws.law import Array, Mask
from flopscape.records.fit_result import Estimate, FitResult, Prediction

LIKELY = (0.1, 0.9)
"""Quantiles of the central 80 %: its lower end is passed by 90 % of the draws, which is what "at least" means here."""


@dataclass(frozen=True)
class SizePrediction:
    """The data for which a size is compute-optimal.

    `n_tokens` has its 95 % interval, and None for an end that lies beyond all that was searched. `likely` are the ends
    of the central 80 %. C is `flops_per_token` (κ(N)·N, in FLOPs) times D.

    Examples
    --------
    >>> wide = SizePrediction(1e9, Estimate(17e9, 2.3e9, 14e12), (4.8e9, 160e9), 6e9)
    >>> wide.one_sided, round(wide.tokens_per_param.low, 3)
    ('at least', 2.3)
    """

    n_params: float
    n_tokens: Estimate
    likely: tuple[float | None, float | None]
    flops_per_token: float

    @property
    def tokens_per_param(self) -> Estimate:
        """D*/N."""
        return _times(self.n_tokens, 1 / self.n_params)

    @property
    def flops(self) -> Estimate:
        """The compute at which the size is optimal."""
        return _times(self.n_tokens, self.flops_per_token)

    @property
    def one_sided(self) -> Literal["", "at least", "at most"]:
        """Which end is worth anything, where the other lies more than a factor ten away, or nowhere."""
        estimate, low, high = self.n_tokens.estimate, self.n_tokens.low, self.n_tokens.high
        far_below = low is None or estimate > ONLY_A_RANGE * low
        far_above = high is None or high > ONLY_A_RANGE * estimate
        # Where both are far away neither is a bound but a range; the nearer one, in ln D, says more.
        if far_below and far_above and low and (high is None or high / estimate > estimate / low):
            far_below = False
        if far_below == far_above:
            return ""
        return "at least" if far_above else "at most"

    @property
    def bound(self) -> float | None:
        """The bound of `one_sided`, that 90 % of the draws keep."""
        ends = {"": None, "at least": self.likely[0], "at most": self.likely[1]}
        return ends[self.one_sided]


def _times(number: Estimate, factor: float) -> Estimate:
    low, high = (None if end is None else end * factor for end in (number.low, number.high))
    return Estimate(number.estimate * factor, low, high)


def predict_sizes(
    result: FitResult, draws: pd.DataFrame, n_params: Sequence[float], unique_tokens: float | None = None
) -> list[SizePrediction]:
    """For how many tokens each size is compute-optimal.

    Parameters
    ----------
    result, draws
        As `fit` returns them, or `read_with_draws` from a file.
    n_params : sequence of float
        N.
    unique_tokens : float, optional
        As for `predict`.

    Raises
    ------
    FlopscapeError
        The fit has no optimum, a number is not positive, or a size is optimal for less than one token.

    Examples
    --------
    The same on the command line: `flopscape predict FIT.json --n-params 1e9`.
    """
    question = [("n_params", n) for n in n_params]
    law, sampled = law_and_draws(result, draws, question, unique_tokens)
    found = []
    for n in n_params:
        log_d, at_low, at_high = sampled.tokens_of_size(n)
        best = log_d if law.is_told_by_draws else law.tokens_of_size(n).log_n_tokens
        number = Estimate(float(np.exp(np.median(best))), *_ends(log_d, at_low, at_high, (0.025, 0.975)))
        refuse_absurd(f"n_params {n:g}", None, number.estimate)
        cost = float(n * np.exp(law.compute.curve(np.log([n]))[0][0]))
        found.append(SizePrediction(n, number, _ends(log_d, at_low, at_high, LIKELY), cost))
    return found


def _ends(log_d: Array, at_low: Mask, at_high: Mask, parts: tuple[float, float]) -> tuple[float | None, float | None]:
    """Quantiles of D over the draws; None where so many draws lie at an end of the search that the quantile is one."""
    low, high = (float(np.exp(end)) for end in np.quantile(log_d, parts))
    return None if at_low.mean() > parts[0] else low, None if at_high.mean() > 1 - parts[1] else high


def predict_runs(
    result: FitResult,
    draws: pd.DataFrame,
    n_params: Sequence[float],
    n_tokens: Sequence[float],
    unique_tokens: float | None = None,
) -> list[Prediction]:
    """The loss of every size on every number of tokens: of a ladder, or of a model trained longer than is optimal.

    Raises
    ------
    FlopscapeError
        As `predict` with a size that is given.

    Examples
    --------
    The same on the command line: `flopscape predict FIT.json --n-params 7e9 --n-tokens 2e12`.
    """
    question = [*(("n_params", n) for n in n_params), *(("n_tokens", d) for d in n_tokens)]
    law, _ = law_and_draws(result, draws, question, unique_tokens)
    found = []
    for n in n_params:
        # What a run costs decides its D as well as its D decides what it costs.
        costs = [float(np.exp(law.compute.curve(np.log([n]))[0][0]) * n * d) for d in n_tokens]
        found += predict(result, draws, costs, n, unique_tokens)
    return found
