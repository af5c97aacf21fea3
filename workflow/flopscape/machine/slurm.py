"""What SLURM tells a job of itself: its machines, and when it will be ended. Imports no torch.

Variables of a job outlive it in shells and services that it started, so that they are never believed alone: squeue is
asked, and an end that lies before this process began is another job's.
"""

import math
import subprocess
from collections.abc import Mapping
from contextlib import suppress

import psutil

from flopscape.errors import FlopscapeError

PATIENCE_SECONDS = 10.0
"""How long a controller that does not answer may hold up a run that trains."""


def allocated(environment: Mapping[str, str]) -> tuple[int, str]:
    """Number and names of the machines of this SLURM job, the names as SLURM writes them: `gpu[07-09]`.

    Snakemake's executor keeps them from the commands of a job with `mpi`, and leaves its id; SLURM is asked then.

    Raises
    ------
    FlopscapeError
        SLURM does not answer.
    """
    if "SLURM_JOB_NODELIST" in environment:
        return int(environment.get("SLURM_NNODES", "1")), environment["SLURM_JOB_NODELIST"]
    try:
        number, nodes = _squeue("%D %N", environment).split()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise FlopscapeError(f"squeue names no machines of job {environment['SLURM_JOB_ID']} ({error})") from error
    return int(number), nodes


def job_end(environment: Mapping[str, str]) -> float:
    """When SLURM will end this job, in seconds since 1970; infinity outside jobs, or where nobody knows.

    A run saves itself before that time: the signal that SLURM sends first leaves 30 s by default, less than a large
    checkpoint takes.

    squeue is asked first, for a limit may be raised while the job runs. Newer SLURMs also tell each job at its start.
    An end before this process began is that of a job which has left its variables.
    """
    if "SLURM_JOB_ID" not in environment:
        return math.inf
    end = math.inf
    with suppress(ValueError):
        end = float(environment.get("SLURM_JOB_END_TIME", "inf"))
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        end = float(_squeue("%e", {**environment, "SLURM_TIME_FORMAT": "%s"}, PATIENCE_SECONDS))
    return end if end > psutil.Process().create_time() else math.inf


def _squeue(columns: str, environment: Mapping[str, str], patience_seconds: float | None = None) -> str:
    """What squeue says of this job; it waits for a slow controller as long as it wants, or so many seconds."""
    command = ["squeue", "--noheader", f"--jobs={environment['SLURM_JOB_ID']}", f"--format={columns}"]
    return subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, check=True, timeout=patience_seconds
    ).stdout
