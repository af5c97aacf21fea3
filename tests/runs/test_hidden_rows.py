"""Marks of hidden runs that nobody could rely on are refused with file, row and cure; runs to come are no fault."""

from pathlib import Path

import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.runs.import_table import import_runs, write_table
from flopscape.runs.read import read_awaited, read_hidden, read_runs

RUNS = pd.DataFrame({
    "run_id": list("abcdef"),
    "n_params": [1e6, 2e6, 4e6, 8e6, 16e6, 2e6],
    "n_tokens": [4e7, 2e7, 1e7, 4e7, 2e7, 2e7],
    "loss": [3.1234567, 3.0456789, 3.2345678, 2.9876543, 2.9123456, 3.0456789],
    "validate": [False, False, False, True, True, False],
})  # fmt: skip
SEEN = (
    "run f is hidden (validate), and in row 2 it is fitted: it can score no prediction; unmark it, or take one of the"
)


def both(frame: pd.DataFrame, folder: Path) -> list[str]:
    """What a fit and an import say of a table, less its name; nothing of one that both take."""
    path = folder / "theirs.csv"
    frame.to_csv(path, index=False)
    said = []
    for read in (lambda: read_runs(path), lambda: import_runs(str(path), None, {})):
        try:
            read()
            said.append("")
        except FlopscapeError as error:
            said.append(str(error).removeprefix(str(path)))
    return said


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"validate": True}, ": all 6 rows are planned to stay hidden (validate), so that there is nothing to fit; "),
        ({"validate": ["maybe", *[""] * 5]}, ", row 1, column validate: 'maybe' is neither true nor false, so that "),
        ({"validate": [*["no"] * 4, "yes", "hide"]}, ", row 6, column validate: 'hide' is neither true nor false, "),
        ({"validate": [False] * 5 + [True]}, f", row 6: {SEEN}"),
        (
            {"validate": [False] * 5 + [True], "loss": [*RUNS.loss[:5], 3.3], "run_id": list("abcdeb")},
            ", row 6: run b ",
        ),
    ],
)
def test_marks_that_hide_all_hide_what_is_fitted_or_say_nothing_are_refused(columns, sentence, tmp_path) -> None:
    for said in both(RUNS.assign(**columns), tmp_path):
        assert said.startswith(sentence)


@pytest.mark.parametrize(
    "columns",
    [
        {"loss": [*RUNS.loss[:5], 3.05]},  # another seed at the same N and D
        {"loss": [3.1, 3.0, 3.2, 2.9, 2.8, 3.0]},  # one digit: two runs share it by chance
        {"validate": [2.1, 2.2, 2.3, 2.4, 2.5, 2.6]},  # a loss of that name marks nothing
    ],
)
def test_another_seed_of_a_fitted_run_may_be_hidden_and_numbers_mark_nothing(columns, tmp_path) -> None:
    assert both(RUNS.assign(validate=[False] * 5 + [True]).assign(**columns), tmp_path) == ["", ""]


@pytest.mark.parametrize("columns", [{}, {"status": "completed"}])
def test_a_hidden_run_without_a_loss_is_imported_as_one_that_is_still_to_come(columns, tmp_path) -> None:
    frame = RUNS.iloc[:5].assign(loss=RUNS.loss.where(RUNS.index != 4), **columns)
    frame.to_csv(tmp_path / "theirs.csv", index=False)
    imported = import_runs(str(tmp_path / "theirs.csv"), None, {})
    assert [(one.rows, one.reason) for one in imported.table.excluded] == [
        (["d", "e"], "validate: planned to stay hidden")
    ]
    write_table(imported.frame, tmp_path / "runs.csv")
    for path in (tmp_path / "theirs.csv", tmp_path / "runs.csv"):
        hidden, awaited = read_hidden(path), read_awaited(path)
        assert (hidden.run_id.tolist(), awaited.run_id.tolist()) == (["d"], ["e"])
        assert awaited.n_params.tolist() == [16e6]
