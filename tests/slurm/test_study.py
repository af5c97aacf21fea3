"""Whole studies on a real SLURM cluster, by the command that the README gives."""

import shutil

from tests.outcomes import differences, outcome
from tests.slurm.conftest import OnSlurm


def test_the_quick_study_gives_the_tables_and_fits_that_it_gives_locally(on_slurm, queue_log, tmp_path_factory):
    local = tmp_path_factory.mktemp("local")
    shutil.copytree(on_slurm.folder, local, dirs_exist_ok=True, symlinks=True)
    on_slurm.on_slurm(study="quick")
    assert len(on_slurm.records("quick")) == 35
    OnSlurm(local, on_slurm.cluster).snakemake(studies="quick")
    assert differences(outcome(local, "quick"), outcome(on_slurm.folder, "quick")) == []
    assert any("train_run" in line and "RUNNING" in line for line in queue_log)
