"""The GPT module against its plug-in's counts."""

import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from flopscape.plugins.gpt import GPT
from flopscape.plugins.losses import NextToken

SIZES = [{"width": 8, "depth": 1}, {"width": 48, "depth": 2}, {"width": 64, "depth": 3, "head_dim": 32}]


def n_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("mlp", ["relu2", "swiglu"])
def test_parameters_are_counted_exactly(size, mlp):
    plugin = GPT(mlp=mlp)
    counts = plugin.counts(size)
    with torch.device("meta"):
        module = plugin.build(size, seed=0)
    assert n_parameters(module) == counts.n_params_body + counts.n_params_head + counts.n_params_embedding
    assert n_parameters(module.layers) == counts.n_params_body
    assert n_parameters(module.head) == counts.n_params_head


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("mlp", ["relu2", "swiglu"])
def test_flops_agree_with_the_flop_counter(size, mlp):
    """Counted on the meta device, where attention is plain matrix products: its CPU kernel is not in the counter."""
    plugin = GPT(mlp=mlp)
    with torch.device("meta"):
        module, tokens = plugin.build(size, seed=0), torch.zeros(4, 65, dtype=torch.long)
    with FlopCounterMode(display=False) as counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        NextToken()(module, {"tokens": tokens})[0].backward()
    assert counter.get_total_flops() / (4 * 64) == pytest.approx(plugin.counts(size).flops_per_unit, rel=0.02)


@pytest.fixture
def module():
    built = GPT().build({"width": 32, "depth": 2}, seed=0)
    torch.nn.init.normal_(built.head.weight)
    return built


def test_a_later_token_changes_no_earlier_logit(module):
    tokens = torch.randint(0, 128, (2, 64), generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[:, 40] = (changed[:, 40] + 1) % 128
    before, after = module(tokens), module(changed)
    assert torch.equal(before[:, :40], after[:, :40])
    assert not torch.equal(before[:, 40:], after[:, 40:])


def test_positions_matter(module):
    """Without rotary positions the last logit could not tell the order of the tokens before it."""
    tokens = torch.arange(64)[None]
    swapped = tokens.clone()
    swapped[0, :2] = torch.tensor([1, 0])
    assert not torch.allclose(module(tokens)[0, -1], module(swapped)[0, -1], atol=1e-4)


def test_attention_depends_on_relative_positions_only():
    from flopscape.networks.transformer import rotary_table, rotate

    table = rotary_table(64, 16)
    query, key = torch.randn(2, 1, 1, 64, 16, generator=torch.Generator().manual_seed(0))
    query, key = query[:, :, :1].expand(-1, -1, 64, -1), key[:, :, :1].expand(-1, -1, 64, -1)
    scores = (rotate(query, table) @ rotate(key, table).transpose(-1, -2))[0, 0]
    assert torch.allclose(scores[10, 3], scores[50, 43], atol=1e-4)
    assert not torch.allclose(scores[10, 3], scores[10, 4], atol=1e-4)


def test_an_untrained_network_scores_the_log_of_the_vocabulary():
    loss, n_units = NextToken()(GPT().build({"width": 16, "depth": 2}, 0), {"tokens": torch.arange(65)[None]})
    assert loss.item() / n_units == pytest.approx(math.log(128))


def test_the_seed_decides_the_weights_and_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    once, twice, other = (GPT().build({"width": 16, "depth": 1}, seed).embedding.weight for seed in (1, 1, 2))
    assert torch.equal(once, twice)
    assert not torch.equal(once, other)
    assert torch.equal(state, torch.get_rng_state())
