"""Starting a run: the Accelerator, the module, its optimiser."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import nn
from torch.optim import AdamW, Optimizer

from flopscape.errors import FlopscapeError
from flopscape.training.machine import Options
from flopscape.training.microbatches import n_micro_batches
from flopscape.training.mup import rate_groups
from flopscape.training.parts import Parts
from flopscape.training.settings import TrainingSettings


def make_accelerator(settings: TrainingSettings, options: Options, static_graph: bool = False) -> Accelerator:
    """An Accelerator on the device and with the number of processes asked for.

    `accelerate launch --cpu --num_processes 2` starts a single process without a word, which would train on half
    of each batch's cost and none of its data: hence the check. `static_graph` promises that every forward pass uses the
    same parameters in the same order.
    """
    gpu = options.device != "cpu" and torch.accelerator.is_available()
    if options.device == "gpu" and not gpu:
        raise FlopscapeError("resources.device: torch finds no GPU here; mend its driver or set device: cpu")
    if settings.mixed_precision == "fp16" and not gpu:
        raise FlopscapeError("training.mixed_precision: fp16 needs a GPU and there is none; take bf16 or no")
    # With no device but the CPU, Accelerate must be told so, or several CPU processes look for GPUs.
    wrapping = DistributedDataParallelKwargs(find_unused_parameters=False, static_graph=static_graph)
    accelerator = Accelerator(mixed_precision=settings.mixed_precision, cpu=not gpu, kwargs_handlers=[wrapping])
    if accelerator.num_processes != options.processes:
        raise FlopscapeError(
            f"{options.processes} processes were asked for and {accelerator.num_processes} started; start them by "
            f"flopscape launch --processes {options.processes}"
        )
    return accelerator


def micro_batches_of(parts: Parts, options: Options) -> int:
    """How many micro-batches each process makes of its share of a batch; FlopscapeError if that is no whole number."""
    try:
        return n_micro_batches(parts.task.settings.batch_units, options.processes, options.micro_batch_units)
    except ValueError as error:
        raise FlopscapeError(f"spec: training: {error}; change one of them") from error


@contextmanager
def repeatable(wanted: bool) -> Iterator[None]:
    """Inside, torch uses only algorithms that give the same digits each time, and raises where it has none."""
    before, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    if wanted:
        # cuBLAS reads it when it starts (NVIDIA's documentation, "Results reproducibility").
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)


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
    if own is not None and settings.learning_rate_scaling == "mup":
        raise FlopscapeError("learning_rate_scaling mup sets the rates of AdamW, but this model has its own optimiser")
    if own is not None:
        return own
    fused = next(module.parameters()).device.type in ("cpu", "cuda")
    betas = (settings.beta1, settings.beta2)
    return AdamW(_groups(parts, module), lr=learning_rate, betas=betas, weight_decay=settings.weight_decay, fused=fused)


def _groups(parts: Parts, module: nn.Module) -> list[dict[str, Any]]:
    """All parameters with one rate, or under `mup` a group for each rate."""
    settings, task = parts.task.settings, parts.task
    if settings.learning_rate_scaling != "mup":
        return [{"params": list(module.parameters())}]
    widening = settings.widening(task.size)
    return rate_groups(module, parts.model, task.learning_rate, settings.weight_decay, widening)
