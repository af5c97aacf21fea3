"""What a run ran on, how long it took and what that cost: all of a record that is the machine's and not the result's.

Importing this imports no torch, for simulated runs have records too.
"""

import os
import platform
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

PACKAGES = ("flopscape", "torch", "accelerate", "numpy")


@dataclass(frozen=True)
class Options:
    """What the caller says of the machine and of where to log; none of it changes a result.

    `device` is cpu or gpu, None for a GPU if there is one. `usd_per_hour` is the price of one process for an hour and
    `peak_flops` the peak FLOP/s of one process. `micro_batch_units` is the most that a process takes at once, None its
    whole share of a batch. `trackers` are some of those in training/trackers.py, with their files in `tracking_folder`.
    `branches` are the units of shorter runs to leave checkpoints for. `threads` are those of a process. `set_aside` are
    names of variables of the environment, for the record.
    """

    device: str | None = None
    processes: int = 1
    usd_per_hour: float | None = None
    peak_flops: float | None = None
    micro_batch_units: int | None = None
    trackers: tuple[str, ...] = ()
    tracking_folder: Path | None = None
    branches: tuple[int, ...] = ()
    threads: int = 1
    set_aside: tuple[str, ...] = ()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    from importlib.metadata import version  # takes longer than all else here, and no simulated run needs it

    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def hardware(accelerator: "Accelerator") -> dict[str, Any]:
    """Host, device, number of processes and threads of each."""
    import torch

    device = accelerator.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _cpu_name()
    return {
        "host": platform.node(),
        "device": device.type,
        "device_name": name,
        "processes": accelerator.num_processes,
        "threads": torch.get_num_threads(),
    }


def in_force(accelerator: "Accelerator", compiled: bool, options: Options) -> dict[str, Any]:
    """What Accelerate and torch really used, whoever set it; to be asked while the run trains."""
    import torch

    state = accelerator.state
    facts: dict[str, Any] = {
        "mixed_precision": accelerator.mixed_precision,
        "accumulation_steps": accelerator.gradient_accumulation_steps,
        "compile": compiled,
        "dynamo_backend": state.dynamo_plugin.backend.value.lower(),
        "distributed_type": accelerator.distributed_type.value,
        "backend": state.backend,
        "processes": accelerator.num_processes,
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "environment_set_aside": list(options.set_aside),
    }
    if accelerator.device.type == "cuda":
        facts |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
        facts["cudnn_allow_tf32"] = torch.backends.cudnn.allow_tf32
    return facts


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def peak_memory_mb(device: "torch.device") -> dict[str, float]:
    """Most memory that this process has held so far, in 10^6 bytes: on the host, and on its GPU if it has one."""
    import torch

    # The kernel counts kilobytes of 1024 bytes; macOS counts bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = {"peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6}
    if device.type == "cuda":
        peak["peak_device_memory_mb"] = torch.cuda.max_memory_allocated(device) / 1e6
    return peak


def seconds_since_start() -> float:
    """Wall time since this process started, imports included."""
    import psutil

    started: float = psutil.Process(os.getpid()).create_time()
    return time.time() - started


def cost(seconds: float, threads: int, device: str, options: Options) -> dict[str, float | None]:
    """Hours held, used or not, by all processes: of CPU cores, of GPUs, and their price if one was given.

    Parameters
    ----------
    seconds : float
        From the start of the process to the end of the run.
    threads : int
        CPU threads of each process.
    device : str
        Type of torch's device: `cpu`, `cuda`.
    options : Options
        Number of processes, and the price of one for an hour.

    Examples
    --------
    >>> cost(1800, threads=2, device="cpu", options=Options(processes=2, usd_per_hour=0.1))
    {'cpu_hours': 2.0, 'gpu_hours': 0.0, 'usd': 0.1}
    """
    # Held, not used: a core that waits for the disk is paid for too.
    hours = seconds / 3600 * options.processes
    return {
        "cpu_hours": hours * threads,
        "gpu_hours": hours if device != "cpu" else 0.0,
        "usd": None if options.usd_per_hour is None else hours * options.usd_per_hour,
    }
