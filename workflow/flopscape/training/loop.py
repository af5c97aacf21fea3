"""The training loop, and the curve it leaves."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from flopscape.plugins.base import LossPlugin
from flopscape.training.branches import Branch
from flopscape.training.outcome import Outcome
from flopscape.training.packing import Tree
from flopscape.training.progress import Progress
from flopscape.training.schedule import curve_steps, heldout_steps, learning_rate_factor
from flopscape.training.spec import Task
from flopscape.training.sums import Sums

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
        branches: Sequence[Branch] = (),
    ) -> None:
        self.task, self.settings, self.accelerator, self.loss = task, task.settings, accelerator, loss
        self.parameters = list(module.parameters())
        self.peak_rates = [group["lr"] for group in optimizer.param_groups]
        self.bare, self.outcome = module, outcome
        self.module, prepared = accelerator.prepare(module, optimizer)
        # Accelerate's wrapper searches the installed packages at every step, a tenth of a tiny model's; its gradient
        # scaler, which only fp16 has, is all that a run needs of it.
        self.optimizer: Optimizer = prepared if self.settings.mixed_precision == "fp16" else optimizer
        self.sums, self.branches = Sums(accelerator), list(branches)
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
            train_loss, n_units = self.sums.take()
            self._count_time()
            heldout_loss = score() if last in with_score else None
            outcome.add_point(last, n_units, train_loss, heldout_loss, self.learning_rate)
            progress.report(last, outcome.n_units, train_loss, heldout_loss)
            if not math.isfinite(train_loss):
                outcome.diverged = f"the training loss is not finite, between steps {first} and {last}"
                break

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is done inside does not count as training time."""
        self.sums.wait()
        self._count_time()
        yield
        self._since = time.perf_counter()

    @property
    def learning_rate(self) -> float:
        """Of the last step, in the optimiser's first group."""
        return float(self.optimizer.param_groups[0]["lr"])

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
        """This process's running sums, and what its branches have come to."""
        return {"sums": self.sums.state(), "branches": {b.task.n_tokens: b.state() for b in self.branches}}

    def set_own_state(self, state: Tree) -> None:
        """Put back what `own_state` returned."""
        self.sums.set_state(state["sums"])
        followed = state["branches"]
        self.branches = [branch for branch in self.branches if branch.task.n_tokens in followed]
        for branch in self.branches:
            branch.set_state(followed[branch.task.n_tokens])

    def _count_time(self) -> None:
        self.outcome.seconds_training += time.perf_counter() - self._since

    def _train_on(self, batch: Batch, step: int) -> None:
        """One step of the optimiser, and its part of the sums."""
        self._set_learning_rate(step)
        value, count = self._step(batch)
        self._count(value, count)
        self.outcome.step = step

    def _count(self, value: Tensor, count: int) -> None:
        """Add a batch to the sums of the run and of its branches."""
        self.sums.add(value, count)
        for branch in self.branches:
            branch.sums.add(value, count)

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
        factor = learning_rate_factor(step, self.task.n_steps, self.task.warmup_steps, settings.decay_fraction)
        for group, peak in zip(self.optimizer.param_groups, self.peak_rates, strict=True):
            group["lr"] = peak * factor


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers by name, each once where it has several."""
    yield from module.named_parameters()
    yield from module.named_buffers()
