"""A small prepared text, and specs that train on it within a second."""

import sys

import numpy as np
import pytest

from flopscape.plugins.prepare import prepare_dataset
from tests.training.heldout_sets import other_text

MODEL = {"plugin": "flopscape.plugins.gpt:GPT", "kwargs": {"context": 32}}
LOSS = {"plugin": "flopscape.plugins.losses:NextToken"}
BIGRAM = """
import torch
from flopscape.plugins.base import Counts

class Bigram:
    def counts(self, size):
        return Counts(0, 128 * 128, 0, 6.0 * 128)
    def build(self, size, seed):
        module = torch.nn.Embedding(128, 128)
        torch.nn.init.zeros_(module.weight)
        return module
    def optimizer(self, module, training):
        return torch.optim.SGD(module.parameters(), lr=training["learning_rate"])
"""
"""A module of a user's: a table of logits, trained by an optimiser of its own."""


@pytest.fixture(scope="session")
def text(tmp_path_factory):
    """Folder and spec of a prepared text of sentences drawn from a small grammar."""
    folder = tmp_path_factory.mktemp("text")
    rng = np.random.default_rng(0)
    words = np.array(["the", "cat", "dog", "king", "river", "sees", "finds", "follows", "red", "old", "small", "house"])
    lines = (" ".join(rng.choice(words, 12)) + ".\n\n" for _ in range(3000))
    (folder / "mine.txt").write_text("".join(lines))
    kwargs = {"path": str(folder / "mine.txt"), "context": 32}
    spec = {"plugin": "flopscape.plugins.text:TextFile", "kwargs": kwargs}
    prepare_dataset(spec, folder / "data")
    return folder / "data", spec


@pytest.fixture(scope="session")
def other(text):
    """Spec of another text, prepared beside the first."""
    return other_text(text[0].parent)


@pytest.fixture
def make_spec(text):
    """The spec of a run of 40 batches at width 8; keyword arguments change its keys."""

    def make(training=None, **changes):
        settings = {"batch_units": 128, "heldout_units": 4096, "curve_heldout_units": 1024, "curve_points": 10}
        spec = {"model": MODEL, "size": {"width": 8, "depth": 1}, "dataset": text[1], "loss": LOSS}
        spec |= {"n_tokens": 40 * 128, "seed": 0, "recipe": 1, "training": settings | (training or {})}
        return spec | changes

    return make


@pytest.fixture
def users_module(tmp_path, monkeypatch):
    """Write a module into the working directory, as a user does; it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    names = []

    def write(name, code):
        (tmp_path / f"{name}.py").write_text(code)
        names.append(name)

    yield write
    for name in names:
        sys.modules.pop(name, None)
