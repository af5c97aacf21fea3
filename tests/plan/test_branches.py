"""Which runs start from which, and what that saves."""

import dataclasses

import pytest

from flopscape.config.machine import Prices
from flopscape.dag.commands import launch_command
from flopscape.errors import FlopscapeError
from flopscape.plan.capacity import Capacity, Job, makespan
from flopscape.plan.finished import Finished
from flopscape.plan.price import price_study
from flopscape.plan.rows import plan_rows
from flopscape.plugins.surface import Surface

PRICES = Prices()
NOTHING = Finished(set(), [], [], [], [], {})
BATCH = 256
STEPS = (100, 200, 400)


@pytest.fixture
def grid(surface_study):
    """A study of two sizes and seeds of 100, 200 and 400 steps each; keyword arguments change its keys."""

    def make(branches=True, training=None, steps=STEPS, **changes):
        sizes = [{"n_params": n} for n in (1000, 2000)]
        points = {"sizes": sizes, "n_tokens": [n * BATCH for n in steps], "seeds": 2}
        trained = {"trainer": {"plugin": "loop"}, "dataset": {"plugin": "flopscape.plugins.text:BibleText"}}
        settings = {"warmup_units": 10 * BATCH} | (training or {})
        return surface_study(
            **trained | {"sweep": {"branches": branches, "grid": points}, "training": settings} | changes
        )

    return make


def startup_usd(study):
    return PRICES.startup_seconds * study.resources.threads / 3600 * PRICES.usd_per_cpu_hour


def price(study, rows, todo, finished=NOTHING):
    return price_study("s", study, rows, finished, dict.fromkeys(todo, "new"), PRICES, Capacity(1))


def test_the_longest_run_of_a_size_and_seed_is_the_parent_of_the_others(grid):
    rows = plan_rows(grid())
    by_id = {row.run_id: row for row in rows}
    for row in rows:
        parent = by_id.get(row.parent)
        assert (parent is None) == (row.n_steps == 400)
        if parent:
            assert (parent.size, parent.seed, parent.n_steps) == (row.size, row.seed, 400)
            assert row.n_tokens_shared == 0.8 * row.n_tokens


def test_branches_change_no_id(grid):
    assert [row.run_id for row in plan_rows(grid())] == [row.run_id for row in plan_rows(grid(branches=False))]


def test_budgets_of_an_isoflop_sweep_and_rows_branch_too(grid):
    size = {"n_params": 1000}
    sweep = {"isoflop": {"budgets": [1e9, 2e9], "sizes": [size]}, "rows": [{"size": size, "n_tokens": 10**6}]}
    rows = plan_rows(grid(sweep={"branches": True} | sweep))
    assert [row.parent for row in rows] == [rows[2].run_id, rows[2].run_id, ""]


def test_simulated_runs_start_from_none(grid):
    assert {row.parent for row in plan_rows(grid(trainer={"plugin": "flopscape.plugins.surface:Surface"}))} == {""}


def test_each_path_is_priced_once_and_a_finished_parent_saves_nothing(grid):
    study = grid()
    rows = plan_rows(study)
    fresh = price(study, rows, [row.run_id for row in rows])
    assert fresh.total.flops / fresh.total.flops_alone == pytest.approx((400 + 0.2 * (100 + 200)) / 700)
    branches = [row.run_id for row in rows if row.parent]
    later = price(study, rows, branches)
    assert later.total.flops == later.total.flops_alone == sum(row.flops for row in rows if row.parent)


def test_what_a_finished_branch_inherited_is_not_counted_as_spent(grid):
    study = grid()
    row = next(row for row in plan_rows(study) if row.parent)
    alone = Surface().train(row.spec)
    branch = dataclasses.replace(alone, parent=row.parent, n_tokens_inherited=row.n_tokens_shared)
    spent = [
        price(study, [row], [], Finished({row.run_id}, [record], [], [], [], {})).spent_usd - startup_usd(study)
        for record in (alone, branch)
    ]
    assert spent[1] == pytest.approx(0.2 * spent[0])


def test_a_checkpoint_on_disk_is_not_priced_again(grid):
    study = grid()
    rows = plan_rows(study)
    row = next(row for row in rows if row.n_steps == 200)
    left = price(study, rows, [row.run_id], Finished(set(), [], [], [], [], {}, {row.run_id: 150}))
    assert left.total.n_tokens == 50 * BATCH


def test_the_wall_time_counts_the_wait_for_a_parent():
    jobs = [Job("trunk", 0, 4, ""), Job("branch", 0, 1, "trunk"), Job("other", 0, 1, "")]
    assert [makespan(jobs, slots) for slots in (1, 2, 9)] == [6, 5, 5]


def test_a_trunk_is_launched_with_the_tokens_of_its_branches(grid):
    study = grid()
    rows = plan_rows(study)
    assert launch_command(study, PRICES, rows[:2]).endswith(" --branches 25600,25600")
    assert "--branches" not in launch_command(study, PRICES)


def test_a_warm_up_by_share_is_refused(grid):
    with pytest.raises(FlopscapeError, match=r"sweep\.branches: .* set training\.warmup_units"):
        grid(training={"warmup_units": 0})


def test_a_run_without_room_for_its_warm_up_is_refused(grid):
    with pytest.raises(FlopscapeError, match=r"a run of 2816 units at size .* lower warmup_units"):
        plan_rows(grid(steps=(11, 400)))
