"""A table beside its copy: cut short it is refused; a Parquet file of the user's is nobody's copy."""

from pathlib import Path

import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import run
from flopscape.runs.read import read_any
from flopscape.runs.study_tables import refuse_tables, write_tables
from tests.figures import studies

CURVES = pd.DataFrame(columns=["run_id", "n_tokens", "flops", "train_loss", "heldout_loss"])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    write_tables(studies.text_runs(seeds=1), CURVES, tmp_path / "runs.csv")
    return tmp_path / "runs.csv"


def test_a_table_as_it_was_written_is_read(table: Path) -> None:
    assert len(read_any(table)) == len(studies.text_runs(seeds=1))
    assert {path.name for path in table.parent.iterdir()} == {"runs.csv", "runs.parquet", "curves.parquet"}


@pytest.mark.parametrize("cut", [1, 40, 4000])
def test_a_table_that_was_cut_anywhere_is_refused_with_a_cure_that_deletes_nothing(cut: int, table: Path) -> None:
    text = table.read_text()
    end = text.rindex("\n", 0, len(text) - cut)
    table.write_text(text[: end + 1])
    with pytest.raises(FlopscapeError, match=r"runs\.csv: not the table .* runs\.parquet .* make it again") as error:
        read_any(table)
    assert "delete" not in str(error.value)


def test_an_edited_table_under_another_name_is_read(table: Path) -> None:
    mine = table.with_name("mine.csv")
    mine.write_text(table.read_text().rsplit("\n", 2)[0] + "\n")
    assert len(read_any(mine)) == len(studies.text_runs(seeds=1)) - 1


def test_a_parquet_file_of_the_users_beside_a_csv_is_no_copy_of_it(table: Path) -> None:
    mine = table.with_name("mine.csv")
    mine.write_bytes(table.read_bytes())
    studies.text_runs(seeds=1).iloc[:3].to_parquet(mine.with_suffix(".parquet"))
    assert len(read_any(mine)) == len(studies.text_runs(seeds=1))


def test_any_fit_of_a_table_leaves_it_readable(table: Path) -> None:
    mine = table.with_name("mine.csv")
    mine.write_bytes(table.read_bytes())
    for _ in range(2):
        run(mine, mine.with_suffix(".json"), "vpnls", bootstrap=100)
    assert len(read_any(mine)) == len(studies.text_runs(seeds=1))


@pytest.mark.parametrize("name", ["x.parquet", "x.curves.parquet"])
def test_a_users_file_is_not_replaced_by_what_stands_beside_a_table(name: str, table: Path) -> None:
    mine = table.with_name(name)
    studies.text_runs(seeds=1).to_parquet(mine)
    before = mine.read_bytes()
    with pytest.raises(FlopscapeError, match=rf"{name}: would be written along with .*x\.csv"):
        refuse_tables(table.with_name("x.csv"), [])
    assert mine.read_bytes() == before


def test_tables_of_the_version_before_are_replaced(table: Path) -> None:
    """It left no mark in them."""
    frame = pd.read_csv(table)
    frame.to_parquet(table.with_name("runs.parquet"), index=False)
    CURVES.to_parquet(table.with_name("curves.parquet"), index=False)
    assert len(read_any(table)) == len(frame)
    refuse_tables(table, [])
    frame.assign(loss=frame.loss + 1).to_parquet(table.with_name("runs.parquet"), index=False)
    with pytest.raises(FlopscapeError, match=r"runs\.parquet: would be written along with"):
        refuse_tables(table, [])


def test_a_table_is_not_written_as_csv_under_the_name_of_another_format(table: Path) -> None:
    with pytest.raises(FlopscapeError, match=r"out\.parquet: a CSV is written here.*; name it \.csv"):
        refuse_tables(table.with_name("out.parquet"), [])
