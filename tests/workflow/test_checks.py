"""The example of examples/ under real Snakemake: checked before it trains, and no check retrains anything."""

import argparse
import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT

SMALL = """
sweep:
  rows: [{size: {width: 4, depth: 1}, n_tokens: 5120}]
fits: [vpnls]
recommend: {flops: [1.0e+9]}
twin: {simulations: 20, bootstrap: 20, answer_simulations: 0}
"""
STUDY = "examples/gated-convolution.yaml"
RESULTS = "gated-convolution"


@pytest.fixture
def example(checkout):
    """A checkout with examples/, the study cut down to one short run on a text of the user's."""
    shutil.copytree(ROOT / "examples", checkout.folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(Path(argparse.__file__), checkout.folder / "corpus.txt")
    checkout.edit(STUDY, "text:BibleText, kwargs: {", "text:TextFile, kwargs: {path: corpus.txt, ")
    study = checkout.folder / STUDY
    study.write_text(study.read_text().partition("\nsweep:")[0] + SMALL)
    return checkout


def test_the_example_goes_from_its_check_to_the_report(example):
    example.snakemake(studies=STUDY)
    (record,) = example.records(RESULTS)
    assert json.loads(record.read_text())["status"] == "completed"
    (check,) = (example.folder / "results" / RESULTS / "checks").iterdir()
    assert "✓ no output depends on a later input" in check.read_text()
    assert (example.folder / "results" / RESULTS / "report.html").exists()


def one_more(example, width, n_tokens=5120):
    run = f"rows: [{{size: {{width: {width}, depth: 1}}, n_tokens: {n_tokens}}}, "
    example.edit(STUDY, "rows: [", run)


def due(example):
    return example.due("--until", "train_run", studies=STUDY)


def train(example):
    example.snakemake("--until", "train_run", studies=STUDY)
    return {path: path.stat().st_mtime_ns for path in example.records(RESULTS)}


def test_no_check_retrains_a_finished_run(example):
    before = train(example)
    shutil.rmtree(example.folder / "results" / RESULTS / "checks")
    assert due(example) == {}, "no check is asked for where nothing is left to train"
    one_more(example, 6)
    assert due(example) == {"check_plugins": 1, "train_run": 1}
    assert before.items() < train(example).items()
    example.edit("examples/gated_convolution.py", "self.kernel = kernel\n", "self.kernel = int(kernel)\n")
    assert due(example) == {}, "nothing is left to pay for"
    one_more(example, 4, 10240)
    assert due(example) == {"check_plugins": 1, "train_run": 1}


def test_a_fault_stops_the_study_before_it_is_paid_for(example):
    example.edit(
        "examples/gated_convolution.py", "(0, 0, ago, 0))[:, : x.shape[1]]", "(0, 0, 0, ago))[:, -x.shape[1] :]"
    )
    done = example.run("snakemake", "--config", f"studies={STUDY}")
    assert done.returncode != 0
    assert example.records(RESULTS) == []
    (log,) = (example.folder / "logs/check" / RESULTS).glob("*.log")
    text = log.read_text()
    assert "✓ parameters are as many as declared, at every size\n" in text
    assert "✗ no output depends on a later input\n" in text
    assert (
        "flopscape: model examples.gated_convolution:GatedConvolution: claims to be causal, but another input" in text
    )
