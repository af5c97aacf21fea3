"""What goes wrong only once a run trains is told in one sentence."""

import pytest
import torch

from flopscape.errors import FlopscapeError
from flopscape.plugins.gpt import GPT
from flopscape.plugins.losses import Classification, NextToken
from flopscape.plugins.mlp import MLP
from flopscape.training.faults import NamedLabels


def test_a_label_beyond_the_models_classes_is_named_with_both():
    model = MLP(n_classes=10)
    batch = {"images": torch.zeros(2, 1, 28, 28), "labels": torch.tensor([3, 10])}
    sentence = (
        r"\(Target 10 is out of bounds.\): labels from 3 to 10 and the model's n_classes is 10; correct the dataset"
    )
    with pytest.raises(FlopscapeError, match=sentence):
        NamedLabels(Classification(), model)(model.build({"width": 2, "depth": 1}, 0), batch)


def test_a_token_beyond_the_models_vocabulary_is_named_with_both():
    model = GPT(vocab_size=16, context=4)
    batch = {"tokens": torch.tensor([[1, 2, 15, 16, 3]])}
    with pytest.raises(FlopscapeError, match="tokens from 1 to 16 and the model's vocab_size is 16"):
        NamedLabels(NextToken(), model)(model.build({"width": 8, "depth": 1}, 0), batch)


def test_a_loss_of_a_users_own_model_is_named_without_a_limit():
    batch = {"images": torch.zeros(1, 1, 2, 2), "labels": torch.tensor([4])}
    with pytest.raises(FlopscapeError, match="labels from 4 to 4; correct the dataset or the model's size"):
        NamedLabels(Classification(), object())(lambda images: torch.zeros(len(images), 3), batch)  # type: ignore[arg-type]
