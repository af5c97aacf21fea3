"""Whole studies on a real SLURM cluster, by the command that the README gives."""

import json
import shutil

import pandas as pd

from tests.slurm.conftest import OnSlurm

OF_THE_MACHINE = ("hours", "usd", "seconds", "_per_second", "mfu", "host", "device_name")


def of_the_result(path):
    """A table without the columns that say how long it took, where."""
    table = pd.read_csv(path)
    return table[[name for name in table if not any(part in name for part in OF_THE_MACHINE)]]


def test_the_quick_study_gives_the_tables_and_fits_that_it_gives_locally(on_slurm, queue_log, tmp_path_factory):
    on_slurm.on_slurm(study="quick")
    assert len(on_slurm.records("quick")) == 35
    local = tmp_path_factory.mktemp("local")
    shutil.copytree(on_slurm.folder, local, dirs_exist_ok=True, ignore=shutil.ignore_patterns("results", ".snakemake"))
    OnSlurm(local, on_slurm.cluster).snakemake("--until", "fit_runs", studies="quick")
    theirs, ours = (of_the_result(folder / "results/quick/runs.csv") for folder in (local, on_slurm.folder))
    pd.testing.assert_frame_equal(theirs, ours)
    fits = [json.loads((f / "results/quick/fits/vpnls.json").read_text()) for f in (local, on_slurm.folder)]
    assert fits[0]["exponents"] == fits[1]["exponents"]
    assert any("train_run" in line and "RUNNING" in line for line in queue_log)
