"""The price of what is still to do."""

import dataclasses

import pytest

from flopscape.config.machine import Prices
from flopscape.errors import FlopscapeError
from flopscape.plan.capacity import Capacity, Job, makespan
from flopscape.plan.coverage import Coverage
from flopscape.plan.finished import Finished, look_at_runs
from flopscape.plan.price import Line, Price, price_study, refuse_over_limits, speed_of
from flopscape.plan.price_table import price_text
from flopscape.plan.rows import plan_rows
from flopscape.plugins.surface import Surface

TRAINED = {"trainer": {"plugin": "loop"}, "dataset": {"plugin": "flopscape.plugins.text:BibleText"}}
OTHER = {"plugin": "flopscape.plugins.digits:Digits"}
NOTHING = Finished(set(), [], [], [], [], {})
PRICES = Prices(
    cpu_flops_per_second=1e10, startup_seconds=10, usd_per_cpu_hour=3.6, gpu_flops_per_second=1e11, usd_per_gpu_hour=3
)


def priced(study, finished=NOTHING, n_done=0, slots=2):
    rows = plan_rows(study)
    return price_study("s", study, rows, finished, {r.run_id: "new" for r in rows[n_done:]}, PRICES, Capacity(slots))


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


@pytest.mark.parametrize(
    ("resources", "seconds", "devices", "usd"),
    [
        ({"threads": 4}, 110, 4, 0.88),
        ({"threads": 3, "processes": 2}, 60, 6, 0.72),
        ({"device": "gpu", "threads": 3, "processes": 2}, 15, 2, 0.05),
    ],
    ids=["threads", "threads of processes", "GPUs"],
)
def test_the_price_is_of_every_thread_and_process_and_of_gpus_alone(resources, seconds, devices, usd, surface_study):
    """Two runs of 1e12 FLOPs at 1e10 FLOP/s a process on CPUs and 1e11 on GPUs, each after 10 s of start."""
    price = priced(surface_study(budgets=(1e12,), n_params=(1e6, 2e6), resources=resources, **TRAINED))
    assert price.total.longest_seconds == pytest.approx(seconds, rel=2e-3)
    assert price.total.device_hours == pytest.approx(2 * seconds * devices / 3600, rel=1e-3)
    assert price.total.usd == pytest.approx(usd, rel=1e-3)


def test_scoring_on_further_sets_is_priced_as_forward_passes_and_said(surface_study):
    """Two runs of 1e12 FLOPs: 60,000 units in three passes are as many FLOPs as 60,000 units of training."""
    accuracy = {"accuracy": {"plugin": "flopscape.plugins.losses:Accuracy"}}
    heldout = {"own": {"metrics": accuracy}, "code": {"dataset": OTHER, "metrics": accuracy}}
    design = TRAINED | {"budgets": (1e12,), "n_params": (1e6, 2e6), "training": {"heldout_units": 60_000}}
    plain, scored = (priced(surface_study(**design, **more)) for more in ({}, {"heldout": heldout}))
    expected = sum(60_000 * row.flops_per_unit for row in plan_rows(surface_study(**design)))
    assert (plain.total.scoring_flops, scored.total.scoring_flops) == (0, pytest.approx(expected))
    assert scored.total.flops == plain.total.flops
    more_seconds = (scored.total.device_hours - plain.total.device_hours) * 3600
    assert more_seconds == pytest.approx(expected / 1e10, rel=1e-6)
    study = surface_study(**design, heldout=heldout)
    text = price_text(study, scored, Coverage("good", []), NOTHING)
    assert (
        "further held-out sets: 1.08e+12 FLOPs at most to score the runs on, 54 % of the training's; in the hours"
        in text
    )
    assert "further held-out sets" not in price_text(study, plain, Coverage("good", []), NOTHING)


def test_what_scoring_took_is_in_the_time_of_finished_runs_and_not_counted_twice(surface_study):
    design = TRAINED | {"budgets": (1e12,), "n_params": (1e6, 2e6)}
    study = surface_study(**design, heldout={"code": {"dataset": OTHER}})
    sample = [timed(row, 1e9) for row in plan_rows(surface_study(**design))]
    seconds = [speed_of(one, PRICES, sample).seconds(row, row.n_tokens) for one in (study, surface_study(**design))
               for row in plan_rows(study)[:1]]  # fmt: skip
    assert seconds[0] == seconds[1]


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


