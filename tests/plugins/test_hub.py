"""Downloading from a Hub: the real libraries against a server on this machine that speaks as much as they ask for."""

import json
import os
import subprocess
import sys

import datasets
import pytest

from tests.plugins.hub_data import save_tokenizer, texts
from tests.plugins.hub_server import COMMIT, hub

# The address of the Hub is read when huggingface_hub is imported: hence a process of its own, one for all cases.
PREPARE_ALL = """
import json, sys
from flopscape.errors import FlopscapeError
from flopscape.plugins.prepare import prepare_dataset
told = {}
for name, kwargs in json.loads(sys.argv[1]).items():
    try:
        manifest = prepare_dataset({"plugin": "flopscape.plugins.hub_text:HubText", "kwargs": kwargs}, name)
        told[name] = [manifest.source, manifest.licence, manifest.notes]
    except FlopscapeError as error:
        told[name] = str(error)
    print("prepared", name, file=sys.stderr)
print(json.dumps(told))
"""
WORDS = {"path": "owner/stories", "tokenizer": "owner/words", "context": 32}
CASES = {
    "stream": WORDS | {"max_tokens": 8_000},
    "whole": WORDS,
    "absent": WORDS | {"path": "owner/nothing"},
    "tokenizer": WORDS | {"tokenizer": "owner/nothing@main"},
    "script": WORDS | {"path": "owner/script"},
    "split": WORDS | {"split": "valid", "max_tokens": 8_000},
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder of repositories: stories in two files, a tokeniser, and a dataset that is a program."""
    root = tmp_path_factory.mktemp("hub")
    for name in ("stories/data", "words", "script"):
        (root / "owner" / name).mkdir(parents=True)
    for part in range(2):
        rows = datasets.Dataset.from_dict({"text": texts(seed=part)})
        rows.to_parquet(root / f"owner/stories/data/train-0000{part}-of-00002.parquet")
    (root / "owner/stories/README.md").write_text("---\nlicense: odc-by\n---\nStories.\n")
    (root / "owner/script/script.py").write_text("raise SystemExit('a program of the dataset ran')\n")
    save_tokenizer(root / "owner/words/tokenizer.json")
    return root


@pytest.fixture(scope="module")
def told(served, tmp_path_factory):
    """What became of each case, and the data files that were asked for."""
    folder = tmp_path_factory.mktemp("prepared")
    with hub(served) as (address, asked):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        environment |= {"HF_ENDPOINT": address, "HF_HOME": str(folder / "cache")}
        command = [sys.executable, "-c", PREPARE_ALL, json.dumps(CASES)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shards = [name for name in asked if name.endswith(".parquet")]
    return json.loads(done.stdout) | {"shards": shards}


def test_a_dataset_and_a_tokenizer_are_downloaded_and_the_manifest_names_commit_and_licence(told):
    source, licence, notes = told["whole"]
    assert source == f"owner/stories, revision {COMMIT}, split train"
    assert licence == "odc-by"
    assert sum(notes["n_documents"].values()) == 1600
    assert notes["tokenizer"]["name"] == "owner/words"


def test_a_stream_downloads_no_more_than_it_needs(told):
    notes = told["stream"][2]
    assert 300 < notes["n_documents"]["train"] < 500
    # The second case downloads both files; the first needs one of them.
    first, second = (told["shards"].count(f"data/train-0000{part}-of-00002.parquet") for part in range(2))
    assert first > second > 0


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("absent", "owner/nothing: cannot be read: Dataset 'owner/nothing' doesn't exist on the Hub"),
        ("tokenizer", "tokenizer owner/nothing@main: cannot be read: "),
        ("script", "owner/script: cannot be read: Dataset scripts are no longer supported, but found script.py"),
        ("split", "cannot be read: Bad split: valid. Available splits: ['train']"),
    ],
)
def test_what_the_hub_does_not_have_is_one_sentence(told, case, sentence):
    assert sentence in told[case]
    assert "\n" not in told[case]
