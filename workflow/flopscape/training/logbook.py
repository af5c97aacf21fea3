"""What a run says of itself while it trains: progress lines, its curve's journal, and trackers if asked for."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from accelerate import Accelerator

from flopscape.errors import FlopscapeError
from flopscape.machine.measured import Options
from flopscape.records.run_record import RunRecord
from flopscape.text.written import flat
from flopscape.training.checkpoint_files import study_folder
from flopscape.training.components import Parts
from flopscape.training.journal import Journal, Point, curve_points, journal_file
from flopscape.training.outcome import Outcome
from flopscape.training.state import random_state, set_random_state
from flopscape.training.trackers import Tracked, new_trackers, one_at_a_time


class Logbook:
    """The log of one run, kept by its main process. `with` ends the trackers however the run ends.

    The point of the last step waits for `finish`: its held-out loss is the run's own.
    """

    def __init__(self, parts: Parts, options: Options, out: Path, accelerator: Accelerator, outcome: Outcome) -> None:
        self.parts, self.accelerator, self.outcome = parts, accelerator, outcome
        self.journal = Journal(journal_file(out))
        self.points: list[Point] = []
        self.names = options.trackers if accelerator.is_main_process else ()
        study = study_folder(out)
        self.place = Tracked(options.tracking_folder or study / "trackers", study.resolve().name, parts.task.run_id)

    def __enter__(self) -> Self:
        """Start the trackers and log the curve of the checkpoint, if there is one.

        Raises
        ------
        FlopscapeError
            A tracker cannot be started.
        """
        if self.names:
            self._start_trackers()
        quiet = not self.accelerator.is_main_process
        self.progress = Progress(self.parts.task.n_steps, self.parts.manifest.unit, self.outcome, quiet)
        self._log_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._track(self.accelerator.end_training)

    def report(self, step: int, n_units: int, train_loss: float, heldout_loss: float | None) -> None:
        """Log the newest point of the curve."""
        self.progress.report(step, n_units, train_loss, heldout_loss)
        self._log_ready()

    def finish(self, record: RunRecord) -> None:
        """Log what is left of the curve, and the final loss of a run that has one."""
        self._log(len(record.curve.step))
        if record.loss is not None:
            self._track(self.accelerator.log, {"final_loss": record.loss}, step=record.curve.step[-1])

    def _start_trackers(self) -> None:
        try:
            with one_at_a_time(self.place), self._undisturbed():
                # Not given to Accelerator(): what an earlier part logged is removed, by the main process alone.
                self.accelerator.log_with = new_trackers(self.names, self.place)
                self.accelerator.init_trackers(self.place.project, config=self._hyper_parameters())
        except Exception as error:  # whatever a tracker's package raises
            raise FlopscapeError(
                f"{self.place.folder}: {', '.join(self.names)} cannot be started ({error}); correct that, or the "
                f"study's tracking"
            ) from error

    def _hyper_parameters(self) -> dict[str, Any]:
        task = self.parts.task
        return {"run_id": task.run_id} | flat(task.spec | {"training": task.settings.as_dict()})

    def _log_ready(self) -> None:
        # The last point waits for the final score, which takes its held-out loss.
        steps = self.outcome.curve.step
        self._log(len(steps) - (steps[-1:] == [self.parts.task.n_steps]))

    def _log(self, n_points: int) -> None:
        """Bring journal and trackers up to the first `n_points` points."""
        if not self.accelerator.is_main_process:
            return
        new = curve_points(self.outcome.curve, self.parts.counts.flops_per_unit, len(self.points), n_points)
        self.points += new
        self.journal.update(self.points)
        for point in new:
            values = {name: value for name, value in point.items() if value is not None}
            self._track(self.accelerator.log, values, step=point["step"])

    def _track(self, act: Callable[..., None], *arguments: Any, **options: Any) -> None:
        """Let the trackers act; one that fails costs no run, but all of them end there, with a sentence."""
        if not self.names:
            return
        try:
            with self._undisturbed():
                act(*arguments, **options)
        except Exception as error:  # whatever a tracker's package raises
            print(
                f"flopscape: {', '.join(self.names)} stopped ({error}); training goes on", file=sys.stderr, flush=True
            )
            self.names = ()

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Trackers may draw random numbers: the run's generators are left as they were."""
        before = random_state(self.accelerator.device)
        try:
            yield
        finally:
            set_random_state(before, self.accelerator.device)


class Progress:
    """Prints a line at most every `interval` seconds: step, units, loss, rate and the time left."""

    def __init__(self, n_steps: int, unit: str, start: Outcome, quiet: bool = False, interval: float = 5.0) -> None:
        self.n_steps, self.unit, self.quiet, self.interval = n_steps, unit, quiet, interval
        self.first_step, self.first_unit = start.step, start.n_units
        self.started = self.printed = time.perf_counter()

    def report(self, step: int, n_units: int, train_loss: float, heldout_loss: float | None) -> None:
        """Print the line of a step if the last one is old enough."""
        now = time.perf_counter()
        if self.quiet or now - self.printed < self.interval:
            return
        self.printed = now
        elapsed = now - self.started
        # From the steps of this process: those before a kill are in the count of steps, and their time is not in
        # `elapsed`.
        left = elapsed * (self.n_steps - step) / max(1, step - self.first_step)
        heldout = "" if heldout_loss is None else f"  held-out {heldout_loss:.4f}"
        print(
            f"step {step:,}/{self.n_steps:,}  {n_units:,} {self.unit}s  train {train_loss:.4f}{heldout}  "
            f"{(n_units - self.first_unit) / elapsed:,.0f} {self.unit}s/s  {left:.0f} s left",
            flush=True,
        )
