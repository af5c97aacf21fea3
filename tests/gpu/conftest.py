"""Runs on a GPU, each in a process of its own: after a refused index a process can do nothing more on it."""

import json
import os
import subprocess
import sys

import pytest

from flopscape.records.run_record import RunRecord
from tests.training.conftest import LOSS, MODEL
from tests.training.conftest import text as text
from tests.workflow.conftest import checkout as checkout

STEPS = 200


@pytest.fixture
def words(text, tmp_path):
    """The command that trains a GPT for 200 steps, by default of width 64; its record is run.json."""

    def make(width=64, loss=LOSS, **training):
        settings = {"batch_units": 1024, "heldout_units": 4096, "curve_heldout_points": 0} | training
        spec = {"model": MODEL, "size": {"width": width, "depth": 2}, "dataset": text[1], "loss": loss}
        spec |= {"n_tokens": STEPS * settings["batch_units"], "seed": 0, "recipe": 1, "training": settings}
        files = ["--out", str(tmp_path / "run.json"), "--data", str(text[0])]
        return [sys.executable, "-m", "flopscape", "train", json.dumps(spec), *files]

    return make


@pytest.fixture
def trained(words, tmp_path):
    """Train with more options of the command; the record, or where there is none what was said on standard error."""

    def run(*options, device="gpu", **changes):
        (tmp_path / "run.json").unlink(missing_ok=True)
        command = [*words(**changes), "--device", device, *options]
        environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.stderr if done.returncode else RunRecord.read(tmp_path / "run.json")

    return run
