"""Real training that a real cluster interrupts: time limits, cancelled jobs, kills of snakemake and of SLURM."""

import json
import os
import re
import signal
import subprocess

from tests.slurm.cluster import jobs
from tests.slurm.conftest import OnSlurm
from tests.waiting import wait_until

REAL = """
title: Real training that takes 50 ms a step and more
model: {{plugin: flopscape.plugins.gpt:GPT}}
dataset: {{plugin: flopscape.plugins.text:BibleText}}
loss: {{plugin: slow:Slow}}
training: {{heldout_units: 4096, curve_heldout_units: 1024, curve_heldout_points: 2}}
sweep:
  rows: [{{size: {{width: 32, depth: 2}}, n_tokens: {n_tokens}}}]
fits: [vpnls]
recommend: {{flops: [1.0e+12]}}
resources: {{minutes: {minutes}, memory_mb: 2000}}
"""
SLOW = '''
"""A loss that takes its time: how long a run lasts does not depend on how fast the machine is."""

import time

from flopscape.plugins.losses import NextToken


class Slow(NextToken):
    def __call__(self, module, batch):
        time.sleep(0.05)
        return super().__call__(module, batch)
'''


def real(on_slurm: OnSlurm, steps: int, minutes: int) -> OnSlurm:
    (on_slurm.folder / "slow.py").write_text(SLOW)
    return on_slurm.with_study(REAL.format(n_tokens=256 * steps, minutes=minutes))


def only_record(on_slurm: OnSlurm) -> dict:
    (path,) = on_slurm.records("mine")
    record: dict = json.loads(path.read_text())
    assert record["status"] == "completed"
    assert record["n_tokens_seen"] == record["n_tokens_planned"]
    return record


def training(on_slurm: OnSlurm, *more: str) -> subprocess.Popen[bytes]:
    """Snakemake in the background, in a session of its own, up to the records."""
    words = on_slurm.words(*more, "--until", "train_run", study="mine")
    env = os.environ | {"PYTHONPATH": str(on_slurm.folder / "workflow"), "FLOPSCAPE_CHECKPOINT_STEPS": "20"}
    with (on_slurm.folder / "snakemake.out").open("a") as out:
        return subprocess.Popen(words, cwd=on_slurm.folder, env=env, stdout=out, stderr=out, start_new_session=True)


def kill(workflow: subprocess.Popen[bytes]) -> None:
    os.killpg(workflow.pid, signal.SIGKILL)
    workflow.wait()


def running_job(on_slurm: OnSlurm) -> str:
    """Id of the job whose trainer has saved a checkpoint."""

    def saved_by() -> str:
        saved = any(on_slurm.folder.glob("results/mine/checkpoints/*/step-*"))
        ids = [line.split()[0] for line in jobs(on_slurm.folder) if line.endswith("RUNNING")]
        return ids[-1] if saved and ids else ""

    return wait_until(saved_by, "a checkpoint")


def test_a_real_training_gets_the_gpu_it_asks_for(on_slurm):
    """The GPU is a fake one: it is placed by SLURM and seen by no driver, so the run trains on the CPU and says so."""
    real(on_slurm, 100, minutes=5)
    on_slurm.on_slurm("--until", "train_run", "--set-resources", "train_run:gpu=1", study="mine")
    assert only_record(on_slurm)["hardware"]["device"] == "cpu"
    (job,) = jobs(on_slurm.folder, "%i")
    shown = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, check=True).stdout
    assert "gpu:1" in shown


def test_a_run_that_hits_its_time_limit_goes_on_in_the_next_job_which_has_more(on_slurm):
    """Its 2,000 steps sleep for 100 s: SLURM, which looks twice a minute, ends the first of its jobs after 60 to 90."""
    real(on_slurm, 2_000, minutes=1).on_slurm("--until", "train_run", study="mine")
    record = only_record(on_slurm)
    assert record["hardware"]["resumed_at_steps"]
    limits = {line.split()[1] for line in jobs(on_slurm.folder, "%i %l")}
    assert {"1:00", "2:00"} <= limits


def test_a_run_that_has_saved_itself_stops_before_its_job_ends(on_slurm):
    """Not by a signal: SLURM would send it later, and kill a checkpoint that takes more than half a minute."""
    workflow = training(real(on_slurm, 2_000, minutes=1), "--retries", "0")
    running_job(on_slurm)
    (log,) = on_slurm.folder.glob("logs/train/mine/*.log")
    wait_until(lambda: re.search(r"stopped by the end of its SLURM job after step \d", log.read_text()), "the stop")
    kill(workflow)


def test_after_a_kill_9_of_snakemake_the_run_goes_on_from_its_checkpoint(on_slurm):
    workflow = training(real(on_slurm, 400, minutes=20))
    job = running_job(on_slurm)
    kill(workflow)
    subprocess.run(["scancel", job], check=True)
    wait_until(lambda: jobs(on_slurm.folder) == [f"{job} CANCELLED"], "the job's end")
    on_slurm.on_slurm("--unlock", study="mine")
    on_slurm.on_slurm("--until", "train_run", study="mine")
    assert only_record(on_slurm)["hardware"]["resumed_at_steps"]


def test_a_cancelled_job_and_a_restarted_controller_cost_no_run(on_slurm):
    workflow = training(real(on_slurm, 400, minutes=20))
    subprocess.run(["scancel", running_job(on_slurm)], check=True)
    (log,) = on_slurm.folder.glob("logs/train/mine/*.log")
    wait_until(lambda: "resumed after" in log.read_text(), "the next job's trainer")
    on_slurm.cluster.end("slurmctld")
    on_slurm.cluster.start_controller()
    assert workflow.wait(600) == 0, (on_slurm.folder / "snakemake.out").read_text()
    assert only_record(on_slurm)["hardware"]["resumed_at_steps"]
