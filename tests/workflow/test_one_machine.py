"""Runs on one machine share it: one run a GPU, and no more at a time than the memory holds."""

import json
import os
import sys

import pytest

STUDY = """
title: Runs that share one machine
model: {plugin: flopscape.plugins.gpt:GPT}
sweep:
  isoflop:
    budgets: [3.0e+10]
    sizes: [{width: 16, depth: 2}, {width: 24, depth: 2}, {width: 32, depth: 2}, {width: 48, depth: 2}]
fits: [vpnls]
recommend: {flops: [1.0e+12]}
"""
TIMED = '''
"""A simulated trainer that writes down when it ran, and on which GPU."""

import json
import os
import time

from flopscape.plugins.surface import Surface


class Timed(Surface):
    def train(self, spec):
        start = time.time()
        time.sleep(3)
        with open("seen.jsonl", "a") as file:
            file.write(json.dumps([start, time.time(), os.environ.get("CUDA_VISIBLE_DEVICES")]) + chr(10))
        return super().train(spec)
'''
STAND_IN = """#!{python}
# For `flopscape train`, which would look for the GPUs that are only names here.
import json, os, sys
if sys.argv[1] != "train":
    os.execv(sys.executable, [sys.executable, "-m", "flopscape", *sys.argv[1:]])
from pathlib import Path
from timed import Timed
spec = next(word for word in sys.argv if word.startswith("{{"))
Timed().train(json.loads(spec)).write(Path(sys.argv[sys.argv.index("--out") + 1]))
"""


def runs_of(checkout, study, *words, **environment):
    """Start and end of each run, and its GPU."""
    (checkout.folder / "config/studies/tiny.yaml").write_text(STUDY + study)
    (checkout.folder / "workflow/timed.py").write_text(TIMED)
    words = ("snakemake", "--cores", "4", "--until", "train_run", *words, "--config", "studies=tiny")
    done = checkout.run(*words, **environment)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (checkout.folder / "seen.jsonl").read_text().splitlines()]


def most_at_once(runs):
    """Most of the runs that went on at one time: one of them was starting then."""
    return max(sum(start <= moment < end for start, end, _ in runs) for moment, _, _ in runs)


def test_each_of_two_gpus_has_one_run_at_a_time(checkout, tmp_path):
    launcher = tmp_path / "bin/flopscape"
    launcher.parent.mkdir()
    launcher.write_text(STAND_IN.format(python=sys.executable))
    launcher.chmod(0o755)
    study = "dataset: {plugin: flopscape.plugins.text:BibleText}\nresources: {device: gpu, memory_mb: 500}"
    path = f"{launcher.parent}:{os.environ['PATH']}"
    runs = runs_of(checkout, study, PATH=path, CUDA_VISIBLE_DEVICES="0,1", TMPDIR=str(tmp_path))
    assert len(runs) == 4
    assert [most_at_once([run for run in runs if run[2] == gpu]) for gpu in ("0", "1")] == [1, 1]
    assert most_at_once(runs) == 2


def test_no_more_runs_at_a_time_than_the_memory_holds(checkout):
    study = "trainer: {plugin: timed:Timed}\nresources: {memory_mb: 400}"
    runs = runs_of(checkout, study, "--resources", "mem_mb=1000")
    assert len(runs) == 4
    assert most_at_once(runs) == 2


@pytest.mark.parametrize(
    "resources", ["{device: gpu, processes: 2, memory_mb: 1}", "{memory_mb: 1000000000}", "{threads: 4, memory_mb: 1}"]
)
def test_a_dry_run_knows_the_gpus_the_memory_and_the_cores_of_this_machine(resources, checkout):
    """Three GPUs hold one run of two; no machine has 1,000,000 GB; four cores hold one run of four threads."""
    study = f"dataset: {{plugin: flopscape.plugins.text:BibleText}}\nresources: {resources}"
    (checkout.folder / "config/studies/tiny.yaml").write_text(STUDY + study)
    words = ("snakemake", "-n", "-q", "rules", "--cores", "4", "--config", "studies=tiny")
    assert "with 1 at a time" in checkout.run(*words, CUDA_VISIBLE_DEVICES="0,1,2").stdout


def test_a_machine_without_the_gpus_asked_for_says_so_in_the_log(checkout):
    study = "dataset: {plugin: flopscape.plugins.text:BibleText}\nresources: {device: gpu, processes: 2}"
    (checkout.folder / "config/studies/tiny.yaml").write_text(STUDY + study)
    words = ("snakemake", "--until", "train_run", "--config", "studies=tiny")
    done = checkout.run(*words, CUDA_VISIBLE_DEVICES="0")
    assert done.returncode != 0
    (log, *_) = (checkout.folder / "logs/train/tiny").glob("*.log")
    assert "asks for 2 GPUs of this machine, which has 1" in log.read_text()
