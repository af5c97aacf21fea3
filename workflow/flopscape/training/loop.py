"""The training loop, and the curve it leaves.

Read from `Loop.run` down: a run is segments of steps, each of which ends in a point of the curve. In a step the rate is
set, the gradient is made from micro-batches, clipped and used. All that a step measures stays on the device until the
end of its segment, for reading a number back makes a GPU wait.
"""

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

from flopscape.plugins.base import LossPlugin
from flopscape.recipe.batch import micro_batches
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
    """Trains a module on a stream of batches; `run` goes on from wherever `outcome` is.

    Parameters
    ----------
    task : Task
        The checked spec: number of steps, recipe, rate.
    accelerator : Accelerator
        Device and processes.
    module, optimizer
        The network on its device, and the optimiser of its parameters at their peak rates.
    loss : LossPlugin
        Summed loss in nats and number of units of a batch.
    outcome : Outcome
        What the run has come to so far: nothing, or that of its checkpoint.
    n_pieces : int
        Micro-batches in which each process takes its share of a batch.
    branches : sequence of Branch
        Shorter runs whose curves this one follows.
    """

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
        # The schedule multiplies each group's own peak: under µP they differ.
        self.peak_rates = [group["lr"] for group in optimizer.param_groups]
        # The plug-in's own module is kept beside the one wrapped for several processes, which prefixes all names.
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

        Parameters
        ----------
        batches, score, logbook
            This process's share of each batch from step `outcome.step + 1` on; the held-out loss of the module as it is
            now, in nats per unit; and where each point of the curve goes as soon as it is there.
        after_step
            Called with this loop after every step: checkpoints and branches.

        Raises
        ------
        FlopscapeError
            The batches end, a parameter has no gradient, or the loss counts other units than the plan paid for.
        Interrupted
            `after_step` was told to stop.
        """
        outcome = self.outcome
        ends = curve_steps(self.task.n_steps, self.settings.curve_points)
        with_score = heldout_steps(ends, self.settings.curve_heldout_points)
        segments = list(zip(chain([1], (end + 1 for end in ends)), ends, strict=False))
        # A run that goes on from a checkpoint has some points already, and may stand in the middle of a segment, whose
        # sums up to here the checkpoint held.
        for first, last in segments[len(outcome.curve.step) :]:
            self._since = time.perf_counter()
            for step in range(outcome.step + 1, last + 1):
                self._train_on(next(batches), step)
                after_step(self)
            # The one wait for the device in this segment. Units are counted here, by what the loss said of each batch,
            # and not by the plan: D is what was trained on.
            train_loss, n_units, norm = self.sums.take()
            trouble = self._why_stop(train_loss, norm)
            self._count_time()
            check_units(outcome.n_units + n_units, last, self.settings.batch_units)
            # The clock of training stands still while the held-out set is scored: speed and price are of training.
            heldout_loss = score() if last in with_score else None
            # The log reads the curve from the outcome, which a checkpoint holds too: a point is in there first.
            outcome.add_point(last, n_units, train_loss, heldout_loss, self.learning_rate)
            logbook.report(last, outcome.n_units, train_loss, heldout_loss)
            if trouble:
                outcome.diverged = f"{trouble}, between steps {first} and {last}"
                break

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock of training within the block, for what is not training."""
        # Steps are only queued on a GPU: without this wait their time would be counted to what is done inside.
        self.sums.wait()
        self._count_time()
        yield
        self._since = time.perf_counter()

    @property
    def learning_rate(self) -> float:
        """The learning rate of the last step, in the optimiser's first group."""
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
        """Take one step of the optimiser, and add what it measured to the running sums."""
        self._set_learning_rate(step)
        self._make_gradient(batch)
        if self.outcome.step == 0:
            # The graph of every later step is the first one's, so that once is enough.
            refuse_unused(self.unwrapped)
        norm = self._clipped_norm()
        for sums in self._all_sums():
            sums.see_norm(norm)
        self.optimizer.step()
        # No gradient at all rather than zeros: the next backward pass then writes where it would have read and added.
        for parameter in self.parameters:
            parameter.grad = None
        self.outcome.step = step

    def _make_gradient(self, batch: Batch) -> None:
        """The gradient of the mean loss over all units of the global batch, whoever holds how many of them.

        Wanted is g = ∇ Σ_p L_p / Σ_p n_p, with L_p the loss that process p of P sums over its n_p units. Processes
        *average* their gradients (DistributedDataParallel divides by P), so each one backpropagates L_p / s with its
        planned share s = batch_units / P of the units:

            (1/P) Σ_p ∇ L_p / s  =  Σ_p ∇ L_p / batch_units,

        which is g where every unit of the batch was counted. Where a loss leaves units out, as under masks, `_rescale`
        multiplies by batch_units / Σ_p n_p. The sum over micro-batches needs no weight of its own: each piece adds its
        part of L_p / s to the gradient that is already there.
        """
        device = self.accelerator.device
        if device.type != "cpu":
            # The host need not wait for the copy: the device does the work in the order in which it was queued.
            batch = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        n_units = 0
        for number, piece in enumerate(micro_batches(batch, self.n_pieces), 1):
            # Only the last piece's backward pass exchanges gradients: the sum is exchanged once, not every part of it.
            with nullcontext() if number == self.n_pieces else self.accelerator.no_sync(self.module):
                value, count = self.loss(self.module, piece)
                # Accelerate multiplies by the scale of fp16 in here; below it is taken out again before anything is
                # measured or clipped.
                self.accelerator.backward(value / self.share)
            for sums in self._all_sums():
                sums.add(value.detach(), count)
            n_units += count
        self.accelerator.unscale_gradients(self.optimizer)
        self._rescale(n_units)

    def _rescale(self, n_units: int) -> None:
        """Have the gradient divided by the units that all processes counted, where that are not those of the plan."""
        if self.accelerator.num_processes == 1:
            # A batch without any unit has a zero gradient and nothing to divide by.
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
        # The norm is wanted for the record of explosions even where nothing is clipped, so it is taken apart from that.
        norm = get_total_norm(self._gradients(), foreach=True)
        if self.settings.gradient_clip is not None:
            clip_grads_with_norm_(self.parameters, self.settings.gradient_clip, norm, foreach=True)
        return norm

    def _all_sums(self) -> Iterator[RunningMeans]:
        """The running sums of the run, and those of the branches that it still follows."""
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
        # A norm that is no number fails this comparison too.
        if norm < EXPLODED or self.settings.mixed_precision == "fp16":
            return ""
        size = f"has a norm of {norm:.1e}" if math.isfinite(norm) else "is not finite"
        return f"the gradient exploded: it {size}"


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers by name, each once where it has several."""
    yield from module.named_parameters()
    yield from module.named_buffers()
