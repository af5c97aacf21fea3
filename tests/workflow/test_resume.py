"""A trainer killed or terminated under real Snakemake goes on when Snakemake is run again."""

import argparse
import json
import shutil
from pathlib import Path

import pytest

from tests.training.conftest import MODEL

STUDY = f"""
title: A run that is ended once by a signal
model: {json.dumps(MODEL)}
dataset: {{plugin: flopscape.plugins.text:TextFile, kwargs: {{path: corpus.txt, context: 32}}}}
loss: {{plugin: fragile:Fragile}}
training: {{heldout_units: 1024, curve_heldout_points: 2, curve_points: 10}}
sweep:
  rows: [{{size: {{width: 8, depth: 1}}, n_tokens: 10240}}]
fits: [vpnls]
recommend: {{flops: [1.0e+9]}}
"""

FRAGILE = '''
"""A loss that ends its process, or all its group, in the 25th step if a file says by which signal."""

import os
import signal
from pathlib import Path

from flopscape.plugins.losses import NextToken


class Fragile(NextToken):
    steps = 0

    def __call__(self, module, batch):
        self.steps += module.training
        if self.steps == 25 and (order := Path("signal")).exists():
            number = signal.Signals[order.read_text()]
            order.unlink()
            if number == signal.SIGKILL:
                os.kill(os.getpid(), number)
            else:
                os.killpg(os.getpgid(0), number)
        return super().__call__(module, batch)
'''


@pytest.fixture
def fragile(checkout):
    (checkout.folder / "fragile.py").write_text(FRAGILE)
    shutil.copy2(Path(argparse.__file__), checkout.folder / "corpus.txt")
    (checkout.folder / "config/studies/mine.yaml").write_text(STUDY)
    return checkout


@pytest.mark.parametrize(("sign", "last_saved"), [("SIGKILL", 20), ("SIGTERM", 25), ("SIGHUP", 25)])
def test_a_trainer_ended_by_a_signal_goes_on_under_the_next_snakemake(fragile, sign, last_saved):
    """SIGTERM comes to the whole process group, as when SLURM ends a job, and SIGHUP as from a terminal that closes.

    The shell must outlive the saving, and Snakemake unlock its folder.
    """
    (fragile.folder / "signal").write_text(sign)
    words = ("setsid", "--wait", "snakemake", "--until", "train_run", "--config", "studies=mine")
    first = fragile.run(*words, FLOPSCAPE_CHECKPOINT_STEPS="10")
    assert first.returncode != 0
    assert not fragile.records("mine")
    (checkpoint,) = fragile.folder.glob("results/mine/checkpoints/*/step-*")
    assert checkpoint.name == f"step-{last_saved:08d}"
    assert (checkpoint.parent / "lease.json").exists() == (sign == "SIGKILL")
    second = fragile.run(*words)
    assert second.returncode == 0, second.stdout + second.stderr
    (path,) = fragile.records("mine")
    record = json.loads(path.read_text())
    assert record["hardware"]["resumed_at_steps"] == [last_saved]
    log = (fragile.folder / f"logs/train/mine/{record['run_id']}.log").read_text()
    assert f"resumed after step {last_saved} of 40" in log
    again = fragile.run("flopscape", "train", str(path), "--out", "again.json")
    assert again.returncode == 0, again.stderr
    undisturbed = json.loads((fragile.folder / "again.json").read_text())
    assert (record["loss"], record["curve"]) == (undisturbed["loss"], undisturbed["curve"])
    assert not (fragile.folder / "results/mine/checkpoints").exists()
