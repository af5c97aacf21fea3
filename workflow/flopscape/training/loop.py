"""The training loop, and the curve it leaves."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from flopscape.plugins.base import LossPlugin
from flopscape.training.outcome import Outcome
from flopscape.training.packing import Tree
from flopscape.training.progress import Progress
from flopscape.training.schedule import curve_steps, heldout_steps, learning_rate_factor
from flopscape.training.spec import Task
from flopscape.training.unused import refuse_unused

Batch = dict[str, Tensor]


class Loop:
    """Trains a module on a stream of batches; `run` goes on from wherever `outcome` is."""

    def __init__(
        self,
        task: Task,
        accelerator: Accelerator,
        module: nn.Module,
        optimizer: Optimizer,
        loss: LossPlugin,
        outcome: Outcome,
    ) -> None:
        self.task, self.settings, self.accelerator, self.loss = task, task.settings, accelerator, loss
        self.parameters = list(module.parameters())
        self.peak_rates = [group["lr"] for group in optimizer.param_groups]
        self.bare, self.outcome = module, outcome
        self.module, prepared = accelerator.prepare(module, optimizer)
        # Accelerate's wrapper searches the installed packages at every step, a tenth of a tiny model's; its gradient
        # scaler, which only fp16 has, is all that a run needs of it.
        self.optimizer: Optimizer = prepared if self.settings.mixed_precision == "fp16" else optimizer
        # This process's sums since the last point of the curve.
        self.total, self.n_units = torch.zeros((), device=accelerator.device), 0
        self._since = time.perf_counter()

    def run(
        self,
        batches: Iterator[Batch],
        score: Callable[[], float],
        progress: Progress,
        after_step: Callable[["Loop"], None],
    ) -> None:
        """Train on batches up to step `n_steps`; stops at the first point of the curve where the loss is not finite.

        A gradient that is not finite makes the clipped update, and so the next loss, NaN: the loss alone is watched.
        Losses are summed on the device and read at the curve's points only, for reading one waits for the device.
        """
        outcome = self.outcome
        ends = curve_steps(self.task.n_steps, self.settings.curve_points)
        with_score = heldout_steps(ends, self.settings.curve_heldout_points)
        segments = list(zip(chain([1], (end + 1 for end in ends)), ends, strict=False))
        for first, last in segments[len(outcome.curve.step) :]:
            self._since = time.perf_counter()
            for step in range(outcome.step + 1, last + 1):
                self._train_on(next(batches), step)
                after_step(self)
            train_loss, n_units = self._mean()
            self._count_time()
            outcome.n_units += n_units
            heldout_loss = score() if last in with_score else None
            self._add_point(last, train_loss, heldout_loss)
            progress.report(last, outcome.n_units, train_loss, heldout_loss)
            if not math.isfinite(train_loss):
                outcome.diverged = f"the training loss is not finite, between steps {first} and {last}"
                break

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is done inside does not count as training time."""
        self.total.item()  # waits for the device
        self._count_time()
        yield
        self._since = time.perf_counter()

    def shared_state(self) -> Tree:
        """What all processes have in common: parameters and buffers, the optimiser, the gradient scaler of fp16."""
        scaler = self.accelerator.scaler
        return {
            "module": dict(_tensors(self.bare)),
            "optimizer": self.optimizer.state_dict(),
            "scaler": scaler.state_dict() if scaler else None,
        }

    def set_shared_state(self, state: Tree) -> None:
        """Put back what `shared_state` returned."""
        with torch.no_grad():
            for name, tensor in _tensors(self.bare):
                tensor.copy_(state["module"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.accelerator.scaler:
            self.accelerator.scaler.load_state_dict(state["scaler"])

    def own_state(self) -> Tree:
        """This process's running sums."""
        return {"total": self.total, "n_units": self.n_units}

    def set_own_state(self, state: Tree) -> None:
        """Put back what `own_state` returned."""
        self.total, self.n_units = state["total"].to(self.total.device), state["n_units"]

    def _count_time(self) -> None:
        self.outcome.seconds_training += time.perf_counter() - self._since

    def _train_on(self, batch: Batch, step: int) -> None:
        """One step of the optimiser, and its part of the sums."""
        self._set_learning_rate(step)
        value, count = self._step(batch)
        self.total += value
        self.n_units += count
        self.outcome.step = step

    def _step(self, batch: Batch) -> tuple[Tensor, int]:
        """One step of the optimiser: the summed loss before it, and the number of units."""
        device = self.accelerator.device
        if device.type != "cpu":
            batch = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        value, count = self.loss(self.module, batch)
        self.accelerator.backward(value / count)
        if self.outcome.step == 0:
            refuse_unused(self.bare)
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

    def _mean(self) -> tuple[float, int]:
        """Mean loss, and number of units, since the last point over all processes; the sums begin anew."""
        total, n_units = self.total, self.n_units
        self.total, self.n_units = torch.zeros_like(total), 0
        if self.accelerator.num_processes > 1:
            both = torch.stack([total.double(), total.new_tensor(n_units, dtype=torch.float64)])
            total, units = self.accelerator.reduce(both, reduction="sum")
            n_units = int(units)
        return float(total) / n_units, n_units

    def _add_point(self, step: int, train_loss: float, heldout_loss: float | None) -> None:
        curve = self.outcome.curve
        curve.step.append(step)
        curve.n_tokens.append(self.outcome.n_units)
        curve.train_loss.append(_finite(train_loss))
        curve.heldout_loss.append(_finite(heldout_loss))
        curve.learning_rate.append(self.optimizer.param_groups[0]["lr"])


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers by name, each once where it has several."""
    yield from module.named_parameters()
    yield from module.named_buffers()


def _finite(value: float | None) -> float | None:
    """JSON has no NaN: None stands for it."""
    return value if value is not None and math.isfinite(value) else None
