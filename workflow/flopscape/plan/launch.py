"""The command that carries out one run of a study, up to its spec. Options here never decide a result."""

import shlex
from collections.abc import Iterator, Sequence

from flopscape.config.machine import Prices, Resources, Tracking
from flopscape.config.study import Study
from flopscape.records import PlanRow


def launch_command(study: Study, prices: Prices, branches: Sequence[PlanRow] = ()) -> str:
    """Words for a shell, with the branches that the run serves.

    Simulated runs start directly, and so does the training loop in one process on CPUs. All other runs start through
    `flopscape launch`, which holds GPUs, and starts several processes by `accelerate launch` on each machine.
    """
    if study.simulated:
        return "flopscape train"
    options = [*_options(study.resources, prices), *_tracking(study.tracking)]
    if branches:
        options.append(f"--branches {','.join(str(row.n_tokens) for row in branches)}")
    return f"{_launcher(study.resources)} {' '.join(options)}"


def _tracking(tracking: Tracking) -> Iterator[str]:
    for name in tracking.trackers:
        yield f"--tracker {name}"
    if tracking.trackers and tracking.folder:
        yield f"--tracking-folder {shlex.quote(tracking.folder)}"


def _launcher(resources: Resources) -> str:
    if resources.device == "cpu" and resources.processes == 1:
        return f"flopscape train --threads {resources.threads}"
    return f"flopscape launch --machines {resources.machines} --threads {resources.threads}"


def _options(resources: Resources, prices: Prices) -> Iterator[str]:
    """The words of `flopscape train --help`."""
    gpu = resources.device == "gpu"
    usd = prices.usd_per_gpu_hour if gpu else prices.usd_per_cpu_hour * resources.threads
    peak = prices.gpu_peak_flops_per_second if gpu else prices.cpu_peak_flops_per_second
    yield f"--device {resources.device} --processes {resources.processes} --usd-per-hour {usd:g}"
    if peak is not None:
        yield f"--peak-flops {peak * (1 if gpu else resources.threads):g}"
    if resources.micro_batch_units is not None:
        yield f"--micro-batch-units {resources.micro_batch_units}"
