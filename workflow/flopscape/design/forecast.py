"""What a plan expects, kept before its first run: intervals, runs, FLOPs, hours and money, in `forecast.json`.

It follows from the config alone: prices and first-guess speeds, the sizes that a ladder starts from, and the intervals
that are expected of the answer (design/of_plan.py). No record and no clock enters, so that it says the same whenever it
is written, and when the runs are finished the report sets it beside what came (report/forecast.py).
"""

import json
from collections.abc import Mapping
from typing import Any

from flopscape.config.machine import Prices
from flopscape.design.of_plan import expected_of, first_rows
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import StrPath, write_text
from flopscape.plan.capacity import Capacity
from flopscape.plan.finished import Finished
from flopscape.plan.price import Price, price_study
from flopscape.plan.studies import PlannedStudy
from flopscape.records.plan_row import PlanRow
from flopscape.records.stamps import Stamp, of_forecast, text_of

AT_A_TIME = (1, 8, 64)
"""Runs side by side for which a wall time is kept: those of the machine are not known to a config."""


def write_forecast(planned: PlannedStudy, prices: Prices, out: StrPath) -> None:
    """Write the forecast of a study.

    From a shell: `flopscape forecast config/studies/quick.yaml --out forecast.json`.
    """
    content = forecast_of(planned, prices) | {"made_from": text_of(forecast_stamp(planned))}
    write_text(out, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def forecast_stamp(planned: PlannedStudy) -> Stamp:
    """What a forecast should carry.

    Prices and speeds are no part of it: they are what was expected when it was written, and it says which they were.
    """
    study = planned.study
    asked = {
        "flops": study.recommend.flops,
        "resources": study.resources.model_dump(),
        "branches": study.sweep.branches,
    }
    return of_forecast(first_rows(planned), asked)


def forecast_of(planned: PlannedStudy, prices: Prices) -> dict[str, Any]:
    """All numbers of a forecast, as JSON values.

    `intervals` and `assumed` are those of design/improved.py; `device_hours` and `usd` of all runs, hidden ones too, as
    in the price table, and `wall_hours` by the number of runs that go side by side.
    """
    rows = first_rows(planned)
    priced = {slots: _price(planned, rows, prices, slots) for slots in AT_A_TIME}
    whole = priced[1]
    return {
        "study": planned.name,
        "runs": len(rows),
        "flops": whole.total.flops,
        "device": whole.device,
        "device_hours": whole.total.device_hours,
        "usd": whole.total.usd,
        "wall_hours": {str(slots): price.wall_seconds / 3600 for slots, price in priced.items()},
        "speed": whole.speed_source,
        "prices": prices.model_dump(),
        **_intervals(planned),
    }


def _price(planned: PlannedStudy, rows: list[PlanRow], prices: Prices, at_a_time: int) -> Price:
    resources = planned.study.resources
    # As many slots as so many runs take; GPUs and memory set no bound here.
    slots = at_a_time * (1 if resources.device == "gpu" else resources.threads * resources.processes)
    todo = {row.run_id: "new" for row in rows}
    return price_study(planned.name, planned.study, rows, Finished.nothing(), todo, prices, Capacity(slots))


def _intervals(planned: PlannedStudy) -> Mapping[str, Any]:
    """What is expected of the answer; a reason where it is not known, for all else is."""
    try:
        told = expected_of(planned)
    except FlopscapeError as error:
        return {"intervals": [], "assumed": {}, "why_no_intervals": str(error)}
    return {"intervals": told["expected"], "assumed": told["assumed"]}
