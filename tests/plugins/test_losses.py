"""The next-token loss."""

import math

import pytest
import torch

from flopscape.plugins.losses import NextToken


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
