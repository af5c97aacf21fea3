"""What the runs of a study are doing, by their files alone: records, logs and leases.

So it works beside a running Snakemake and without one, on another host of a cluster too, and disturbs nothing. A run is
being trained while its trainer touches its lease; whether it gets on, the steps in its log tell.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from flopscape.files.json_text import read_json
from flopscape.machine.lease import STALE_SECONDS, heartbeat_age
from flopscape.plan.studies import PlannedStudy, data_unit
from flopscape.records.plan_row import PlanRow

State = Literal["done", "lost", "running", "silent", "failed", "waiting"]
"""`lost` are runs whose record says that they did not complete; `silent` ones are held by a trainer whose log has no
new step, and `failed` ones have a log, no record and no trainer."""
PROGRESS = re.compile(r"^step ([\d,]+)/[\d,]+\s.*\btrain ([\d.]+|nan|inf).*\s([\d,]+) \w+/s\s", re.MULTILINE)
"""A line of progress in a run's log (training/logbook.py)."""
TAIL = 4096
"""Bytes at the end of a log that hold its newest lines."""
AGAIN = "delete it and run snakemake again"


@dataclass(frozen=True)
class RunNow:
    """One run: its row of the plan, what it does, and as far as that is known its step, loss and units a second.

    `seconds` is the time since its log last grew, and `reason` why it failed or was lost.
    """

    row: PlanRow
    state: State
    step: int = 0
    loss: float | None = None
    rate: float | None = None
    seconds: float | None = None
    reason: str = ""

    @property
    def flops(self) -> float:
        """What is spent on it so far."""
        return self.row.flops * (1.0 if self.state in ("done", "lost") else min(1.0, self.step / self.row.n_steps))


@dataclass(frozen=True)
class StudyNow:
    """All runs of a study at one moment; `unit` is what D counts, and `costs` what finished runs took by its name."""

    name: str
    runs: list[RunNow]
    unit: str = "token"
    costs: dict[str, float] = field(default_factory=dict)

    def of(self, *states: State) -> list[RunNow]:
        """The runs in one of some states, in the plan's order."""
        return [run for run in self.runs if run.state in states]

    @property
    def counts(self) -> Counter[State]:
        """How many runs are in each state."""
        return Counter(run.state for run in self.runs)

    @property
    def flops_spent(self) -> float:
        """Over all runs, what was trained of unfinished ones among it."""
        return sum(run.flops for run in self.runs)

    @property
    def flops_left(self) -> float:
        """What is still to be trained."""
        return sum(run.row.flops - run.flops for run in self.of("running", "silent", "failed", "waiting"))

    @property
    def seconds_left(self) -> float | None:
        """Time to the last run at the speed of those that run now; None where none tells its speed."""
        speed = sum(run.rate * run.row.flops_per_unit for run in self.of("running") if run.rate)
        return self.flops_left / speed if speed else None


class Watch:
    """Looks at one study again and again; records are read once, for they do not change."""

    def __init__(self, planned: PlannedStudy, results: Path) -> None:
        self.planned, self.folder = planned, results / planned.name
        self.logs = results.parent / "logs" / "train" / planned.name
        self._records: dict[str, dict[str, Any]] = {}

    def look(self) -> StudyNow:
        """What every planned run does now.

        Raises
        ------
        FlopscapeError
            A record is not readable.
        """
        runs = list(map(self._run, self.planned.rows))
        return StudyNow(self.planned.name, runs, data_unit(self.planned.study), dict(self._costs()))

    def _run(self, row: PlanRow) -> RunNow:
        record = self._record(row.run_id)
        if record is not None:
            state: State = "done" if record["status"] == "completed" else "lost"
            return RunNow(row, state, row.n_steps, record.get("loss"), reason=str(record.get("reason", "")))
        log = self.logs / f"{row.run_id}.log"
        beat = heartbeat_age(self.folder / "checkpoints" / row.run_id)
        text, seconds = _end_of(log)
        if text is None:
            return RunNow(row, "waiting")
        found = list(PROGRESS.finditer(text))
        step, loss, rate = (_number(found[-1][i]) for i in (1, 2, 3)) if found else (0.0, None, None)
        # A trainer opens its log at once, and takes its lease only when it has imported what it needs.
        is_starting = not text.strip() and seconds < STALE_SECONDS
        is_held = is_starting or (beat is not None and beat < STALE_SECONDS)
        state = "failed" if not is_held else "running" if seconds < STALE_SECONDS else "silent"
        reason = "" if is_held else _last_line(text)
        return RunNow(row, state, int(step or 0), loss, rate, seconds, reason)

    def _record(self, run_id: str) -> dict[str, Any] | None:
        path = self.folder / "runs" / f"{run_id}.json"
        if run_id not in self._records and path.exists():
            self._records[run_id] = read_json(path, AGAIN)
        return self._records.get(run_id)

    def _costs(self) -> Iterator[tuple[str, float]]:
        """Device-hours and money of finished runs, as their records have them."""
        for name in ("cpu_hours", "gpu_hours", "usd"):
            known = [record.get("cost", {}).get(name) for record in self._records.values()]
            if any(known):
                yield name, sum(value for value in known if value)


def _end_of(log: Path) -> tuple[str | None, float]:
    """The newest lines of a log, and the seconds since it grew; None where there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            return file.read().decode("utf-8", errors="replace"), max(0.0, time.time() - log.stat().st_mtime)
    except OSError:
        return None, 0.0


def _last_line(text: str) -> str:
    """Why a run ended, as far as its log says."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "its log is empty: it ended before its first word"
    step = PROGRESS.match(lines[-1])
    return f"it ended without a word after step {step[1]}" if step else lines[-1]


def _number(text: str) -> float:
    return float(text.replace(",", ""))
