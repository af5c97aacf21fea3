"""A run that was killed, stopped or starved of disk ends where the undisturbed run does."""

import json
import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from flopscape.errors import FlopscapeError
from flopscape.records.run_record import RunRecord
from flopscape.training.command import main, train
from flopscape.training.stopping import Interrupted
from tests.training.heldout_sets import both

TROUBLE = '''
"""A loss with noise from every generator, and trouble at the step of this process that the environment names."""

import os
import random
import resource
import signal

import numpy as np
import torch

from flopscape.plugins.losses import NextToken


class Crash(Exception):
    pass


def limit_files(n_bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


class Noisy(NextToken):
    def __init__(self):
        random.seed(1)
        np.random.seed(2)
        self.steps = 0
        self.at = {name: int(step) for name, step in (pair.split("@") for pair in os.environ["TROUBLE"].split())}

    def __call__(self, module, batch):
        if module.training:
            self.steps += 1
            for name in [name for name, step in self.at.items() if step == self.steps]:
                if name.startswith("SIG"):
                    os.kill(os.getpid(), signal.Signals[name])
                else:
                    getattr(self, name)()
        value, count = super().__call__(module, batch)
        return value * (1 + 0.1 * (torch.rand(()) + random.random() + np.random.random())), count

    def kill(self):
        kill()

    def kill_in_save(self):
        os.fsync = kill

    def kill_after_save(self):
        import shutil
        shutil.rmtree = kill

    def crash(self):
        raise Crash

    def fill_disk(self):
        limit_files(20_000)

    def free_disk(self):
        limit_files(resource.RLIM_INFINITY)

    def lose_lease(self):
        from pathlib import Path
        path, = Path("checkpoints").glob("*/lease.json")
        path.write_text(path.read_text().replace('"token": "', '"token": "not'))
'''


@pytest.fixture
def noisy(make_spec, users_module, monkeypatch, tmp_path):
    """The spec of 40 noisy steps at width 16; checkpoints are made every 10 steps."""
    users_module("trouble", TROUBLE)
    monkeypatch.setenv("FLOPSCAPE_CHECKPOINT_STEPS", "10")
    monkeypatch.setenv("TROUBLE", "")
    return make_spec(loss={"plugin": "trouble:Noisy"}, size={"width": 16, "depth": 1})


@pytest.fixture
def carry_out(text, monkeypatch, tmp_path):
    """Train a spec in this process, with trouble; the record, or what was raised."""

    def run(spec, trouble="", out="run.json"):
        monkeypatch.setenv("TROUBLE", trouble)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            train(spec, tmp_path / out, text[0])
        except Exception as error:
            return error
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        return RunRecord.read(tmp_path / out)

    return run


@pytest.fixture
def undisturbed(noisy, carry_out):
    return carry_out(noisy, out="undisturbed.json")


@pytest.fixture
def crashed(noisy, carry_out, tmp_path):
    """The checkpoint at step 20 of a run that crashed in step 26."""
    assert type(carry_out(noisy, "crash@26")).__name__ == "Crash"
    (checkpoint,) = (tmp_path / "checkpoints/run").iterdir()
    assert checkpoint.name == "step-00000020"
    return checkpoint


def assert_same_run(record, undisturbed):
    """Equal to the last digit, in everything but times and interruptions."""
    ours, theirs = (vars(r) | {"hardware": None, "timings": None, "cost": None} for r in (record, undisturbed))
    assert ours == theirs


PARTS = """
import os, runpy, sys
import flopscape.training.train, torch._dynamo  # slow, and needed by all parts

for trouble in sys.argv[4:]:
    if not (part := os.fork()):
        os.environ["TROUBLE"] = trouble
        sys.argv = ["flopscape", "train", sys.argv[1], "--out", sys.argv[2], "--data", sys.argv[3]]
        runpy.run_module("flopscape", run_name="__main__")
    if (ended := os.waitstatus_to_exitcode(os.waitpid(part, 0)[1])) != -9:
        sys.exit(f"{trouble} ended in {ended}")
"""


