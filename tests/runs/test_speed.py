"""How fast finished runs were, and what a plan says that each of them costs."""

import dataclasses

import pytest

from flopscape.plan.rows import plan_rows
from flopscape.plugins.surface import Surface
from flopscape.runs.collect import collect
from flopscape.runs.speed import measured_speed, planned_usd

RATE = 1e9
"""FLOP/s."""


@pytest.fixture
def timed(surface_study):
    """Rows of one size and their records: four seconds to start, and then 10⁹ FLOP/s, at 3.6 dollars an hour."""
    rows = plan_rows(surface_study(budgets=(1e12, 2e12, 4e12), n_params=(1e6,)))
    return rows, [_record(row, 4 + row.flops / RATE) for row in rows]


def _record(row, seconds_total, simulated=False):
    return dataclasses.replace(
        Surface().train(row.spec),
        simulated=simulated,
        timings={"seconds_total": seconds_total, "seconds_training": seconds_total - 4},
        cost={"cpu_hours": seconds_total / 3600, "gpu_hours": 0.0, "usd": seconds_total * 1e-3},
    )


def test_a_run_at_the_usual_speed_costs_what_it_should(timed):
    rows, records = timed
    speed = measured_speed(records)
    for row, record in zip(rows, records, strict=True):
        assert planned_usd(row, record, speed) == pytest.approx(record.cost["usd"])


def test_a_run_on_a_busy_machine_costs_more_than_it_should(timed):
    rows, records = timed
    records[0] = _record(rows[0], 9 * (4 + rows[0].flops / RATE))
    planned = planned_usd(rows[0], records[0], measured_speed(records))
    assert planned == pytest.approx((4 + rows[0].flops / RATE) * 1e-3)
    assert records[0].cost["usd"] == pytest.approx(9 * planned)


def test_a_branch_pays_for_its_own_tokens(timed):
    rows, records = timed
    half = dataclasses.replace(records[2], parent=rows[0].run_id, n_tokens_inherited=rows[2].n_tokens // 2)
    planned = planned_usd(rows[2], half, measured_speed(records))
    price = half.cost["usd"] / half.timings["seconds_total"]
    assert planned == pytest.approx(price * (4 + rows[2].flops / 2 / RATE), rel=1e-4)


def test_what_was_not_measured_has_no_price(timed):
    rows, records = timed
    without = dataclasses.replace(records[0], cost={})
    assert planned_usd(rows[0], without, measured_speed(records)) is None
    assert measured_speed([dataclasses.replace(record, timings={}) for record in records]) is None
    assert planned_usd(rows[0], Surface().train(rows[0].spec), None) == 0.0


def test_the_table_of_runs_has_both(timed, tmp_path):
    rows, records = timed
    for record in records:
        record.write(tmp_path / f"{record.run_id}.json")
    table, _ = collect(rows, tmp_path)
    assert table.usd_planned.tolist() == pytest.approx([(4 + row.flops / RATE) * 1e-3 for row in rows])
    assert table.usd.tolist() == pytest.approx(table.usd_planned.tolist())
