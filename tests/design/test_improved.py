"""What a sweep lacks is added in its gaps, and each thing is priced beside what it would tell."""

import numpy as np
import pytest

from flopscape.design.improved import answer, more_budgets, more_seeds, more_sizes, wider

LN10 = np.log(10.0)


def test_sizes_are_added_in_the_widest_gaps_until_there_are_seven():
    added = more_sizes({1e18: np.array([0.0, 1.0, 2.0, 6.0]), 1e19: np.arange(7.0)})
    assert added[1e18] == pytest.approx([3.0, 4.0, 5.0])
    assert len(added[1e19]) == 0


def test_added_sizes_have_as_many_seeds_as_the_others():
    added = more_sizes({1e18: np.repeat([0.0, 1.0, 2.0, 3.0, 4.0, 6.0], 2)})
    assert added[1e18] == pytest.approx([5.0, 5.0])


def test_every_size_gets_the_seeds_it_lacks():
    added = more_seeds({1e18: np.array([0.0, 0.0, 1.0, 2.0, 2.0, 2.0])})
    assert added[1e18] == pytest.approx([0.0, 1.0, 1.0])


def test_budgets_are_added_between_those_that_are_there_with_sizes_between_theirs():
    sizes = {10.0**k: np.linspace(k, k + 2, 5) for k in (12, 13, 14, 15, 16, 18)}
    ((flops, log_n),) = more_budgets(sizes).items()
    assert flops == pytest.approx(1e17)
    assert log_n == pytest.approx([17.0, 17.5, 18.0, 18.5, 19.0])


def test_narrow_budgets_get_a_size_on_each_side():
    added = wider({1e18: np.array([5.0, 5.2]), 1e19: np.array([5.0, 7.0])})
    assert added == {1e18: pytest.approx([5.1 - 0.3 * LN10, 5.1 + 0.3 * LN10])}


def question(sizes, seeds):
    c = np.repeat(np.geomspace(1e18, 1e20, 7), sizes * seeds)
    n = np.sqrt(c / 120) * 10 ** np.tile(np.repeat(np.linspace(-0.6, 0.6, sizes), seeds), 7)
    return {"runs": [n.tolist(), (c / 6 / n).tolist(), c.tolist()], "budget": c.tolist(), "flops": [1e20, 1e21]}


def test_each_lacking_thing_is_priced_and_narrows_the_interval():
    told = answer(question(sizes=5, seeds=1))
    assert [one["change"] for one in told["improved"]] == ["7 sizes at every budget", "3 seeds of every run"]
    assert [one["cost"] for one in told["improved"]] == pytest.approx([1.4, 3.0])
    assert [one["flops"] for one in told["expected"]] == [1e20, 1e21]
    for one in told["improved"]:
        assert 0.05 < one["narrows"] < 0.5
        assert one["expected"][-1]["n_params"]["typical"] < told["expected"][-1]["n_params"]["typical"]


def test_a_good_sweep_lacks_nothing_and_runs_without_budgets_are_left_alone():
    assert answer(question(sizes=7, seeds=3))["improved"] == []
    rows = question(sizes=5, seeds=1) | {"budget": [None] * 35}
    assert answer(rows)["improved"] == []