@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_killed_six_times_at_random_ends_with_the_loss_of_the_undisturbed_one(
    seed, noisy, carry_out, monkeypatch, text, tmp_path, other
):
    """Each part is killed at a random step, while it saves, or after a new checkpoint and before the old one goes."""
    spec = noisy | {"seed": seed, "n_tokens": 100 * 128, "heldout": both(other)}
    monkeypatch.setenv("FLOPSCAPE_CHECKPOINT_STEPS", "7")
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(["kill"] * 4 + ["kill_in_save", "kill_after_save"])
    troubles = [f"{kind}@{rng.integers(1, 15)}" for kind in kinds]
    command = [sys.executable, "-c", PARTS, json.dumps(spec), "run.json", str(text[0]), *troubles]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "run.json").exists()
    record = carry_out(spec)
    assert len(record.hardware["resumed_at_steps"]) > 1
    assert record.metrics["accuracy@code"]["value"] > 0
    assert_same_run(record, carry_out(spec, out="undisturbed.json"))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGINT"])
def test_a_run_that_is_asked_to_stop_saves_says_so_and_goes_on(
    name, noisy, carry_out, undisturbed, text, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("TROUBLE", f"{name}@13")
    assert main([json.dumps(noisy), "--out", "run.json", "--data", str(text[0])]) == 75
    sentence = f"flopscape: stopped by {name} after step 13; started again, the run goes on after step 13\n"
    assert capsys.readouterr().err == sentence
    assert not (tmp_path / "checkpoints/run/lease.json").exists()
    record = carry_out(noisy)
    assert "resumed after step 13 of 40 from" in capsys.readouterr().out
    assert record.hardware["resumed_at_steps"] == [13]
    assert_same_run(record, undisturbed)


def test_a_run_under_nohup_outlives_its_terminal(noisy, carry_out, undisturbed):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert_same_run(carry_out(noisy, "SIGHUP@13"), undisturbed)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_run_stops_before_its_slurm_job_ends(noisy, carry_out, undisturbed, monkeypatch):
    """Where no squeue is, as in containers, the job's variable tells. It is looked at after a checkpoint only."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time())))
    sentence = "stopped by the end of its SLURM job after step 11; started again, the run goes on after step 11"
    assert str(carry_out(noisy)) == sentence
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + 3600))
    record = carry_out(noisy)
    assert record.hardware["resumed_at_steps"] == [11]
    assert_same_run(record, undisturbed)


def test_checkpoints_go_when_the_record_is_written(crashed, noisy, carry_out, tmp_path):
    assert carry_out(noisy).status == "completed"
    assert not (tmp_path / "checkpoints").exists()


def test_the_clock_decides_where_no_number_of_steps_is_given(noisy, carry_out, undisturbed, monkeypatch):
    monkeypatch.delenv("FLOPSCAPE_CHECKPOINT_STEPS")
    monkeypatch.setattr("flopscape.training.checkpointing.CHECKPOINT_SECONDS", 0.0)
    carry_out(noisy, "crash@30")
    record = carry_out(noisy)
    assert 1 <= record.hardware["resumed_at_steps"][0] < 30
    assert_same_run(record, undisturbed)


def test_times_add_up_over_the_parts_of_a_run(crashed, noisy, carry_out):
    before = json.loads((crashed / "checkpoint.json").read_text())["outcome"]
    timings = carry_out(noisy).timings
    assert timings["seconds_training"] > before["seconds_training"] > 0
    assert timings["seconds_total"] > 2 * before["seconds_before"] > 0


def cut_short(checkpoint):
    file = checkpoint / "shared.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def change_a_byte(checkpoint):
    file = checkpoint / "rank-0.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


def lose_a_file(checkpoint):
    (checkpoint / "rank-0.safetensors").unlink()


def cut_the_facts(checkpoint):
    (checkpoint / "checkpoint.json").write_text('{"format": 1, "spec')


@pytest.mark.parametrize("damage", [cut_short, change_a_byte, lose_a_file, cut_the_facts])
def test_a_damaged_checkpoint_is_set_aside_with_a_sentence(
    damage, crashed, noisy, carry_out, undisturbed, tmp_path, capsys
):
    damage(crashed)
    record = carry_out(noisy)
    assert f"{crashed} is damaged" in capsys.readouterr().err
    assert (tmp_path / "checkpoints/set-aside/run-step-00000020-1").is_dir()
    assert record.hardware["resumed_at_steps"] == []
    assert_same_run(record, undisturbed)


def test_behind_a_damaged_checkpoint_an_older_whole_one_is_used(crashed, noisy, carry_out, undisturbed):
    cut_short(shutil.copytree(crashed, crashed.with_name("step-00000030")))
    record = carry_out(noisy)
    assert record.hardware["resumed_at_steps"] == [20]
    assert_same_run(record, undisturbed)


def test_a_checkpoint_of_another_spec_is_set_aside_and_outlives_the_run(crashed, noisy, carry_out, tmp_path, capsys):
    other = carry_out(noisy | {"seed": 1})
    assert f"{crashed} belongs to another spec" in capsys.readouterr().err
    assert_same_run(other, carry_out(noisy | {"seed": 1}, out="undisturbed.json"))
    assert (tmp_path / "checkpoints/set-aside/run-step-00000020-1/checkpoint.json").exists()


def test_a_checkpoint_made_by_other_code_is_refused_and_stays(crashed, noisy, carry_out, tmp_path, undisturbed):
    code = tmp_path / "trouble.py"
    before = code.read_text()
    code.write_text(before + "\nUNUSED = 1\n")
    assert "made under other conditions: code was" in str(carry_out(noisy))
    code.write_text(before)
    assert_same_run(carry_out(noisy), undisturbed)


def test_a_full_disk_is_named_and_costs_a_checkpoint_only(noisy, carry_out, undisturbed, capsys):
    record = carry_out(noisy, "fill_disk@5 free_disk@35")
    failed = record.hardware["failed_checkpoints"]
    assert [text.partition(":")[0] for text in failed] == ["step 10", "step 20", "step 30"]
    assert "File too large" in failed[0]
    assert f"no checkpoint at {failed[0]}; training goes on" in capsys.readouterr().err
    assert_same_run(record, undisturbed)


def test_a_full_disk_leaves_the_checkpoint_before_it_valid(noisy, carry_out, undisturbed, tmp_path):
    carry_out(noisy, "fill_disk@15 free_disk@32 crash@33")
    assert [path.name for path in (tmp_path / "checkpoints/run").iterdir()] == ["step-00000010"]
    record = carry_out(noisy)
    assert record.hardware["resumed_at_steps"] == [10]
    assert_same_run(record, undisturbed)


def test_a_run_stopped_on_a_full_disk_says_that_nothing_was_kept(noisy, carry_out):
    stop = carry_out(noisy, "fill_disk@3 SIGTERM@5")
    assert isinstance(stop, Interrupted)
    assert "without a checkpoint (step 5: " in str(stop)


def test_a_trainer_whose_lease_was_taken_over_stops_before_it_writes(noisy, carry_out, tmp_path):
    error = carry_out(noisy, "lose_lease@15")
    assert isinstance(error, FlopscapeError)
    assert "another trainer has taken over" in str(error)
    assert [path.name for path in sorted((tmp_path / "checkpoints/run").glob("step-*"))] == ["step-00000010"]
    assert not (tmp_path / "run.json").exists()


def test_a_trainer_whose_lease_was_taken_over_at_the_end_writes_no_record(noisy, carry_out, tmp_path, monkeypatch):
    monkeypatch.setenv("FLOPSCAPE_CHECKPOINT_STEPS", "30")
    assert "another trainer has taken over" in str(carry_out(noisy, "lose_lease@38"))
    assert not (tmp_path / "run.json").exists()


def test_a_number_of_steps_that_is_none_is_refused(noisy, carry_out, monkeypatch):
    monkeypatch.setenv("FLOPSCAPE_CHECKPOINT_STEPS", "often")
    assert "FLOPSCAPE_CHECKPOINT_STEPS is 'often', not a number of steps" in str(carry_out(noisy))
