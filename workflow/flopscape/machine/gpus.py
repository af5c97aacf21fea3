"""The GPUs of one machine, each for one run at a time. Imports no torch.

A run holds its GPUs by file locks, which end with the last process that holds them, killed or not. Their folder is on
the machine's own disk, where flock is reliable. A SLURM job has GPUs of its own, numbered from 0 in every job, and so
locks of its own.
"""

import fcntl
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from flopscape.errors import FlopscapeError

HELD = "FLOPSCAPE_GPU_LOCKS"
"""Environment variable by which a launcher tells its trainers which locks they hold with it."""


def visible_gpus(environment: Mapping[str, str]) -> list[str]:
    """Names of the GPUs that a run may use: of CUDA_VISIBLE_DEVICES, or of all that nvidia-smi lists.

    As for CUDA, names after a -1 do not count.
    """
    listed = environment.get("CUDA_VISIBLE_DEVICES")
    names = _nvidia_smi() if listed is None else [name.strip() for name in listed.split(",")]
    # Up to the first that is no GPU; CUDA ignores whatever follows it.
    return names[: next((i for i, name in enumerate(names) if name in ("", "-1", "NoDevFiles")), None)]


def claim_gpus(number: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Hold so many GPUs, once they are free, until this process and all that `share_claim` have ended.

    All or none: two runs that each held one of two GPUs and waited for the other's would wait for ever.

    Returns
    -------
    dict
        CUDA_VISIBLE_DEVICES and what `share_claim` reads, for the environment of what is started now.

    Raises
    ------
    FlopscapeError
        This machine does not have so many.
    """
    names = visible_gpus(environment)
    if len(names) < number:
        raise FlopscapeError(
            f"resources: the run asks for {number} GPUs of this machine, which has {len(names) or 'none'} (by "
            f"CUDA_VISIBLE_DEVICES or nvidia-smi); lower resources.processes, or set resources.device to cpu"
        )
    folder = _folder(environment)
    waits = False
    # Asked for once a second, and not waited for in flock: which GPU will be free first is not known.
    while len(held := _claim_free(folder, names, number)) < number:
        if not waits:
            print(f"waiting: of {len(names)} GPUs fewer than {number} are free", file=sys.stderr, flush=True)
        waits = True
        time.sleep(1)
    return {"CUDA_VISIBLE_DEVICES": ",".join(held), HELD: ":".join(str(_lock(folder, name)) for name in held)}


def share_claim(environment: Mapping[str, str]) -> None:
    """Hold the launcher's GPUs in this process too: its launcher may be killed before it. Files that went hold none."""
    for path in filter(None, environment.get(HELD, "").split(":")):
        with suppress(OSError):
            # The file stays open, and the lock with it, until this process ends.
            fcntl.flock(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_SH)


def _claim_free(folder: Path, names: list[str], number: int) -> list[str]:
    """Names of GPUs held from now on, or none if there are too few."""
    with _alone(folder):
        # A GPU is free if nobody holds its lock: whoever gets it exclusively is alone with it for the moment, and goes
        # on with a shared one, which its trainers can hold too and which no third process gets past.
        files = {name: os.open(_lock(folder, name), os.O_RDWR | os.O_CREAT, 0o600) for name in names}
        free = [name for name, file in files.items() if _is_free(file)][:number]
        held = free if len(free) == number else []
        for name in held:
            fcntl.flock(files[name], fcntl.LOCK_SH)
            # Files stay open through exec, by which this process becomes the trainer or its launcher, and so does the
            # lock.
            os.set_inheritable(files[name], True)
        for name in set(names) - set(held):
            os.close(files[name])
    return held


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One claim at a time: turning an exclusive lock into a shared one gives it up for a moment."""
    file = os.open(folder / "claim", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _is_free(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _folder(environment: Mapping[str, str]) -> Path:
    """The folder of the locks: one for each user, and inside SLURM one for each job."""
    job = re.sub(r"\W", "_", environment.get("SLURM_JOB_ID", ""))
    folder = Path(tempfile.gettempdir()) / f"flopscape-gpus-{os.getuid()}{job and '-'}{job}"
    # The place is known to all, so that another user could have made it first: with a link there, files of ours would
    # be made where it points.
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise FlopscapeError(f"{folder}: belongs to another user; set TMPDIR to a folder of your own on this machine")
    return folder


def _lock(folder: Path, name: str) -> Path:
    return folder / re.sub(r"[^A-Za-z0-9-]", "_", name)


def _nvidia_smi() -> list[str]:
    """Without nvidia-smi one GPU, of another maker, is taken to be there: torch finds it or says that it does not."""
    try:
        command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    except OSError:
        return ["0"]
    except subprocess.CalledProcessError:
        return []
