"""A cluster for the session, and checkouts whose workflow runs on it."""

import tempfile
import threading
from collections.abc import Iterator
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

    def on_slurm(self, *more: str, study: str) -> str:
        """Run a study's workflow on the cluster; a failure is the test's. Standard output and error together."""
        done = self.run(*self.words(*more, study=study))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if reason := why_not():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="slurm", dir="/tmp") as folder:
        started = Cluster(Path(folder))
        try:
            try:
                started.start()
            except OSError as error:  # TimeoutError is one
                pytest.skip(f"no cluster can be started on this machine: {error}")
            yield started
        finally:
            started.stop()


@pytest.fixture
def on_slurm(cluster: Cluster, tmp_path: Path) -> OnSlurm:
    return OnSlurm(copy_checkout(tmp_path).folder, cluster)


@pytest.fixture
def queue_log(cluster: Cluster) -> Iterator[list[str]]:
    """What squeue shows, every second while the test runs."""
    seen: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1):
            seen.extend(jobs("%i %k %T %M %C %m %l %b"))

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    over.set()
    thread.join()
