"""Records become tables, or the sentence that names the record that cannot."""

import dataclasses

import pandas as pd
import pytest

from flopscape.config.read import validate
from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import short_hash
from flopscape.plan.finished import look_at_runs, refuse_other_data
from flopscape.plan.rows import plan_rows
from flopscape.plugins.surface import Surface
from flopscape.records.run_record import Curve, RunRecord
from flopscape.runs.collect import collect, run


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


def test_every_column_of_a_run_has_its_own_number(tmp_path):
    """A GPT of width 16 and depth 2: body 12·2·16², head and embedding 128·16; it inherited a quarter of its tokens."""
    data = {
        "title": "t", "model": {"plugin": "flopscape.plugins.gpt:GPT"}, "fits": ["approach2"],
        "dataset": {"plugin": "flopscape.plugins.text:BibleText"}, "recommend": {"flops": [1e13]},
        "sweep": {"rows": [{"size": {"width": 16, "depth": 2}, "n_tokens": 10240, "seed": 6}]}, "recipe": 5,
    }  # fmt: skip
    (row,) = plan_rows(validate(Study, data, "a test"))
    RunRecord(
        run_id=row.run_id, spec=row.spec, status="completed", simulated=False, unit="token", n_params_body=6144,
        n_params_head=2048, n_params_embedding=2048, flops_per_unit=row.flops_per_unit, n_tokens_planned=10240,
        n_tokens_seen=10240, loss=2.5, loss_se=0.02, n_heldout_units=777, data_hash="feed", code_fingerprint="abc",
        parent="p" * 12, n_tokens_inherited=2560, hardware={"host": "laptop"},
        curve=Curve([40], [10240], [10240 * row.flops_per_unit], [2.6], [2.5], [0.01]),
        timings={"seconds_total": 11.0, "seconds_training": 8.0, "units_per_second": 960.0, "flops_per_second": 3e6},
        cost={"cpu_hours": 0.3, "gpu_hours": 0.1, "usd": 0.7},
    ).write(tmp_path / f"{row.run_id}.json")  # fmt: skip
    table, _ = collect([row], tmp_path)
    found = table.iloc[0].to_dict()
    expected = {
        "seed": 6, "parent": "p" * 12, "size_width": 16, "size_depth": 2, "n_params": 8192, "n_params_body": 6144,
        "n_params_non_embedding": 8192, "n_params_total": 10240, "n_tokens": 10240, "n_tokens_planned": 10240,
        "flops": 10240 * row.flops_per_unit, "flops_counted": 10240 * row.flops_per_unit,
        "flops_6nd": 6 * 8192 * 10240, "flops_spent": 7680 * row.flops_per_unit, "flops_per_unit": row.flops_per_unit,
        "tokens_per_param": 1.25, "loss": 2.5, "loss_se": 0.02, "n_seeds": 1, "n_heldout_units": 777, "seconds": 11.0,
        "units_per_second": 960.0, "flops_per_second": 3e6, "cpu_hours": 0.3, "gpu_hours": 0.1, "usd": 0.7,
        "usd_planned": pytest.approx(0.7),
        "recipe": 5, "data_hash": "feed", "code_fingerprint": "abc", "host": "laptop", "status": "completed",
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert row.flops_per_unit != 6 * 8192


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
    with pytest.raises(FlopscapeError, match=rf"{rows[3].run_id}\.json: run {rows[3].run_id}: its curve's train_loss"):
        collect(rows, folder)


def test_csv_and_parquet_hold_the_same_numbers_to_the_last_digit(finished, tmp_path):
    run(*finished, tmp_path / "out/runs.csv")
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
        run(rows, folder, tmp_path / "out/runs.csv")
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
        ({"unit": "image"}, r"\(image\) count their data in another unit than token"),
        ({"loss": -5.0}, "completed, but its loss is -5.0; restore the record, or delete it"),
        ({"loss": True}, "loss is True"),
        ({"loss": 3.0}, r"its loss is 3\.0, and its curve ends at "),
        ({"loss_se": -0.1}, "its loss_se is -0.1"),
        ({"n_tokens_planned": 512}, "says that 512 tokens were planned, and its spec"),
        ({"n_tokens_inherited": 10**12}, "inherited 1000000000000 of the"),
        ({"status": "diverged"}, r"diverged, but has the loss "),
    ],
)
def test_a_record_that_contradicts_its_plan_is_refused(finished, changes, sentence):
    rows, folder = finished
    rewrite(folder, rows[3], **changes)
    with pytest.raises(FlopscapeError, match=sentence) as error:
        collect(rows, folder)
    assert rows[3].run_id in str(error.value)


