"""What goes wrong only once a run trains, each told in one sentence: its data, loss, model, GPU, or another process.

Each is something that torch would tell in a traceback of its own, or not at all: a stream that ends, a loss that counts
other units than were paid for, a label beyond the classes, a parameter that never learns, a GPU without memory, a
process that has gone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from flopscape.errors import FlopscapeError
from flopscape.plugins.base import LossPlugin
from flopscape.plugins.loading import class_limit

Batch = dict[str, Tensor]


def checked_batches(batches: Iterator[Batch], plugin: str, steps_done: int) -> Iterator[Batch]:
    """Pass on the training batches of a dataset, as long as each can be trained on.

    Raises
    ------
    FlopscapeError
        They end, or one is no dict of tensors with rows.
    """
    step = steps_done
    # `step` numbers a batch as the run does, also where it goes on from a checkpoint.
    for batch in batches:
        step += 1
        if not _has_rows(batch):
            raise FlopscapeError(
                f"dataset {plugin}: its training batch {step} is {_shape(batch)}, not a dict of tensors with rows; "
                f"correct its batches"
            )
        yield batch
    raise FlopscapeError(
        f"dataset {plugin}: its training batches end after step {step}; its batches must repeat the data without end"
    )


def check_units(n_units: int, n_steps: int, batch_units: int) -> None:
    """FlopscapeError where the loss counts other units than the plan paid for, by more than a batch.

    Such a run would not be the planned one, and `collect` would refuse it after it was paid.
    """
    if abs(n_units - n_steps * batch_units) > batch_units:
        raise FlopscapeError(
            f"the loss counted {n_units:,} units in {n_steps:,} steps where batch_units = {batch_units} plans "
            f"{n_steps * batch_units:,}; make the dataset's batches and the loss's count agree with it"
        )


class NamedLabels:
    """A loss that says which values a batch held when one of them was no index of the model's."""

    def __init__(self, loss: LossPlugin, model: object) -> None:
        self.loss, self.limit = loss, class_limit(model)

    def __call__(self, module: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        """Summed loss and number of units; FlopscapeError for tokens or labels out of range.

        The ranges are looked up only after the fact: looking at every batch would make a GPU wait for each of them.
        """
        try:
            return self.loss(module, batch)
        except IndexError as error:
            limit = "" if self.limit is None else f" and the model's {self.limit[0]} is {self.limit[1]}"
            raise FlopscapeError(
                f"a token or label is out of range ({error}): {', '.join(_ranges(batch))}{limit}; correct the dataset "
                f"or the model's size"
            ) from error


@contextmanager
def named_gpu_errors() -> Iterator[None]:
    """Turn what a GPU says of a bad batch, or of one too large for its memory, into a FlopscapeError.

    A GPU refuses an index after the fact, without its value; the process can then do nothing more on it.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise FlopscapeError(
            f"the GPU's memory is too small for this run; set resources.micro_batch_units, or halve it ({error})"
        ) from error
    except RuntimeError as error:
        # The words of CUDA's own error 710: the kernel's check of an index failed, and every later call repeats it.
        if "device-side assert" not in str(error):
            raise
        raise FlopscapeError(
            "the GPU refused a value of a batch: most likely a token or label is out of the model's range. With "
            "`flopscape train --device cpu` the run names it"
        ) from error


@contextmanager
def named_partings(processes: int, wait_minutes: float) -> Iterator[None]:
    """Turn what torch says where another process has gone, or does not answer, into a FlopscapeError."""
    try:
        yield
    except RuntimeError as error:
        # NCCL and the meeting itself raise kinds of DistError. gloo raises a plain RuntimeError whose text begins with
        # the path of its own source file, and so holds its name.
        by_others = isinstance(error, torch.distributed.DistError) or "gloo" in str(error)
        if processes == 1 or not by_others:
            raise
        raise FlopscapeError(
            f"another of the {processes} processes has ended, or has not answered for {wait_minutes:g} minutes "
            f"({str(error).splitlines()[0]}); its own message says why. Started again, the run goes on from its last "
            f"checkpoint"
        ) from error


def _has_rows(batch: Any) -> bool:
    if not (isinstance(batch, dict) and batch):
        return False
    return all(isinstance(value, Tensor) and value.dim() > 0 and len(value) > 0 for value in batch.values())


def _shape(batch: Any) -> str:
    if not isinstance(batch, dict):
        return f"a {type(batch).__name__}"
    inside = (f"{key}: {list(value.shape) if isinstance(value, Tensor) else value!r}" for key, value in batch.items())
    return f"{{{', '.join(inside)}}}"


def _ranges(batch: Batch) -> list[str]:
    """The span of each integer tensor of a batch."""
    integers = {key: value for key, value in batch.items() if not value.is_floating_point()}
    return [f"{key} from {int(value.min())} to {int(value.max())}" for key, value in integers.items()]


def unused_parameters(module: nn.Module) -> list[str]:
    """Names of the parameters that want a gradient and have none after a backward pass.

    A gradient of zeros is one: heads that start at zero give it to all below them.
    """
    return [name for name, value in module.named_parameters() if value.requires_grad and value.grad is None]


def refuse_unused(module: nn.Module) -> None:
    """Refuse to train on when the first backward pass left parameters out: they would count in N and learn nothing."""
    if names := unused_parameters(module):
        raise FlopscapeError(
            f"the first backward pass gives no gradient to {', '.join(names)}; use them in forward, remove them, or "
            "set requires_grad to False"
        )
