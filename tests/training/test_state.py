"""Trees of tensors come back as they were."""

import random

import numpy as np
import pytest
import torch

from flopscape.training.state import load_tree, random_state, save_tree, set_random_state


def test_a_tree_comes_back_with_its_kinds_and_its_last_digits(tmp_path):
    weight = torch.rand(3, 4)
    tree = {
        "state": {0: {"step": torch.tensor(3.0), "m": weight.t()}, 1: {"m": weight}},
        "groups": [{"betas": (0.9, 0.98), "lr": 0.1 + 0.2, "maximize": False, "foreach": None}],
    }
    save_tree(tmp_path / "tree.safetensors", tree)
    back = load_tree(tmp_path / "tree.safetensors")
    assert back["groups"] == tree["groups"]
    assert torch.equal(back["state"][0]["m"], weight.t())
    assert torch.equal(back["state"][1]["m"], weight)
    assert back["state"][0]["step"].shape == ()


def test_what_is_no_tree_is_an_error_of_writing(tmp_path):
    with pytest.raises(OSError, match=r"tree\.safetensors: .*set is not JSON"):
        save_tree(tmp_path / "tree.safetensors", {"state": {1, 2}})


def test_all_generators_go_on_where_they_were(tmp_path):
    def draw():
        return random.random(), np.random.random(), float(torch.rand(()))  # noqa: NPY002

    draw()
    save_tree(tmp_path / "random.safetensors", random_state(torch.device("cpu")))
    first = draw()
    set_random_state(load_tree(tmp_path / "random.safetensors"), torch.device("cpu"))
    assert draw() == first
