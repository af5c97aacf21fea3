"""The workflow as others run it, from another folder or as a module under any names: plans, prices and limits hold.

Commands run without PYTHONPATH: the package beside the Snakefile is the one that plans and that jobs run, though
another is installed.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.outcomes import differences, outcome
from tests.workflow.climb import CLIMB, RUNGS, TABLE, climbing, rungs
from tests.workflow.conftest import N_TINY, Checkout, copy_checkout, jobs_of, run_once

MODULE = """
configfile: "config/config.yaml"

rule theirs_first:
    input:
        "results/STUDY/report.html",
        "results/STUDY/runs.parquet",
        "theirs.txt",

rule theirs:
    output:
        "theirs.txt",
    shell:
        "touch {output}"

onsuccess:
    print("theirs succeeded")

module flopscape:
    snakefile: "SNAKEFILE"
    config: config

use rule * from flopscape USED
"""
USED = {"module": "", "module with a prefix": "as scaling_*"}
WAYS = ("elsewhere", *USED)
DEAR = """
title: Costs more than it may
model: {plugin: flopscape.plugins.gpt:GPT, kwargs: {context: 32}}
dataset: {plugin: flopscape.plugins.text:TextFile, kwargs: {path: corpus.txt, context: 32}}
training: {batch_units: 128, heldout_units: 1024, curve_heldout_points: 2}
sweep:
  grid: {sizes: [{width: 8, depth: 1}, {width: 16, depth: 1}], n_tokens: [6400000, 12800000]}
limits: {max_usd: 0.0000001}
fits: [vpnls]
recommend: {flops: [1.0e+9]}
"""


class Place(Checkout):
    """A folder that holds a config, and perhaps a workflow of its own, but no checkout."""

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment
        return subprocess.run(words, cwd=self.folder, env=env, capture_output=True, text=True, check=False)


def place(source: Path, folder: Path, way: str, study: str = "tiny") -> tuple[Place, list[str]]:
    """Where a checkout is used in a way, and the words for it."""
    shutil.copytree(source / "config", folder / "config")
    if way == "elsewhere":
        return Place(folder), ["--cores", "2", "-s", str(source / "workflow/Snakefile")]
    (folder / "workflow").mkdir()
    text = MODULE.replace("SNAKEFILE", str(source / "workflow/Snakefile")).replace("STUDY", study)
    text = text.replace("USED", USED[way])
    (folder / "workflow/Snakefile").write_text(text)
    return Place(folder), ["--cores", "2"]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A checkout in which nothing is run, and nothing may be written."""
    return copy_checkout(tmp_path_factory.mktemp("source")).folder


@pytest.mark.parametrize("way", WAYS)
def test_a_dry_run_counts_and_prices_all_runs_once(source, tmp_path, way):
    somewhere, words = place(source, tmp_path / "theirs", way)
    said = somewhere.snakemake("-n", *words)
    assert jobs_of(said)["scaling_train_run" if "prefix" in way else "train_run"] == N_TINY
    assert re.search(rf"^total +{N_TINY} of {N_TINY} ", said, re.MULTILINE)
    assert said.count("Price of study tiny") == 1


@pytest.mark.parametrize(("way", "study"), [("elsewhere", "tiny"), *((way, "quick") for way in USED)])
def test_a_study_comes_to_the_same_tables_and_answer_as_in_a_checkout(
    source, tmp_path_factory, worker_id, tmp_path, way, study
):
    somewhere, words = place(source, tmp_path / "theirs", way, study)
    done = somewhere.snakemake(*words, studies=study)
    assert f"Recommendation of study {study}" in done
    assert ("theirs succeeded" in done) == (way in USED) == (somewhere.folder / "theirs.txt").exists()
    here = run_once(tmp_path_factory, worker_id, study)
    assert differences(*(outcome(folder, study) for folder in (here, somewhere.folder))) == []
    assert "Nothing to be done" in somewhere.snakemake("-n", *words, studies=study)
    assert not (source / "results").exists()


def test_a_ladder_comes_to_the_same_rungs_under_renamed_rules(source, tmp_path_factory, worker_id, tmp_path):
    somewhere, words = place(source, tmp_path / "theirs", "module with a prefix", "climb")
    climbing(somewhere)
    assert jobs_of(somewhere.snakemake("-n", TABLE, *words, studies="climb"))["scaling_plan_rung"] == len(RUNGS)
    somewhere.snakemake(TABLE, *words, studies="climb")
    assert rungs(somewhere.folder) == rungs(run_once(tmp_path_factory, worker_id, "climb", CLIMB))
    assert "Nothing to be done" in somewhere.snakemake("-n", TABLE, *words, studies="climb")


@pytest.mark.parametrize("way", WAYS)
def test_nothing_starts_that_costs_more_than_its_limit(source, tmp_path, way):
    somewhere, words = place(source, tmp_path / "theirs", way)
    (somewhere.folder / "config/studies/dear.yaml").write_text(DEAR)
    (somewhere.folder / "corpus.txt").write_text("To be or not to be, that is the question.\n" * 200)
    train = "scaling_train_run" if "prefix" in way else "train_run"
    words = ["snakemake", "results/dear/runs.csv", *words]
    assert "REFUSED: study dear" in somewhere.run(*words, "-n", "--config", "studies=dear").stdout
    for more in ((), ("--no-hooks", "--until", train)):
        started = somewhere.run(*words, *more, "--config", "studies=dear")
        assert started.returncode != 0
        assert "more than limits.max_usd = 1e-07; nothing more is started" in started.stderr, started.stderr
    assert not (somewhere.folder / "results").exists()


def test_a_rule_of_theirs_that_is_made_from_a_training_rule_is_priced_and_limited_too(source, tmp_path):
    somewhere, words = place(source, tmp_path / "theirs", "module with a prefix")
    more = "use rule train_run from flopscape as scaling_train_run with:\n    threads: 2\n    resources: mem_mb=100\n"
    snakefile = somewhere.folder / "workflow/Snakefile"
    snakefile.write_text(f"{snakefile.read_text()}\n{more}")
    planned = somewhere.snakemake("-n", *words)
    assert "threads: 2" in planned
    assert "mem_mb=100," in planned
    assert re.search(rf"^total +{N_TINY} of {N_TINY} ", planned, re.MULTILINE)
    assert planned.count("Price of study tiny") == 1
    somewhere.snakemake("results/tiny/runs.csv", *words)
    assert len(somewhere.records()) == N_TINY


def test_a_module_that_would_move_the_results_is_refused_in_a_sentence(source, tmp_path):
    somewhere, words = place(source, tmp_path / "theirs", "module")
    snakefile = somewhere.folder / "workflow/Snakefile"
    snakefile.write_text(snakefile.read_text().replace("config: config", 'config: config\n    prefix: "scaling"'))
    done = somewhere.run("snakemake", "-n", *words)
    assert done.returncode != 0
    assert "takes no prefix: of its paths; leave that line out" in done.stdout + done.stderr
