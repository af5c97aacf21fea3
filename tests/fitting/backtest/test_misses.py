"""When misses of hidden budgets are chance: single wide ones and many narrow ones, against quantiles out of a table."""

import dataclasses

import pytest

from flopscape.fitting.backtest.misses import limit, misses_of, why_it_misses
from flopscape.records.backtest import Forecast

Z = {0.05: 1.959964, 0.025: 2.241403, 0.05 / 6: 2.638257, 0.1 / 6: 2.393980, 0.15 / 6: 2.241403}
"""Two-sided quantiles of the standard normal distribution by level."""


def hidden(budgets: int, ratio: float, fit: str = "one") -> Forecast:
    """A budget whose N* is off by a multiple of what its interval allows, hidden in one cut."""
    return Forecast(
        fit, "vpnls", f"the largest {budgets} budgets", 20, "ok", "", "optimum", 1e20 * budgets, 3.0, true_n_params=1e9,
        se_log_n_params=0.0, n_params=1e9 * 2**ratio, n_params_low=1e9 * 2 ** (ratio - 1),
        n_params_high=1e9 * 2 ** (ratio + 1), n_params_holds=abs(ratio) <= 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ratios", "level"),
    [
        ([0.2], 0.05),
        ([0.1] * 6, 0.05 / 6),
        ([0.1] * 5 + [1.3], 0.05 / 6),
        ([0.1] * 4 + [1.23] * 2, 0.1 / 6),
        ([0.1] * 3 + [1.15] * 3, 0.15 / 6),
        ([1.01] * 6, 0.05),
    ],
)
def test_the_k_farthest_of_m_are_chance_up_to_the_quantile_of_k_times_five_per_cent_over_m(
    ratios: list[float], level: float
) -> None:
    assert limit(ratios) == pytest.approx(Z[level] / Z[0.05], rel=1e-5)


@pytest.mark.parametrize(
    ("ratios", "beyond"),
    [([1.05], True), ([-1.05], True), ([0.95], False), ([0.5, 0.5, 1.2], False), ([1.1] * 3, True), ([0.5, 3.0], True)],
)
def test_one_narrow_miss_of_several_is_chance_and_a_wide_one_or_many_are_not(ratios: list[float], beyond: bool) -> None:
    lines = [hidden(place + 1, ratio) for place, ratio in enumerate(ratios)]
    assert bool(why_it_misses(misses_of(lines))) is beyond


def test_a_budget_that_several_cuts_hide_counts_once() -> None:
    """Three narrow misses of one budget are one of two numbers, and of three budgets they are all there is."""
    twice = [hidden(1, 0.1), *[dataclasses.replace(hidden(2, 1.1), cut=cut) for cut in "abc"]]
    assert misses_of(twice).limit == pytest.approx(Z[0.025] / Z[0.05], rel=1e-5)
    assert why_it_misses(misses_of(twice)) == ""


def test_an_open_end_cannot_be_missed_and_a_truth_that_is_not_known_judges_nothing() -> None:
    open_end = dataclasses.replace(hidden(1, -9.0), n_params_high=None)
    unknown = dataclasses.replace(hidden(1, 9.0), true_n_params=None, se_log_n_params=None, left_out="it has 3 runs")
    assert misses_of([open_end, unknown], "nothing to see").untested == "nothing to see"


def test_the_widest_miss_of_each_number_is_told_with_its_cut() -> None:
    lines = [hidden(1, 1.5), hidden(2, -3.0)]
    assert why_it_misses(misses_of(lines)) == (
        "without the largest 2 budgets N* at 2×10²⁰ FLOPs is 87 % too low, where its interval allows 50 %"
    )
