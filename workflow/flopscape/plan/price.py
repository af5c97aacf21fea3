"""What the runs still to do will take: time, money, disk. From finished runs where there are any, else the config.

How long a run takes is in runs/speed.py. Device-hours are that times the threads or GPUs that a run holds, used or not,
and a price is hours times the config's dollars an hour. The wall time is not their sum: runs go side by side, as many
as there is capacity for (`makespan` in capacity.py).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from flopscape.config.machine import Prices
from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.plan.branches import tokens_to_train
from flopscape.plan.capacity import Capacity, Job, makespan
from flopscape.plan.finished import Finished
from flopscape.records.plan_row import PlanRow, Role
from flopscape.records.run_record import RunRecord
from flopscape.runs.speed import FORWARD, Speed, measured_speed

SIMULATED_SECONDS = 0.15
"""Wall time of one simulated run: starting Python, no compute."""
RECORD_BYTES = 60_000
"""Size of one run's JSON with a curve of 128 points, and its share of the tables."""
ROLES = {"scout": "scouts", "validate": "validate"}
"""What runs that no fit sees are called in a price."""


def speed_of(study: Study, prices: Prices, sample: list[RunRecord]) -> Speed:
    """Speed from finished runs, by size; from the config where there are none; nothing for simulated runs."""
    if study.simulated:
        return Speed("simulated runs: no compute is spent", SIMULATED_SECONDS, [(1.0, math.inf)])
    if measured := measured_speed(sample):
        return measured
    gpu = study.resources.device == "gpu"
    rate = (prices.gpu_flops_per_second if gpu else prices.cpu_flops_per_second) * study.resources.processes
    source = f"config ({rate:.3g} FLOP/s a run, {prices.startup_seconds:g} s to start): no run has been timed yet"
    return Speed(source, prices.startup_seconds, [(1.0, rate)], study.further_units)


@dataclass(frozen=True)
class Line:
    """One line of the price table: runs still to do out of `n_all`, and what they take. Hours are device-hours.

    Tokens and FLOPs are those to be trained; `flops_alone` is what the same runs would take without any checkpoint.
    `scoring_flops` are spent beside them, on scoring finished models on further held-out sets.
    """

    label: str
    n_todo: int
    n_all: int
    n_tokens: int
    flops: float
    flops_alone: float
    device_hours: float
    usd: float
    longest_seconds: float
    reasons: dict[str, int]
    scoring_flops: float = 0.0


@dataclass(frozen=True)
class Expected:
    """What the rungs that are still open may take: a line for each, and the total and the wall time of all with them.

    A rung waits for the runs of the rung below it, and so the wall time is a sum over rungs.
    """

    rungs: list[str]
    lines: list[Line]
    total: Line
    wall_seconds: float


@dataclass(frozen=True)
class Price:
    """The price of one study: a line a budget, the total, and what it rests on.

    `search` are the runs of `snakemake transfer` without a record; they are in no other line. Nor are the runs of rungs
    that are not planned yet, which only `expected` has.
    """

    study: str
    lines: list[Line]
    total: Line
    device: str
    speed_source: str
    wall_seconds: float
    parallel: int
    disk_bytes: int
    spent_gpu_hours: float
    spent_usd: float
    search: Line | None = None
    expected: Expected | None = None


