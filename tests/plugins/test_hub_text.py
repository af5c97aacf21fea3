"""Hugging Face texts and tokenisers from disk: documents whole, split by their text, and what is refused."""

import itertools
import json
import os
import subprocess
import sys

import datasets
import numpy as np
import pytest
from tokenizers import Tokenizer, decoders

from flopscape.errors import FlopscapeError
from flopscape.plugins.hub import Opened
from flopscape.plugins.hub_text import HubText
from flopscape.plugins.prepare import prepare_dataset, read_manifest
from flopscape.plugins.windows import read_tokens, token_suffix
from flopscape.training.components import load_parts
from flopscape.training.spec import check_spec
from tests.plugins.hub_data import END, VOCABULARY, save, save_tokenizer, texts

PLUGIN = "flopscape.plugins.hub_text:HubText"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A dataset and a tokeniser on disk, as kwargs."""
    folder = tmp_path_factory.mktemp("hub")
    path = save(folder / "texts", train={"text": texts(), "n": list(range(800))})
    return {"path": path, "tokenizer": save_tokenizer(folder / "tokenizer.json"), "context": 32}


@pytest.fixture(scope="module")
def prepared(saved, tmp_path_factory):
    """Folder of the prepared dataset."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    prepare_dataset({"plugin": PLUGIN, "kwargs": saved}, folder)
    return folder


def documents(folder, split, tokenizer):
    """The texts of a half, cut at the ends of text."""
    tokens = read_tokens(folder, split)
    *whole, rest = np.split(tokens, np.flatnonzero(tokens == 0) + 1)
    assert len(rest) == 0
    decode = Tokenizer.from_file(tokenizer)
    decode.decoder = decoders.ByteLevel()
    return [decode.decode(document[:-1].tolist()) for document in whole]


def heldout_texts(tmp_path, name, saved, **kwargs):
    folder = tmp_path / name
    prepare_dataset({"plugin": PLUGIN, "kwargs": saved | kwargs}, folder)
    return set(documents(folder, "heldout", saved["tokenizer"]))


def test_every_document_is_whole_in_one_half_with_an_end_behind_it(saved, prepared):
    train, heldout = (documents(prepared, split, saved["tokenizer"]) for split in ("train", "heldout"))
    assert sorted(train + heldout) == sorted(texts())
    notes = read_manifest(prepared).notes
    assert notes["n_documents"] == {"train": len(train), "heldout": len(heldout)}
    assert 20 < len(heldout) < 60
    assert notes["tokenizer"]["size"] == VOCABULARY
    assert notes["largest_token"] < VOCABULARY
    n_bytes = sum(len(text.encode()) for text in heldout)
    assert notes["heldout_text"] == {"n_tokens": len(read_tokens(prepared, "heldout")), "n_bytes": n_bytes}


def test_what_is_held_out_depends_on_the_text_alone(saved, prepared, tmp_path):
    path = save(tmp_path / "reversed", train={"text": texts()[::-1][:600]})
    expected = set(documents(prepared, "heldout", saved["tokenizer"])) & set(texts()[200:])
    assert heldout_texts(tmp_path, "data", saved, path=path) == expected


def test_preparing_twice_gives_the_same_hash(saved, prepared, tmp_path):
    again = prepare_dataset({"plugin": PLUGIN, "kwargs": saved}, tmp_path / "again")
    assert again.data_hash == read_manifest(prepared).data_hash


def test_held_out_documents_that_training_has_too_are_dropped(saved, tmp_path):
    train, heldout = texts()[:400], texts()[380:]
    parts = {"train": {"text": train}, "validation": {"text": [*heldout, f"{heldout[0]}\n", heldout[-1]]}}
    path = save(tmp_path / "two", **parts)
    kept = heldout_texts(tmp_path, "data", saved, path=path, heldout_split="validation")
    assert kept == set(texts()[400:])
    notes = read_manifest(tmp_path / "data").notes
    assert notes["n_documents"] == {"train": 400, "heldout": 400}
    assert notes["n_heldout_documents_dropped"] == 22


@pytest.mark.parametrize("most", [12_000, 12_345])
def test_at_most_the_wanted_tokens_are_trained_on(saved, prepared, tmp_path, most):
    kwargs = saved | {"max_tokens": most}
    manifest = prepare_dataset({"plugin": PLUGIN, "kwargs": kwargs}, tmp_path / "data")
    tokens = read_tokens(tmp_path / "data", "train")
    assert (tokens == read_tokens(prepared, "train")[:most]).all()
    assert len(tokens) == most
    assert manifest.n_units["train"] == HubText(**kwargs).train_units()


