"""The losses."""

import math

import pytest
import torch

from flopscape.plugins.losses import Classification, NextToken


@pytest.mark.parametrize("form", ["tokens", "inputs and targets"])
def test_uniform_logits_score_the_log_of_the_vocabulary_for_each_target(form):
    tokens = torch.arange(21).reshape(3, 7)
    batch = {"tokens": tokens} if form == "tokens" else {"inputs": tokens[:, :-1], "targets": tokens[:, 1:]}
    loss, n_units = NextToken()(lambda inputs: torch.zeros(*inputs.shape, 32), batch)
    assert n_units == 18
    assert float(loss) == pytest.approx(18 * math.log(32))


def test_the_target_is_the_token_after():
    tokens = torch.tensor([[0, 1, 2, 3]])
    sure = lambda inputs: 100.0 * torch.nn.functional.one_hot(inputs + 1, 5)  # noqa: E731
    assert float(NextToken()(sure, {"tokens": tokens})[0]) == 0


def test_uniform_logits_score_the_log_of_the_classes_for_each_image():
    batch = {"images": torch.zeros(6, 1, 2, 2), "labels": torch.arange(6)}
    loss, n_units = Classification()(lambda images: torch.zeros(len(images), 10), batch)
    assert n_units == 6
    assert float(loss) == pytest.approx(6 * math.log(10))


@pytest.mark.parametrize("label", [10, -1, -100])
def test_a_label_that_is_no_class_raises(label):
    """-100 is what torch's cross-entropy passes over."""
    batch = {"images": torch.zeros(2, 1, 2, 2), "labels": torch.tensor([3, label])}
    with pytest.raises(IndexError, match=f"Target {label} is out of bounds"):
        Classification()(lambda images: torch.zeros(len(images), 10), batch)