def price_study(
    name: str,
    study: Study,
    rows: list[PlanRow],
    finished: Finished,
    todo: dict[str, str],
    prices: Prices,
    capacity: Capacity,
    search: Sequence[PlanRow] = (),
    open_runs: Mapping[str, Sequence[PlanRow]] | None = None,
) -> Price:
    """Price the runs in `todo` (run id → why it must run), as many at a time as there is capacity for.

    Runs of the `search` that the plan asks for too are priced with the plan. What was spent on a finished run that is
    to be trained again stays spent. `open_runs` are the runs to be expected of rungs that are still open, by rung.
    """
    speed = speed_of(study, prices, finished.sample)
    open_rows = [row for rung in (open_runs or {}).values() for row in rung]
    planned = {row.run_id for row in (*rows, *open_rows)}
    # A run that both the sweep and the search ask for is trained once, and paid for with the sweep.
    extra = [row for row in search if row.run_id not in planned]
    # The later ones win: what Snakemake itself says of a run, then what records tell, then nothing.
    reasons = {row.run_id: "" for row in extra if row.run_id not in finished.done} | finished.reasons | todo
    due_extra = {row.run_id: reasons[row.run_id] for row in extra if row.run_id in reasons}
    due_open = {row.run_id: "expected" for row in open_rows if row.run_id not in finished.done}
    todo = {row.run_id: todo[row.run_id] for row in rows if row.run_id in todo}
    jobs = _jobs([*rows, *extra, *open_rows], finished, todo | due_extra | due_open, speed)
    groups = defaultdict(list)
    for row in rows:
        groups[row.budget, row.role].append(row)
    lines = [_line(_label(*key), group, todo, jobs, study, prices) for key, group in groups.items()]
    total = _line("total", rows, todo, jobs, study, prices)
    parallel = capacity.parallel(study.resources)
    due = todo | due_extra | due_open
    done = [row for row in (*rows, *extra, *open_rows) if row.run_id in finished.done or row.run_id not in due]
    spent = _spent(done, finished, speed, study, prices)
    return Price(
        study=name,
        lines=lines,
        total=total,
        device="simulated" if study.simulated else study.resources.device,
        speed_source=speed.source,
        wall_seconds=makespan([jobs[run_id] for run_id in todo], parallel),
        parallel=parallel,
        disk_bytes=total.n_todo * RECORD_BYTES,
        spent_gpu_hours=spent.device_hours if study.resources.device == "gpu" else 0.0,
        spent_usd=spent.usd,
        search=_line("search", extra, due_extra, jobs, study, prices) if search else None,
        expected=_expected(rows, open_runs, todo, due_open, jobs, study, prices, parallel) if open_runs else None,
    )


def _spent(done: list[PlanRow], finished: Finished, speed: Speed, study: Study, prices: Prices) -> Line:
    """What finished runs took: by the same speed, and not summed from records, of which only a sample was read."""
    return _line("spent", done, {row.run_id: "" for row in done}, _jobs(done, finished, {}, speed), study, prices)


def _jobs(rows: list[PlanRow], finished: Finished, todo: dict[str, str], speed: Speed) -> dict[str, Job]:
    """A job for each run; of finished ones whose record was not looked at, as if they had been trained alone."""
    inherited = {record.run_id: record.n_tokens_inherited for record in finished.sample}
    jobs = {}
    for row in rows:
        due = row.run_id in todo
        # A checkpoint on disk saves its steps; so does a parent that is trained first, whichever is more.
        saved = finished.saved_steps.get(row.run_id, 0)
        n_tokens = tokens_to_train(row, todo, saved) if due else row.n_tokens - inherited.get(row.run_id, 0)
        parent = row.parent if due and row.parent in todo else ""
        jobs[row.run_id] = Job(row.run_id, n_tokens, speed.seconds(row, n_tokens), parent)
    return jobs


def _expected(
    rows: list[PlanRow],
    open_runs: Mapping[str, Sequence[PlanRow]],
    todo: dict[str, str],
    due: dict[str, str],
    jobs: dict[str, Job],
    study: Study,
    prices: Prices,
    parallel: int,
) -> Expected:
    """What the open rungs take, and the whole study with them; `due` are the runs of these rungs without a record."""
    labels = {name: _label_of_rung(name, rung) for name, rung in open_runs.items()}
    everything = [*rows, *chain.from_iterable(open_runs.values())]
    steps = [list(todo), *([row.run_id for row in rung if row.run_id in due] for rung in open_runs.values())]
    return Expected(
        rungs=list(open_runs),
        lines=[_line(labels[name], list(rung), due, jobs, study, prices) for name, rung in open_runs.items()],
        total=_line("total with expected", everything, todo | due, jobs, study, prices),
        wall_seconds=sum(makespan([jobs[run_id] for run_id in step], parallel) for step in steps),
    )


