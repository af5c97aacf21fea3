"""What pip installs is the whole workflow: what the distributions hold, and a folder to work in without a checkout."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from flopscape.fingerprint import fingerprint
from tests.conftest import ROOT

BUILD = "import sys; from setuptools import build_meta as b; b.build_{}(sys.argv[1])"
SHIPPED = tuple(f"workflow/{name}/" for name in ("rules", "report", "schemas", "template"))
SHIPPED += ("config/", "profiles/", "examples/")


def kept_by_git() -> set[str]:
    """Files of the checkout, with those that are not committed yet."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return {name for name in listed if name and (ROOT / name).is_file()}


def build(kind: str, source: Path, out: Path) -> Path:
    """A distribution of a folder, by the backend that pip calls, without a network."""
    out.mkdir(parents=True)
    subprocess.run([sys.executable, "-c", BUILD.format(kind), str(out)], cwd=source, capture_output=True, check=True)
    return next(out.iterdir())


@pytest.fixture(scope="session")
def built(tmp_path_factory, worker_id) -> Path:
    """A folder with a source distribution of the checkout in `sdist` and the wheel that comes of it in `wheel`."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "built-once"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            for name in kept_by_git():
                (folder / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / "checkout" / name)
            with tarfile.open(build("sdist", folder / "checkout", folder / "sdist")) as packed:
                packed.extractall(folder / "unpacked", filter="data")
            build("wheel", next((folder / "unpacked").iterdir()), folder / "wheel")
    return folder


def test_a_source_distribution_holds_what_git_keeps_but_for_what_serves_a_checkout_alone(built):
    with tarfile.open(next((built / "sdist").iterdir())) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    missing = {name for name in kept_by_git() - names if not name.startswith((".", "slurm/"))}
    assert missing - {"slurm"} == set()
    assert ".test/config/studies/tiny.yaml" in names


def test_a_wheel_holds_the_package_and_every_file_that_its_workflow_reads(built):
    with zipfile.ZipFile(next((built / "wheel").iterdir())) as packed:
        names = set(packed.namelist())
    for name in kept_by_git():
        if name.startswith(SHIPPED) or name in ("Snakefile", "workflow/Snakefile", "envs/flopscape.yaml"):
            assert f"flopscape/shipped/{name}" in names
        if name.startswith("workflow/flopscape/"):
            assert name.removeprefix("workflow/") in names
    assert not [name for name in names if not name.startswith(("flopscape/", "flopscape-"))]


def test_every_file_that_a_rule_names_by_its_path_is_in_the_wheel(built):
    with zipfile.ZipFile(next((built / "wheel").iterdir())) as packed:
        names = set(packed.namelist())
        rules = [name for name in names if name.startswith("flopscape/shipped/workflow/rules/")]
        for rule in rules:
            for path in re.findall(r'"((?:\.\./)+[\w./-]+)"', packed.read(rule).decode()):
                assert os.path.normpath(Path(rule).parent / path) in names


def test_what_the_recipes_of_images_copy_makes_the_whole_wheel(built, tmp_path):
    docker = (ROOT / "envs/Dockerfile").read_text()
    copied = {word for line in re.findall(r"^COPY (.*) \S+$", docker, re.MULTILINE) for word in line.split()}
    apptainer = (ROOT / "envs/flopscape.def").read_text().partition("%files")[2].partition("%post")[0]
    assert {line.split()[0] for line in apptainer.splitlines() if line} == copied
    for name in kept_by_git():
        if name in copied or name.split("/")[0] in copied:
            (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / "src" / name)
    wheels = (build("wheel", tmp_path / "src", tmp_path / "wheel"), next((built / "wheel").iterdir()))
    ours, whole = (set(zipfile.ZipFile(wheel).namelist()) for wheel in wheels)
    assert ours == whole


@pytest.mark.parametrize("recipe", ["Dockerfile", "flopscape.def"])
def test_images_have_the_python_of_the_environment_of_rules_and_the_tested_versions(recipe):
    text = (ROOT / "envs" / recipe).read_text()
    python = re.search(r"python=(\S+)", (ROOT / "envs/flopscape.yaml").read_text())[1]
    assert re.search(rf"(?mi)^from:? python:{re.escape(python)}-slim$", text)
    installs = re.findall(r"pip install .*", text)
    assert len(installs) == 2
    assert all("-c envs/constraints.txt" in line for line in installs)


@dataclass(frozen=True)
class Installed:
    """An environment of its own with the wheel in it, and the folder to work in."""

    python: Path
    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        env["PATH"] = f"{self.python.parent}{os.pathsep}{env['PATH']}"
        return subprocess.run(words, cwd=self.folder, env=env, capture_output=True, text=True, check=False)

    def out(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def installed(built, tmp_path_factory) -> Installed:
    """The wheel installed by pip; all that it depends on is borrowed from the environment of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = folder / "venv/bin/python"
    wheel = str(next((built / "wheel").iterdir()))
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(pip, check=True, capture_output=True)
    # Its own packages come first; the path alone is added, and so no editable install behind it.
    site = next((folder / "venv/lib").glob("python*/site-packages"))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    (folder / "work").mkdir()
    here = Installed(python, folder / "work")
    assert here.out("flopscape", "init", "sweeps").startswith("sweeps: a folder for sweeps")
    return Installed(python, folder / "work/sweeps")


