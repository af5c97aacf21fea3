"""The environments of rules, the package's dependencies and the tested versions agree."""

import re
import runpy
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NEEDED = {canonicalize_name(Requirement(line).name): Requirement(line) for line in PROJECT["dependencies"]}
OF_WORKFLOW = {"snakemake", "snakemake-executor-plugin-slurm", "pygments"}
"""What runs the workflow, or its own report, and not inside a rule."""


def pinned(path):
    """Versions by name of a file of `name==version` lines."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / path).read_text().splitlines())
    return dict(line.split("==") for line in lines if "==" in line)


CONSTRAINTS = {canonicalize_name(name): version for name, version in pinned("envs/constraints.txt").items()}


def environment(name):
    """Requirements of a rule's environment, and whether its versions are those of the constraints."""
    parts = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())["dependencies"]
    lines = next(part["pip"] for part in parts if isinstance(part, dict))
    assert lines[0] == "-c constraints.txt"
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines[1:]}


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_every_dependency_has_a_tested_version_that_it_allows(name):
    assert NEEDED[name].specifier.contains(CONSTRAINTS[name])


@pytest.mark.parametrize("name", ["train", "analysis"])
def test_an_environment_takes_its_versions_from_the_constraints_or_states_the_datas(name):
    data = {canonicalize_name(key): version for key, version in pinned("envs/data.txt").items()}
    for package, requirement in environment(name).items():
        stated = {spec.version for spec in requirement.specifier}
        assert package in CONSTRAINTS or stated == {data.get(package)}, package


def test_the_environments_hold_every_dependency_that_rules_import():
    assert set(NEEDED) - OF_WORKFLOW <= set(environment("train")) | set(environment("analysis"))


def test_every_rule_with_a_command_names_an_environment_that_exists():
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"\n(?=rule )", path.read_text())[1:]:
            if "shell:" in rule:
                (env,) = re.findall(r'"\.\./\.\./(envs/[a-z]+\.yaml)"', rule)
                assert (ROOT / env).is_file()


SAFE = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "c is not there"}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([SAFE], 0, "audit: 0 known vulnerabilities in 1 packages; 0 could not be audited"),
        ([SAFE, BAD, UNKNOWN], 1, "b 2: PYSEC-1, mended in 3\naudit: 1 known vulnerabilities in 2 packages; 1 could"),
        ([UNKNOWN], 0, "audit skipped: c is not there"),
    ],
)
def test_the_audit_fails_on_known_vulnerabilities_alone(packages, status, said):
    ended, text = runpy.run_path(str(ROOT / "envs/audit.py"))["judge"](packages)
    assert ended == status
    assert text.startswith(said)
