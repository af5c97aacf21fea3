"""The environment decides nothing: a run is what its spec and its options say, whatever launchers have left behind."""

import json
import os
import signal
import socket
import subprocess
import sys

import psutil
import pytest
from accelerate.state import AcceleratorState, GradientState

from flopscape.machine.measured import Options
from flopscape.records.run_record import RunRecord
from flopscape.training.command import train
from tests.training.leftovers import drawn, loss_under
from tests.waiting import wait_until

MEETING = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}


@pytest.fixture
def short(make_spec):
    """Ten batches of 128 tokens."""
    return make_spec({"curve_heldout_points": 0}, n_tokens=1280)


@pytest.fixture
def carry_out(short, text, tmp_path, monkeypatch):
    """The record of a run in this process, with these variables; Accelerate starts afresh."""

    def run(environment=None, **options):
        for name, value in (environment or {}).items():
            monkeypatch.setenv(name, value)
        AcceleratorState._reset_state(True)
        GradientState._reset_state()
        train(short, tmp_path / "run.json", text[0], Options(device="cpu", **options))
        return RunRecord.read(tmp_path / "run.json")

    yield run
    AcceleratorState._reset_state(True)
    GradientState._reset_state()


@pytest.fixture
def undisturbed(carry_out):
    return carry_out()


@pytest.mark.parametrize(
    "left",
    [
        {"ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4"},
        {"ACCELERATE_DYNAMO_BACKEND": "inductor"},
        {"ACCELERATE_MIXED_PRECISION": "bf16"},
        {"ACCELERATE_TORCH_DEVICE": "meta"},
        {"WORLD_SIZE": "4", "RANK": "0", "LOCAL_RANK": "0", **MEETING},
        {"WORLD_SIZE": "4", "RANK": "3", **MEETING},
        {"LOCAL_RANK": "0"},
        {"RANK": "one"},
        {"OMPI_COMM_WORLD_SIZE": "2", "PMI_SIZE": "2", "MV2_COMM_WORLD_SIZE": "2"},
        {"ACCELERATE_USE_DEEPSPEED": "true"},
        {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"},
        {"ACCELERATE_USE_MEGATRON_LM": "true"},
        {"ACCELERATE_USE_PARALLELISM_CONFIG": "true", "PARALLELISM_CONFIG_TP_SIZE": "2"},
    ],
    ids=lambda left: " ".join(left),
)
def test_what_a_launcher_left_changes_no_digit_and_is_named_in_the_record(left, undisturbed, carry_out, capsys):
    record = carry_out(left)
    assert (record.loss, record.curve) == (undisturbed.loss, undisturbed.curve)
    assert record.in_force == undisturbed.in_force | {"environment_set_aside": sorted(left)}
    assert (
        f"set aside, for a run's spec and options alone decide it: {', '.join(sorted(left))}" in capsys.readouterr().err
    )
    assert {name: os.environ[name] for name in left} == left


def test_the_record_keeps_what_was_in_force(carry_out):
    expected = {
        "mixed_precision": "no",
        "accumulation_steps": 1,
        "compile": False,
        "dynamo_backend": "no",
        "distributed_type": "NO",
        "backend": None,
        "processes": 1,
        "threads": 2,
        "deterministic": False,
        "float32_matmul_precision": "highest",
        "environment_set_aside": [],
    }
    in_force = carry_out({"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}, threads=2).in_force
    assert {name: in_force[name] for name in expected} == expected
    assert in_force["cpu_capability"]


def test_threads_are_the_options_and_not_the_environments(carry_out):
    record = carry_out({"OMP_NUM_THREADS": "7", "MKL_NUM_THREADS": "1"}, threads=1)
    assert (record.in_force["threads"], record.in_force["environment_set_aside"]) == (1, ["OMP_NUM_THREADS"])


@pytest.mark.parametrize("seed", range(5))
def test_forty_variables_at_random_change_no_digit(seed, short, text, undisturbed, tmp_path):
    status, loss, train_loss, errors = loss_under(drawn(seed), short, text[0], tmp_path / "fuzzed.json")
    assert (status, loss, train_loss) == (0, undisturbed.loss, undisturbed.curve.train_loss), errors


ALONE = """
import sys
import flopscape.training.build as start
from flopscape.training.command import main

start.WAIT_MINUTES = float(sys.argv[1])
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def one_of_two(short, text, tmp_path):
    """Start process 0 of two, the other of which never comes; it gives up after so many minutes."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = probe.getsockname()[1]

    def start(minutes):
        words = [json.dumps(short), "--device", "cpu", "--processes", "2", "--data", str(text[0]), "--out", "run.json"]
        left = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        command = [sys.executable, "-c", ALONE, str(minutes), *words]
        return subprocess.Popen(command, cwd=tmp_path, env=os.environ | left, stderr=subprocess.PIPE, text=True)

    return start


def test_a_wait_for_processes_that_never_come_ends_with_a_sentence(one_of_two):
    process = one_of_two(minutes=0.05)
    sentence = process.communicate()[1]
    assert process.returncode == 2
    assert sentence.startswith("flopscape: the 2 processes did not meet at 127.0.0.1:")
    assert "within 0.05 minutes" in sentence
    assert sentence.count("\n") == 1


def test_a_wait_for_other_processes_obeys_a_signal(one_of_two, tmp_path):
    process = one_of_two(minutes=10)
    connections = psutil.Process(process.pid).net_connections
    wait_until(lambda: any(place.status == "LISTEN" for place in connections()), "the meeting")
    assert list(tmp_path.glob("checkpoints/run/lease.json"))
    process.send_signal(signal.SIGTERM)
    errors = process.communicate()[1]
    assert process.returncode == 75
    assert errors == (
        "flopscape: stopped by SIGTERM while it waited for the other processes; started again, the run goes on\n"
    )
    assert not list(tmp_path.glob("checkpoints/run/lease.json"))
