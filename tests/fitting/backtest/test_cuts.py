"""What is hidden: whole budgets, whole runs, and never so much that nothing is left."""

import numpy as np
import pandas as pd
import pytest

from flopscape.fitting.backtest.cuts import Runs, cuts_of
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import isoflop_frame


def runs_of(frame: pd.DataFrame) -> Runs:
    return Runs.of(table_of(frame.reset_index(drop=True), "t"))


def names(frame: pd.DataFrame) -> list[str]:
    return [cut.name for cut in cuts_of(runs_of(frame))[0]]


@pytest.mark.parametrize(
    ("budgets", "most"), [(4, "the largest budget"), (5, "the largest 2 budgets"), (9, "the largest 4 budgets")]
)
def test_budgets_are_hidden_as_long_as_half_of_them_and_three_are_left(budgets: int, most: str) -> None:
    assert names(isoflop_frame(budgets=budgets))[-1] == most


def test_a_cut_hides_the_largest_budgets_and_what_costs_as_much() -> None:
    frame = isoflop_frame()
    runs = runs_of(pd.concat([frame, frame.iloc[:1].assign(n_tokens=1e15, budget=np.nan, run_id="dear", loss=3.14)]))
    cuts, why = cuts_of(runs)
    assert why == ""
    assert [runs.hidden_budgets(cut) for cut in cuts] == [[1e21], [1e20, 1e21]]
    assert [set(runs.table.run_id[cut.hidden]) for cut in cuts] == [
        {*(f"run{i}" for i in range(28, 35)), "dear"},
        {*(f"run{i}" for i in range(21, 35)), "dear"},
    ]


def test_all_seeds_of_a_budget_are_hidden() -> None:
    runs = runs_of(isoflop_frame(seeds=2))
    assert int(cuts_of(runs)[0][0].hidden.sum()) == 14


def test_checkpoints_are_hidden_with_their_run_and_counted_by_its_end() -> None:
    frame = isoflop_frame().drop(columns="budget")
    rows = pd.concat(
        [frame.assign(n_tokens=share * frame.n_tokens, loss=frame.loss + 1 - share) for share in (0.1, 0.5, 1.0)]
    )
    runs = runs_of(rows)
    cuts = cuts_of(runs)[0]
    assert [cut.name for cut in cuts] == ["the largest budget", "the largest 2 budgets"]
    assert runs.ends.sum() == 35
    for cut in cuts:
        by_run = pd.Series(cut.hidden).groupby(runs.table.run_id).nunique()
        assert (by_run == 1).all()
    assert int(cuts[0].hidden.sum()) == 21


def grid() -> pd.DataFrame:
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e9, 6), np.geomspace(3e8, 9e9, 6)))
    return pd.DataFrame(
        {"n_params": n, "n_tokens": d, "loss": 2 + n**-0.3 + d**-0.3, "run_id": [f"r{i}" for i in range(len(n))]}
    )


def test_without_budgets_the_costliest_runs_are_hidden() -> None:
    assert names(grid()) == ["the costliest 8 of 36 runs", "the costliest 13 of 36 runs", "the costliest 18 of 36 runs"]


def test_two_budgets_are_hidden_by_cost() -> None:
    frame = isoflop_frame(budgets=2)
    assert names(frame) == ["the costliest 7 of 14 runs"]


ALIKE = "are too few, or cost too much alike, to hide the costliest and fit the rest"


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (isoflop_frame(budgets=3), "the runs have 3 budgets, and a refit needs 3 after the largest is hidden"),
        (
            isoflop_frame().iloc[:7],
            f"the table's 7 runs {ALIKE}",
        ),
        (
            isoflop_frame().iloc[:1],
            f"the table's 1 run {ALIKE}",
        ),
        (isoflop_frame(budgets=4).iloc[::6], "without the largest budget fewer than 6 runs are left to fit"),
    ],
)
def test_where_too_little_is_left_it_says_so(frame: pd.DataFrame, why: str) -> None:
    assert cuts_of(runs_of(frame)) == ([], why)
