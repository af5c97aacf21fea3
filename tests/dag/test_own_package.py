"""The package that plans is the one that jobs run, and one of another version is refused in a sentence."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from snakemake.exceptions import WorkflowError

import flopscape
from flopscape.dag import own_package
from tests.conftest import ROOT


@pytest.fixture
def environment(monkeypatch):
    """An environment to change, which is set back afterwards."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return os.environ


def test_jobs_run_this_package_though_another_comes_first(environment, tmp_path):
    other = tmp_path / "flopscape"
    other.mkdir()
    (other / "__init__.py").touch()
    environment["PYTHONPATH"] = str(tmp_path)
    own_package.use_own_package()
    code = "import flopscape; print(flopscape.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd="/", capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).parents[1] == own_package.OURS


def test_a_command_that_is_not_on_the_path_is_found_beside_this_python(environment, tmp_path):
    environment["PATH"] = str(tmp_path)
    own_package.use_own_package()
    assert own_package.has_command()
    assert environment["PATH"].startswith(str(tmp_path))


def test_a_missing_command_is_refused_with_its_cure(environment, tmp_path):
    environment["PATH"] = str(tmp_path)
    with pytest.raises(WorkflowError, match="-m pip install and the folder or the address of the workflow"):
        own_package.refuse_without_command()


def test_pip_is_told_to_install_the_checkout_that_plans(environment):
    own_package.use_own_package()
    assert environment["FLOPSCAPE_REQUIREMENT"] == f"--editable {own_package.OURS.parent}"


def test_the_workflows_own_folder_is_always_its_own_version_and_another_is_not():
    own_package.refuse_other_version("999.0", str(own_package.OURS))
    own_package.refuse_other_version(flopscape.__version__, "https://example.org/workflow")
    with pytest.raises(WorkflowError, match=r"and this workflow 999\.0; pip install flopscape 999\.0"):
        own_package.refuse_other_version("999.0", "https://example.org/workflow")


@pytest.mark.parametrize(("made_with", "age"), [("0.0.9", "newer"), ("0.10.0", "older"), ("99.0", "older")])
def test_a_folder_of_another_version_is_refused_with_what_can_be_done(made_with, age):
    with pytest.raises(WorkflowError) as refused:
        own_package.installed_workflow(made_with)
    said, here = str(refused.value), flopscape.__version__
    assert f"made with flopscape {made_with}, and version {here} in {own_package.OURS} is {age}" in said
    assert f"pip install flopscape {made_with}, or read its changelog and write {here} in the Snakefile" in said


def test_a_folder_of_this_version_runs_the_workflow_beside_the_package():
    assert own_package.installed_workflow(flopscape.__version__) == str(ROOT / "workflow/Snakefile")


WHEEL = "file:///tmp/flopscape-0.1.0-py3-none-any.whl"
GIT = {"url": "https://example.org/flopscape.git", "vcs_info": {"vcs": "git", "commit_id": "1f2e"}}


@pytest.mark.parametrize(
    ("source", "requirement"),
    [
        ({}, f"flopscape=={flopscape.__version__}"),
        ({"url": WHEEL, "archive_info": {}}, f"flopscape @ {WHEEL}"),
        (GIT, "flopscape @ git+https://example.org/flopscape.git@1f2e"),
        ({"url": "file:///home/me/flopscape", "dir_info": {}}, f"flopscape=={flopscape.__version__}"),
    ],
)
def test_jobs_in_an_environment_of_their_own_get_what_was_installed(source, requirement):
    assert own_package.requirement_of(source) == requirement


def test_the_snakefile_and_the_citation_name_the_version_of_the_package():
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'VERSION = "{stated}"' in (ROOT / "workflow/Snakefile").read_text()
    assert f"version: {stated}\n" in (ROOT / "CITATION.cff").read_text()
    assert stated == flopscape.__version__
