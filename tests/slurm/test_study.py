"""Whole studies on a real SLURM cluster, by the command that the README gives."""

import json
import shutil

from tests.outcomes import differences, outcome
from tests.slurm.cluster import jobs
from tests.slurm.conftest import OnSlurm


def test_the_quick_study_gives_the_tables_and_fits_that_it_gives_locally(on_slurm, queue_log, tmp_path_factory):
    local = tmp_path_factory.mktemp("local")
    shutil.copytree(on_slurm.folder, local, dirs_exist_ok=True, symlinks=True)
    on_slurm.on_slurm(study="quick")
    assert len(on_slurm.records("quick")) == 35
    OnSlurm(local, on_slurm.cluster).snakemake(studies="quick")
    assert differences(outcome(local, "quick"), outcome(on_slurm.folder, "quick")) == []
    assert any("train_run" in line and "RUNNING" in line for line in queue_log)


TWO_MACHINES = """
title: One run on two machines
model: {plugin: flopscape.plugins.gpt:GPT}
dataset: {plugin: flopscape.plugins.text:BibleText}
training: {heldout_units: 4096, curve_heldout_points: 0}
sweep:
  rows: [{size: {width: 16, depth: 2}, n_tokens: 51200}]
fits: [vpnls]
recommend: {flops: [1.0e+12]}
resources: {machines: 2, processes: 2, minutes: 5}
"""


def test_one_run_trains_on_two_machines_that_slurm_gave_it(on_slurm):
    (on_slurm.folder / "config/studies/two.yaml").write_text(TWO_MACHINES)
    resources = [f"train_run:{resource}" for resource in ("nodes=2", "mpi=srun", "tasks=2")]
    on_slurm.on_slurm("--until", "train_run", "--set-resources", *resources, study="two")
    (path,) = on_slurm.records("two")
    record = json.loads(path.read_text())
    assert (record["status"], record["n_tokens_seen"]) == ("completed", 51200)
    assert record["hardware"]["processes"] == 2
    assert "2" in {line.split()[0] for line in jobs(on_slurm.folder, "%D %T")}
