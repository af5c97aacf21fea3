"""A dataset and a tokeniser of Hugging Face's, saved to disk, through the real DAG."""

import json

import pytest

from tests.plugins.hub_data import save, save_tokenizer, texts

STUDY = """
title: A saved dataset under a tokenizer of its own
model: {plugin: flopscape.plugins.gpt:GPT, kwargs: {vocab_size: 320, context: 32}}
dataset:
  plugin: flopscape.plugins.hub_text:HubText
  kwargs: {path: data/texts, tokenizer: data/tokenizer.json, context: 32}
training: {batch_units: 128, heldout_units: 0, curve_points: 4}
sweep:
  rows: [{size: {width: 8, depth: 1}, n_tokens: 5120}]
fits: [vpnls]
recommend: {flops: [1.0e+9]}
"""
TABLE = "results/saved/runs.csv"


@pytest.fixture
def mine(checkout):
    """A checkout with a saved dataset, a tokeniser and a study of both."""
    save(checkout.folder / "data/texts", train={"text": texts()})
    save_tokenizer(checkout.folder / "data/tokenizer.json")
    (checkout.folder / "config/studies/saved.yaml").write_text(STUDY)
    return checkout


def test_a_saved_dataset_is_trained_on_offline_and_once_changed_read_again_for_new_runs_alone(mine):
    mine.snakemake(TABLE, studies="saved")
    record = json.loads(mine.records("saved")[0].read_text())
    manifest = json.loads(next(mine.folder.glob("results/data/hubtext-*/manifest.json")).read_text())
    assert record["status"] == "completed"
    assert record["n_tokens_seen"] == 5120
    assert record["data_hash"] == manifest["data_hash"]
    assert manifest["source"] == "data/texts, split train"
    save(mine.folder / "data/texts", train={"text": texts(seed=1)})
    assert not {"prepare_data", "train_run"} & mine.due(TABLE, studies="saved").keys()
    mine.edit("config/studies/saved.yaml", "rows: [", "rows: [{size: {width: 16, depth: 1}, n_tokens: 5120}, ")
    due = mine.due(TABLE, studies="saved")
    assert due["prepare_data"] == due["train_run"] == 1


def test_a_tokenizer_that_is_not_there_is_named_before_anything_runs(mine):
    (mine.folder / "data/tokenizer.json").unlink()
    refused = mine.run("snakemake", "-n", "--config", "studies=saved")
    assert refused.returncode != 0
    assert "data/tokenizer.json: no such file, seen from " in refused.stdout + refused.stderr