def test_records_counted_before_a_plug_in_was_corrected_have_todays_counts(finished, tmp_path):
    rows, folder = finished
    before, _ = collect(rows, folder)
    for row in rows[:6]:
        record = RunRecord.read(folder / f"{row.run_id}.json")
        flops = [n * row.flops_per_unit / 2 for n in record.curve.n_tokens]
        counts = {"n_params_body": 7, "flops_per_unit": row.flops_per_unit / 2}
        curve = dataclasses.replace(record.curve, flops=flops)
        dataclasses.replace(record, **counts, curve=curve).write(folder / f"{row.run_id}.json")
    notes = run(rows, folder, tmp_path / "out/runs.csv")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out/runs.parquet"), before)
    points = pd.read_parquet(tmp_path / "out/curves.parquet")
    assert points.groupby("run_id").flops.max()[rows[0].run_id] == rows[0].flops
    assert [note.split(" is counted otherwise")[0] for note in notes] == ["n_params_body", "flops_per_unit"]
    assert f"when 6 of the runs were trained (run {rows[0].run_id}: 7 then, {rows[0].n_params_body} today)" in notes[0]
    assert f"restore it ({', '.join(row.run_id for row in rows[:5])} and 1 more)" in notes[0]


def test_the_dry_run_says_the_same_of_records(finished, tmp_path):
    rows, folder = finished
    rewrite(folder, rows[3], loss=3.0)
    rewrite(folder, rows[4], n_params_body=7)
    runs = tmp_path / "results/s/runs"
    runs.mkdir(parents=True)
    for row in rows:
        (folder / f"{row.run_id}.json").rename(runs / f"{row.run_id}.json")
    seen = look_at_runs(rows, "s", tmp_path / "results")
    assert len(seen.sample) == len(rows) - 1
    assert f"{rows[3].run_id}.json: run {rows[3].run_id}: its loss is 3.0, and its curve ends" in seen.broken[0]
    assert seen.recounts[0].startswith("n_params_body is counted otherwise today than when 1 of the runs were trained")


def test_a_trainer_of_the_users_own_counts_and_scores_as_it_likes(tmp_path, surface_study):
    row = plan_rows(surface_study())[0]
    row = dataclasses.replace(row, spec=row.spec | {"trainer": {"plugin": "theirs:Trainer"}})
    row = dataclasses.replace(row, run_id=short_hash(row.spec))
    own = dataclasses.replace(Surface().train(row.spec), n_params_body=77, loss=3.0)
    own.write(tmp_path / f"{row.run_id}.json")
    assert collect([row], tmp_path)[0].n_params.tolist() == [77]


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


