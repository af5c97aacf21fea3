"""Runs that no fit sees: which they are, and that only what scores a fit can read them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.runs.import_table import import_runs
from flopscape.runs.read import read_hidden, read_runs
from flopscape.runs.statuses import set_aside, without_set_aside

RUNS = pd.DataFrame(
    {
        "run_id": [*"abcd"],
        "n_params": [1e6, 2e6, 3e6, 4e6],
        "n_tokens": [4e7, 3e7, 2e7, 1e7],
        "loss": [3.0, 2.9, 2.8, 9],
    }
)


@pytest.mark.parametrize(
    "marks",
    [
        {"validate": [False, True, False, False], "scout": [False, False, False, True]},
        {"validate": ["no", " YES", "0", ""], "scout": [0, 0, 0, 1]},
        {"status": ["completed", "validate", "done", "Scout"]},
        {"role": ["fit", "validate", "fit", "scout"]},
    ],
    ids=["truth", "words", "status", "a plan's role"],
)
def test_hidden_runs_and_scouts_are_set_aside_where_a_table_is_read_and_each_says_why(
    tmp_path: Path, marks: dict
) -> None:
    frame, path = RUNS.assign(**marks), tmp_path / "runs.csv"
    frame.to_csv(path, index=False)
    assert set_aside(frame).tolist() == ["", "validate", "", "scout"]
    table = read_runs(path)
    assert table.run_id.tolist() == ["a", "c"]
    assert {(*out.rows, out.reason) for out in table.excluded} == {
        ("b", "validate: planned to stay hidden"),
        ("d", "scouts placed the budgets of the ladder"),
    }
    assert without_set_aside(frame).run_id.tolist() == ["a", "c"]
    hidden = read_hidden(path)
    assert hidden.run_id.tolist() == ["b"]
    assert hidden.row.tolist() == [2]


@pytest.mark.parametrize("marks", [{"validate": RUNS.loss}, {"role": ["owner", "validate", "fit", "scout"]}])
def test_columns_of_other_words_mark_nothing(marks: dict) -> None:
    assert set(set_aside(RUNS.assign(**marks))) == {""}


def test_a_hidden_run_that_did_not_complete_has_no_loss_to_score(tmp_path: Path) -> None:
    lost = RUNS.assign(validate=[False, True, True, False], status=["completed", "diverged", "completed", "completed"])
    lost.loc[1, "loss"] = np.nan
    lost.to_csv(tmp_path / "runs.csv", index=False)
    hidden = read_hidden(tmp_path / "runs.csv")
    assert hidden.run_id.tolist() == ["c"]
    assert hidden.excluded[0].reason == "status diverged"


def test_a_table_of_hidden_runs_alone_is_refused(tmp_path: Path) -> None:
    RUNS.assign(validate=True).to_csv(tmp_path / "runs.csv", index=False)
    with pytest.raises(FlopscapeError, match="all 4 rows are planned to stay hidden"):
        read_runs(tmp_path / "runs.csv")


def test_an_import_keeps_which_runs_stay_hidden_and_checks_them(tmp_path: Path) -> None:
    path, marks = tmp_path / "theirs.csv", [False, True, False, False]
    RUNS.assign(holdout=marks).to_csv(path, index=False)
    imported = import_runs(str(path), None, {"validate": "holdout"})
    assert imported.table.run_id.tolist() == ["a", "c", "d"]
    assert imported.frame.validate.tolist() == ["False", "True", "False", "False"]
    RUNS.assign(validate=marks, loss=[3, -1, 2.8, 2.7]).to_csv(path, index=False)
    with pytest.raises(FlopscapeError, match="row 2, column loss: -1, must be positive"):
        import_runs(str(path), None, {})
    RUNS.assign(validate=marks, n_params=[1e6, "", 4e6, 8e6]).to_csv(path, index=False)
    left_out = import_runs(str(path), None, {})
    assert left_out.frame.status.tolist() == ["completed", "skipped", "completed", "completed"]


def test_a_word_that_is_neither_true_nor_false_beside_hidden_runs_is_refused_with_its_row() -> None:
    with pytest.raises(FlopscapeError, match=r"row 2, column validate: 'maybe' is neither true nor false"):
        set_aside(pd.DataFrame({"validate": ["true", "maybe"], "loss": [2.0, 2.1]}))
    # A column of losses that is called so marks nothing.
    assert set_aside(pd.DataFrame({"validate": [1.0, 2.5], "loss": [2.0, 2.1]})).tolist() == ["", ""]
