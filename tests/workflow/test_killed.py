"""Snakemake is killed; its trainers live on. What they finish is kept."""

import os
import signal
import subprocess

from tests.waiting import wait_until

STUDY = """
title: Simulated, slowly
model: {plugin: flopscape.plugins.gpt:GPT}
trainer: {plugin: slow:Slow}
sweep: {rows: [{size: {width: 16, depth: 2}, n_tokens: 256000}]}
fits: [vpnls]
recommend: {flops: [1.0e+12]}
"""
SLOW = """
import time
from pathlib import Path

from flopscape.plugins.surface import Surface


class Slow(Surface):
    def train(self, spec):
        Path("started").touch()
        while not Path("go-on").exists():
            time.sleep(0.1)
        return super().train(spec)
"""


def test_a_run_that_outlived_a_killed_snakemake_is_not_paid_for_again(checkout):
    (checkout.folder / "slow.py").write_text(SLOW)
    (checkout.folder / "config/studies/mine.yaml").write_text(STUDY)
    words = ["snakemake", "--until", "train_run", "--config", "studies=mine"]
    env = os.environ | {"PYTHONPATH": str(checkout.folder / "workflow")}
    with (checkout.folder / "out").open("w") as out:
        workflow = subprocess.Popen(words, cwd=checkout.folder, env=env, stdout=out, stderr=out)
    wait_until((checkout.folder / "started").exists, "the trainer", seconds=120)
    os.kill(workflow.pid, signal.SIGKILL)
    workflow.wait()
    (checkout.folder / "go-on").touch()
    wait_until(lambda: checkout.records("mine"), "the record", seconds=120)
    assert list((checkout.folder / ".snakemake/incomplete").iterdir())
    checkout.snakemake("--unlock", studies="mine")
    assert "0 of 1" in checkout.snakemake("-n", studies="mine")
