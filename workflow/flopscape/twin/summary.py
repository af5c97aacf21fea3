"""From estimates on simulated tables to bias, spread, RMSE and coverage, each with its Monte Carlo error.

Errors are differences, of N* and D* in logarithms: 0.05 is a factor e^0.05, 5.1 %.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flopscape.laws.law import Array, Mask, Names
from flopscape.text.numbers import EXACT
from flopscape.twin.estimates import OK, Estimates

COLUMNS = (
    "scenario", "method", "quantity", "scale", "truth", "bias", "bias_se", "spread", "spread_se", "rmse", "rmse_se",
    "coverage", "coverage_se", "width", "simulations", "intervals", "without_estimate", "failures", "statuses",
)  # fmt: skip
"""Columns of twin.csv. `truth` is the middle one where each table has its own; `scale` says whether error and width are
of the value or its logarithm; `width` is the mean of the finite ones; `failures` counts fits that are not `ok`,
`statuses` how each of them ended."""


class Errors(NamedTuple):
    """Errors (R, Q); which of the I intervals hold the truth (I, Q) and their widths (I, Q); the truths (R, Q).

    A width is NaN where a table has an estimate alone, and infinite where the interval is open at an end.
    """

    error: Array
    covered: Mask
    width: Array
    truth: Array
    status: Names

    def coverage_of(self, quantity: int) -> Mask:
        """Which intervals of a quantity hold the truth, of the tables with an estimate and an interval."""
        # A fit that leaves both ends open claims nothing that could be wrong, and an interval that it does not give has
        # not missed.
        claimed = np.isfinite(self.error[: len(self.covered), quantity]) & ~np.isnan(self.width[:, quantity])
        return np.asarray(self.covered[claimed, quantity])


def is_log(quantity: str) -> bool:
    """Whether errors of a quantity are taken in logarithms."""
    return quantity.startswith(("n_params", "n_tokens"))


@np.errstate(invalid="ignore", divide="ignore")
def errors(estimates: Estimates, truth: Array, names: list[str], intervals: int) -> Errors:
    """Compare estimates with the truth of each table (R, Q); only the first `intervals` tables have intervals."""
    logs = np.array([is_log(name) for name in names])

    def scaled(values: Array) -> Array:
        # An open lower end is −∞, of a size as of its logarithm.
        return np.where(logs, np.log(np.maximum(np.where(logs, values, 1.0), 0.0)), values)

    # In logarithms or not, as each quantity's errors are taken: an interval holds the truth in both or in neither.
    value, low, high, right = (
        scaled(x) for x in (estimates.value, estimates.low[:intervals], estimates.high[:intervals], truth)
    )
    held = (low <= right[:intervals]) & (right[:intervals] <= high)
    return Errors(value - right, held, high - low, truth, estimates.status)


def rows(scenario: str, method: str, outcome: Errors, names: list[str]) -> list[dict[str, object]]:
    """The rows of twin.csv of one method under one truth."""
    failed = [status for status in outcome.status if status != OK]
    statuses = "; ".join(f"{failed.count(word)} {word}" for word in sorted(set(failed)))
    shared = {"scenario": scenario, "method": method, "simulations": len(outcome.status)}
    ended = {"failures": len(failed), "statuses": statuses}
    return [
        shared | ended | {"quantity": name, "scale": "log" if is_log(name) else "value"} | _numbers(outcome, q)
        for q, name in enumerate(names)
    ]


def _numbers(outcome: Errors, q: int) -> dict[str, object]:
    finite = np.isfinite(outcome.error[:, q])
    error = outcome.error[finite, q]
    covered, width = outcome.coverage_of(q), outcome.width[finite[: len(outcome.width)], q]
    known_width = width[np.isfinite(width)]
    share = float(covered.mean()) if len(covered) else np.nan
    numbers: dict[str, object] = {"truth": float(np.median(outcome.truth[:, q])), **moments(error)}
    numbers |= {"coverage": share, "coverage_se": share_error(share, len(covered))}
    numbers |= {"width": float(known_width.mean()) if len(known_width) else np.nan}
    return numbers | {"intervals": len(covered), "without_estimate": int((~finite).sum())}


def moments(error: Array) -> dict[str, float]:
    """Mean, standard deviation and root mean square of errors (r,), with their standard errors; NaN for under two."""
    r = len(error)
    if r < 2:
        return dict.fromkeys(("bias", "bias_se", "spread", "spread_se", "rmse", "rmse_se"), float("nan"))
    spread, rmse = float(error.std(ddof=1)), float(np.sqrt(np.mean(error**2)))
    # Of r errors with the standard deviation s the mean is known to s/√r, and s itself to s/√(2·(r − 1)) where they are
    # normal. The RMSE is the root of the mean of e², known to sd(e²)/√r, and d√x = dx/(2·√x).
    return {
        "bias": float(error.mean()), "bias_se": spread / np.sqrt(r), "spread": spread,
        "spread_se": spread / np.sqrt(2 * (r - 1)), "rmse": rmse,
        "rmse_se": float(np.std(error**2)) / (2 * max(rmse, 1e-300) * np.sqrt(r)),
    }  # fmt: skip


def share_error(share: float, count: int) -> float:
    """Standard error of a share, by Agresti & Coull's (1998) count where all or none are covered."""
    if not count:
        return float("nan")
    # Two tables more that are covered and two that are not (z² is nearly 4 at 95 %): without them the error of a share
    # of 100 % would be zero.
    middle = (share * count + 2) / (count + 4)
    return float(np.sqrt(middle * (1 - middle) / (count + 4)))


def ratio(one: Array, other: Array) -> tuple[float, float]:
    """Root of the ratio of two methods' mean squares on the same tables (R,), and its standard error."""
    return weighted_ratio([one], [other], [1.0])


def weighted_ratio(one: Sequence[Array], other: Sequence[Array], weights: Sequence[float]) -> tuple[float, float]:
    """The same over several truths, each with the weight of its mean squares.

    Parameters
    ----------
    one, other : sequence of array, shape (R,)
        Errors under each truth, NaN where a fit failed: tables on which either failed are left out, and those that only
        one has.
    weights : sequence of float

    Returns
    -------
    NaN for under two tables of a truth, or where the other method is exact.
    """
    pairs = [_squares(x, y) for x, y in zip(one, other, strict=True)]
    if min(pair.shape[1] for pair in pairs) < 2:
        return float("nan"), float("nan")
    first, second = np.sum([w * pair.mean(axis=1) for w, pair in zip(weights, pairs, strict=True)], axis=0)
    if second < EXACT**2 * sum(weights):
        return float("nan"), float("nan")
    value = float(np.sqrt(first / second))
    # Delta method for √(first/second): the relative error of the ratio is that of x₁/first − x₂/second, table by table,
    # for both methods had the same luck; truths have luck of their own, so that their variances add; the root halves.
    variance = sum(
        w**2 * np.var(pair[0] / max(first, 1e-300) - pair[1] / second, ddof=1) / pair.shape[1]
        for w, pair in zip(weights, pairs, strict=True)
    )
    return value, float(value / 2 * np.sqrt(variance))


def _squares(one: Array, other: Array) -> Array:
    """Squares of the errors of both methods on the tables that both have fitted, (2, tables)."""
    shared = min(len(one), len(other))
    pair = np.stack([one[:shared] ** 2, other[:shared] ** 2])
    return np.asarray(pair[:, np.isfinite(pair).all(axis=0)])
