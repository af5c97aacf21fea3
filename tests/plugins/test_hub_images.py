"""Hugging Face images from disk: pixels and classes as they were, and what is refused."""

import datasets
import numpy as np
import pytest
from PIL import Image

from flopscape.errors import FlopscapeError
from flopscape.plugins.hub_images import HubImages
from flopscape.plugins.prepare import prepare_dataset

PLUGIN = "flopscape.plugins.hub_images:HubImages"
FEATURES = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["dark", "light"])})

datasets.disable_progress_bars()


def pictures(n=120, side=8, seed=0):
    """Pixels [n, side, side, 3] of noise, darker for class 0, and classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    return (rng.integers(100, size=(n, side, side, 3)) + 100 * labels[:, None, None, None]).astype(np.uint8), labels


def save(folder, features=FEATURES, **splits):
    """Save splits of (images, labels) as users do; returns the folder as kwargs have it."""
    parts = {
        split: datasets.Dataset.from_dict({"image": list(images), "label": list(labels)}, features=features)
        for split, (images, labels) in splits.items()
    }
    datasets.DatasetDict(parts).save_to_disk(folder)
    return str(folder)


def as_images(pixels):
    return [Image.fromarray(picture) for picture in pixels]


@pytest.fixture
def saved(tmp_path):
    """Folder of a saved dataset of one split."""
    pixels, labels = pictures()
    return save(tmp_path / "pictures", train=(as_images(pixels), labels))


def prepare(folder, **kwargs):
    return prepare_dataset({"plugin": PLUGIN, "kwargs": kwargs}, folder)


def test_pixels_and_classes_are_those_of_the_dataset(saved, tmp_path):
    manifest = prepare(tmp_path / "data", path=saved)
    pixels, labels = pictures()
    expected = {picture.tobytes(): label for picture, label in zip(np.moveaxis(pixels, 3, 1), labels, strict=True)}
    halves = [
        [np.load(tmp_path / f"data/{half}_{what}.npy") for what in ("images", "labels")] for half in manifest.n_units
    ]
    labelled = {
        image.tobytes(): label for images, classes in halves for image, label in zip(images, classes, strict=True)
    }
    assert labelled == expected
    assert manifest.n_units == {"train": 108, "heldout": 12}
    assert manifest.notes["image_shape"] == [3, 8, 8]
    assert manifest.source == f"{saved}, split train"


def test_another_split_is_held_out(tmp_path):
    (train, classes), (valid, valid_classes) = pictures(seed=1), pictures(30, seed=2)
    path = save(tmp_path / "two", train=(as_images(train), classes), valid=(as_images(valid), valid_classes))
    manifest = prepare(tmp_path / "data", path=path, heldout_split="valid")
    assert manifest.n_units == {"train": 120, "heldout": 30}
    assert (np.load(tmp_path / "data/heldout_images.npy") == np.moveaxis(valid, 3, 1)).all()


def test_grey_images_of_another_size_are_had_by_asking(saved, tmp_path):
    manifest = prepare(tmp_path / "data", path=saved, mode="L", side=4, heldout_share=0.25)
    assert manifest.notes["image_shape"] == [1, 4, 4]
    assert manifest.n_units == {"train": 90, "heldout": 30}


def test_a_folder_of_image_files_is_a_dataset_and_only_some_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    for number, (picture, label) in enumerate(zip(*pictures(20), strict=True)):
        file = tmp_path / "files" / f"class{label}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(file)
    manifest = prepare(tmp_path / "data", path=str(tmp_path / "files"), max_images=14, heldout_share=0.3)
    assert sum(manifest.n_units.values()) == 14


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"image": "img"}, "split train has no column img, only image, label"),
        ({"image": "label"}, "row 0 of split train has a int in column label, not an image; name a column of images"),
        ({"label": "image"}, "row 0 of split train has a PngImageFile in column image, not an integer"),
        ({"split": "test"}, "it has no split test, only train"),
    ],
)
def test_what_cannot_be_used_is_named(saved, tmp_path, kwargs, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        prepare(tmp_path / "data", path=saved, **kwargs)
    assert not (tmp_path / "data").exists()


def test_images_of_several_shapes_are_refused_unless_resized(tmp_path):
    images = as_images(pictures()[0]) + as_images(pictures(20, side=10)[0])
    path = save(tmp_path / "mixed", train=(images, [0, 1] * 70))
    with pytest.raises(FlopscapeError, match=r"row 120 .*\[3, 10, 10\] where the first has \[3, 8, 8\]; set side"):
        prepare(tmp_path / "data", path=path)
    assert prepare(tmp_path / "data", path=path, side=8).notes["image_shape"] == [3, 8, 8]


def test_rows_without_an_image_or_a_class_are_named(tmp_path):
    path = save(tmp_path / "gap", train=([*as_images(pictures(20)[0]), None], [0] * 21))
    with pytest.raises(FlopscapeError, match="row 20 of split train has a NoneType in column image"):
        prepare(tmp_path / "data", path=path)


@pytest.mark.parametrize("kwargs", [{"mode": "CMYK"}, {"heldout_share": 1}])
def test_unusable_arguments_are_refused(kwargs):
    with pytest.raises(ValueError, match=next(iter(kwargs))):
        HubImages("owner/name", **kwargs)
