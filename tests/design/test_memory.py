"""The memory of a step by shapes alone, against a step that is really taken."""

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from flopscape.config.study import Study
from flopscape.design.memory import memories
from flopscape.plugins.gpt import GPT
from flopscape.plugins.losses import NextToken
from tests.design.finished_study import config

SIZE = {"width": 32, "depth": 2}


def really_saved(rows: int) -> int:
    """Bytes that autograd keeps of a real forward pass, beside the weights."""
    model = GPT()
    module = model.build(SIZE, 0)
    weights = {parameter.data_ptr() for parameter in module.parameters()}
    kept = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    batch = torch.randint(model.vocab_size, (rows, model.context + 1))
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        NextToken()(module, {"tokens": batch})
    return sum(tensor.untyped_storage().nbytes() for at, tensor in kept.items() if at not in weights)


def trained(**changes) -> Study:
    dataset = {"plugin": "flopscape.plugins.text:BibleText"}
    return Study.model_validate(config(trainer={"plugin": "loop"}, dataset=dataset, **changes))


def test_the_memory_by_shapes_is_that_of_real_tensors():
    (memory,) = memories(trained(), [SIZE])
    weights = 2 * 12 * 32**2 + 2 * 128 * 32
    per_unit = (really_saved(2) - really_saved(1)) / 64
    assert memory.per_unit == pytest.approx(per_unit, rel=1e-9)
    assert memory.of(64) == pytest.approx(16 * weights + really_saved(1), rel=1e-9)


def test_half_precision_keeps_less_per_unit_and_casts_its_weights():
    (full,) = memories(trained(), [SIZE])
    (half,) = memories(trained(training={"mixed_precision": "bf16"}), [SIZE])
    assert half.per_unit < full.per_unit
    assert half.fixed > full.fixed


def test_simulated_runs_have_no_memory_to_tell():
    assert memories(Study.model_validate(config()), [SIZE]) is None
