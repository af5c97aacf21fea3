"""How far a prediction lies from the runs behind it, in sentences, and when it is no prediction at all."""

from collections.abc import Iterator, Sequence

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.records.fit_result import EXTRAPOLATES
from flopscape.text import numbers

Range = Sequence[float]
"""Lowest and highest."""
FARTHEST = 1e8
"""Times the compute of the costliest run: no law is believed so far."""


def beyond(flops: float, spent: Range) -> Iterator[str]:
    """Where a compute lies outside the budgets that were run."""
    # Neither part is above one inside the budgets that were run; outside, one of them is.
    factor = max(flops / spent[1], spent[0] / flops)
    if factor > EXTRAPOLATES:
        side = "largest" if flops > spent[1] else "smallest"
        yield (
            f"{numbers.flops(flops)} FLOPs is a factor {numbers.ratio(factor)} beyond the {side} budget that was run:"
            " an extrapolation, whose interval assumes that the law goes on."
        )


def outside(flops: float, n_params: float, sizes: Range, star: str = "*") -> Iterator[str]:
    """Where a size lies outside those that were trained; the star marks it as the optimum."""
    if not sizes[0] <= n_params <= sizes[1]:
        yield (
            f"N{star} at {numbers.flops(flops)} FLOPs, {numbers.count(n_params)}, lies outside the trained sizes,"
            f" {numbers.count(sizes[0])} to {numbers.count(sizes[1])}."
        )


def beyond_sizes(n_params: float, sizes: Range) -> Iterator[str]:
    """Where a given size lies outside those that were trained."""
    factor = max(n_params / sizes[1], sizes[0] / n_params)
    if factor > 1:
        end = "above the largest" if n_params > sizes[1] else "below the smallest"
        yield f"{numbers.count(n_params)} parameters are a factor {numbers.ratio(factor)} {end} size that was trained."


def refuse_too_far(option: str, flops: float, costliest: float) -> None:
    """Raise FlopscapeError for a compute that is not positive, or so far from the runs that no law is believed.

    >>> refuse_too_far("--flops", 1e20, costliest=1e13)
    """
    if not 0 < flops <= FARTHEST * costliest:
        raise FlopscapeError(
            f"{option} {flops:g}: must be positive, and not so far beyond the runs that nothing is known of it; "
            f"ask for {numbers.flops(FARTHEST * costliest)} FLOPs at most"
        )


def refuse_absurd(question: str, n_params: float | None, n_tokens: float | None) -> None:
    """Refuse a model of less than one parameter, less than one token, or numbers beyond float64.

    Raises
    ------
    FlopscapeError
        Naming the question, such as `flops 1`.
    """
    for symbol, unit, value in (("N", "parameter", n_params), ("D", "token", n_tokens)):
        if value is None:
            continue
        if not np.isfinite(value):
            raise FlopscapeError(f"{question}: {symbol} is not a finite number there; ask nearer to the runs")
        if value < 1:
            raise FlopscapeError(
                f"{question}: {symbol} = {value:.2g} there, less than one {unit}; ask for more compute"
            )
