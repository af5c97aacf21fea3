"""Several processes and micro-batches train the model that one process trains on whole batches."""

import json
import os
import shlex
import subprocess
import sys

import numpy as np
import pytest

from flopscape.config.machine import Prices
from flopscape.dag.commands import launch_command
from flopscape.records.run_record import RunRecord
from tests.training.heldout_sets import both
from tests.training.ranks import PLUGINS, RANKS, parity_spec


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parity")
    (folder / "parity_plugins.py").write_text(PLUGINS)
    (folder / "notes-1").mkdir()
    (folder / "notes-2").mkdir()
    return folder


@pytest.fixture(scope="module")
def make_runs(folder, text):
    """Carry out launches one after another: `world` processes forked from one that has torch, which meet over gloo.

    Gives each launch's exit statuses by rank, and all that was written to standard error.
    """

    def run(launches):
        command = [sys.executable, "-c", RANKS, json.dumps(launches)]
        environment = os.environ | {"FLOPSCAPE_CHECKPOINT_STEPS": "20"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        statuses = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert len(statuses) == len(launches), done.stderr
        return statuses, done.stderr

    return run


@pytest.fixture(scope="module")
def launch(folder, text):
    """One launch of 100 steps of 256 tokens, with a point of the curve at each."""

    def describe(out, world=1, micro=None, asked=None, environment=None, **changes):
        spec = parity_spec(text[1]) | changes
        words = [json.dumps(spec), "--out", out, "--data", str(text[0]), "--processes", str(asked or world)]
        words += ["--micro-batch-units", str(micro)] if micro else []
        return {"world": world, "words": words, "environment": environment or {}}

    return describe


MASKED = {"loss": {"plugin": "parity_plugins:Masked"}}
NOTING = {"loss": {"plugin": "parity_plugins:Noting"}}
KILLING = {"loss": {"plugin": "parity_plugins:Killing"}}
DRIFTING = {"model": {"plugin": "parity_plugins:Drifting", "kwargs": {"context": 32}}}


@pytest.fixture(scope="module")
def finished(make_runs, launch, folder, text, other):
    """All runs that should succeed, made once."""
    scored = {"heldout": both(other)}
    bf16 = parity_spec(text[1], mixed_precision="bf16")
    statuses, errors = make_runs([
        launch("one.json", environment={"NOTES": "notes-1"}, **NOTING),
        launch("two.json", world=2, environment={"NOTES": "notes-2"}, **NOTING),
        launch("one-micro-128.json", micro=128),
        launch("one-micro-64.json", micro=64),
        launch("two-micro-32.json", world=2, micro=32),
        launch("masked-one.json", **MASKED, **scored),
        launch("masked-two-micro-64.json", world=2, micro=64, **MASKED, **scored),
        launch("bf16.json", **bf16),
    ])  # fmt: skip
    assert {status for ended in statuses for status in ended.values()} == {0}, errors
    return lambda name: RunRecord.read(folder / f"{name}.json")


def assert_same_losses(record, reference):
    assert len(record.curve.train_loss) == 100
    np.testing.assert_allclose(record.curve.train_loss, reference.curve.train_loss, rtol=1e-5)
    assert record.curve.n_tokens == reference.curve.n_tokens
    assert record.loss == pytest.approx(reference.loss, rel=1e-5)


@pytest.mark.parametrize("name", ["two", "one-micro-128", "one-micro-64", "two-micro-32"])
def test_the_same_batch_gives_the_same_losses_in_any_number_of_processes_and_micro_batches(name, finished):
    assert_same_losses(finished(name), finished("one"))


def test_losses_are_the_same_where_processes_and_micro_batches_count_different_numbers_of_units(finished):
    assert 99 * 256 < finished("masked-one").n_tokens_seen < 100 * 256 - 20
    assert_same_losses(finished("masked-two-micro-64"), finished("masked-one"))


def test_further_sets_and_metrics_are_scored_alike_by_any_number_of_processes(finished):
    one, two = finished("masked-one").metrics, finished("masked-two-micro-64").metrics
    assert list(one) == list(two) == [
        "bits_per_byte", "loss@code", "bits_per_byte@code", "accuracy@code", "accuracy@own",
    ]  # fmt: skip
    for name, metric in one.items():
        assert two[name]["value"] == pytest.approx(metric["value"], rel=1e-3)
        assert (two[name]["n_units"], two[name]["unit"]) == (metric["n_units"], metric["unit"])


def test_the_record_says_that_all_processes_ended_with_the_same_parameters(finished):
    assert len(finished("two").hardware["parameters_sha256"]) == 64
    assert "parameters_sha256" not in finished("one").hardware


def test_processes_see_disjoint_halves_of_what_one_process_sees(finished, folder):
    windows = {path: set(map(bytes, np.fromfile(folder / path, np.int64).reshape(-1, 33)))
               for path in ("notes-1/0", "notes-2/0", "notes-2/1")}  # fmt: skip
    assert len(windows["notes-2/0"]) == len(windows["notes-2/1"]) == 400
    assert not windows["notes-2/0"] & windows["notes-2/1"]
    assert windows["notes-2/0"] | windows["notes-2/1"] == windows["notes-1/0"]


def test_bf16_trains_nearly_the_same_model_from_parameters_in_fp32(finished):
    half, full = finished("bf16"), finished("one")
    assert half.status == "completed"
    assert half.loss == pytest.approx(full.loss, rel=0.01)
    assert half.curve.train_loss != full.curve.train_loss


@pytest.fixture(scope="module")
def disturbed(make_runs, launch, folder):
    """Runs that are refused or killed, and what the killed ones end with when they are started again."""
    words = {f"killed-{rank}.json": {"world": 2, **KILLING} for rank in (0, 1)}
    launches = [
        launch("drifting.json", world=2, **DRIFTING),
        launch("asked-four.json", world=2, asked=4),
        *(launch(out, environment={"KILLED": out[7]}, **words[out]) for out in words),
        *(launch(out, **words[out]) for out in words),
    ]
    statuses, errors = make_runs(launches)
    return dict(zip(["drifting", "asked", "k0", "k1", "again0", "again1"], statuses, strict=True)), errors


def test_parameters_that_drift_apart_end_in_a_refusal(disturbed, folder):
    statuses, errors = disturbed
    assert statuses["drifting"] == {"0": 2, "1": 2}
    assert errors.count("the parameters of process 1 differ from those of process 0 at the end of the run") == 1
    assert not (folder / "drifting.json").exists()


def test_other_processes_than_asked_for_are_refused_before_they_wait(disturbed, folder):
    statuses, errors = disturbed
    assert statuses["asked"] == {"0": 2, "1": 2}
    assert "4 processes were asked for and the environment names others (RANK=0 WORLD_SIZE=2)" in errors
    assert not (folder / "asked-four.json").exists()


@pytest.mark.parametrize("rank", [0, 1])
def test_two_processes_of_which_one_is_killed_resume_to_the_same_losses(rank, disturbed, finished):
    """As those of two processes with the same loss that nothing disturbed."""
    statuses, errors = disturbed
    assert statuses[f"k{rank}"][str(rank)] == -9
    assert statuses[f"k{rank}"][str(1 - rank)] != 0
    assert statuses[f"again{rank}"] == {"0": 0, "1": 0}, errors
    record, undisturbed = finished(f"killed-{rank}"), finished("two")
    assert record.hardware["resumed_at_steps"] == [20]
    assert (record.loss, record.curve) == (undisturbed.loss, undisturbed.curve)
    assert record.hardware["parameters_sha256"] == undisturbed.hardware["parameters_sha256"]


def test_the_process_that_is_left_says_that_another_has_ended(disturbed):
    statuses, errors = disturbed
    assert statuses["k1"] == {"0": 2, "1": -9}
    assert errors.count("another of the 2 processes has ended") == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"micro": 96}, "batch_units is 256, not a multiple of processes × micro_batch_units = 1 × 96"),
        ({"micro": 16}, "8 rows cannot be cut into 16 micro-batches; raise micro_batch_units"),
        ({"asked": 3}, "batch_units is 256, not a multiple of 3 processes"),
    ],
)
def test_a_batch_that_cannot_be_shared_out_is_refused_by_name(changes, sentence, launch, tmp_path, capsys, monkeypatch):
    from flopscape.training.command import main

    for name, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "3", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    words = launch(str(tmp_path / "run.json"), **changes)["words"]
    assert main(words) == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_line_of_the_plan_starts_two_processes_that_agree_with_one_whatever_others_left(
    finished, surface_study, launch, folder
):
    study = surface_study(
        trainer={"plugin": "loop"},
        dataset={"plugin": "flopscape.plugins.text:BibleText"},
        resources={"processes": 2, "micro_batch_units": 64},
    )
    words = launch("line.json")["words"][:5]
    left = {"ACCELERATE_USE_FSDP": "true", "PET_NNODES": "2", "WORLD_SIZE": "4", "RANK": "0", "MASTER_PORT": "29500"}
    settings = folder / "hub/accelerate/default_config.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("distributed_type: DEEPSPEED\nmixed_precision: bf16\nnum_processes: 8\n")
    line = f"{launch_command(study, Prices())} {shlex.join(words)}"
    assert line.startswith("flopscape launch --machines 1 --threads 1 --device cpu --processes 2")
    environment = os.environ | left | {"HF_HOME": str(settings.parent.parent)}
    done = subprocess.run(line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = RunRecord.read(folder / "line.json")
    expected = {"processes": 2, "backend": "gloo", "mixed_precision": "no", "environment_set_aside": sorted(left)}
    assert {name: record.in_force[name] for name in expected} == expected
    assert_same_losses(record, finished("one"))
