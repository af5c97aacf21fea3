"""What all processes say of themselves at the end of a run: that they hold one model, and how much memory they took."""

import hashlib
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn

from flopscape.errors import FlopscapeError
from flopscape.training.machine import peak_memory_mb


class Agreement(NamedTuple):
    """The SHA-256 of the trained parameters, empty where one process has no other to compare with; and peak memory."""

    parameters_sha256: str
    memory: dict[str, float]


def agree(module: nn.Module, accelerator: Accelerator) -> Agreement:
    """Compare the parameters of all processes, bit by bit; memory is that of the process that took most.

    Raises
    ------
    FlopscapeError
        The processes ended with different parameters: the run trained several models and none of them as planned.
    """
    memory = peak_memory_mb(accelerator.device)
    if accelerator.num_processes == 1:
        return Agreement("", memory)
    states: list[Any] = gather_object([(parameters_hash(module), memory)])
    hashes = [state[0] for state in states]
    if odd := [rank for rank, value in enumerate(hashes) if value != hashes[0]]:
        raise FlopscapeError(
            f"the parameters of process {odd[0]} differ from those of process 0 at the end of the run; no record is "
            f"written. Look for what changes parameters in one process only, in the model, its optimiser or the loss"
        )
    return Agreement(hashes[0], {name: max(state[1][name] for state in states) for name in memory})


def parameters_hash(module: nn.Module) -> str:
    """SHA-256 of all parameters, in their order."""
    digest = hashlib.sha256()
    for parameter in module.parameters():
        digest.update(parameter.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