def test_bytes_are_tokens_and_byte_0_ends_a_text(saved, tmp_path):
    prepare_dataset({"plugin": PLUGIN, "kwargs": saved | {"tokenizer": "bytes"}}, tmp_path / "data")
    halves = [(tmp_path / "data" / f"{split}.bin").read_bytes() for split in ("train", "heldout")]
    assert sorted("".join(half.decode() for half in halves).split("\0")[:-1]) == sorted(texts())


def test_an_end_of_text_that_an_author_wrote_ends_no_text(saved, tmp_path):
    path = save(tmp_path / "tricky", train={"text": [f"{text} {END}" for text in texts()]})
    prepare_dataset({"plugin": PLUGIN, "kwargs": saved | {"path": path}}, tmp_path / "data")
    assert (read_tokens(tmp_path / "data", "train") == 0).sum() < 800
    assert all(text.endswith(END) for text in documents(tmp_path / "data", "train", saved["tokenizer"]))


def test_rows_without_text_are_left_out_and_counted(saved, tmp_path):
    path = save(tmp_path / "gaps", train={"text": [*texts(), None, "", " \n"]})
    manifest = prepare_dataset({"plugin": PLUGIN, "kwargs": saved | {"path": path}}, tmp_path / "data")
    assert manifest.notes["n_rows_without_text"] == 3
    assert sum(manifest.notes["n_documents"].values()) == 800


@pytest.mark.parametrize(("file", "max_tokens"), [("train.jsonl", None), ("train.csv", 1_000_000)])
def test_a_folder_of_data_files_is_read_whole_or_as_a_stream(saved, tmp_path, monkeypatch, file, max_tokens):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "files").mkdir()
    (tmp_path / "files/README.md").write_text("---\nlicense: cc0-1.0\n---\n")
    lines = [json.dumps({"text": text}) if file.endswith("jsonl") else text for text in ["text", *texts()]]
    (tmp_path / "files" / file).write_text("\n".join(lines))
    kwargs = saved | {"path": str(tmp_path / "files"), "max_tokens": max_tokens}
    manifest = prepare_dataset({"plugin": PLUGIN, "kwargs": kwargs}, tmp_path / "data")
    assert manifest.licence == "cc0-1.0"
    assert manifest.source.startswith(str(tmp_path / "files"))
    assert manifest.source.endswith("split train")
    assert set(documents(tmp_path / "data", "heldout", saved["tokenizer"])) <= set(texts())


def test_the_columns_of_a_stream_that_does_not_know_them_are_those_of_its_rows():
    stream = datasets.IterableDataset.from_generator(lambda: iter([{"text": "a", "n": 1}]))
    opened = Opened("somewhere", "not stated", lambda split: stream)
    assert [row["text"] for row in opened.rows("train", ["text"])] == ["a"]
    with pytest.raises(FlopscapeError, match="somewhere: split train has no column body, only text, n"):
        list(opened.rows("train", ["body"]))


def test_more_tokens_need_wider_integers():
    assert [token_suffix(n) for n in (256, 257, 65536, 65537)] == [".bin", ".u16", ".u16", ".u32"]


def test_four_byte_tokens_reach_the_batches(tmp_path):
    tokens = np.random.default_rng(0).integers(2**17, size=2000)
    tokens.astype("<u4").tofile(tmp_path / "heldout.u32")
    batches = HubText("anything", context=32).batches(tmp_path, "heldout", 64, 0, 0, 1, 0)
    rows = np.concatenate([batch["tokens"].numpy() for batch in batches])
    assert (rows[:, :-1].ravel() == tokens[: rows.shape[0] * 32]).all()


