"""The questions that a finished fit of any kind can be asked; evaluate.py has the kinds."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple, Self

import pandas as pd

from flopscape.laws.law import Array, Compute, Mask, Number, Optimum
from flopscape.records.fit_result import Prediction


class TokensOfSize(NamedTuple):
    """ln D for which a size is the compute-optimal one, in every draw, shape (R,).

    Where it lies below or above all that was searched, the end of the search stands for it, and a mask says so.
    """

    log_n_tokens: Array
    at_low: Mask
    at_high: Mask


class Evaluator(ABC):
    """A fitted law with its numbers.

    The numbers are the fit's estimates, or with `of_draws` those of R draws at once: then every result has the draws as
    its first axis. N is in parameters, D in tokens, C in FLOPs and the loss in nats (or the table's own unit).

    Examples
    --------
    >>> from flopscape.answers.evaluate import evaluator
    >>> from flopscape.records.fit_result import Estimate, FitResult
    >>> numbers = {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}
    >>> surface = {name: Estimate(value) for name, value in numbers.items()}
    >>> law = evaluator(FitResult("ok", "", "vpnls", "surface", "", surface=surface))
    >>> f"{law.loss(70e9, 1.4e12):.3f}"
    '1.937'
    >>> f"{law.optimum(5.76e23).n_params:.3g}"
    '3.22e+10'
    """

    compute: Compute
    """C = κ(N)·N·D, along which optima are taken."""

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """The columns of the draws that hold the law's numbers."""

    @abstractmethod
    def of_draws(self, draws: pd.DataFrame) -> Self:
        """The same law with the numbers of R draws, a row each; results have shape (R, shape of the arguments)."""

    @abstractmethod
    def loss(
        self,
        n_params: Number,
        n_tokens: Number,
        flops: Number | None = None,
        unique_tokens: Number | None = None,
        covariates: Mapping[str, Number] | None = None,
    ) -> Array:
        """The loss of runs, of the shape that the arguments broadcast to.

        Parameters
        ----------
        n_params, n_tokens
            N and D.
        flops : optional
            What the runs cost; κ(N)·N·D when left out. Only a law of C reads it.
        unique_tokens : optional
            Distinct tokens of the runs' data; those that the fit was told of when left out. Only one law reads it.
        covariates : optional
            What else the law depends on, by name; the values at the asked compute when left out.

        Raises
        ------
        FlopscapeError
            The fit says nothing of runs beside the optimum.
        """

    @abstractmethod
    def optimum(self, flops: Number) -> Optimum:
        """N*, D* and L* at each C, of the shape of `flops`; N* and D* are NaN for a law of C alone.

        Raises
        ------
        FlopscapeError
            The law has no optimum at a compute.
        """

    @abstractmethod
    def tokens_of_size(self, n_params: float) -> TokensOfSize:
        """The D at which a size is the optimal one for its compute: the inverse of N*(C), and C = κ(N)·N·D.

        N* may fall where C rises; then it is the least such D.

        Raises
        ------
        FlopscapeError
            The law has no optimum at a compute.
        """

    @property
    def is_told_by_draws(self) -> bool:
        """Whether the estimates are the medians of the draws, and not the law with the fit's own numbers."""
        return False

    @property
    def has_optimum(self) -> bool:
        """Whether the law has a best N and D at a compute, so that `optimum` can be asked."""
        return True

    @property
    def is_searched(self) -> bool:
        """Whether each optimum may be a search, and so too slow for a thousand draws at every point of a line."""
        return True

    def near_optimal_sizes(self, flops: float) -> list[float] | None:
        """The range of N that wastes at most 1 % of C; None where only a surface could tell."""
        return None

    def own_prediction(self, sampled: Self, flops: float, n_params: float | None) -> Prediction | None:
        """The prediction of a fit that says more of it than a number and percentiles of its draws; None of any other.

        Parameters
        ----------
        sampled : Evaluator
            The same with the numbers of the draws, from `of_draws`.
        flops : float
            C.
        n_params : float, optional
            A size in place of the optimal one.
        """
        return None
