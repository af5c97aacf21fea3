"""Files and expressions from elsewhere are data: reading one runs nothing."""

import os
import pickle

import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.runs.chosen import chosen_rows
from flopscape.runs.import_table import import_runs
from flopscape.runs.read import table_of

RUNS = pd.DataFrame({"n_params": [1e8, 2e8], "n_tokens": [1e9, 1e9], "loss": [3.0, 2.9], "family": ["a", "b"]})


class Touch:
    """Unpickled, it leaves a folder."""

    def __reduce__(self):
        return os.mkdir, ("pwned",)


@pytest.fixture(autouse=True)
def nothing_ran(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", ["runs.pkl", "runs.csv", "runs.parquet", "runs.jsonl"])
def test_a_pickle_among_imported_runs_is_refused_and_not_loaded(tmp_path, name):
    (tmp_path / name).write_bytes(pickle.dumps(Touch()))
    with pytest.raises(FlopscapeError, match=name):
        import_runs(name, None, {})


@pytest.mark.parametrize(
    "expression",
    [
        "loss.to_pickle('pwned')",
        "@pd.io.common.os.mkdir('pwned')",
        "__import__('os').mkdir('pwned')",
        "loss.__class__",
        "[loss for loss in loss]",
        "(lambda: loss)()",
    ],
)
def test_an_expression_that_is_more_than_comparisons_is_refused(expression):
    with pytest.raises(FlopscapeError, match="write comparisons"):
        chosen_rows(table_of(RUNS, "runs.csv"), expression, None)


@pytest.mark.parametrize("expression", ["n_params < 1.5e8", "family == 'a'", "family in ['a'] and not loss > 4"])
def test_comparisons_of_columns_choose_rows(expression):
    assert len(chosen_rows(table_of(RUNS, "runs.csv"), expression, None)) == 1
