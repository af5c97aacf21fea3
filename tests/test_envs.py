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


def pinned(path):
    """Versions by name of a file of `name==version` lines."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / path).read_text().splitlines())
    return dict(line.split("==") for line in lines if "==" in line)


CONSTRAINTS = {canonicalize_name(name): version for name, version in pinned("envs/constraints.txt").items()}


PARTS = yaml.safe_load((ROOT / "envs/flopscape.yaml").read_text())["dependencies"]
PIP = next(part["pip"] for part in PARTS if isinstance(part, dict))


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_every_dependency_has_a_tested_version_that_it_allows(name):
    assert NEEDED[name].specifier.contains(CONSTRAINTS[name])


def test_the_environment_of_rules_has_every_dependency_in_its_tested_version_and_the_package_itself():
    *others, package = PIP
    assert package == "${FLOPSCAPE_REQUIREMENT}"
    stated = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in others)}
    assert stated.keys() >= NEEDED.keys()
    assert stated == {name: CONSTRAINTS[name] for name in stated}


def test_the_environment_of_rules_names_no_file_for_snakemake_gives_conda_a_copy_of_it():
    assert not [line for line in PIP if line.startswith("-") or "/" in line]


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
