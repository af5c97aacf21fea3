"""One cluster for all tests that run at a time, and checkouts whose workflow runs on it."""

import fcntl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, jobs, why_not
from tests.workflow.conftest import Checkout, copy_checkout

# No accounting runs behind sacct; short waits, for the file system is local and the runs take seconds.
HERE = (
    "--slurm-status-command",
    "squeue",
    "--slurm-no-account",
    "--slurm-init-seconds-before-status-checks",
    "3",
    "--latency-wait",
    "5",
    "--local-cores",
    "2",
)


@dataclass(frozen=True)
class OnSlurm(Checkout):
    """A checkout, the words that run its workflow on the cluster, and the cluster."""

    cluster: Cluster

    def words(self, *more: str, study: str) -> tuple[str, ...]:
        return ("snakemake", "--profile", "slurm", *HERE, *more, "--config", f"studies={study}")

    def with_study(self, text: str) -> "OnSlurm":
        """A study `mine`, in a partition whose queue the whole studies that run beside it do not fill."""
        self.edit("profiles/slurm/config.yaml", 'slurm_partition: "main"  ', 'slurm_partition: "other"')
        (self.folder / "config/studies/mine.yaml").write_text(text)
        return self

    def on_slurm(self, *more: str, study: str) -> str:
        """Run a study's workflow on the cluster; a failure is the test's. Standard output and error together."""
        done = self.run(*self.words(*more, study=study))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def cluster(testrun_uid: str) -> Iterator[Cluster]:
    """Started by the first of the processes that run the tests, and stopped by the last to let go of `users`."""
    if reason := why_not():
        pytest.skip(reason)
    shared = Cluster(Path(f"/tmp/slurm-{testrun_uid[:8]}"))
    shared.base.mkdir(exist_ok=True)
    with (shared.base / "starting").open("w") as starting, (shared.base / "users").open("w") as users:
        fcntl.flock(starting, fcntl.LOCK_EX)
        try:
            if not (shared.base / "slurm.conf").exists():
                shared.start()
        except (OSError, subprocess.SubprocessError) as error:  # TimeoutError is an OSError
            shared.stop()
            pytest.skip(f"no cluster can be started on this machine: {error}")
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield shared
        with suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shared.stop()


@pytest.fixture
def on_slurm(cluster: Cluster, tmp_path: Path) -> OnSlurm:
    return OnSlurm(copy_checkout(tmp_path).folder, cluster)


@pytest.fixture
def queue_log(on_slurm: OnSlurm) -> Iterator[list[str]]:
    """What squeue shows of the checkout's jobs, every second while the test runs."""
    seen: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1):
            seen.extend(jobs(on_slurm.folder, "%i %k %T %M %C %m %l"))

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    over.set()
    thread.join()
