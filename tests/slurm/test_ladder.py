"""A study that is planned rung by rung on a real SLURM cluster: jobs find the rungs that were planned meanwhile."""

import shutil

from tests.outcomes import differences, outcome
from tests.slurm.conftest import OnSlurm
from tests.workflow.climb import N_RUNS, RUNGS, TABLE, climbing, rungs


def test_a_ladder_comes_to_the_rungs_and_runs_that_it_comes_to_locally(on_slurm, tmp_path_factory):
    climbing(on_slurm)
    local = tmp_path_factory.mktemp("local")
    shutil.copytree(on_slurm.folder, local, dirs_exist_ok=True, symlinks=True)
    on_slurm.on_slurm(TABLE, study="climb")
    assert len(on_slurm.records("climb")) == N_RUNS
    OnSlurm(local, on_slurm.cluster).snakemake(TABLE, studies="climb")
    assert list(rungs(local)) == list(RUNGS)
    assert rungs(on_slurm.folder) == rungs(local)
    assert differences(outcome(local, "climb"), outcome(on_slurm.folder, "climb")) == []
