"""Records become tables, or the sentence that names the record that cannot."""

import dataclasses

import pandas as pd
import pytest

from flopscape.collect import collect, write_tables
from flopscape.errors import FlopscapeError
from flopscape.plan.rows import plan_rows
from flopscape.plugins.surface import Surface
from flopscape.records import Curve, RunRecord


@pytest.fixture
def finished(tmp_path, surface_study):
    """Rows of a plan and the folder of their records."""
    rows = plan_rows(surface_study())
    for row in rows:
        Surface(noise=0.01).train(row.spec).write(tmp_path / f"{row.run_id}.json")
    return rows, tmp_path


def rewrite(folder, row, **changes):
    record = dataclasses.replace(Surface().train(row.spec), **changes)
    record.write(folder / f"{row.run_id}.json")


def test_every_convention_has_a_column_of_its_own(finished):
    table, curves = collect(*finished)
    assert len(table) == 9
    assert (table.flops == table.flops_6nd).all()
    assert (table.n_params == table.n_params_non_embedding).all()
    assert set(curves.run_id) == set(table.run_id)


def test_curves_stand_below_one_another_as_if_each_were_a_table(finished):
    rows, folder = finished
    records = [RunRecord.read(folder / f"{row.run_id}.json") for row in rows]
    tables = [pd.DataFrame({"run_id": record.run_id, **vars(record.curve)}) for record in records]
    expected = pd.concat(tables, ignore_index=True)
    _, curves = collect(rows, folder)
    pd.testing.assert_frame_equal(curves, expected.astype({"heldout_loss": float}))


@pytest.mark.parametrize("wrong", [["high"], [2.0, 1.0], None, "2.0"])
def test_a_curve_that_holds_no_numbers_or_not_one_a_step_is_named(wrong, finished):
    rows, folder = finished
    curve = Curve(step=[1], n_tokens=[256], flops=[1e9], train_loss=wrong, heldout_loss=[None], learning_rate=[0.01])
    rewrite(folder, rows[3], curve=curve)
    with pytest.raises(FlopscapeError, match=f"run {rows[3].run_id}: its curve's train_loss"):
        collect(rows, folder)


def test_csv_and_parquet_hold_the_same_numbers_to_the_last_digit(finished, tmp_path):
    write_tables(*finished, tmp_path / "out/runs.csv")
    csv = pd.read_csv(tmp_path / "out/runs.csv")
    parquet = pd.read_parquet(tmp_path / "out/runs.parquet")
    assert csv.loss.tolist() == parquet.loss.tolist()
    assert csv.flops.tolist() == parquet.flops.tolist()


def test_records_that_no_plan_asks_for_are_ignored(finished, surface_study):
    rows, folder = finished
    stray = plan_rows(surface_study(recipe=9))[0]
    rewrite(folder, stray)
    assert stray.run_id not in set(collect(rows, folder)[0].run_id)


def test_a_diverged_run_keeps_its_row_without_a_loss(finished):
    rows, folder = finished
    rewrite(folder, rows[0], status="diverged", reason="loss is not finite", loss=None)
    table, _ = collect(rows, folder)
    assert table.status[0] == "diverged"
    assert pd.isna(table.loss[0])


def test_every_broken_or_missing_record_is_named_and_nothing_is_written(finished, tmp_path):
    rows, folder = finished
    (folder / f"{rows[1].run_id}.json").write_text('{"run_id": "')
    (folder / f"{rows[2].run_id}.json").unlink()
    with pytest.raises(FlopscapeError) as error:
        write_tables(rows, folder, tmp_path / "out/runs.csv")
    assert rows[1].run_id in str(error.value)
    assert rows[2].run_id in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_tokens_seen": 256}, "completed, but saw 256 of"),
        ({"loss": None}, "completed, but its loss is None"),
        ({"status": "fine"}, "unknown status 'fine'"),
        ({"data_hash": "another"}, "saw other data than the rest"),
    ],
)
def test_a_record_that_contradicts_its_plan_is_refused(finished, changes, sentence):
    rows, folder = finished
    rewrite(folder, rows[3], **changes)
    with pytest.raises(FlopscapeError, match=sentence) as error:
        collect(rows, folder)
    assert rows[3].run_id in str(error.value)


def test_the_variance_between_seeds_is_that_of_each_point(tmp_path, surface_study):
    grid = {"grid": {"sizes": [{"n_params": 1000}, {"n_params": 2000}], "n_tokens": [25600, 51200], "seeds": 3}}
    single = [{"size": {"n_params": 3000}, "n_tokens": 25600}]
    rows = plan_rows(surface_study(sweep=grid | {"rows": single}))
    for row in rows:
        Surface(noise=0.01).train(row.spec).write(tmp_path / f"{row.run_id}.json")
    rewrite(tmp_path, rows[0], status="diverged", reason="loss is not finite", loss=None)
    table, _ = collect(rows, tmp_path)
    assert table.n_seeds.tolist() == [2] * 3 + [3] * 9 + [1]
    assert table.loss_seed_variance[3] == pytest.approx(table.loss[3:6].var())
    assert table.loss_seed_variance[1] == pytest.approx(table.loss[1:3].astype(float).var())
    assert pd.isna(table.loss_seed_variance[12])
