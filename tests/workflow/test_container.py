"""`--sdm apptainer`: every job runs in the image that config.yaml names, and one that is missing is said first.

The program apptainer of these tests notes the image it is given and runs the command on this machine.
"""

import os

import pytest

from tests.workflow.conftest import Checkout

APPTAINER = """#!/usr/bin/env python3
import subprocess, sys
words = sys.argv[1:]
if words == ["--version"]:
    sys.exit(print("apptainer version 1.3.0"))
shell = next(at for at, word in enumerate(words) if word in ("sh", "bash"))
with open("images.txt", "a") as file:
    file.write(words[shell - 1] + "\\n")
sys.exit(subprocess.run(words[shell:]).returncode)
"""
PLAN = "results/tiny/plan.csv"


@pytest.fixture
def with_apptainer(checkout) -> tuple[Checkout, str]:
    """A checkout, and the PATH on which the program is found."""
    programs = checkout.folder / "programs"
    programs.mkdir()
    (programs / "apptainer").write_text(APPTAINER)
    (programs / "apptainer").chmod(0o755)
    return checkout, f"{programs}{os.pathsep}{os.environ['PATH']}"


def test_jobs_run_in_the_image_that_the_config_names(with_apptainer):
    checkout, path = with_apptainer
    checkout.edit("config/config.yaml", "container: flopscape.sif", "container: images/mine.sif")
    (checkout.folder / "images").mkdir()
    (checkout.folder / "images/mine.sif").touch()
    done = checkout.run("snakemake", PLAN, "--sdm", "apptainer", "--config", "studies=tiny", PATH=path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout.folder / PLAN).is_file()
    assert set((checkout.folder / "images.txt").read_text().split()) == {"images/mine.sif"}


def test_a_missing_image_is_refused_with_its_recipe_before_any_job(with_apptainer):
    checkout, path = with_apptainer
    done = checkout.run("snakemake", PLAN, "--sdm", "apptainer", "--config", "studies=tiny", PATH=path)
    assert done.returncode == 1
    assert "flopscape.sif: no such image" in done.stderr
    assert "envs/flopscape.def says, or name another as `container` in config/config.yaml" in done.stderr
    assert not (checkout.folder / "results").exists()
    assert not (checkout.folder / "images.txt").exists()
