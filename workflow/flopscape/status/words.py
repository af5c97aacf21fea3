"""The status of a study in words, for a terminal: once, or drawn anew until all runs are done."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from flopscape.config.read import study_paths
from flopscape.errors import FlopscapeError
from flopscape.plan.studies import plan_study
from flopscape.status.look import RunNow, State, StudyNow, Watch
from flopscape.text import numbers
from flopscape.text.terminal import say
from flopscape.text.visible import cut, one_line

WORDS: dict[State, str] = {
    "done": "done",
    "running": "running",
    "silent": "held by a trainer, but without a new step",
    "waiting": "waiting",
    "failed": "failed or stopped",
    "lost": "without a loss",
}
MOST = 12
"""Runs of each kind that are listed one by one."""
EVERY = 2.0
"""Seconds between two looks."""


def summary(now: StudyNow) -> list[str]:
    """A study in a few lines: how many runs in which state, what was spent, what is left and how long that takes."""
    counts = ", ".join(f"{now.counts[state]} {words}" for state, words in WORDS.items() if now.counts[state])
    total = now.flops_spent + now.flops_left
    share = now.flops_spent / total if total else 1.0
    spent = [f"{numbers.flops(now.flops_spent)} of {numbers.flops(total)} FLOPs ({share:.0%})", *_costs(now)]
    lines = [f"{now.name}: {numbers.plural(len(now.runs), 'run')}: {counts}", f"spent: {', '.join(spent)}"]
    if now.seconds_left is not None:
        lines.append(
            f"left: {numbers.flops(now.flops_left)} FLOPs, about {numbers.duration(now.seconds_left)} at this speed"
        )
    elif now.flops_left:
        lines.append(f"left: {numbers.flops(now.flops_left)} FLOPs; nothing is being trained now")
    return lines


def _costs(now: StudyNow) -> list[str]:
    names = {"cpu_hours": "CPU h", "gpu_hours": "GPU h"}
    hours = [f"{numbers.count(now.costs[name])} {unit}" for name, unit in names.items() if name in now.costs]
    return [*hours, *([numbers.money(now.costs["usd"])] if "usd" in now.costs else [])]


def picture(now: StudyNow) -> RenderableType:
    """The summary with a bar, the runs that move, and those that failed with their reasons."""
    total = now.flops_spent + now.flops_left
    bar = ProgressBar(total=total or 1.0, completed=now.flops_spent if total else 1.0, width=60)
    # A bar does not end its line; a grid around it does.
    line = Table.grid()
    line.add_row(bar)
    parts: list[RenderableType] = [*(Text(words) for words in summary(now)), line]
    moving, stuck = now.of("running", "silent"), now.of("failed", "lost")
    if moving:
        parts.append(_moving(moving, now))
    if stuck:
        parts.append(_stuck(stuck))
    return Group(*parts)


def _moving(runs: Sequence[RunNow], now: StudyNow) -> Table:
    """Step, training loss and speed of the runs that are being trained, and how long ago the last line of a log is."""
    table = Table(box=None, pad_edge=False, title_justify="left")
    for head in ("run", "N", "FLOPs", "seed", "step", "loss", f"{now.unit}s/s", "quiet"):
        table.add_column(head, justify="left" if head == "run" else "right")
    for run in runs[:MOST]:
        table.add_row(
            run.row.run_id,
            numbers.count(run.row.n_params),
            numbers.flops(run.row.flops),
            str(run.row.seed),
            f"{run.step:,}/{run.row.n_steps:,}",
            numbers.loss(run.loss),
            numbers.NOTHING if run.rate is None else f"{run.rate:,.0f}",
            numbers.duration(run.seconds),
        )
    if len(runs) > MOST:
        table.caption = f"and {len(runs) - MOST} more"
    return table


def _stuck(runs: Sequence[RunNow]) -> Table:
    """What did not end as planned, and why."""
    table = Table(box=None, pad_edge=False)
    for head in ("run", "state", "step", "why"):
        table.add_column(head)
    for run in runs[:MOST]:
        table.add_row(
            run.row.run_id, WORDS[run.state], f"{run.step:,}/{run.row.n_steps:,}", Text(cut(one_line(run.reason), 300))
        )
    if len(runs) > MOST:
        table.caption = f"and {len(runs) - MOST} more; their logs are in logs/train/"
    return table


def show(watches: Sequence[Watch], again: bool = False, console: Console | None = None) -> None:
    """Print the status of some studies; with `again` every two seconds until no run is left to train, or Ctrl-C."""
    console = console or Console()
    if not again:
        for watch in watches:
            console.print(picture(watch.look()))
        return
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            seen = [watch.look() for watch in watches]
            live.update(Group(*map(picture, seen)), refresh=True)
            if not any(now.flops_left for now in seen):
                return
            time.sleep(EVERY)


def status(names: Sequence[str], results: Path, configs: Path, again: bool = False) -> None:
    """Print the status of studies by name, of all that have begun to train under `results` where none is named.

    Raises
    ------
    FlopscapeError
        A name is no study's, its config does not read, its runs are imported, or nothing has begun. Without names a
        study of which that is so is left out, and a line on standard error says why.

    Examples
    --------
    From a shell: `flopscape status kjv-gpt --watch`.
    """
    if names:
        show(_watches(names, results, configs), again)
        return
    watches = []
    for name in sorted(path.parent.name for path in results.glob("*/runs") if path.is_dir()):
        try:
            watches += _watches([name], results, configs)
        except FlopscapeError as error:  # results whose config is gone hide no other study
            say(f"{name}: left out: {error}", sys.stderr)
    if not watches:
        raise FlopscapeError(f"status: no study has begun in {results}; run snakemake first, or name a study")
    show(watches, again)


def _watches(names: Sequence[str], results: Path, configs: Path) -> list[Watch]:
    return [Watch(plan_study(name, path, results), results) for name, path in study_paths(names, configs).items()]
