"""Damaged, unwritable and doubled: each ends in the tables of an undisturbed study, or in a clear refusal."""

import os
import shutil
import subprocess

import pytest

from tests.outcomes import differences, outcome
from tests.waiting import wait_until
from tests.workflow.conftest import Checkout, copy_checkout


@pytest.fixture
def finished(undisturbed, tmp_path):
    """A copy of the finished quick study."""
    shutil.copytree(undisturbed, tmp_path / "copy", symlinks=True)
    return Checkout(tmp_path / "copy")


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_truncated_record_is_named_and_its_run_made_again_once_it_is_deleted(finished, expected, keep):
    record = finished.records("quick")[3]
    text = record.read_bytes()
    record.write_bytes(text[: int(keep * len(text))])
    refused = finished.run("snakemake", "--config", "studies=quick")
    assert refused.returncode != 0
    assert record.name in refused.stdout + refused.stderr
    record.unlink()
    finished.snakemake(studies="quick")
    assert differences(expected, outcome(finished.folder, "quick")) == []


def test_a_checkout_in_a_path_with_spaces_and_other_letters_comes_to_the_same_tables(tmp_path, expected):
    folder = tmp_path / "größe α — two words"
    checkout = copy_checkout(folder)
    checkout.snakemake(studies="quick")
    assert differences(expected, outcome(folder, "quick")) == []


def test_of_two_snakemakes_at_once_one_is_refused_and_the_other_finishes(checkout, expected):
    words = ["snakemake", "--config", "studies=quick"]
    env = os.environ | {"PYTHONPATH": str(checkout.folder / "workflow")}
    first = subprocess.Popen(words, cwd=checkout.folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: checkout.records("quick") or first.poll() is not None, "a record")
    assert first.poll() is None
    second = checkout.run(*words)
    assert second.returncode != 0
    assert "lock" in second.stderr.lower()
    assert first.wait() == 0
    assert differences(expected, outcome(checkout.folder, "quick")) == []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_said_and_with_room_again_the_tables_are_the_same(checkout, small_disk, expected):
    (checkout.folder / "results").symlink_to(small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(b"0" * 2_950_000)
    full = checkout.run("snakemake", "--config", "studies=quick")
    logs = "".join(path.read_text(errors="replace") for path in (checkout.folder / "logs").rglob("*.log"))
    assert full.returncode != 0
    assert "No space left on device" in full.stdout + full.stderr + logs
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
    checkout.snakemake(studies="quick")
    assert differences(expected, outcome(checkout.folder, "quick")) == []


def test_a_read_only_disk_is_said_and_once_it_can_be_written_the_tables_are_the_same(checkout, small_disk, expected):
    (checkout.folder / "results").symlink_to(small_disk)
    subprocess.run(["mount", "-o", "remount,ro,size=200m", small_disk], check=True)
    refused = checkout.run("snakemake", "--config", "studies=quick")
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stdout + refused.stderr
    subprocess.run(["mount", "-o", "remount,rw,size=200m", small_disk], check=True)
    checkout.snakemake(studies="quick")
    assert differences(expected, outcome(checkout.folder, "quick")) == []


@pytest.mark.parametrize("name", ["fits/vpnls.json", "twin/verdict.json", "runs.csv"])
def test_a_truncated_result_is_refused_by_name_or_made_again(name, finished, expected):
    """Snakemake makes again what is older than its inputs; a file cut short later is newer: its readers must see it."""
    path = finished.folder / "results/quick" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = finished.run("snakemake", "--config", "studies=quick")
    if done.returncode:
        logs = "".join(log.read_text(errors="replace") for log in (finished.folder / "logs").rglob("*.log"))
        assert path.name in done.stdout + done.stderr + logs
        path.unlink()
        finished.snakemake(studies="quick")
    assert differences(expected, outcome(finished.folder, "quick")) == []


def test_results_that_cannot_be_written_are_named(checkout):
    """A file stands where the folder should be: rights alone do not stop an administrator."""
    (checkout.folder / "results").write_text("not a folder")
    done = checkout.run("snakemake", "--config", "studies=quick")
    assert done.returncode != 0
    assert "results" in done.stdout + done.stderr