def test_a_new_folder_is_priced_by_the_installed_workflow(installed):
    said = installed.out("python", "-m", "snakemake", "-n")
    assert "Price of study quick" in said
    assert re.search(r"^total +35 of 35 ", said, re.MULTILINE)
    assert re.search(r"^total +40 of 40 ", said, re.MULTILINE)
    place = "import flopscape; print(flopscape.__file__)"
    assert installed.out("python", "-c", place).startswith(str(installed.python.parents[1]))


def test_a_plan_and_its_run_ids_are_those_of_a_checkout(installed, tmp_path):
    installed.out("flopscape", "plan", "config/studies/digits-mlp.yaml", "--csv", str(tmp_path / "there.csv"))
    here = [sys.executable, "-m", "flopscape", "plan", "config/studies/digits-mlp.yaml", "--csv"]
    subprocess.run([*here, str(tmp_path / "here.csv")], cwd=ROOT, check=True, capture_output=True)
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def test_code_has_the_fingerprints_of_a_checkout_though_libraries_lie_beside_it(installed):
    module = "flopscape.fitting.vpnls"
    said = installed.out("python", "-c", f"from flopscape.fingerprint import *; print(fingerprint({module!r}))")
    assert said.strip() == fingerprint(module)


def test_a_folder_that_another_version_has_made_is_refused_in_a_sentence(installed):
    text = (installed.folder / "Snakefile").read_text()
    assert 'installed_workflow("' in text
    (installed.folder / "Other").write_text(re.sub(r'installed_workflow\(".*"\)', 'installed_workflow("9.0")', text))
    done = installed.run("python", "-m", "snakemake", "-n", "-s", "Other")
    assert done.returncode == 1
    assert re.search(r"made with flopscape 9\.0, and version \S+ in \S+ is older; pip install", done.stdout)


def test_jobs_get_the_command_beside_this_python_and_environments_of_conda_the_same_wheel(installed, built):
    asked = "('PATH', 'PYTHONPATH', 'FLOPSCAPE_REQUIREMENT')"
    code = f"import os; from flopscape.dag.own_package import *; use_own_package(); print(*map(os.getenv, {asked}))"
    path, pythonpath, requirement = installed.out("python", "-c", code).strip().split(" ", 2)
    assert path.startswith(f"{installed.python.parent}{os.pathsep}")
    assert pythonpath == "None"
    assert requirement == f"flopscape @ {next((built / 'wheel').iterdir()).as_uri()}"


def test_the_profile_of_a_cluster_is_found_in_a_new_folder(installed):
    done = installed.run("python", "-m", "snakemake", "-n", "-q", "rules", "--profile", "slurm")
    assert done.returncode == 0, done.stderr
    assert "100 at a time" in done.stdout