def test_runs_that_no_fit_sees_are_marked_and_say_nothing_of_the_noise_of_others(tmp_path, surface_study):
    sizes = [{"n_params": 10**8}]
    fitted = {"isoflop": {"budgets": [1e18], "sizes": sizes, "seeds": [0, 1]}}
    hidden = {"validate": {"isoflop": {"budgets": [1e18], "sizes": sizes, "seeds": [2]}}}
    rows = plan_rows(surface_study(sweep=fitted | hidden))
    for row in rows:
        Surface(noise=0.01).train(row.spec).write(tmp_path / f"{row.run_id}.json")
    alone, both = collect(rows[:2], tmp_path)[0], collect(rows, tmp_path)[0]
    assert {"validate", "scout"}.isdisjoint(alone.columns)
    assert both.validate.tolist() == [False, False, True]
    assert not both.scout.any()
    numbers = ["loss", "n_seeds", "loss_seed_variance"]
    pd.testing.assert_frame_equal(both[numbers].iloc[:2], alone[numbers])
    assert both.n_seeds.tolist() == [2, 2, 1]


def scored(value, error=0.01):
    return {"value": value, "standard_error": error, "n_units": 64, "unit": "nats per token"}


def test_every_metric_has_a_column_and_one_for_its_error_and_a_run_without_it_blank_cells(finished):
    rows, folder = finished
    rewrite(folder, rows[0], status="diverged", reason="loss is not finite", loss=None)
    for row in rows[1:]:
        rewrite(folder, row, metrics={"loss@code": scored(2.5), "accuracy@own": scored(0.25, None)})
    table, _ = collect(rows, folder)
    place = list(table.columns).index("n_heldout_units")
    names = ["loss@code", "loss@code_se", "accuracy@own", "accuracy@own_se"]
    assert list(table.columns)[place + 1 : place + 5] == names
    assert table.loc[0, names].isna().all()
    assert table.loc[1:, "loss@code"].eq(2.5).all()
    assert table.loc[1:, "loss@code_se"].eq(0.01).all()
    assert table.loc[1:, "accuracy@own_se"].isna().all()


def test_runs_scored_on_other_held_out_data_are_not_tabled_together(finished):
    rows, folder = finished
    for row in rows:
        rewrite(folder, row, heldout_hashes={"code": "b" if row is rows[4] else "a"})
    with pytest.raises(FlopscapeError, match=f"runs {rows[4].run_id} saw other data than the rest"):
        collect(rows, folder)


def test_a_further_held_out_set_that_has_changed_is_named_before_anything_is_trained(finished, tmp_path):
    rows, folder = finished
    runs = tmp_path / "results/s/runs"
    runs.mkdir(parents=True)
    for row in rows:
        rewrite(folder, row, data_hash="own", heldout_hashes={"code": "old"})
        (folder / f"{row.run_id}.json").rename(runs / f"{row.run_id}.json")
    folders = {"own": tmp_path / "bible", "code": tmp_path / "stdlib"}
    same, changed = {"own": "own", "code": "old"}, {"own": "own", "code": "new"}
    refuse_other_data("s", look_at_runs(rows, "s", tmp_path / "results", same), folders, same)
    refuse_other_data("s", look_at_runs(rows, "s", tmp_path / "results", {"own": "own"}), folders, {"own": "own"})
    with pytest.raises(FlopscapeError, match=r"stdlib have the SHA-256 new…, but 9 of 9 finished runs saw old…"):
        refuse_other_data("s", look_at_runs(rows, "s", tmp_path / "results", changed), folders, changed)


@pytest.mark.parametrize(
    ("metrics", "sentence"),
    [
        ({"loss@code": 2.5}, "metrics.loss@code is 2.5, where an object with n_units, standard_error, unit, value"),
        ({"loss@code": scored("2")}, "metrics.loss@code.value is '2', where a number or null belongs"),
        ({"loss@code": scored(2.0) | {"n_units": 1.5}}, "metrics.loss@code.n_units is 1.5, where a count belongs"),
        ({"loss@code": scored(2.0) | {"unit": None}}, "metrics.loss@code.unit is None, where text belongs"),
    ],
)
def test_a_metric_that_was_edited_into_something_else_is_named(finished, metrics, sentence):
    rows, folder = finished
    rewrite(folder, rows[0], metrics=metrics)
    with pytest.raises(FlopscapeError, match=sentence):
        collect(rows, folder)
