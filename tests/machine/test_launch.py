"""Launch lines for one machine and for several, from the environment of a cluster."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flopscape.config.machine import Prices
from flopscape.dag.commands import launch_command
from flopscape.errors import FlopscapeError
from flopscape.machine.launch import Machine, accelerate, first_host, meeting, this_machine
from flopscape.records.run_record import RunRecord
from tests.training.ranks import parity_spec

SRUN = """#!{python}
import os, subprocess, sys
command = [word for word in sys.argv[1:] if not word.startswith("--") or "=" not in word]
nodes = [subprocess.Popen(command, env=os.environ | {{"SLURM_NODEID": str(node)}}) for node in (1, 0)]
sys.exit(max(node.wait() for node in nodes))
"""


@pytest.fixture
def line(surface_study):
    """The launch line of a study that trains, with these resources."""

    def of(prices=None, **resources):
        trained = {"trainer": {"plugin": "loop"}, "dataset": {"plugin": "flopscape.plugins.text:BibleText"}}
        return launch_command(surface_study(resources=resources, **trained), prices or Prices())

    return of


def test_one_process_on_cpus_starts_without_a_launcher(line):
    assert line(threads=2) == "flopscape train --threads 2 --device cpu --processes 1 --usd-per-hour 0.1"


def test_a_gpu_and_several_processes_start_through_flopscape_launch(line):
    start = "flopscape launch --machines 1 --threads 1 --device gpu --processes 1"
    assert line(device="gpu").startswith(start)
    assert line(processes=2).startswith("flopscape launch --machines 1 --threads 1 --device cpu --processes 2")
    assert "--multi_gpu --main_process_port 0 --mixed_precision" in " ".join(accelerate(2, 1))
    assert line(processes=2, micro_batch_units=64).endswith("--processes 2 --usd-per-hour 0.05 --micro-batch-units 64")


def test_the_plan_states_the_peak_that_the_mfu_is_of(line):
    prices = Prices(cpu_peak_flops_per_second=9e10, gpu_peak_flops_per_second=9.89e14)
    assert "--peak-flops 1.8e+11" in line(prices, threads=2)
    assert "--peak-flops 9.89e+14" in line(prices, device="gpu", threads=2)
    assert "--peak-flops" not in line()


def test_several_machines_start_through_flopscape_launch(line):
    start = "flopscape launch --machines 2 --threads 4 --device gpu --processes 16 --usd-per-hour 2"
    assert line(device="gpu", machines=2, processes=16, threads=4) == start


def test_each_of_several_machines_names_its_rank_and_where_all_meet():
    words = " ".join(accelerate(16, 4, 2, Machine(1, "gpu07", "29501")))
    assert "--num_processes 16 --num_machines 2 --multi_gpu --main_process_port 29501" in words
    assert "--machine_rank 1 --main_process_ip gpu07" in words


@pytest.mark.parametrize(
    ("nodes", "first"),
    [("a", "a"), ("gpu[07-09,12],login", "gpu07"), ("n1,n2", "n1"), ("r[1-2]-n[03,05]", "r1-n03"), ("x-[3]", "x-3")],
)
def test_the_first_host_of_a_slurm_list(nodes, first):
    assert first_host(nodes) == first


def test_machines_know_themselves_from_slurm_or_from_torchs_variables():
    meet = {"MASTER_ADDR": "gpu07", "MASTER_PORT": "29501"}
    assert this_machine({**meet, "SLURM_NODEID": "1"}, 2) == Machine(1, "gpu07", "29501")
    assert this_machine({**meet, "NODE_RANK": "0"}, 2) == Machine(0, "gpu07", "29501")
    with pytest.raises(FlopscapeError, match="several machines need a SLURM job, or on each of them MASTER_ADDR"):
        this_machine(meet, 2)


def test_what_the_launcher_of_a_job_has_chosen_comes_before_what_others_left():
    left = {"MASTER_ADDR": "other", "MASTER_PORT": "1", "NODE_RANK": "0", "SLURM_NODEID": "1"}
    assert this_machine({**left, "FLOPSCAPE_MEETING": "gpu07:29501"}, 2) == Machine(1, "gpu07", "29501")


@pytest.mark.parametrize("wrong", [{"NODE_RANK": "2"}, {"NODE_RANK": "-1"}, {"MASTER_PORT": "http"}])
def test_a_machine_that_is_none_of_the_launch_is_refused(wrong):
    with pytest.raises(FlopscapeError, match=r"each of 2 machines has a number from 0 to 1, and a port is a number"):
        this_machine({"MASTER_ADDR": "gpu07", "MASTER_PORT": "29501", "NODE_RANK": "0"} | wrong, 2)


def test_a_job_of_another_number_of_machines_is_refused():
    with pytest.raises(FlopscapeError, match=r"2 machines were asked for .* and this job has 1"):
        meeting(1, "gpu07", 2)


def test_two_machines_of_a_job_train_one_model(text, tmp_path):
    """Two launchers with a process each, on this host; a stand-in for srun starts them as nodes 1 and 0."""
    srun = tmp_path / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text(SRUN.format(python=sys.executable))
    srun.chmod(0o755)
    (tmp_path / "spec.json").write_text(json.dumps(parity_spec(text[1])))
    words = ["launch", "--machines", "2", "--processes", "2", "spec.json", "--out", "run.json", "--data", str(text[0])]
    # MASTER_PORT was left by another launcher.
    environment = os.environ | {"MASTER_ADDR": "other", "MASTER_PORT": "29500"}
    environment |= {"PATH": f"{srun.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment |= {"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "localhost,other", "SLURM_NNODES": "2"}
    command = [sys.executable, "-m", "flopscape", *words]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = RunRecord.read(tmp_path / "run.json")
    assert record.hardware["processes"] == 2
    assert record.status == "completed"
