"""A lease on the checkpoints of one run: no two trainers write them. Imports no torch.

No file lock: those are not reliable on the network file systems of clusters. The lease is a file that only one process
can create and that it touches every few seconds; who finds one asks whether its holder lives:

- on this host, in this container: by its process's number *and* time of start, for numbers are used again;
- elsewhere: by the heartbeat. A holder whose file was touched while this process watched lives. One that is silent for
  longer than a network file system may hide a touch is dead.

A holder that was only stopped, for minutes, loses its lease to whoever waited. It notices at its next checkpoint,
before it writes anything, and ends (`check`).
"""

import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from flopscape.errors import FlopscapeError
from flopscape.files.outputs import write_text

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 120.0
"""Age of the heartbeat from which a holder out of sight is taken for dead: two of the longest times for which NFS
clients keep a file's attributes by default (60 s, acregmax of nfs(5))."""


class Lease:
    """The right to train one run, held by one process; see `leased`.

    `inherited_seconds` is what a dead holder had spent on this run, to within a heartbeat.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lease.json"
        self.inherited_seconds = 0.0
        self._mine = _myself()
        self._ended = threading.Event()

    def take(self) -> None:
        """Take the lease, over from a dead holder if need be; FlopscapeError where the holder lives."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Who loses the race for a dead holder's place finds a living one in the next round, and is refused.
        while not self._create():
            self._outlive_holder()
            self._remove_dead_holders()
        threading.Thread(target=self._beat, daemon=True).start()

    def note_seconds(self, seconds_before: float) -> None:
        """Write down what earlier parts of the run took, for whoever takes over; a full disk may forget it."""
        self._mine["seconds_before"] = seconds_before
        with suppress(OSError, FlopscapeError):
            # As a whole, by a rename: nobody reads half of a lease.
            write_text(self.path, json.dumps(self._mine))

    def is_held(self) -> bool:
        """False once another trainer has taken over, as it may after this process was stopped for minutes.

        A lease that cannot be read is no other's: a hiccup of a file system ends no run.
        """
        return bool(_read(self.path).get("token", self._mine["token"]) == self._mine["token"])

    def check(self) -> None:
        """FlopscapeError if the lease is no longer held: what this process would write is another's now."""
        if not self.is_held():
            raise FlopscapeError(f"{self.path}: another trainer has taken over this run, so this one stops")

    def release(self) -> None:
        """End the lease, and remove its folder and that folder's if nothing else is in them."""
        self._ended.set()
        if self.is_held():
            self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.parent.rmdir()
            self.path.parent.parent.rmdir()

    def _create(self) -> bool:
        """Create the file; False if there is one. Exclusive creation is atomic, on NFS too."""
        try:
            file = self.path.open("x", encoding="utf-8")
        except FileExistsError:
            return False
        try:
            with file:
                json.dump(self._mine, file)
        except OSError:
            self.path.unlink()  # the empty file of a full disk would pass for one that is being written
            raise
        return True

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            with suppress(OSError):
                if self.is_held():
                    os.utime(self.path)

    def _outlive_holder(self) -> None:
        """Return once the holder is known to be dead."""
        holder, heartbeat = _read(self.path), _modified(self.path)
        if _is_in_sight(holder):
            if _is_alive(holder):
                raise _refusal(self.path, holder)
            return
        # Ends when the file is gone (0.0), or was silent for so long. A touch while this process watches is a sign of
        # life.
        while (now := _modified(self.path)) and _now_there(self.path.parent) - now < STALE_SECONDS:
            if now != heartbeat:
                raise _refusal(self.path, holder)
            time.sleep(0.5)

    def _remove_dead_holders(self) -> None:
        """Remove the file by a rename, which succeeds for one of several that try.

        Between its end and now nobody wrote down what the dead holder had spent: its last heartbeat tells it.
        """
        holder, heartbeat = _read(self.path), _modified(self.path)
        # Of two that wait for one dead holder the slower may rename the lease that the faster has just made. The faster
        # then no longer holds it and ends at its next checkpoint, before it writes (`check`): two may train for a
        # while, one writes.
        aside = self.path.with_name(f"dead.{self._mine['token']}")
        with suppress(FileNotFoundError):
            os.rename(self.path, aside)
            aside.unlink()
            lived = max(0.0, heartbeat - holder.get("started", heartbeat))
            self.inherited_seconds = holder.get("seconds_before", 0.0) + lived


@contextmanager
def leased(folder: Path) -> Iterator[Lease]:
    """Hold the lease on a folder of checkpoints.

    Raises
    ------
    FlopscapeError
        Another trainer that lives holds it, or the folder cannot be written.
    """
    lease = Lease(folder)
    try:
        lease.take()
    except OSError as error:
        raise FlopscapeError(f"{lease.path}: cannot be written ({error.strerror}); free space or fix its rights") from (
            error
        )
    try:
        yield lease
    finally:
        lease.release()


def _myself() -> dict[str, Any]:
    return {
        "token": uuid.uuid4().hex,
        "host": platform.node(),
        "pid_namespace": _pid_namespace(),
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
        "seconds_before": 0.0,
    }


def _pid_namespace() -> str:
    """The PID namespace of this process, which tells containers with one host name apart; empty where none is known."""
    with suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return ""


def _is_in_sight(holder: dict[str, Any]) -> bool:
    return (holder.get("host"), holder.get("pid_namespace")) == (platform.node(), _pid_namespace())


def _is_alive(holder: dict[str, Any]) -> bool:
    """Whether a process with the holder's number, and started when it was, runs on this host."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(holder["pid"])
        # Within a second: the kernel counts a start in ticks since boot, and the time of boot is corrected now and
        # then.
        is_same: bool = abs(process.create_time() - holder["started"]) < 1
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    return False


def _refusal(path: Path, holder: dict[str, Any]) -> FlopscapeError:
    who = f"process {holder.get('pid', '?')} on {holder.get('host', 'another host')}"
    return FlopscapeError(f"{path}: {who} is training this run; wait for it or end it, then start again")


def _read(path: Path) -> dict[str, Any]:
    """What a lease says of its holder; empty where the file is gone or was only just created."""
    with suppress(OSError, ValueError):
        return dict(json.loads(path.read_text(encoding="utf-8")))
    return {}


def heartbeat_age(folder: Path) -> float | None:
    """Seconds since the trainer that holds the checkpoints in `folder` last gave a sign of life; None where none does.

    By this host's clock, for who only looks on writes nothing there. An age over `STALE_SECONDS` is a dead holder's.
    """
    touched = _modified(folder / "lease.json")
    return max(0.0, time.time() - touched) if touched else None


def _modified(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _now_there(folder: Path) -> float:
    """The time by the file system's clock, which need not be this host's."""
    probe = folder / f"clock.{os.getpid()}"
    probe.touch()
    now = probe.stat().st_mtime
    probe.unlink()
    return now
