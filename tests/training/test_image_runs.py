"""Runs of the image models on the packaged digits."""

import math

import pytest

from flopscape.errors import FlopscapeError
from flopscape.plugins.prepare import prepare_dataset
from flopscape.records.run_record import RunRecord
from flopscape.training.command import train

DIGITS = {"plugin": "flopscape.plugins.digits:Digits"}
SETTINGS = {"batch_units": 32, "learning_rate": 0.005, "heldout_units": 0, "curve_points": 5, "curve_heldout_points": 0}
MLP, VIT = "flopscape.plugins.mlp:MLP", "flopscape.plugins.vit:ViT"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "digits"
    prepare_dataset(DIGITS, folder)
    return folder


def spec(plugin, training=None, **kwargs):
    model = {"plugin": plugin, "kwargs": kwargs} if kwargs else {"plugin": plugin}
    settings = SETTINGS | (training or {})
    return {
        "model": model,
        "size": {"width": 16, "depth": 1},
        "dataset": DIGITS,
        "loss": {"plugin": "flopscape.plugins.losses:Classification"},
        "n_tokens": 40 * settings["batch_units"],
        "seed": 0,
        "recipe": 1,
        "training": settings,
    }


@pytest.mark.parametrize(("plugin", "kwargs"), [(MLP, {}), (VIT, {}), (VIT, {"pooling": "attention"})], ids=str)
def test_forty_batches_teach_more_than_chance(digits, tmp_path, plugin, kwargs):
    train(spec(plugin, **kwargs), tmp_path / "run.json", digits)
    record = RunRecord.read(tmp_path / "run.json")
    assert (record.status, record.unit, record.n_heldout_units) == ("completed", "image", 1000)
    assert record.n_tokens_seen == 40 * 32
    assert 0 < record.loss < math.log(10) - 0.2
    assert 0 < record.loss_se < 0.1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (spec(MLP, n_classes=9), "label 9, beyond the model's 9 classes; set the model's n_classes to at least 10"),
        (spec(VIT, image_shape=[3, 28, 28]), r"images are \[1, 28, 28\] .* the model reads \[3, 28, 28\]"),
        (spec(MLP, {"batch_units": 4001}), "has 4000 training images, less than a batch of 4001"),
    ],
    ids=["classes", "shape", "batch"],
)
def test_a_model_or_batch_that_does_not_fit_the_images_is_refused(digits, tmp_path, wrong, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        train(wrong, tmp_path / "run.json", digits)
    assert not (tmp_path / "run.json").exists()
