"""Progress in a log file."""

import time

from flopscape.training.outcome import Outcome


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
        left = elapsed * (self.n_steps - step) / max(1, step - self.first_step)
        heldout = "" if heldout_loss is None else f"  held-out {heldout_loss:.4f}"
        print(
            f"step {step:,}/{self.n_steps:,}  {n_units:,} {self.unit}s  train {train_loss:.4f}{heldout}  "
            f"{(n_units - self.first_unit) / elapsed:,.0f} {self.unit}s/s  {left:.0f} s left",
            flush=True,
        )
