"""From estimates on simulated tables to bias, spread, RMSE and coverage, each with its Monte Carlo error.

Errors are differences, of N* and D* in logarithms: 0.05 is a factor e^0.05, 5.1 %.
"""

from typing import NamedTuple

import numpy as np

from flopscape.laws.law import Array, Mask, Names
from flopscape.text.numbers import EXACT
from flopscape.twin.estimates import OK, Estimates

COLUMNS = (
    "scenario", "method", "quantity", "scale", "truth", "bias", "bias_se", "spread", "spread_se", "rmse", "rmse_se",
    "coverage", "coverage_se", "width", "simulations", "intervals", "without_estimate", "failures", "statuses",
)  # fmt: skip
"""Columns of twin.csv. `scale` says whether error and width are of the value or its logarithm; `width` is the mean of
the finite ones; `failures` counts fits that are not `ok`, `statuses` how each of them ended."""


class Errors(NamedTuple):
    """Errors (R, Q); which of the I intervals hold the truth (I, Q) and their widths (I, Q); the truth (Q,).

    `silent` are the places of the quantities of which the method gives no interval at all.
    """

    error: Array
    covered: Mask
    width: Array
    truth: Array
    status: Names
    silent: tuple[int, ...] = ()

    def coverage_of(self, quantity: int) -> Mask:
        """Which intervals of a quantity hold the truth, of the tables with an estimate and an interval."""
        if quantity in self.silent:
            return np.zeros(0, bool)
        return np.asarray(self.covered[np.isfinite(self.error[: len(self.covered), quantity]), quantity])


def is_log(quantity: str) -> bool:
    """Whether errors of a quantity are taken in logarithms."""
    return quantity.startswith(("n_params", "n_tokens"))


@np.errstate(invalid="ignore", divide="ignore")
def errors(estimates: Estimates, truth: Array, names: list[str], intervals: int) -> Errors:
    """Compare estimates with the truth (Q,); only the first `intervals` tables have intervals."""
    logs = np.array([is_log(name) for name in names])

    def scaled(values: Array) -> Array:
        return np.where(logs, np.log(np.where(logs, values, 1.0)), values)

    # In logarithms or not, as each quantity's errors are taken: an interval holds the truth in both or in neither.
    value, low, high, right = (
        scaled(x) for x in (estimates.value, estimates.low[:intervals], estimates.high[:intervals], truth)
    )
    return Errors(value - right, (low <= right) & (right <= high), high - low, truth, estimates.status)


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
    numbers: dict[str, object] = {"truth": float(outcome.truth[q]), **moments(error)}
    numbers |= {"coverage": share, "coverage_se": _share_error(share, len(covered))}
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


def _share_error(share: float, count: int) -> float:
    """Standard error of a share, by Agresti & Coull's (1998) count where all or none are covered."""
    if not count:
        return float("nan")
    # Two tables more that are covered and two that are not (z² is nearly 4 at 95 %): without them the error of a share
    # of 100 % would be zero.
    middle = (share * count + 2) / (count + 4)
    return float(np.sqrt(middle * (1 - middle) / (count + 4)))


def ratio(one: Array, other: Array) -> tuple[float, float]:
    """Root of the ratio of two methods' mean squares on the same tables, and its standard error.

    Parameters
    ----------
    one, other : array, shape (R,) or (R, scenarios)
        Errors, NaN where a fit failed: tables on which either failed are left out, and those that only one has.

    Returns
    -------
    NaN for under two tables, or where the other method is exact.
    """
    # Squares of both methods (2, R, scenarios), of which only tables that both have fitted are compared: their luck is
    # the same.
    shared = min(len(one), len(other))
    pair = np.stack([np.reshape(x[:shared], (shared, -1)) ** 2 for x in (one, other)])
    first, second = pair[:, np.isfinite(pair).all(axis=(0, 2))].mean(axis=2)
    if len(first) < 2 or second.mean() < EXACT**2:
        return float("nan"), float("nan")
    value = float(np.sqrt(first.mean() / second.mean()))
    # Delta method for √(mean₁/mean₂): the relative error of the ratio is that of x₁/mean₁ − x₂/mean₂, table by table,
    # for both methods had the same luck; the root halves it.
    scatter = np.std(first / max(first.mean(), 1e-300) - second / second.mean(), ddof=1)
    return value, float(value / 2 * scatter / np.sqrt(len(first)))
