"""The price of what is still to do."""

import dataclasses

import pytest

from flopscape.config.machine import Prices
from flopscape.errors import FlopscapeError
from flopscape.plan.finished import Finished, look_at_runs
from flopscape.plan.price import Job, _makespan, price_study, refuse_over_limits, speed_of
from flopscape.plan.room import Room
from flopscape.plan.rows import plan_rows
from flopscape.plugins.surface import Surface

TRAINED = {"trainer": {"plugin": "loop"}, "dataset": {"plugin": "flopscape.plugins.text:BibleText"}}
NOTHING = Finished(set(), [], [], [], [], {})
PRICES = Prices(cpu_flops_per_second=1e10, startup_seconds=10, usd_per_cpu_hour=3.6)


def priced(study, finished=NOTHING, n_done=0, slots=2):
    rows = plan_rows(study)
    return price_study("s", study, rows, finished, {r.run_id: "new" for r in rows[n_done:]}, PRICES, Room(slots))


def timed(row, flops_per_second):
    record = Surface().train(row.spec)
    seconds = row.flops / flops_per_second
    return dataclasses.replace(record, timings={"seconds_training": seconds, "seconds_total": seconds + 4})


def test_before_the_first_run_the_config_gives_the_speed(surface_study):
    price = priced(surface_study(budgets=(1e12,), n_params=(1e6, 2e6), **TRAINED))
    assert price.total.device_hours * 3600 == pytest.approx(2 * (10 + 100), rel=1e-3)
    assert price.total.usd == pytest.approx(0.22, rel=1e-3)
    assert price.wall_seconds == pytest.approx(110, rel=2e-3)
    assert price.total.longest_seconds == pytest.approx(110, rel=2e-3)
    assert "config" in price.speed_source


def test_finished_runs_calibrate_by_size(surface_study):
    study = surface_study(budgets=(1e12,), n_params=(1e6, 4e6), **TRAINED)
    rows = plan_rows(study)
    sample = [timed(rows[0], 1e9), timed(rows[1], 4e9)]
    speed = speed_of(study, PRICES, sample)
    between = plan_rows(surface_study(budgets=(1e12,), n_params=(2e6,), **TRAINED))[0]
    assert speed.seconds(rows[0], rows[0].n_tokens) == pytest.approx(rows[0].flops / 1e9 + 4)
    assert speed.seconds(between, between.n_tokens) == pytest.approx(between.flops / 2e9 + 4, rel=1e-3)
    assert speed.source.startswith("2 finished runs")


def test_lines_add_up_and_count_what_is_left(surface_study):
    price = priced(surface_study(**TRAINED), n_done=2)
    assert (price.total.n_todo, price.total.n_all) == (7, 9)
    assert sum(line.flops for line in price.lines) == pytest.approx(price.total.flops)
    assert sum(line.usd for line in price.lines) == pytest.approx(price.total.usd)


def test_simulated_runs_cost_nothing(surface_study):
    price = priced(surface_study())
    assert (price.total.usd, price.device) == (0.0, "simulated")


@pytest.mark.parametrize(("parallel", "wall"), [(1, 10), (2, 5), (4, 4)])
def test_wall_time_fills_free_slots_with_the_longest_run(parallel, wall):
    assert _makespan([Job(str(n), 0, n, "") for n in (4, 3, 2, 1)], parallel) == wall


def test_a_study_over_its_limit_is_refused_finished_runs_included(surface_study):
    study = surface_study(limits={"max_usd": 1e-6}, **TRAINED)
    with pytest.raises(FlopscapeError, match=r"more than limits\.max_usd = 1e-06; nothing was started"):
        refuse_over_limits(study, priced(study, n_done=8))
    refuse_over_limits(study, priced(study, n_done=9))


def test_reasons_tell_new_missing_and_recipe_bumped(tmp_path, monkeypatch, surface_study):
    monkeypatch.chdir(tmp_path)
    old, new = plan_rows(surface_study()), plan_rows(surface_study(recipe=2))
    for row in old[:2]:
        Surface().train(row.spec).write(f"results/s/runs/{row.run_id}.json")
    logs = tmp_path / "logs/train/s"
    logs.mkdir(parents=True)
    (logs / f"{new[5].run_id}.log").touch()
    finished = look_at_runs(new, "s")
    assert [finished.reasons[new[i].run_id] for i in (0, 1, 2, 5)] == ["recipe bumped"] * 2 + ["new", "missing"]
    assert finished.orphans == sorted(row.run_id for row in old[:2])
