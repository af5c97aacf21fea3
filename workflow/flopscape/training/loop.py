"""The training loop, and the curve it leaves."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from flopscape.plugins.base import LossPlugin
from flopscape.records import Curve
from flopscape.training.progress import Progress
from flopscape.training.schedule import curve_steps, heldout_steps, learning_rate_factor
from flopscape.training.spec import Task

Batch = dict[str, Tensor]


@dataclass
class Outcome:
    """What training came to. `diverged` is empty, or the reason in words."""

    curve: Curve = field(default_factory=Curve)
    n_units: int = 0
    diverged: str = ""
    seconds_training: float = 0.0


class Loop:
    """Trains a module on a stream of batches; `run` goes through it once."""

    def __init__(
        self, task: Task, accelerator: Accelerator, module: nn.Module, optimizer: Optimizer, loss: LossPlugin
    ) -> None:
        self.task, self.settings, self.accelerator, self.loss = task, task.settings, accelerator, loss
        self.parameters = list(module.parameters())
        self.peak_rates = [group["lr"] for group in optimizer.param_groups]
        self.module, prepared = accelerator.prepare(module, optimizer)
        # Accelerate's wrapper searches the installed packages at every step, a tenth of a tiny model's; its gradient
        # scaler, which only fp16 has, is all that a run needs of it.
        self.optimizer: Optimizer = prepared if self.settings.mixed_precision == "fp16" else optimizer

    def run(self, batches: Iterator[Batch], score: Callable[[], float], progress: Progress) -> Outcome:
        """Train on the first `n_steps` batches; stops at the first point of the curve where the loss is not finite.

        A gradient that is not finite makes the clipped update, and so the next loss, NaN: the loss alone is watched.
        Losses are summed on the device and read at the curve's points only, for reading one waits for the device.
        """
        outcome = Outcome()
        steps = curve_steps(self.task.n_steps, self.settings.curve_points)
        with_score = heldout_steps(steps, self.settings.curve_heldout_points)
        for first, last in zip([1, *(step + 1 for step in steps)], steps, strict=False):
            started = time.perf_counter()
            train_loss, n_units = self._mean(*self._steps(batches, first, last))
            outcome.seconds_training += time.perf_counter() - started
            outcome.n_units += n_units
            heldout_loss = score() if last in with_score else None
            self._add_point(outcome, last, train_loss, heldout_loss)
            progress.report(last, outcome.n_units, train_loss, heldout_loss)
            if not math.isfinite(train_loss):
                outcome.diverged = f"the training loss is not finite, between steps {first} and {last}"
                break
        return outcome

    def _steps(self, batches: Iterator[Batch], first: int, last: int) -> tuple[Tensor, int]:
        """Train on steps first … last: this process's summed loss and number of units."""
        total = torch.zeros((), device=self.accelerator.device)
        n_units = 0
        for step in range(first, last + 1):
            self._set_learning_rate(step)
            value, count = self._step(next(batches))
            total += value
            n_units += count
        return total, n_units

    def _step(self, batch: Batch) -> tuple[Tensor, int]:
        """One step of the optimiser: the summed loss before it, and the number of units."""
        device = self.accelerator.device
        if device.type != "cpu":
            batch = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        value, count = self.loss(self.module, batch)
        self.accelerator.backward(value / count)
        self.accelerator.unscale_gradients(self.optimizer)
        clip_grad_norm_(self.parameters, self.settings.gradient_clip, foreach=True)
        self.optimizer.step()
        for parameter in self.parameters:
            parameter.grad = None
        return value.detach(), count

    def _set_learning_rate(self, step: int) -> None:
        settings = self.settings
        factor = learning_rate_factor(step, self.task.n_steps, settings.warmup_fraction, settings.decay_fraction)
        for group, peak in zip(self.optimizer.param_groups, self.peak_rates, strict=True):
            group["lr"] = peak * factor

    def _mean(self, total: Tensor, n_units: int) -> tuple[float, int]:
        """Mean loss, and number of units, over all processes."""
        if self.accelerator.num_processes > 1:
            both = torch.stack([total.double(), total.new_tensor(n_units, dtype=torch.float64)])
            total, units = self.accelerator.reduce(both, reduction="sum")
            n_units = int(units)
        return float(total) / n_units, n_units

    def _add_point(self, outcome: Outcome, step: int, train_loss: float, heldout_loss: float | None) -> None:
        curve = outcome.curve
        curve.step.append(step)
        curve.n_tokens.append(outcome.n_units)
        curve.train_loss.append(_finite(train_loss))
        curve.heldout_loss.append(_finite(heldout_loss))
        curve.learning_rate.append(self.optimizer.param_groups[0]["lr"])


def _finite(value: float | None) -> float | None:
    """JSON has no NaN: None stands for it."""
    return value if value is not None and math.isfinite(value) else None
