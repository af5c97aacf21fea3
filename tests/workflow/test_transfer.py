"""`snakemake transfer`: real tiny trainings at three widths, judged by the workflow."""

import argparse
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from flopscape.config.read import load_study
from flopscape.files.json_text import dataset_id
from flopscape.plan.rows import plan_rows
from flopscape.plan.search import search_rows
from flopscape.plugins.prepare import prepare_dataset
from flopscape.training.command import train

STUDY = """
title: A search on a text file
model: {plugin: flopscape.plugins.gpt:GPT, kwargs: {context: 32}}
dataset: {plugin: flopscape.plugins.text:TextFile, kwargs: {path: corpus.txt, context: 32}}
training: {batch_units: 128, heldout_units: 4096, curve_heldout_units: 1024, curve_heldout_points: 2}
sweep:
  rows: [{size: {width: 8, depth: 1}, n_tokens: 6400}, {size: {width: 8, depth: 1}, n_tokens: 12800}]
transfer:
  rates: [0.001, 0.012, 0.5]
  sizes: [{width: 8, depth: 1}, {width: 16, depth: 1}, {width: 32, depth: 1}]
  n_tokens: 12800
fits: [vpnls]
recommend: {flops: [1.0e+9]}
"""


@pytest.fixture
def searching(checkout, monkeypatch):
    """A checkout with the study, its data, and every run of its search really trained, in this process."""
    monkeypatch.chdir(checkout.folder)
    shutil.copy2(Path(argparse.__file__), "corpus.txt")
    Path("config/studies/mine.yaml").write_text(STUDY)
    study = load_study("config/studies/mine.yaml")
    data = Path("results/data", dataset_id(study.dataset.spec()))
    prepare_dataset(study.dataset.spec(), data)
    for row in search_rows(study):
        train(row.spec, f"results/mine/runs/{row.run_id}.json", data)
    return checkout


def test_a_search_is_trained_judged_and_kept_out_of_the_sweep(searching):
    study = load_study("config/studies/mine.yaml")
    shared = {row.run_id for row in plan_rows(study)} & {row.run_id for row in search_rows(study)}
    searching.snakemake("transfer", "--cores", "1", studies="mine")
    out = searching.folder / "results/mine/transfer"
    table, verdict = pd.read_csv(out / "table.csv"), json.loads((out / "verdict.json").read_text())
    assert len(table) == verdict["n_runs"] == 9
    assert [row["width"] for row in verdict["widths"]] == [8, 16, 32]
    for row in verdict["widths"]:
        assert 0.001 < row["optimum_rate"]["estimate"] < 0.5
        assert not row["at_edge"]
        assert row["cost_of_assumed"]["estimate"] >= 0
    assert verdict["status"] == "undecided"
    assert "without an interval" in verdict["reason"]
    assert (out / "figure.svg").stat().st_size > 10_000
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    dry = searching.snakemake("-n", studies="mine")
    assert dry.count("rule train_run:") == 2 - len(shared) == 1
    assert "stay on disk" not in dry


def test_a_study_without_a_search_says_what_it_lacks(checkout):
    done = checkout.run("snakemake", "transfer", "-n", "--config", "studies=tiny")
    assert done.returncode != 0
    assert "no selected study (tiny) has a key transfer" in done.stdout + done.stderr
