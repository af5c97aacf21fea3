"""Which budget a run is of."""

import numpy as np

from flopscape.runs.budgets import nearest_budget


def test_a_run_is_of_the_nearest_budget_and_of_none_that_is_a_factor_of_1_17_away() -> None:
    asked = np.array([1.001e18, 1.04e18, 1.16e20, 1.17e20, np.nan])
    assert nearest_budget([1e18, 1.05e18, 1e20], asked).tolist() == [0, 1, 2, -1, -1]
    assert nearest_budget([], asked).tolist() == [-1] * 5
