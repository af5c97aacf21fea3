"""The image modules against their plug-ins' counts."""

import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from flopscape.config.read import load_study
from flopscape.plan.rows import plan_rows
from flopscape.plugins.loading import load_plugin
from flopscape.plugins.losses import Classification
from flopscape.plugins.mlp import MLP
from flopscape.plugins.vit import ViT

MODELS = {
    "mlp": MLP(),
    "vit": ViT(),
    "attention pooling": ViT(pooling="attention"),
    "wide colour images": ViT((3, 8, 12), n_classes=5, patch=4, pooling="attention", mlp_ratio=2.5),
}
SIZES = [{"width": 5, "depth": 1}, {"width": 32, "depth": 3}]


def batch_of(model, n, device="cpu"):
    generator = torch.Generator(device).manual_seed(0) if device == "cpu" else None
    images = torch.randn(n, *model.image_shape, device=device, generator=generator)
    return {"images": images, "labels": torch.arange(n, device=device) % model.n_classes}


def assert_counts_are_exact(model, size):
    """Counted on the meta device, where attention is plain matrix products: its CPU kernel is not in the counter."""
    counts = model.counts(size)
    with torch.device("meta"):
        module = model.build(size, seed=0)
    n_params = sum(parameter.numel() for parameter in module.parameters())
    assert n_params == counts.n_params_body + counts.n_params_head + counts.n_params_embedding
    with FlopCounterMode(display=False) as counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        Classification()(module, batch_of(model, 4, "meta"))[0].backward()
    assert counter.get_total_flops() == 4 * counts.flops_per_unit


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_parameters_and_flops_are_counted_exactly(model, size):
    assert_counts_are_exact(model, size)


@pytest.mark.parametrize("study", ["digits-mlp", "digits-vit"])
def test_parameters_and_flops_of_every_planned_size_are_exact(root, study):
    planned = load_study(root / f"config/studies/{study}.yaml")
    model = load_plugin(planned.model.plugin, planned.model.kwargs)
    for size in {str(row.size): row.size for row in plan_rows(planned)}.values():
        assert_counts_are_exact(model, size)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_parts_are_counted_where_they_are(model):
    counts, module = model.counts(SIZES[1]), model.build(SIZES[1], 0)
    embedding = getattr(module, "positions", torch.empty(0))
    head = module[-1].weight.numel() if isinstance(model, MLP) else module.head.weight.numel()
    query = getattr(module, "query", None)
    assert counts.n_params_embedding == embedding.numel()
    assert counts.n_params_head == head + (query.weight.numel() if query is not None else 0)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_an_untrained_network_scores_the_log_of_the_classes(model):
    loss, n_units = Classification()(model.build(SIZES[0], 0), batch_of(model, 7))
    assert loss.item() / n_units == pytest.approx(math.log(model.n_classes))


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_parameter_learns(model):
    """After one step, which moves the head away from zero."""
    module, batch = model.build(SIZES[1], 0), batch_of(model, 7)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        Classification()(module, batch)[0].backward()
        optimizer.step()
    assert all(parameter.grad.abs().sum() > 0 for parameter in module.parameters())


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_seed_decides_the_weights_and_leaves_the_global_generator_alone(model):
    state = torch.get_rng_state()
    once, twice, other = (torch.nn.utils.parameters_to_vector(model.build(SIZES[0], s).parameters()) for s in (1, 1, 2))
    assert torch.equal(once, twice)
    assert not torch.equal(once, other)
    assert torch.equal(state, torch.get_rng_state())


def test_patches_are_squares_of_the_image_row_by_row():
    from flopscape.networks.vit import patches

    images = torch.arange(2 * 3 * 4 * 6.0).view(2, 3, 4, 6)
    tiles = patches(images, 2).view(2, 6, 3, 2, 2)
    assert torch.equal(tiles[1, 4], images[1, :, 2:4, 2:4])


@pytest.mark.parametrize("name", ["vit", "attention pooling"])
def test_a_vit_tells_where_a_patch_is(name):
    module = MODELS[name].build(SIZES[1], 0)
    torch.nn.init.normal_(module.head.weight)
    images = batch_of(MODELS[name], 2)["images"]
    swapped = images.clone()
    swapped[..., :7, :7], swapped[..., 7:14, :7] = images[..., 7:14, :7], images[..., :7, :7]
    assert not torch.allclose(module(images), module(swapped), atol=1e-3)


def test_attention_pooling_is_a_weighted_mean():
    from flopscape.networks.vit import pool

    x, scores = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0)), torch.zeros(6, 1)
    assert torch.allclose(pool(x[0], scores, 2), x[0].view(2, 3, 5).mean(1))
    scores[[1, 3]] = 100.0
    assert torch.allclose(pool(x[0], scores, 2), x[0, [1, 3]])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ViT(patch=5), "patch is 5, which does not divide an image of 28 × 28 pixels"),
        (lambda: ViT(pooling="mean"), "pooling is 'mean', not one of flatten, attention"),
        (lambda: ViT(head_dim=0).counts(SIZES[0]), "head_dim is 0, not a positive integer"),
        (lambda: MLP(image_shape=(28, 28)), r"image_shape is \[28, 28\], not \[channels, height, width\]"),
        (lambda: MLP(n_classes=1), "n_classes is 1, not an integer from 2 up"),
        (lambda: MLP().counts({"width": 8}), "an MLP's size has width and depth"),
        (lambda: ViT().counts({"width": 8, "depth": 0}), "depth is 0, not a positive integer"),
    ],
)
def test_nonsense_is_refused_in_words(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