def test_the_files_of_a_folder_and_of_a_tokenizer_are_sources(saved):
    files = HubText(**saved).source_files()
    assert saved["tokenizer"] in files
    assert any(file.endswith(".arrow") for file in files)
    assert HubText("owner/on-the-hub").source_files() == []


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"column": "content"}, "split train has no column content, only text, n"),
        ({"column": "n"}, "row 0 of split train has a int in column n, not a text; name a column of texts"),
        ({"split": "test"}, "it has no split test, only train"),
        ({"heldout_split": "validation"}, "it has no split validation, only train"),
        ({"context": 4000}, r"split train: too small, \d+ tokens of train text"),
        ({"tokenizer": "missing.json"}, "tokenizer missing.json: no such file"),
        ({"end_of_text": "<stop>"}, "has no token <stop>; name its own in end_of_text"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_named(saved, tmp_path, kwargs, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        prepare_dataset({"plugin": PLUGIN, "kwargs": saved | kwargs}, tmp_path / "data")
    assert not list(tmp_path.iterdir())


def test_an_empty_dataset_is_named(saved, tmp_path):
    path = save(tmp_path / "empty", train={"text": []})
    with pytest.raises(FlopscapeError, match="holds no rows"):
        prepare_dataset({"plugin": PLUGIN, "kwargs": saved | {"path": path}}, tmp_path / "data")


def test_a_damaged_dataset_is_named(saved, tmp_path):
    path = save(tmp_path / "cut", train={"text": texts()})
    arrow = next((tmp_path / "cut").rglob("*.arrow"))
    arrow.write_bytes(arrow.read_bytes()[:100])
    with pytest.raises(FlopscapeError, match=f"{path}: cannot be read"):
        prepare_dataset({"plugin": PLUGIN, "kwargs": saved | {"path": path}}, tmp_path / "data")


def test_a_file_that_is_no_tokenizer_is_named(saved, tmp_path):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(FlopscapeError, match=r"other\.json: not a tokenizer\.json"):
        HubText(**saved | {"tokenizer": str(tmp_path / "other.json")}).prepare(tmp_path)


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        (
            {"path": "nobody/nothing"},
            "nobody/nothing: is not on this machine, and the Hugging Face Hub",
        ),
        ({"tokenizer": "nobody/words"}, "tokenizer nobody/words: is not on this machine, and the Hugging Face Hub"),
    ],
)
def test_what_is_on_the_hub_cannot_be_had_without_a_network(saved, tmp_path, kwargs, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        HubText(**saved | kwargs).prepare(tmp_path)


def test_a_missing_extra_is_named_with_its_install_command(saved, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(FlopscapeError, match=r"datasets is not installed .* pip install 'flopscape\[hub\]'"):
        HubText(**saved | {"tokenizer": "bytes"}).prepare(tmp_path)


@pytest.mark.parametrize("kwargs", [{"heldout_share": 0}, {"max_tokens": 5}])
def test_unusable_numbers_are_refused(kwargs):
    with pytest.raises(ValueError, match=next(iter(kwargs))):
        HubText("owner/name", **kwargs)


@pytest.fixture
def make_spec(saved):
    """The spec of a short run; the model's vocabulary can be changed."""

    def make(vocabulary=VOCABULARY):
        return {
            "model": {"plugin": "flopscape.plugins.gpt:GPT", "kwargs": {"vocab_size": vocabulary, "context": 32}},
            "size": {"width": 8, "depth": 1},
            "dataset": {"plugin": PLUGIN, "kwargs": saved},
            "loss": {"plugin": "flopscape.plugins.losses:NextToken"},
            "n_tokens": 128 * 40,
            "seed": 0,
            "recipe": 1,
            "training": {"batch_units": 128, "heldout_units": 0, "curve_points": 4},
        }

    return make


def test_a_tokenizer_larger_than_the_vocabulary_is_refused(make_spec, prepared, saved):
    sentence = f"{saved['tokenizer']} has {VOCABULARY} tokens, more than the model's vocabulary of 256"
    with pytest.raises(FlopscapeError, match=sentence):
        load_parts(check_spec(make_spec(256)), prepared)


OFFLINE_RUN = """
import socket, sys
def refuse(*_, **__): raise AssertionError("training opened a socket")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from flopscape.training.command import main
status = main(sys.argv[1:])
import os
from huggingface_hub.constants import HF_HUB_OFFLINE
assert HF_HUB_OFFLINE and os.environ["HF_DATASETS_OFFLINE"] == "1"
assert not {"datasets", "tokenizers"} & set(sys.modules), "training imported what only preparing needs"
sys.exit(status)
"""


def test_training_on_prepared_tokens_needs_neither_the_network_nor_datasets(make_spec, prepared, tmp_path):
    out = tmp_path / "run.json"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    command = [sys.executable, "-c", OFFLINE_RUN, json.dumps(make_spec()), "--out", str(out), "--data", str(prepared)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads(out.read_text())
    assert record["status"] == "completed"
    assert record["loss"] < np.log(VOCABULARY) - 1
    assert record["data_hash"] == read_manifest(prepared).data_hash


def test_training_batches_are_windows_of_the_training_tokens(saved, prepared):
    batches = HubText(**saved).batches(prepared, "train", 128, 0, 0, 1, 0)
    text = read_tokens(prepared, "train").astype(np.int64).tobytes()
    for batch in itertools.islice(batches, 5):
        assert all(row.numpy().tobytes() in text for row in batch["tokens"])


def test_datasets_are_imported_when_one_is_opened_and_not_before():
    code = "import sys; from flopscape.plugins.hub_text import HubText; HubText('a/b').source_files(); "
    code += "sys.exit(bool({'datasets', 'tokenizers', 'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
