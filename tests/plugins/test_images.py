"""The base of the image datasets: files, normalisation, batches, and what is refused."""

import itertools
import json

import numpy as np
import pytest

from flopscape.errors import FlopscapeError
from flopscape.plugins.images import NORMALISATION, channel_moments, split_by_class
from tests.plugins.image_arrays import Arrays, random_half

TRAIN, HELDOUT = random_half(50, seed=0), random_half(11, seed=1)


@pytest.fixture
def prepared(tmp_path):
    """A dataset of 50 training and 11 held-out images, and its folder."""
    dataset = Arrays(TRAIN, HELDOUT)
    dataset.prepare(tmp_path)
    return dataset, tmp_path


def first(n, prepared, split="train", batch_units=8, seed=0, rank=0, world_size=1, start=0):
    dataset, folder = prepared
    return list(itertools.islice(dataset.batches(folder, split, batch_units, seed, rank, world_size, start), n))


def pixels(prepared, batches):
    """The uint8 images that batches were made from."""
    normalisation = json.loads((prepared[1] / NORMALISATION).read_text())
    mean, deviation = (np.array(normalisation[name])[:, None, None] for name in ("mean", "standard_deviation"))
    images = np.concatenate([batch["images"].numpy() for batch in batches])
    return np.rint(255 * (images * deviation + mean)).astype(np.uint8)


def test_an_epoch_visits_every_image_once_with_its_label(prepared):
    batches = first(25, prepared, batch_units=2)
    images, labels = pixels(prepared, batches), np.concatenate([batch["labels"] for batch in batches])
    seen = {(image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)}
    assert seen == {(image.tobytes(), int(label)) for image, label in zip(*TRAIN, strict=True)}


def test_the_second_epoch_has_another_order(prepared):
    images = pixels(prepared, first(50, prepared, batch_units=2))
    assert sorted(map(bytes, images[:50])) == sorted(map(bytes, images[50:]))
    assert (images[:50] != images[50:]).any()


def test_training_pixels_have_mean_0_and_deviation_1_by_channel(prepared):
    images = np.concatenate([batch["images"].numpy() for batch in first(25, prepared, batch_units=2)])
    assert images.dtype == np.float32
    assert images.mean(axis=(0, 2, 3)) == pytest.approx(0, abs=1e-6)
    assert images.std(axis=(0, 2, 3)) == pytest.approx(1, abs=1e-6)


def test_moments_are_those_of_the_scaled_pixels():
    mean, deviation = channel_moments(TRAIN[0])
    assert mean == pytest.approx((TRAIN[0] / 255).mean(axis=(0, 2, 3)), rel=1e-12)
    assert deviation == pytest.approx((TRAIN[0] / 255).std(axis=(0, 2, 3)), rel=1e-12)


def test_the_same_seed_gives_the_same_batches_and_another_seed_others(prepared):
    once, twice, other = (pixels(prepared, first(5, prepared, seed=seed)) for seed in (3, 3, 4))
    assert (once == twice).all()
    assert (once != other).any()


@pytest.mark.parametrize("start", [1, 6, 7, 5000])
def test_start_resumes_where_skipping_would_arrive(prepared, start):
    skipped, resumed = first(start + 3, prepared)[start:], first(3, prepared, start=start)
    assert (pixels(prepared, skipped) == pixels(prepared, resumed)).all()


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_ranks_share_a_global_batch_without_overlap(prepared, split):
    whole = first(9, prepared, split)
    ranks = [first(9, prepared, split, rank=rank, world_size=2) for rank in range(2)]
    for batch, *parts in itertools.zip_longest(whole, *ranks):
        there = [part for part in parts if part]
        assert (pixels(prepared, there) == pixels(prepared, [batch])).all()


def test_the_held_out_pass_visits_every_image_once_in_order(prepared):
    batches = first(99, prepared, "heldout")
    assert [len(batch["labels"]) for batch in batches] == [8, 3]
    assert (pixels(prepared, batches) == HELDOUT[0]).all()


def test_a_held_out_image_that_training_repeats_is_dropped(tmp_path):
    repeated = np.concatenate([HELDOUT[0], TRAIN[0][:4]]), np.arange(15) % 3
    manifest = Arrays(TRAIN, repeated).prepare(tmp_path)
    assert manifest.n_units == {"train": 50, "heldout": 11}
    assert manifest.notes == {"image_shape": [2, 4, 6], "largest_label": 2, "n_heldout_images_dropped": 4}
    assert (np.load(tmp_path / "heldout_images.npy") == HELDOUT[0]).all()


def test_a_split_by_class_holds_out_a_share_of_each_and_depends_on_no_order():
    images, labels = random_half(60, seed=2)
    train, heldout = split_by_class(images, labels, 0.2)
    assert sorted([*train, *heldout]) == list(range(60))
    assert np.bincount(labels[heldout]).tolist() == [4, 4, 4]
    _, again = split_by_class(images[::-1], labels[::-1], 0.2)
    assert (images[::-1][again] == images[heldout]).all()


@pytest.mark.parametrize(
    ("train", "heldout", "sentence"),
    [
        ((TRAIN[0][:0], TRAIN[1][:0]), HELDOUT, "there is no image"),
        (TRAIN, (HELDOUT[0][:0], HELDOUT[1][:0]), "there is no image"),
        (TRAIN, (TRAIN[0][:5], TRAIN[1][:5]), "every held-out image also occurs in training"),
        ((TRAIN[0].astype(float), TRAIN[1]), HELDOUT, r"images are float64 \[50, 2, 4, 6\], not uint8"),
        ((TRAIN[0][:, 0], TRAIN[1]), HELDOUT, r"images are uint8 \[50, 4, 6\]"),
        ((TRAIN[0], TRAIN[1][:9]), HELDOUT, r"labels are int64 \[9\], not one integer for each of 50"),
        ((TRAIN[0], TRAIN[1] - 1), HELDOUT, "a label is -1; labels count classes from 0"),
        (TRAIN, random_half(5, 3, (2, 6, 4)), "held-out images have another shape"),
        ((TRAIN[0] * np.uint8([[[1]], [[0]]]), TRAIN[1]), HELDOUT, "all training pixels of channel 1 are equal"),
    ],
    ids=range(9),
)
def test_arrays_that_cannot_be_used_are_refused_by_name(tmp_path, train, heldout, sentence):
    with pytest.raises(FlopscapeError, match=f"^a test's arrays: (train: |heldout: )?{sentence}"):
        Arrays(train, heldout).prepare(tmp_path)


@pytest.mark.parametrize(
    ("batch_units", "processes", "sentence"),
    [(51, 1, "50 training images, less than a batch of 51"), (9, 2, "batch_units is 9, not a multiple of 2 processes")],
)
def test_batches_that_cannot_be_made_are_refused(prepared, batch_units, processes, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        first(1, prepared, batch_units=batch_units, world_size=processes)
