"""Snakemake and its jobs are killed at random points of the quick study, again and again: nothing is lost or wrong.

FLOPSCAPE_FAULT_KILLS sets the number of kills, 50 when unset.
"""

import os
import random
import signal
import subprocess
import time

import psutil

from tests.outcomes import differences, outcome
from tests.workflow.conftest import copy_checkout

N_KILLS = int(os.environ.get("FLOPSCAPE_FAULT_KILLS", "50"))
LONGEST_WAIT = 8.0
"""Seconds from the start of snakemake to a kill, at most: its start alone takes two or three."""


def start(checkout):
    env = os.environ | {"PYTHONPATH": str(checkout.folder / "workflow")}
    with (checkout.folder / "out").open("a") as out:
        words = ["snakemake", "--config", "studies=quick"]
        return subprocess.Popen(words, cwd=checkout.folder, env=env, stdout=out, stderr=out, start_new_session=True)


def kill(workflow, rng):
    """End by SIGKILL either snakemake alone, or it with all its jobs, or one of its jobs' processes."""
    jobs = psutil.Process(workflow.pid).children(recursive=True)
    kind = rng.choice(["alone", "all", "job"])
    if kind == "job" and jobs:
        rng.choice(jobs).kill()
        return "job"
    for process in jobs if kind == "all" else []:
        process.kill()
    os.kill(workflow.pid, signal.SIGKILL)
    workflow.wait()
    return kind


def finish_or_be_killed(checkout, rng):
    """One start of snakemake: how it was killed, or None where it ended first."""
    workflow = start(checkout)
    deadline = time.monotonic() + rng.uniform(0.5, LONGEST_WAIT)
    while time.monotonic() < deadline:
        if workflow.poll() is not None:
            return None
        time.sleep(0.05)
    try:
        kind = kill(workflow, rng)
    except psutil.NoSuchProcess:
        return None
    workflow.wait()
    return kind


def test_after_any_kill_the_next_snakemake_comes_to_the_same_tables(tmp_path, expected, capsys):
    rng, n_kills, n_rounds = random.Random(0), 0, 0
    while n_kills < N_KILLS:
        n_rounds += 1
        checkout = copy_checkout(tmp_path / str(n_rounds))
        while not (checkout.folder / "results/quick/report.html").exists() and n_kills < N_KILLS:
            n_kills += finish_or_be_killed(checkout, rng) is not None
            checkout.snakemake("--unlock", studies="quick")
        checkout.snakemake(studies="quick")
        assert differences(expected, outcome(checkout.folder, "quick")) == []
    with capsys.disabled():
        print(f"\n{n_kills} kills survived in {n_rounds} rounds, 0 differences")