def _label_of_rung(name: str, rung: Sequence[PlanRow]) -> str:
    """A rung of a ladder is one budget; a refinement adds to many."""
    budgets = {row.budget for row in rung}
    what = _label(budgets.pop(), "fit") if len(budgets) == 1 else name
    return f"{what} expected"


def _label(budget: float | None, role: Role) -> str:
    """What a line of the price is of; runs that no fit sees have lines of their own."""
    if role == "fit":
        return "grid, rows" if budget is None else f"{budget:.3g}"
    return f"{ROLES[role]} {'rows' if budget is None else f'{budget:.3g}'}"


def _line(
    label: str, rows: list[PlanRow], todo: dict[str, str], jobs: dict[str, Job], study: Study, prices: Prices
) -> Line:
    due = [row for row in rows if row.run_id in todo]
    seconds = [jobs[row.run_id].seconds for row in due]
    cost = device_cost(study, prices, sum(seconds))
    return Line(
        label=label,
        n_todo=len(due),
        n_all=len(rows),
        n_tokens=sum(jobs[row.run_id].n_tokens for row in due),
        flops=sum(row.flops_per_unit * jobs[row.run_id].n_tokens for row in due),
        flops_alone=sum(row.flops for row in due),
        device_hours=cost.hours,
        usd=cost.usd,
        longest_seconds=max(seconds, default=0.0),
        reasons=dict(Counter(todo[row.run_id] for row in due)),
        scoring_flops=sum(FORWARD * row.flops_per_unit * study.further_units for row in due),
    )


class DeviceCost(NamedTuple):
    """GPUs or threads of a run, device-hours, and what they cost."""

    devices: int
    hours: float
    usd: float


def device_cost(study: Study, prices: Prices, seconds: float) -> DeviceCost:
    """What so many seconds of a study's runs cost; nothing where the runs are simulated."""
    gpu = study.resources.device == "gpu"
    devices = study.resources.processes * (1 if gpu else study.resources.threads)
    # A GPU run is priced by its GPUs alone: their hour includes the cores that come with them.
    hours = 0.0 if study.simulated else seconds * devices / 3600
    return DeviceCost(devices, hours, hours * (prices.usd_per_gpu_hour if gpu else prices.usd_per_cpu_hour))


def refuse_over_limits(study: Study, price: Price) -> None:
    """Raise FlopscapeError when the whole study would cost more than its limits; see `why_refused`."""
    if why := why_refused(study, price):
        raise FlopscapeError(why)


def why_refused(study: Study, price: Price) -> str:
    """Why a study must not start: by its limits, finished runs and search included; nothing where it may.

    What was spent counts, so that a study does not get its limit anew with each start, and so do rungs that are still
    open; a study that is done is never refused.
    """
    whole = price.expected.total if price.expected else price.total
    lines = [whole, *([price.search] if price.search else [])]
    if not any(line.n_todo for line in lines):
        return ""
    due = sum(line.device_hours for line in lines) if study.resources.device == "gpu" else 0.0
    checks = (
        ("max_gpu_hours", study.limits.max_gpu_hours, price.spent_gpu_hours + due, "GPU-hours"),
        ("max_usd", study.limits.max_usd, price.spent_usd + sum(line.usd for line in lines), "USD"),
    )
    guessed = ", rungs that are still open by their expected sizes" if price.expected else ""
    for key, limit, cost, unit in checks:
        if limit is not None and cost > limit:
            return (
                f"study {price.study}: would cost {cost:.3g} {unit} in all{guessed}, more than limits.{key} = "
                f"{limit:g}; nothing more is started. Shrink the sweep or raise the limit"
            )
    return ""
