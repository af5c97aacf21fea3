"""Results in a storage that jobs share nothing with: each sees the inputs that its rule declares, and nothing else."""

import json
import shutil
from pathlib import Path

import pytest

from tests.workflow.climb import CLIMB, TABLE, climbing, rungs
from tests.workflow.conftest import N_TINY, Checkout, copy_checkout, jobs_of, run_once

WHY_NO_RSYNC = "no rsync on this machine, by which Snakemake copies to a mounted file system: apt-get install rsync"
pytestmark = pytest.mark.skipif(shutil.which("rsync") is None, reason=WHY_NO_RSYNC)


class Stored(Checkout):
    """A checkout whose results are in a folder beside it."""

    @property
    def storage(self) -> Path:
        return self.folder.parent / "storage"

    def snakemake(self, *words: str, studies: str = "tiny") -> str:
        where = ("--default-storage-provider", "fs", "--default-storage-prefix", str(self.storage))
        return super().snakemake(*words, *where, "--shared-fs-usage", "none", studies=studies)


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Stored:
    checkout = Stored(copy_checkout(tmp_path_factory.mktemp("stored") / "checkout").folder)
    checkout.snakemake()
    return checkout


def test_a_study_in_storage_has_the_files_and_fits_of_one_beside_the_workflow(stored, finished):
    ours, theirs = stored.storage / "results/tiny", finished.folder / "results/tiny"
    named = {str(path.relative_to(theirs)) for path in theirs.rglob("*") if path.is_file()}
    assert {str(path.relative_to(ours)) for path in ours.rglob("*") if path.is_file()} == named
    assert not (stored.folder / "results").exists()
    for fit in ("approach2", "vpnls"):
        one, other = (json.loads((folder / f"fits/{fit}.json").read_text()) for folder in (ours, theirs))
        one["made_from"]["table"] = other["made_from"]["table"]  # the table has seconds in it
        assert one == other


def test_what_is_in_storage_is_neither_due_nor_priced_again(stored):
    text = stored.snakemake("-n")
    assert jobs_of(text) == {}
    assert f"0 of {N_TINY}" in text


def test_a_table_in_storage_is_judged_by_what_it_was_made_from(stored, tmp_path):
    shutil.copytree(stored.folder.parent, tmp_path / "copy")
    copy = Stored(tmp_path / "copy/checkout")
    copy.edit("config/studies/tiny.yaml", "bootstrap: 200", "bootstrap: 300")
    due = copy.due()
    assert due["fit_runs"] == 1
    assert "train_run" not in due
    assert "collect_runs" not in due


def test_a_ladder_in_storage_is_planned_from_its_records_there(stored, tmp_path_factory, worker_id, tmp_path):
    shutil.copytree(stored.folder, tmp_path / "copy/checkout", symlinks=True)
    copy = climbing(Stored(tmp_path / "copy/checkout"))
    copy.snakemake(TABLE, "results/climb/plan.csv", studies="climb")
    assert rungs(copy.folder.parent / "storage") == rungs(run_once(tmp_path_factory, worker_id, "climb", CLIMB))
    assert jobs_of(copy.snakemake("-n", TABLE, "results/climb/plan.csv", studies="climb")) == {}
