"""The package that plans is the one that jobs run, and one of another version is refused in a sentence."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from snakemake.exceptions import WorkflowError

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
    own_package.refuse_other_version(version("flopscape"), "https://example.org/workflow")
    with pytest.raises(WorkflowError, match=r"and this workflow 999\.0; pip install flopscape 999\.0"):
        own_package.refuse_other_version("999.0", "https://example.org/workflow")


def test_the_snakefile_names_the_version_of_the_package():
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'VERSION = "{stated}"' in (ROOT / "workflow/Snakefile").read_text()