def test_hidden_runs_are_priced_in_lines_of_their_own_and_count_towards_the_limits(surface_study):
    sizes = [{"n_params": 10**6}, {"n_params": 2 * 10**6}]
    hidden = {"isoflop": {"budgets": [3e12], "sizes": sizes}, "rows": [{"size": sizes[0], "n_tokens": 25600}]}
    sweep = {"isoflop": {"budgets": [1e12], "sizes": sizes}, "validate": hidden}
    study = surface_study(sweep=sweep, limits={"max_usd": 0.5}, **TRAINED)
    price = priced(study)
    lines = [("1e+12", 2), ("validate 3e+12", 2), ("validate rows", 1)]
    assert [(line.label, line.n_all) for line in price.lines] == lines
    # 2·(10 + 100) s and 2·(10 + 300) s, and 10 s and 15 s of 1.536e11 FLOPs, at 0.001 USD a second.
    assert price.total.usd == pytest.approx(0.22 + 0.62 + 0.02536, rel=1e-3)
    with pytest.raises(FlopscapeError, match="more than limits\\.max_usd"):
        refuse_over_limits(study, price)


def test_the_price_table_has_every_number_in_its_column(surface_study):
    line = Line("1e+12", 2, 5, 3000, 4e12, 6e12, 7.5, 8.25, 90.0, {"new": 1, "missing": 3})
    total = dataclasses.replace(line, label="total", n_todo=11, n_all=12)
    price = Price("s", [line], total, "cpu", "a guess", 6000.0, 13, 14_000_000, 0.0, 0.0, search=None)
    finished = Finished(set(), [], [], [f"id{i}" for i in range(5)], [], {})
    text = price_text(surface_study(**TRAINED), price, Coverage("fair", ["2 budgets"]), finished).splitlines()
    cells = [[cell.strip() for cell in row.split("  ") if cell.strip()] for row in text[1:5]]
    assert cells[0] == ["budget", "runs to do", "tokens", "FLOPs", "CPU-hours", "USD", "longest", "why"]
    assert cells[2] == ["1e+12", "2 of 5", "3.00 k", "4e+12", "7.5", "$8.25", "1 min 30 s", "3 missing, 1 new"]
    assert cells[3][:2] == ["total", "11 of 12"]
    assert text[5:] == [
        "wall time: about 1 h 40 min with 13 at a time; disk: about 14.0 MB",
        "checkpoints: 6e+12 FLOPs of runs by training 4e+12, 33.3% saved by branches and interrupted runs",
        "speed from: a guess",
        "coverage: fair",
        "  - 2 budgets",
        "5 records that this plan does not ask for stay on disk: id0, id1, id2 and 2 more",
    ]


def test_simulated_runs_cost_nothing(surface_study):
    price = priced(surface_study())
    assert (price.total.usd, price.device) == (0.0, "simulated")


@pytest.mark.parametrize(("parallel", "wall"), [(1, 10), (2, 5), (4, 4)])
def test_wall_time_fills_free_slots_with_the_longest_run(parallel, wall):
    assert makespan([Job(str(n), 0, n, "") for n in (4, 3, 2, 1)], parallel) == wall


def test_a_study_over_its_limit_is_refused_finished_runs_included(surface_study):
    study = surface_study(limits={"max_usd": 1e-6}, **TRAINED)
    with pytest.raises(FlopscapeError, match=r"more than limits\.max_usd = 1e-06; nothing more is started"):
        refuse_over_limits(study, priced(study, n_done=8))
    refuse_over_limits(study, priced(study, n_done=9))


@pytest.mark.parametrize(
    ("device", "limits", "sentence"),
    [
        ("cpu", {"max_usd": 0.15}, r"would cost 0\.22 USD in all, more than limits\.max_usd = 0\.15"),
        ("gpu", {"max_gpu_hours": 0.008}, r"would cost 0\.0111 GPU-hours in all, more than limits\.max_gpu_hours"),
    ],
)
def test_half_a_study_that_is_paid_for_counts_towards_its_limit(device, limits, sentence, surface_study):
    """Two runs of 110 s on a CPU at $3.60 an hour, or of 20 s on a GPU: either alone is within the limit."""
    study = surface_study(budgets=(1e12,), n_params=(1e6, 2e6), limits=limits, resources={"device": device}, **TRAINED)
    with pytest.raises(FlopscapeError, match=sentence):
        refuse_over_limits(study, priced(study, n_done=1))


def test_a_finished_run_that_is_trained_again_is_paid_for_twice(surface_study):
    """Two finished runs of $0.11 each, of which one is forced: $0.33 in all."""
    study = surface_study(budgets=(1e12,), n_params=(1e6, 2e6), limits={"max_usd": 0.3}, **TRAINED)
    rows = plan_rows(study)
    finished = Finished({row.run_id for row in rows}, [], [], [], [], {})
    refuse_over_limits(study, price_study("s", study, rows, finished, {}, PRICES, Capacity(1)))
    forced = price_study("s", study, rows, finished, {rows[0].run_id: "forced"}, PRICES, Capacity(1))
    with pytest.raises(FlopscapeError, match=r"would cost 0\.33 USD in all, more than limits\.max_usd = 0\.3;"):
        refuse_over_limits(study, forced)


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
