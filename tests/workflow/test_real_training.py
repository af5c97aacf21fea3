"""Real training under Accelerate, with the README's own model and a text file of the user's, through the whole DAG."""

import argparse
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT

STUDY = """
title: The README's model on a text file
model: {plugin: mymodel:Bigram}
dataset: {plugin: flopscape.plugins.text:TextFile, kwargs: {path: corpus.txt, context: 64}}
training: {heldout_units: 1024, curve_heldout_points: 2}
tracking: {trackers: [tensorboard]}
sweep:
  rows: [{size: {width: 4}, n_tokens: 5120}, {size: {width: 8}, n_tokens: 5120}]
fits: [vpnls]
recommend: {flops: [1.0e+9]}
"""


@pytest.fixture
def mine(checkout):
    """A checkout with a model of the user's in its root, a corpus and a study of both."""
    code = re.search(r"```python\n(# mymodel.py\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (checkout.folder / "mymodel.py").write_text(code.group(1))
    shutil.copy2(Path(argparse.__file__), checkout.folder / "corpus.txt")
    (checkout.folder / "config/studies/mine.yaml").write_text(STUDY)
    return checkout


def test_a_users_model_and_text_go_from_plan_to_report_and_repeat_to_the_last_digit(mine):
    mine.snakemake(studies="mine")
    records = [json.loads(path.read_text()) for path in mine.records("mine")]
    assert len(records) == 2
    for record in records:
        assert record["status"] == "completed"
        assert record["n_tokens_seen"] == record["n_tokens_planned"] == 5120
        assert record["n_params_head"] == 128 * record["spec"]["size"]["width"]
        assert not record["simulated"]
        journal = mine.folder / f"results/mine/runs/{record['run_id']}.jsonl"
        losses = [json.loads(line)["train_loss"] for line in journal.read_text().splitlines()]
        assert losses == record["curve"]["train_loss"]
        assert list((mine.folder / f"results/mine/trackers/tensorboard/{record['run_id']}").glob("events.*"))
    fit = json.loads((mine.folder / "results/mine/fits/vpnls.json").read_text())
    assert fit["status"] == "refused"
    assert "refused" in (mine.folder / "results/mine/report.html").read_text()
    assert "Nothing to be done" in mine.snakemake(studies="mine")
    again = mine.run("flopscape", "train", str(mine.records("mine")[0]), "--out", "again.json")
    assert again.returncode == 0, again.stderr
    assert json.loads((mine.folder / "again.json").read_text())["loss"] == records[0]["loss"]
