"""A GPU has one run at a time, whatever is killed. The GPUs are names in CUDA_VISIBLE_DEVICES: none need be there."""

import os
import subprocess
import sys

import pytest

from flopscape.errors import FlopscapeError
from flopscape.machine.gpus import claim_gpus, visible_gpus

CLAIM = """
import os, sys
from flopscape.machine.gpus import claim_gpus
os.environ |= claim_gpus(1, os.environ)
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
"""
HOLD = f"{CLAIM}\nos.execvp('sleep', ['sleep', '120'])"
LAUNCH = f"""{CLAIM}
import subprocess
trainer = "import os, time; from flopscape.machine.gpus import share_claim; share_claim(os.environ)"
subprocess.run([sys.executable, "-c", trainer + "; print(os.getpid(), flush=True); time.sleep(120)"])
"""


@pytest.fixture
def start(tmp_path):
    """Start a program that holds a GPU; all are killed when the test ends."""
    started = []

    def program(text, gpus="0,1", **environment):
        env = os.environ | {"CUDA_VISIBLE_DEVICES": gpus, "TMPDIR": str(tmp_path)} | environment
        process = subprocess.Popen(
            [sys.executable, "-c", text], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield program
    for process in started:
        process.kill()
        process.communicate()


def gpu_of(process):
    return process.stdout.readline().strip()


@pytest.mark.parametrize(
    ("visible", "names"),
    [("0,1", ["0", "1"]), ("GPU-8a, GPU-9b", ["GPU-8a", "GPU-9b"]), ("2,-1,3", ["2"]), ("", []), ("NoDevFiles", [])],
)
def test_the_gpus_are_those_that_cuda_would_see(visible, names):
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": visible}) == names


def test_without_the_variable_they_are_those_that_nvidia_smi_lists(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho GPU-1\necho GPU-2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert visible_gpus({}) == ["GPU-1", "GPU-2"]
    program.write_text("#!/bin/sh\nexit 9\n")
    assert visible_gpus({}) == []


def test_a_third_run_waits_for_one_of_two_gpus_and_gets_that_of_a_killed_one(start):
    first, second = start(HOLD), start(HOLD)
    assert {gpu_of(first), gpu := gpu_of(second)} == {"0", "1"}
    third = start(HOLD)
    assert "of 2 GPUs fewer than 1 are free" in third.stderr.readline()
    second.kill()
    assert gpu_of(third) == gpu


def test_a_trainer_whose_launcher_was_killed_keeps_its_gpu(start):
    launcher = start(LAUNCH, gpus="0")
    assert gpu_of(launcher) == "0"
    trainer = int(gpu_of(launcher))
    launcher.kill()
    launcher.wait()
    waiting = start(HOLD, gpus="0")
    assert "waiting" in waiting.stderr.readline()
    os.kill(trainer, 9)
    assert gpu_of(waiting) == "0"


def test_each_slurm_job_has_a_gpu_0_of_its_own(start):
    jobs = [start(HOLD, gpus="0", SLURM_JOB_ID=job) for job in ("7", "8")]
    assert [gpu_of(job) for job in jobs] == ["0", "0"]


def test_more_gpus_than_there_are_is_refused_with_the_keys_to_change():
    with pytest.raises(FlopscapeError, match=r"asks for 3 GPUs of this machine, which has 2 .*resources\.processes"):
        claim_gpus(3, {"CUDA_VISIBLE_DEVICES": "0,1"})
    with pytest.raises(FlopscapeError, match="which has none"):
        claim_gpus(1, {"CUDA_VISIBLE_DEVICES": ""})
