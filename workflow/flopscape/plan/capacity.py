"""How many runs go at a time, by cores, memory and GPUs or a cluster's jobs, and how long they take side by side.

For the wall time in a price, and for the limits that the workflow gives Snakemake, which does the scheduling.
"""

import heapq
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from flopscape.config.machine import Resources
from flopscape.machine.gpus import visible_gpus

CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Most bytes of a container: control groups of version 2 and 1."""


class Capacity(NamedTuple):
    """CPU cores of this machine or jobs of a cluster, and this machine's memory and GPUs; None on a cluster.

    Memory is in MB of 10^6 bytes, as Snakemake counts it.
    """

    slots: int
    memory_mb: int | None = None
    gpus: int | None = None

    def parallel(self, resources: Resources) -> int:
        """Runs at a time, at least one: the scarcest of cores, memory and GPUs decides.

        >>> from flopscape.config.machine import Resources
        >>> Capacity(8, memory_mb=10_000).parallel(Resources(threads=2, memory_mb=4_000))
        2
        """
        gpu = resources.device == "gpu"
        # Runs on GPUs are limited by the GPUs: each takes one slot, whatever its threads.
        fits = [self.slots // (1 if gpu else resources.threads * resources.processes)]
        if self.memory_mb is not None:
            fits.append(self.memory_mb // resources.memory_mb)
        if self.gpus is not None and gpu:
            fits.append(self.gpus // resources.processes)
        return max(1, min(fits))


def machine_limits(with_gpus: bool) -> dict[str, int]:
    """Memory in MB and, if asked for, number of GPUs of this machine, by the names of Snakemake's resources."""
    limits = {"mem_mb": _memory_bytes() // 10**6}
    return limits | ({"gpu": len(visible_gpus(os.environ))} if with_gpus else {})


def _memory_bytes() -> int:
    """Memory of this machine, or of the container in which this runs, if that has less."""
    # Without a limit version 2 writes `max`, which is no number, and version 1 a number beyond any memory.
    limits: list[int] = [psutil.virtual_memory().total]
    for path in CONTAINER_LIMITS:
        with suppress(OSError, ValueError):
            limits.append(int(Path(path).read_text(encoding="ascii")))
    return min(limits)


class Job(NamedTuple):
    """Units that one run trains itself, the seconds that takes, and the id of the run it waits for, if any."""

    run_id: str
    n_tokens: int
    seconds: float
    parent: str


def makespan(jobs: Iterable[Job], parallel: int) -> float:
    """Wall time when each free slot takes the longest run left, those first that wait for no other.

    Longest first is at most 4/3 − 1/(3m) times the shortest possible time on m slots (Graham 1969, doi
    10.1137/0117039), for runs that wait for none. `slots` is a heap of the times at which slots become free: slots[0]
    is the next.
    """
    # ends[""] = 0 is the end of what a run without a parent waits for.
    slots, ends = [0.0] * parallel, {"": 0.0}
    for job in sorted(jobs, key=lambda job: (job.parent != "", -job.seconds)):
        ends[job.run_id] = max(slots[0], ends[job.parent]) + job.seconds
        heapq.heapreplace(slots, ends[job.run_id])
    return max(ends.values())
