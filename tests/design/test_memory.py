"""The memory of a step by shapes alone, against a step that is really taken."""

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from flopscape.config.study import Study
from flopscape.design.memory import ROOM, Memory, memories, pieces_of
from flopscape.plan.rows import plan_rows
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


def of_one_run(**training):
    """A study of one run of 4,096 tokens a batch unless told otherwise, in windows of 64."""
    study = trained(
        sweep={"rows": [{"size": SIZE, "n_tokens": 409600}]},
        training={"batch_units": 4096} | training,
        resources={"processes": 2},
    )
    (row,) = plan_rows(study)
    return study, row


def test_a_share_that_fits_is_taken_whole():
    # Two processes: half of a batch each.
    pieces = pieces_of(*of_one_run(), Memory(0.0, ROOM / 2048))
    assert (pieces.share, pieces.at_once, pieces.is_cut) == (2048, 2048, False)


def test_a_share_that_does_not_fit_is_cut_into_the_largest_equal_pieces_of_whole_windows():
    pieces = pieces_of(*of_one_run(), Memory(0.0, ROOM / 1000))
    assert (pieces.at_once, pieces.is_cut) == (512, True)
    # Of a share of 384 a quarter, 96, would fit too.
    assert pieces_of(*of_one_run(batch_units=768), Memory(0.0, ROOM / 100)).at_once == 64


def test_where_a_law_makes_the_batches_a_piece_is_one_window():
    study, row = of_one_run(batch_scaling="power_law", batch_law="step-law")
    assert pieces_of(study, row, Memory(0.0, ROOM / 100)).at_once == 64


def test_no_piece_of_a_model_that_does_not_fit_at_all_is_named():
    assert pieces_of(*of_one_run(), Memory(ROOM, 1.0)).at_once is None


def test_half_precision_keeps_less_per_unit_and_casts_its_weights():
    (full,) = memories(trained(), [SIZE])
    (half,) = memories(trained(training={"mixed_precision": "bf16"}), [SIZE])
    assert half.per_unit < full.per_unit
    assert half.fixed > full.fixed


def test_simulated_runs_have_no_memory_to_tell():
    assert memories(Study.model_validate(config()), [SIZE]) is None
