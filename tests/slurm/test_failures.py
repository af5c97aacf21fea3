"""Runs that fail on a real cluster: alone, packed into one job, out of memory."""

import re

from tests.slurm.cluster import jobs
from tests.slurm.conftest import OnSlurm

SIMULATED = """
title: Simulated, and in trouble
model: {plugin: flopscape.plugins.gpt:GPT}
trainer: {plugin: trouble:Trouble}
sweep:
  rows:
    - {size: {width: 16, depth: 2}, n_tokens: 256000}
    - {size: {width: 32, depth: 2}, n_tokens: 256000}
    - {size: {width: 48, depth: 2}, n_tokens: 256000}
fits: [vpnls]
recommend: {flops: [1.0e+12]}
resources: {memory_mb: 500}
"""
TROUBLE = '''
"""A simulated trainer that fails, or needs more memory than it was given, at one size or as the second of all."""

import time
from pathlib import Path

from flopscape.plugins.surface import Surface


class Trouble(Surface):
    def train(self, spec):
        kind = Path("trouble").read_text()
        if kind == "second":
            with Path("started").open("a+") as started:
                started.write("x")
                if started.tell() == 2:
                    raise RuntimeError("this is the second run")
        if spec["size"]["width"] == 32:
            if kind == "fail":
                raise RuntimeError("this size does not work")
            if kind == "memory":
                held = b"1" * 700_000_000
                time.sleep(10)
                del held
        return super().train(spec)
'''


def troubled(on_slurm: OnSlurm, kind: str) -> OnSlurm:
    (on_slurm.folder / "trouble.py").write_text(TROUBLE)
    (on_slurm.folder / "trouble").write_text(kind)
    return on_slurm.with_study(SIMULATED)


def test_a_run_that_fails_is_named_and_the_others_are_kept(on_slurm):
    done = troubled(on_slurm, "fail").run(*on_slurm.words("--retries", "0", study="mine"))
    assert done.returncode != 0
    assert "train_run" in done.stderr
    assert re.search(r"logs/train/mine/[0-9a-f]{12}\.log", done.stderr)
    finished = on_slurm.records("mine")
    assert len(finished) == 2
    times = [path.stat().st_mtime_ns for path in finished]
    (on_slurm.folder / "trouble").write_text("none")
    on_slurm.on_slurm("--until", "collect_runs", study="mine")
    assert len(on_slurm.records("mine")) == 3
    assert [path.stat().st_mtime_ns for path in finished] == times


def test_runs_packed_into_one_job_that_fails_at_the_second_keep_the_record_of_the_first(on_slurm):
    packed = ("--groups", "train_run=runs", "--group-components", "runs=3", "--keep-incomplete", "--cores", "1")
    done = troubled(on_slurm, "second").run(*on_slurm.words(*packed, "--retries", "0", study="mine"))
    assert done.returncode != 0
    assert len(jobs(on_slurm.folder)) == 1
    (finished,) = on_slurm.records("mine")
    time_before = finished.stat().st_mtime_ns
    on_slurm.on_slurm(*packed, "--until", "collect_runs", study="mine")
    assert len(on_slurm.records("mine")) == 3
    assert finished.stat().st_mtime_ns == time_before


def test_a_run_that_ran_out_of_memory_gets_more_at_its_next_attempt(on_slurm, queue_log):
    troubled(on_slurm, "memory").on_slurm("--until", "train_run", study="mine")
    assert len(on_slurm.records("mine")) == 3
    asked = {line.split()[5] for line in queue_log if "train_run" in line}
    assert {"500M", "1000M"} <= asked
