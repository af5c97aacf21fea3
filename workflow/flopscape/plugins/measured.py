"""Parameters and FLOPs of a module that is never allocated: built and differentiated on the meta device.

Tensors of that device have a shape and no numbers, so that a model of any size is counted within a second and without
its memory. It is how a user's model gets its counts when it declares none, and how declared ones are checked.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from flopscape.plugins.base import Counts, LossPlugin, Size
from flopscape.plugins.losses import NextToken

EXAMPLE_ROWS = 2
"""Rows that FLOPs are counted on: more would count the same per unit."""


def skeleton(model: Any, size: Size) -> nn.Module:
    """The module of a size without memory for its weights.

    Raises
    ------
    ValueError
        It cannot be built on the meta device.
    """
    try:
        with torch.device("meta"):
            module: nn.Module = model.build(size, 0)
            return module
    except (RuntimeError, NotImplementedError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"build({size}) fails under torch.device('meta') ({reason}); make weights with torch's own functions and "
            "read no values from them while building"
        ) from error


def measure_counts(model: Any, size: Size, loss: LossPlugin | None = None) -> Counts:
    """Counts of a model that declares none, from its `example_batch`.

    Embedding parameters are those of `nn.Embedding` modules. Head parameters are those of the submodule that the
    plug-in names in its attribute `head`, shared ones included, for they are multiplied with; without a name all the
    rest is body.

    Raises
    ------
    ValueError
        There is no `example_batch`, or the module cannot be built or run on the meta device.
    """
    if not callable(getattr(model, "example_batch", None)):
        raise ValueError("it has neither counts(size) nor example_batch(size), the batch to measure them with")
    # Head first: where a model ties its head to its embedding, the shared matrix is multiplied by and counts as head.
    module = skeleton(model, size)
    head = _sizes(module.get_submodule(model.head).parameters()) if getattr(model, "head", "") else {}
    embeddings = (m for m in module.modules() if isinstance(m, nn.Embedding | nn.EmbeddingBag))
    embedding = _sizes(p for m in embeddings for p in m.parameters())
    n_head, n_embedding = sum(head.values()), sum(n for key, n in embedding.items() if key not in head)
    flops = flops_per_unit(module, loss or NextToken(), model.example_batch(size))
    return Counts(n_parameters(module) - n_head - n_embedding, n_head, n_embedding, flops)


def _sizes(parameters: Iterable[nn.Parameter]) -> dict[int, int]:
    """Elements by identity, so that a shared parameter counts once."""
    return {id(parameter): parameter.numel() for parameter in parameters}


def n_parameters(module: nn.Module) -> int:
    """All parameters, shared ones once."""
    return sum(parameter.numel() for parameter in module.parameters())


def flops_per_unit(module: nn.Module, loss: LossPlugin, batch: dict[str, Tensor]) -> float:
    """Forward and backward FLOPs of matrix products and convolutions, per unit that the loss counts.

    Counted by torch's FlopCounterMode, two FLOPs a multiplication and addition. Attention is taken apart into its
    products (the full square of scores, as Kaplan et al. 2020, arXiv 2001.08361, table 1, count it): the counter knows
    the fused kernels of GPUs and not that of CPUs. Lookups and element-wise work count nothing.

    Raises
    ------
    ValueError
        The module or the loss needs values, which the meta device has not.
    """
    device = next(module.parameters()).device
    # A batch of numbers becomes one of shapes: on the meta device nothing is computed, and the counter reads shapes
    # alone.
    example = {key: value[:EXAMPLE_ROWS].to(device) for key, value in batch.items()}
    try:
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            value, n_units = loss(module, example)
            # Backward inside the counter too: it is two thirds of what a step costs.
            value.backward()
    except (RuntimeError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"a step fails on the meta device ({reason}); let neither module nor loss read values (.item(), branches "
            "on data) or make tensors on another device than their input's"
        ) from error
    return float(counter.get_total_flops() / n_units)
