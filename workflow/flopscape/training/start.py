"""Starting a run: the Accelerator, the module, its optimiser."""

import torch
from accelerate import Accelerator
from torch import nn
from torch.optim import AdamW, Optimizer

from flopscape.errors import FlopscapeError
from flopscape.training.parts import Parts
from flopscape.training.settings import TrainingSettings


def make_accelerator(settings: TrainingSettings, processes: int) -> Accelerator:
    """An Accelerator that has the number of processes asked for.

    `accelerate launch --cpu --num_processes 2` starts a single process without a word, which would train on half
    of each batch's cost and none of its data: hence the check.
    """
    # With no device but the CPU, Accelerate must be told so, or several CPU processes look for GPUs.
    accelerator = Accelerator(mixed_precision=settings.mixed_precision, cpu=not torch.accelerator.is_available())
    if accelerator.num_processes != processes:
        raise FlopscapeError(
            f"{processes} processes were asked for and {accelerator.num_processes} started; several CPU processes "
            f"need accelerate launch --multi_gpu --num_processes {processes} --main_process_port 0"
        )
    return accelerator


def build_module(parts: Parts) -> nn.Module:
    """The module of a run, with as many parameters as its plug-in counts."""
    module = parts.model.build(parts.task.size, parts.task.seed)
    counts = parts.counts
    counted = counts.n_params_body + counts.n_params_head + counts.n_params_embedding
    built = sum(parameter.numel() for parameter in module.parameters())
    if built != counted:
        raise FlopscapeError(
            f"plugin {parts.task.spec['model']['plugin']}: counts says {counted} parameters at size {parts.task.size} "
            f"and build makes {built}; correct one of them"
        )
    return module


def make_optimizer(parts: Parts, module: nn.Module) -> Optimizer:
    """The plug-in's own optimiser, or AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101)."""
    settings, learning_rate = parts.task.settings, parts.task.learning_rate
    own = parts.model.optimizer(module, settings.as_dict() | {"learning_rate": learning_rate})
    if own is not None:
        return own
    parameters = list(module.parameters())
    betas = (settings.beta1, settings.beta2)
    fused = parameters[0].device.type in ("cpu", "cuda")
    return AdamW(parameters, lr=learning_rate, betas=betas, weight_decay=settings.weight_decay, fused=fused)
