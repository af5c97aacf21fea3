"""The training loop, and the curve it leaves."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim import Optimizer

from flopscape.errors import FlopscapeError
from flopscape.plugins.base import LossPlugin
from flopscape.recipe.schedule import curve_steps, heldout_steps, learning_rate_factor
from flopscape.training.branches import Branch
from flopscape.training.faults import check_units, refuse_unused
from flopscape.training.logbook import Logbook
from flopscape.training.outcome import Outcome
from flopscape.training.running_means import RunningMeans
from flopscape.training.spec import Task
from flopscape.training.state import Tree

Batch = dict[str, Tensor]

EXPLODED = 1e6
"""Norm of the gradient of the mean loss, in nats per unit of a parameter, from which nothing trains on: a mean loss is
a few nats and parameters are of order 1, so that healthy norms are of order 1."""


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
        n_pieces: int = 1,
        branches: Sequence[Branch] = (),
    ) -> None:
        self.task, self.settings, self.accelerator, self.loss = task, task.settings, accelerator, loss
        self.n_pieces, self.share = n_pieces, task.settings.batch_units // accelerator.num_processes
        self.parameters = list(module.parameters())
        self.peak_rates = [group["lr"] for group in optimizer.param_groups]
        self.unwrapped, self.outcome = module, outcome
        self.module, prepared = accelerator.prepare(module, optimizer)
        # Accelerate's wrapper searches the installed packages at every step, a tenth of a tiny model's; its gradient
        # scaler, which only fp16 has, is all that a run needs of it.
        self.optimizer: Optimizer = prepared if self.settings.mixed_precision == "fp16" else optimizer
        self.sums, self.branches = RunningMeans(accelerator), list(branches)
        self._since = time.perf_counter()

    def run(
        self,
        batches: Iterator[Batch],
        score: Callable[[], float],
        logbook: Logbook,
        after_step: Callable[["Loop"], None],
    ) -> None:
        """Train on batches up to step `n_steps`; stops at the first point of the curve where loss or gradient explode.

        Both are gathered on the device and read at the curve's points only, for reading one waits for the device.
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
            train_loss, n_units, norm = self.sums.take()
            trouble = self._why_stop(train_loss, norm)
            self._count_time()
            check_units(outcome.n_units + n_units, last, self.settings.batch_units)
            heldout_loss = score() if last in with_score else None
            outcome.add_point(last, n_units, train_loss, heldout_loss, self.learning_rate)
            logbook.report(last, outcome.n_units, train_loss, heldout_loss)
            if trouble:
                outcome.diverged = f"{trouble}, between steps {first} and {last}"
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
            "module": dict(_tensors(self.unwrapped)),
            "optimizer": self.optimizer.state_dict(),
            "scaler": scaler.state_dict() if scaler else None,
        }

    def set_shared_state(self, state: Tree) -> None:
        """Put back what `shared_state` returned."""
        with torch.no_grad():
            for name, tensor in _tensors(self.unwrapped):
                tensor.copy_(state["module"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.accelerator.scaler:
            self.accelerator.scaler.load_state_dict(state["scaler"])

    def own_state(self) -> Tree:
        """The running sums of this process, and what its branches have come to."""
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
        self._make_gradient(batch)
        if self.outcome.step == 0:
            refuse_unused(self.unwrapped)
        norm = self._clipped_norm()
        for sums in self._all_sums():
            sums.see_norm(norm)
        self.optimizer.step()
        for parameter in self.parameters:
            parameter.grad = None
        self.outcome.step = step

    def _make_gradient(self, batch: Batch) -> None:
        """The gradient of the mean loss over all units of the global batch, whoever holds how many of them.

        Processes average their gradients in the last backward pass. Each divides its sums by its planned share of the
        batch; where other numbers of units were counted, as under masks, the whole is put right afterwards.
        """
        device = self.accelerator.device
        if device.type != "cpu":
            batch = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        n_units = 0
        for number, piece in enumerate(micro_batches(batch, self.n_pieces), 1):
            with nullcontext() if number == self.n_pieces else self.accelerator.no_sync(self.module):
                value, count = self.loss(self.module, piece)
                self.accelerator.backward(value / self.share)
            for sums in self._all_sums():
                sums.add(value.detach(), count)
            n_units += count
        self.accelerator.unscale_gradients(self.optimizer)
        self._rescale(n_units)

    def _rescale(self, n_units: int) -> None:
        """Have the gradient divided by the units that all processes counted, where that are not those of the plan."""
        if self.accelerator.num_processes == 1:
            if n_units in (0, self.share):
                return
            factor: float | Tensor = self.share / n_units
        else:
            # Never read on the host, which would wait for the device.
            counted = torch.tensor(float(n_units), device=self.accelerator.device)
            factor = self.settings.batch_units / self.accelerator.reduce(counted, reduction="sum").clamp(min=1)
        for gradient in self._gradients():
            gradient *= factor

    def _clipped_norm(self) -> Tensor:
        """The norm of the gradient, which is clipped to the largest allowed."""
        norm = get_total_norm(self._gradients(), foreach=True)
        if self.settings.gradient_clip is not None:
            clip_grads_with_norm_(self.parameters, self.settings.gradient_clip, norm, foreach=True)
        return norm

    def _all_sums(self) -> Iterator[RunningMeans]:
        """Those of the run, and of the branches that it still follows."""
        yield self.sums
        for branch in self.branches:
            yield branch.sums

    def _gradients(self) -> list[Tensor]:
        return [parameter.grad for parameter in self.parameters if parameter.grad is not None]

    def _set_learning_rate(self, step: int) -> None:
        settings, task = self.settings, self.task
        factor = learning_rate_factor(step, task.n_steps, task.warmup_steps, settings.decay_fraction, settings.schedule)
        for group, peak in zip(self.optimizer.param_groups, self.peak_rates, strict=True):
            group["lr"] = peak * factor

    def _why_stop(self, train_loss: float, norm: float) -> str:
        """Why training cannot go on, or nothing. All processes have the same gradient.

        Under fp16 gradients overflow now and then: the scaler leaves out such steps.
        """
        if not math.isfinite(train_loss):
            return "the training loss is not finite"
        if norm < EXPLODED or self.settings.mixed_precision == "fp16":
            return ""
        size = f"has a norm of {norm:.1e}" if math.isfinite(norm) else "is not finite"
        return f"the gradient exploded: it {size}"


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers by name, each once where it has several."""
    yield from module.named_parameters()
    yield from module.named_buffers()


def micro_batches(batch: Batch, n_pieces: int) -> list[Batch]:
    """Cut a process's share of a batch into equal pieces along its rows (windows, images).

    Raises
    ------
    FlopscapeError
        The rows cannot be shared out equally.
    """
    if n_pieces == 1:
        return [batch]
    n_rows = len(next(iter(batch.values())))
    if n_rows % n_pieces:
        raise FlopscapeError(f"{n_rows} rows cannot be cut into {n_pieces} micro-batches; raise micro_batch_units")
    pieces = {key: value.split(n_rows // n_pieces) for key, value in batch.items()}
    return [{key: values[i] for key, values in pieces.items()} for i in range(n_pieces)]
