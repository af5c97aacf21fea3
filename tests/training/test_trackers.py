"""What is logged while a run trains: read back with the trackers' own readers, equal to the record's curve."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flopscape.records import RunRecord
from flopscape.training.machine import Options
from flopscape.training.run import train

BOTH = ("tensorboard", "mlflow")
COLUMNS = ("n_tokens", "flops", "train_loss", "heldout_loss", "learning_rate")

NOISY = """
import os
import random
import signal

import numpy as np

from flopscape.plugins.losses import NextToken


class Noisy(NextToken):
    def __init__(self):
        random.seed(1)
        np.random.seed(2)
        self.steps, self.last = 0, int(os.environ.get("KILL_AT", 0))

    def __call__(self, module, batch):
        self.steps += module.training
        if module.training and self.steps == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        value, count = super().__call__(module, batch)
        return value * (1 + 0.1 * (random.random() + np.random.random())), count
"""


@pytest.fixture
def spec(make_spec, users_module, tmp_path):
    """A run whose loss draws from Python's and numpy's generators; the working directory is the study's folder."""
    users_module("noisy", NOISY)
    return make_spec(loss={"plugin": "noisy:Noisy"})


def carry_out(spec, text, out="runs/run.json", trackers=()):
    train(spec, out, text[0], Options(trackers=trackers))
    return RunRecord.read(out)


def journal(path="runs/run.jsonl"):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def assert_journal_is_curve(record, path="runs/run.jsonl"):
    columns = {name: [point[name] for point in journal(path)] for name in vars(record.curve)}
    assert columns == vars(record.curve)


def logged(record, name):
    """(step, value) of a column of the curve, where it has one."""
    pairs = zip(record.curve.step, getattr(record.curve, name), strict=True)
    return [(step, value) for step, value in pairs if value is not None]


def read_tensorboard(run_id):
    """(step, value) by tag, and the hyper-parameters' names."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(f"trackers/tensorboard/{run_id}", size_guidance={"scalars": 0})
    reader.Reload()
    return {tag: [(e.step, e.value) for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def read_mlflow():
    """Runs of the experiment named after the study's folder, and (step, value) by run id and metric."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=Path("trackers/mlflow").resolve().as_uri())
    experiment = client.get_experiment_by_name(Path.cwd().name)
    runs = client.search_runs([experiment.experiment_id])
    histories = {
        run.info.run_name: {
            name: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]
            for name in run.data.metrics
        }
        for run in runs
    }
    return runs, histories


def assert_trackers_have_the_run(record):
    """Every tracker has each point of the curve once. TensorBoard keeps 32 bits of a number, MLflow all."""
    scalars = read_tensorboard(record.run_id)
    runs, histories = read_mlflow()
    assert [run.info.run_name for run in runs] == [record.run_id]
    for name in COLUMNS:
        expected = logged(record, name)
        assert histories[record.run_id][name] == expected
        assert scalars[name] == [(step, float(np.float32(value))) for step, value in expected]
    last = record.curve.step[-1]
    assert histories[record.run_id]["final_loss"] == [(last, record.loss)]
    assert scalars["final_loss"] == [(last, float(np.float32(record.loss)))]


def test_trackers_hold_what_the_record_holds_and_change_no_bit_of_it(spec, text, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "a-secret-key")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a-secret-key")
    plain = carry_out(spec, text, "runs/plain.json")
    tracked = carry_out(spec, text, trackers=BOTH)
    assert (tracked.loss, tracked.curve, tracked.run_id) == (plain.loss, plain.curve, plain.run_id)
    assert_journal_is_curve(plain, "runs/plain.jsonl")
    assert_journal_is_curve(tracked)
    assert_trackers_have_the_run(tracked)
    parameters = read_mlflow()[0][0].data.params
    assert parameters["run_id"] == tracked.run_id
    assert parameters["size.width"] == "8"
    assert parameters["training.learning_rate"] == "0.012"
    assert parameters["model.plugin"] == spec["model"]["plugin"]
    files = [path for path in Path().rglob("*") if path.is_file()]
    assert not [path for path in files if b"a-secret-key" in path.read_bytes()]


def test_a_run_killed_and_resumed_is_logged_without_gaps_or_repetitions(spec, text, monkeypatch):
    """Checkpoints every 10 steps, points every 4: killed in step 35, it goes on from 30 and makes the point 32 again."""
    monkeypatch.setenv("FLOPSCAPE_CHECKPOINT_STEPS", "10")
    options = [word for name in BOTH for word in ("--tracker", name)]
    command = [sys.executable, "-m", "flopscape", "train", json.dumps(spec), "--out", "runs/run.json", *options]
    killed = subprocess.run(
        [*command, "--data", text[0]], env=os.environ | {"KILL_AT": "35"}, capture_output=True, check=False
    )
    assert killed.returncode == -9
    assert [point["step"] for point in journal()] == [4, 8, 12, 16, 20, 24, 28, 32]
    assert [step for step, _ in read_tensorboard_of_only_run()] == [4, 8, 12, 16, 20, 24, 28, 32]
    record = carry_out(spec, text, trackers=BOTH)
    assert record.hardware["resumed_at_steps"] == [30]
    assert_journal_is_curve(record)
    assert_trackers_have_the_run(record)


def read_tensorboard_of_only_run():
    (folder,) = Path("trackers/tensorboard").iterdir()
    return read_tensorboard(folder.name)["train_loss"]
