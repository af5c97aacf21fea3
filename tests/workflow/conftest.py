"""A copy of the checkout to run real Snakemake in; its own code is what the workflow imports."""

import argparse
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import ROOT
from tests.training.conftest import MODEL

COPIED = ("Snakefile", "workflow", "config", "profiles", "envs", "slurm")
TINY = (ROOT / ".test/config/studies/tiny.yaml").read_text()
N_TINY = 12


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout, and the commands people type in it."""

    folder: Path

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command in the checkout; PYTHONPATH makes the copy's package the one that is imported."""
        env = os.environ | {"PYTHONPATH": str(self.folder / "workflow")} | environment
        return subprocess.run(words, cwd=self.folder, env=env, capture_output=True, text=True, check=False)

    def snakemake(self, *words: str, studies: str = "tiny") -> str:
        """Run snakemake; standard output and error together. A failure is the test's."""
        done = self.run("snakemake", *words, "--config", f"studies={studies}")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def due(self, *words: str, studies: str = "tiny") -> dict[str, int]:
        """Jobs that a dry run would start, by rule."""
        return jobs_of(self.snakemake("-n", *words, studies=studies))

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file of the checkout; the text must be there."""
        file = self.folder / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def append(self, path: str, line: str) -> None:
        """Add a line at the end of a module of the package."""
        file = self.folder / "workflow/flopscape" / path
        file.write_text(f"{file.read_text()}\n\n{line}\n")

    def records(self, study: str = "tiny") -> list[Path]:
        return sorted((self.folder / f"results/{study}/runs").glob("*.json"))


def jobs_of(text: str) -> dict[str, int]:
    """Jobs in what a dry run printed, by rule."""
    lines = text.split("Job stats:")
    table = lines[1].splitlines()[3:] if len(lines) > 1 else []
    counts = {}
    for line in table:
        rule, _, number = line.partition(" ")
        if not rule or rule == "total":
            break
        counts[rule] = int(number)
    counts.pop("all", None)
    return counts


def copy_checkout(folder: Path) -> Checkout:
    """A fresh copy of the checkout with the study `tiny`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir() and not source.is_symlink():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, folder / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy2(source, folder / name, follow_symlinks=False)
    (folder / "config/studies/tiny.yaml").write_text(TINY)
    return Checkout(folder)


def write_branching_study(checkout: Checkout, n_tokens: list[int]) -> None:
    """A study `mine` of real training, with its corpus: one path of one size that ends at several numbers of tokens."""
    shutil.copy2(Path(argparse.__file__), checkout.folder / "corpus.txt")
    (checkout.folder / "config/studies/mine.yaml").write_text(f"""
title: A trunk and its branches
model: {json.dumps(MODEL)}
dataset: {{plugin: flopscape.plugins.text:TextFile, kwargs: {{path: corpus.txt, context: 32}}}}
training: {{warmup_units: 1280, heldout_units: 1024, curve_heldout_points: 2, curve_points: 10}}
sweep:
  branches: true
  grid: {{sizes: [{{width: 8, depth: 1}}], n_tokens: {n_tokens}}}
fits: [vpnls]
recommend: {{flops: [1.0e+9]}}
""")


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return copy_checkout(tmp_path)


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory, worker_id) -> Path:
    """The study `tiny`, run to its report once for all tests."""
    return run_once(tmp_path_factory, worker_id, "tiny")


def run_once(tmp_path_factory, worker_id: str, study: str, text: str = "") -> Path:
    """A checkout in which a study was run to its report, by whichever of pytest's processes asks first.

    `text` is that of a study that the checkout does not have.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / f"finished-once-{study}"
    with FileLock(f"{folder}.lock"):
        if not folder.with_suffix(".done").exists():
            checkout = copy_checkout(folder)
            if text:
                (folder / f"config/studies/{study}.yaml").write_text(text)
            checkout.snakemake(studies=study)
            folder.with_suffix(".done").touch()
    return folder


@pytest.fixture
def finished(finished_once, tmp_path) -> Checkout:
    """A checkout of its own in which `tiny` is finished."""
    folder = tmp_path / "finished"
    shutil.copytree(finished_once, folder, symlinks=True)
    return Checkout(folder)
