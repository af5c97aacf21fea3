"""Runs of one N and D on other amounts of distinct data are other points, not seeds of one."""

import numpy as np
import pandas as pd
import pytest

from flopscape.runs.chosen import merged
from flopscape.runs.table import seed_scatter
from tests.fitting.fit_tables import as_table
from tests.fitting.law_tables import law_frame

POINTS = pd.DataFrame({"n_params": 1e8, "n_tokens": 8e9, "loss": [3.1, 3.0, 2.9, 2.8], "run_id": list("abcd")})


@pytest.mark.parametrize(
    ("unique_tokens", "losses"),
    [
        ([1e9, 2e9, 4e9, 8e9], [3.1, 3.0, 2.9, 2.8]),
        ([1e9, 1e9, 4e9, 4e9], [3.05, 2.85]),
        ([1e9, 8e9, 9e9, None], [3.1, 2.9]),
        ([None, None, None, None], [2.95]),
    ],
)
def test_seeds_are_the_rows_that_saw_as_many_distinct_tokens(unique_tokens, losses, tmp_path):
    table = as_table(POINTS.assign(unique_tokens=unique_tokens), tmp_path)
    assert merged(table, "mean").loss.tolist() == pytest.approx(losses)
    assert seed_scatter(table)[1] == 4 - len(losses)


def test_the_hash_of_a_table_sees_its_distinct_tokens_and_none_where_there_are_none(tmp_path):
    plain, once = (as_table(frame, tmp_path).input_hash for frame in (POINTS, POINTS.assign(unique_tokens=1e9)))
    assert len({plain, once, as_table(POINTS.assign(unique_tokens=2e9), tmp_path).input_hash}) == 3
    assert plain == "9d7d7aa0569216c54c47b83d340e8be9ffc043aa85dabaecdd08dbedc263795f"


def test_the_runs_of_the_constrained_law_have_no_seeds(tmp_path):
    frame = law_frame("constrained")
    twice = pd.concat(
        [frame, frame.assign(unique_tokens=frame.unique_tokens / 2, loss=1.01 * frame.loss)], ignore_index=True
    )
    table = as_table(twice.assign(run_id=[f"r{i}" for i in range(180)]), tmp_path)
    # Of 180 rows those of 0.5 epochs have all of D in both halves: 6 sizes × 3 supplies repeat.
    assert seed_scatter(table)[1] == 18
    assert np.isfinite(table.distinct_tokens).all()
