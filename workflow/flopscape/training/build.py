"""What a run is started with: the Accelerator, torch's settings, and the module.

All is set explicitly, from the run's spec and its options. Accelerate and torch would read much of it from the
environment, or guess: `machine/environment.py` sets that aside, and the record keeps what was in force.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, GradientAccumulationPlugin, InitProcessGroupKwargs
from torch import nn

from flopscape.errors import FlopscapeError
from flopscape.machine.measured import Options
from flopscape.recipe.batch import n_micro_batches
from flopscape.recipe.settings import TrainingSettings
from flopscape.training.components import Parts

WAIT_MINUTES = 10.0
"""How long a process waits for the others, at the start and in each exchange: torch's own limit on GPUs. Importing
torch from a cold network disk, and writing a large checkpoint, take minutes; a job lasts for hours."""


def make_accelerator(settings: TrainingSettings, options: Options, static_graph: bool = False) -> Accelerator:
    """An Accelerator on the device and with the number of processes asked for, and no setting but these.

    `accelerate launch --cpu --num_processes 2` starts a single process without a word, which would train on half
    of each batch's cost and none of its data: hence the check.

    Parameters
    ----------
    settings : TrainingSettings
        For its precision.
    options : Options
        Device and number of processes. They meet by NCCL on GPUs and by gloo on CPUs.
    static_graph : bool
        Promise that every forward pass uses the same parameters in the same order, which spares
        DistributedDataParallel the search for them in each step.

    Raises
    ------
    FlopscapeError
        There is no GPU where one is asked for or needed, the processes did not meet in time, or another number of them
        started.
    """
    # Without a device in the options (None) a GPU is taken where there is one, and its absence is no fault.
    gpu = options.device != "cpu" and torch.accelerator.is_available()
    if options.device == "gpu" and not gpu:
        raise FlopscapeError("resources.device: torch finds no GPU here; mend its driver or set device: cpu")
    if settings.mixed_precision == "fp16" and not gpu:
        raise FlopscapeError("training.mixed_precision: fp16 needs a GPU and there is none; take bf16 or no")
    try:
        accelerator = _explicit_accelerator(settings.mixed_precision, gpu, static_graph)
    except RuntimeError as error:
        if options.processes == 1:
            raise
        place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise FlopscapeError(
            f"the {options.processes} processes did not meet at {place} within {WAIT_MINUTES:g} minutes "
            f"({str(error).splitlines()[0]}); start all of them by flopscape launch --processes {options.processes}"
        ) from error
    if accelerator.num_processes != options.processes:
        raise FlopscapeError(
            f"{options.processes} processes were asked for and {accelerator.num_processes} started; start them by "
            f"flopscape launch --processes {options.processes}"
        )
    return accelerator


def _explicit_accelerator(mixed_precision: str, gpu: bool, static_graph: bool) -> Accelerator:
    """Accelerate with every setting that it would otherwise look for."""
    handlers = [
        DistributedDataParallelKwargs(find_unused_parameters=False, static_graph=static_graph),
        InitProcessGroupKwargs(timeout=timedelta(minutes=WAIT_MINUTES)),
    ]
    # With no device but the CPU, Accelerate must be told so, or several CPU processes look for GPUs. A number of
    # accumulation steps alone would give way to the environment's.
    return Accelerator(
        mixed_precision=mixed_precision,
        cpu=not gpu,
        kwargs_handlers=handlers,
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        dynamo_backend="no",
    )


def micro_batches_of(parts: Parts, options: Options) -> int:
    """How many micro-batches each process makes of its share of a batch; FlopscapeError if that is no whole number."""
    try:
        return n_micro_batches(parts.task.settings.batch_units, options.processes, options.micro_batch_units)
    except ValueError as error:
        raise FlopscapeError(f"spec: training: {error}; change one of them") from error


@contextmanager
def repeatable(deterministic: bool, threads: int) -> Iterator[None]:
    """Let torch compute in so many threads within the block.

    If `deterministic`, it uses only algorithms that give the same digits each time, and raises where it has none.
    """
    # All of this is put back at the end: tests and notebooks train several runs in one process.
    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads)
    before, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    if deterministic:
        # With several streams cuBLAS chooses its algorithm by the workspace that is free, so that sums differ from run
        # to run; with one of a fixed size it does not. It reads the variable when it starts (NVIDIA's documentation,
        # "Results reproducibility").
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        torch.set_num_threads(threads_before)
        if deterministic:
            os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)


def build_module(parts: Parts) -> nn.Module:
    """The module of a run, with as many parameters as its plug-in counts."""
    module = parts.model.build(parts.task.size, parts.task.seed)
    counts = parts.counts
    # N of the plan, of the FLOPs and of every fit is the plug-in's count, made without building anything: here is the
    # one place where a module exists that it can be compared with.
    counted = counts.n_params_body + counts.n_params_head + counts.n_params_embedding
    built = sum(parameter.numel() for parameter in module.parameters())
    if built != counted:
        raise FlopscapeError(
            f"plugin {parts.task.spec['model']['plugin']}: counts says {counted} parameters at size {parts.task.size} "
            f"and build makes {built}; correct one of them"
        )
    return module
