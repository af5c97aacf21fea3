"""What runs ask of the machine and what they cost; nothing here is part of a run's identity."""

import math
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from flopscape.config.model import Model, NotNegative, Positive, PositiveInt


def _minutes(value: Any) -> Any:
    """Hours, minutes and seconds, which YAML 1.1 took for a number of base 60, are answered with the minutes."""
    if isinstance(value, str) and (clock := re.fullmatch(r"(\d+):(\d\d):(\d\d)", value, re.ASCII)):
        hours, minutes, seconds = map(int, clock.groups())
        raise ValueError(f"{value!r} is not a number: write {math.ceil(hours * 60 + minutes + seconds / 60)}")
    return value


class Resources(Model):
    """What one run asks of the machine. Never part of a run's identity."""

    device: Literal["cpu", "gpu"] = "cpu"
    """Where runs train."""
    processes: PositiveInt = 1
    """Processes of one run: GPUs, or CPU processes, on all its machines together."""
    machines: PositiveInt = 1
    """Machines of one run; more than 1 in a SLURM job, or with MASTER_ADDR, MASTER_PORT and NODE_RANK set on each."""
    threads: PositiveInt = 1
    """CPU threads of one process."""
    micro_batch_units: PositiveInt | None = None
    """Most units that a process takes at once, for its memory; its whole share of a batch when left out."""
    memory_mb: PositiveInt = 2000
    """Memory of one run in MB."""
    minutes: Annotated[PositiveInt, BeforeValidator(_minutes)] = 60
    """Time limit of one run on a cluster, in minutes."""

    @model_validator(mode="after")
    def machines_are_alike(self) -> Self:
        """Every machine has as many processes."""
        if self.processes % self.machines:
            raise ValueError(f"processes is {self.processes}, not a multiple of machines = {self.machines}")
        return self


class Tracking(Model):
    """Where runs are logged besides their own files. Never part of a run's identity."""

    trackers: list[Literal["tensorboard", "mlflow", "wandb"]] = []
    """Any of tensorboard, mlflow (a file store) and wandb (offline); they need the extra `trackers`."""
    folder: str | None = None
    """Folder of their files; results/{study}/trackers when left out."""


class Limits(Model):
    """A study that would cost more refuses to start."""

    max_gpu_hours: NotNegative | None = None
    """Most GPU-hours for the whole study, finished runs included."""
    max_usd: NotNegative | None = None
    """Most money for the whole study, finished runs included."""


class Prices(Model):
    """What compute costs, and how fast it is before the first run has been timed."""

    usd_per_cpu_hour: NotNegative = 0.05
    """Price of one CPU core for an hour, in US dollars."""
    usd_per_gpu_hour: NotNegative = 2.0
    """Price of one GPU for an hour, in US dollars."""
    cpu_flops_per_second: Positive = 2e10
    """Training FLOP/s of one CPU process."""
    gpu_flops_per_second: Positive = 2e14
    """Training FLOP/s of one GPU."""
    cpu_peak_flops_per_second: Positive | None = None
    """Peak FLOP/s of one CPU thread, against which runs state their MFU; none is stated when left out."""
    gpu_peak_flops_per_second: Positive | None = None
    """Peak FLOP/s of one GPU in the precision that is trained in, for the MFU."""
    startup_seconds: NotNegative = 8
    """Time a run takes besides training."""
