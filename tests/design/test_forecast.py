"""What a plan expects follows from the config alone, and is kept with a stamp that knows its plan and its question."""

import json
from pathlib import Path

import pytest

from flopscape.config.machine import Prices
from flopscape.dag.stale import Files
from flopscape.design.forecast import forecast_of, write_forecast
from flopscape.plugins.surface import Surface

TRAINED = {"trainer": {"plugin": "loop"}, "dataset": {"plugin": "flopscape.plugins.text:BibleText"}}
PRICES = Prices(cpu_flops_per_second=1e10, startup_seconds=10, usd_per_cpu_hour=3.6)
LADDER = {
    "ladder": {"top": 1e20, "budgets": 2, "sizes": 3, "scouts": {"sizes": 4}},
    "family": {"sizes": [{"n_params": round(10 ** (k / 8))} for k in range(48, 90)]},
}
"""Four scouts, then two budgets of three sizes."""


def test_hours_and_money_are_those_of_the_first_guess_whatever_records_there_are(planned):
    one = planned(budgets=(1e12,), n_params=(1e6, 2e6), **TRAINED)
    Surface().train(one.rows[0].spec).write(f"results/mine/runs/{one.rows[0].run_id}.json")
    found = forecast_of(one, PRICES)
    # Two runs of 1e12 FLOPs at 1e10 a second, and 10 seconds to start, at 0.001 USD a second.
    assert found["device_hours"] * 3600 == pytest.approx(220, rel=1e-3)
    assert found["usd"] == pytest.approx(0.22, rel=1e-3)
    assert [hours * 3600 for hours in found["wall_hours"].values()] == pytest.approx([220, 110, 110], rel=2e-3)
    assert (found["runs"], found["device"]) == (2, "cpu")
    assert found["flops"] == pytest.approx(2e12, rel=1e-3)


def test_the_intervals_are_those_of_the_plan_with_what_they_assume(planned):
    found = forecast_of(planned(recommend={"flops": [1e21, 1e22]}), PRICES)
    assert [one["flops"] for one in found["intervals"]] == [1e21, 1e22]
    assert all(
        one["n_params"]["low"] < one["n_params"]["typical"] < one["n_params"]["high"] for one in found["intervals"]
    )
    assert found["assumed"] == {"noise": 0.004, "level": 0.004, "drift": 0.15, "shape": 0.2}
    assert found["device"] == "simulated"


def test_a_ladder_is_expected_as_a_whole_before_any_rung_of_it_is_planned(planned):
    found = forecast_of(planned(sweep=LADDER), PRICES)
    assert found["runs"] == 4 + 2 * 3
    # Three runs at 1e20, three at 10**-2.75 of it, and scouts half a decade below those.
    assert found["flops"] == pytest.approx(3e20 + 3e20 * 10**-2.75 + 4e20 * 10**-3.25, rel=1e-3)
    assert found["intervals"][0]["n_params"]["typical"] > 0


def written(one, prices=PRICES):
    folder = Path("results/mine")
    write_forecast(one, prices, folder / "forecast.json")
    return Files(one, folder)


def test_a_forecast_is_stale_with_its_plan_and_its_question_and_never_with_prices(planned):
    files = written(planned())
    assert files.why_forecast() == ""
    text = (files.folder / "forecast.json").read_text()
    assert written(planned()).forecast.read_text() == text
    assert written(planned(), Prices(usd_per_cpu_hour=1.0)).why_forecast() == ""
    assert Files(planned(n_params=(1e8, 3e8, 2e9)), files.folder).why_forecast() == "for another plan"
    assert Files(planned(recommend={"flops": [1e22]}), files.folder).why_forecast() == "with other options"


def test_a_forecast_without_a_stamp_is_made_again(planned):
    files = written(planned())
    content = json.loads(files.forecast.read_text())
    files.forecast.write_text(json.dumps(content | {"made_from": ""}))
    assert files.why_forecast() == "without saying from what"
