"""The files that hosts, editors and hooks read are what those read, and call what there is."""

import re

import pytest
import yaml

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def steps(workflow):
    """Commands of a workflow of GitHub."""
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_write_nothing_but_a_release_and_calls_targets_that_the_makefile_has(workflow):
    read = yaml.safe_load(workflow.read_text())
    assert read["permissions"] == {"contents": "write" if workflow.stem == "release" else "read"}
    called = {target for run in steps(workflow) for target in re.findall(r"\bmake ([a-z-]+)", run)}
    assert called <= TARGETS
    assert called or workflow.stem in ("environments", "release")


def test_the_workflows_do_all_that_the_projects_own_script_does():
    called = {run for workflow in WORKFLOWS for run in steps(workflow)}
    for line in (ROOT / ".ci/run").read_text().splitlines():
        if line.startswith("make "):
            assert any(run.endswith(line) for run in called)


def test_hooks_run_programs_that_the_set_up_installs_and_download_nothing():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]
    extra = (ROOT / "pyproject.toml").read_text()
    for hook in hooks[0]["hooks"]:
        program = re.match(r"\.venv/bin/(\w+)", hook["entry"])[1]
        assert f'"{program}"' in extra or program == "flopscape"
        assert hook["language"] == "system"


@pytest.mark.parametrize("name", ["SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "README.md"])
def test_the_files_that_a_page_links_to_are_there(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []
