"""What is logged while a run trains: read back with the trackers' own readers, equal to the record's curve."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flopscape.errors import FlopscapeError
from flopscape.machine.measured import Options
from flopscape.records.run_record import RunRecord
from flopscape.training.command import train

BOTH = ("tensorboard", "mlflow")
COLUMNS = ("n_tokens", "flops", "train_loss", "heldout_loss", "learning_rate")

NOISY = """
import os
import random
import resource
import signal

import numpy as np

from flopscape.plugins.losses import NextToken


class Noisy(NextToken):
    def __init__(self):
        random.seed(1)
        np.random.seed(2)
        self.steps = 0
        self.at = {name: int(os.environ.get(name, 0)) for name in ("KILL", "FILL", "FREE")}

    def __call__(self, module, batch):
        self.steps += module.training
        if module.training and self.steps == self.at["KILL"]:
            os.kill(os.getpid(), signal.SIGKILL)
        for name, limit in (("FILL", 10), ("FREE", resource.RLIM_INFINITY)):
            if module.training and self.steps == self.at[name]:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
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


def launch(spec, text, trackers, **environment):
    """The same in a process of its own."""
    options = [word for name in trackers for word in ("--tracker", name)]
    command = [sys.executable, "-m", "flopscape", "train", json.dumps(spec), "--out", "runs/run.json", *options]
    command += ["--data", str(text[0])]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


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
    """(step, value) by tag."""
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
    """Saved every 10 steps, a point every 4: killed in step 35, it goes on from 30 and makes the point 32 again."""
    monkeypatch.setenv("FLOPSCAPE_CHECKPOINT_STEPS", "10")
    assert launch(spec, text, BOTH, KILL="35").returncode == -9
    assert [point["step"] for point in journal()] == [4, 8, 12, 16, 20, 24, 28, 32]
    assert [step for step, _ in read_tensorboard_of_only_run()] == [4, 8, 12, 16, 20, 24, 28, 32]
    record = carry_out(spec, text, trackers=BOTH)
    assert record.hardware["resumed_at_steps"] == [30]
    assert_journal_is_curve(record)
    assert_trackers_have_the_run(record)


def read_tensorboard_of_only_run():
    (folder,) = Path("trackers/tensorboard").iterdir()
    return read_tensorboard(folder.name)["train_loss"]


def test_a_tracker_on_a_full_disk_ends_with_a_sentence_and_the_run_goes_on(spec, text):
    """From step 10 to step 30 no file can grow: the tracker is given up, the journal is made whole afterwards."""
    done = launch(spec, text, ["tensorboard"], FILL="10", FREE="30")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("flopscape: tensorboard stopped (") == 1
    assert done.stderr.count("run.jsonl: cannot be written (File too large);") == 1
    record = RunRecord.read("runs/run.json")
    assert_journal_is_curve(record)
    assert record.loss == carry_out(spec, text, "runs/undisturbed.json").loss


def test_a_diverged_run_has_every_point_in_its_journal_and_no_final_loss(spec, text):
    record = carry_out(spec | {"training": spec["training"] | {"learning_rate": 30.0}}, text, trackers=["mlflow"])
    assert record.status == "diverged"
    assert_journal_is_curve(record)
    assert "final_loss" not in read_mlflow()[1][record.run_id]


def test_trackers_are_not_imported_unless_asked_for(spec, text):
    code = f"""
import sys
from flopscape.training.command import main
assert main([{json.dumps(spec)!r}, "--out", "run.json", "--data", {str(text[0])!r}]) == 0
assert not {{"tensorboard", "mlflow", "wandb"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_tracker_that_is_not_installed_names_the_extra(spec, text, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(FlopscapeError, match=r"wandb is not installed; run pip install 'flopscape\[trackers\]'"):
        carry_out(spec, text, trackers=["wandb"])
    assert not list(Path("runs").iterdir())


def test_a_tracker_that_cannot_start_is_refused_before_any_training(spec, text):
    Path("trackers").write_text("in the way")
    with pytest.raises(FlopscapeError, match="tensorboard cannot be started"):
        carry_out(spec, text, trackers=["tensorboard"])
    assert not list(Path("runs").iterdir())


def test_wandb_keeps_an_offline_run_named_by_the_run(spec, text, monkeypatch):
    pytest.importorskip("wandb", reason="wandb is in the extra `trackers`, not in `dev`")
    monkeypatch.setenv("WANDB_API_KEY", "a-secret-key" * 4)
    record = carry_out(spec, text, trackers=["wandb"])
    carry_out(spec, text, trackers=["wandb"])
    (file,) = Path("trackers/wandb").glob("*/wandb/offline-run-*/*.wandb")
    assert file.name == f"run-{record.run_id}.wandb"
    content = file.read_bytes()
    assert content.count(b"train_loss") >= len(record.curve.step)
    assert repr(record.loss).encode() in content
    assert not [path for path in Path("trackers").rglob("*") if path.is_file() and b"a-secret" in path.read_bytes()]
