"""One forward and backward pass at the smallest size: the loss, its units, the gradients, the seed of the weights."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from flopscape.checks.subject import Subject
from flopscape.training.faults import unused_parameters


def loss_value(subject: Subject) -> Iterator[str]:
    """A loss that is no finite scalar, or counts no units."""
    value, count = subject.loss(subject.module(), subject.batch)
    name = subject.name("loss")
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        yield f"{name}: returns {shape} where a scalar tensor is needed; sum the losses of the batch"
    elif not math.isfinite(value.item()):
        yield f"{name}: is {value.item()} on an untrained model; look for logarithms of zero and divisions by zero"
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        yield f"{name}: counts {count!r} units; return the number of units that the loss was summed over, as an int"


def units(subject: Subject) -> Iterator[str]:
    """A loss that counts other units than the batch has: D would not be what was trained on."""
    _, count = subject.loss(subject.module(), subject.batch)
    if count != subject.batch_units:
        yield (
            f"{subject.name('loss')}: counts {count} units in a batch of {subject.batch_units}; D is what the loss "
            f"counts, so return {subject.batch_units} from it, or let {subject.name('dataset')} give such batches"
        )


def gradients(subject: Subject) -> Iterator[str]:
    """Parameters that receive no gradient, or one that is not finite."""
    module = subject.module().train()
    value, count = subject.loss(module, subject.batch)
    (value / count).backward()
    if names := unused_parameters(module):
        yield (
            f"{subject.name('model')}: no gradient reaches {', '.join(names)}; use them in forward, remove them, or "
            "set requires_grad to False"
        )
    # After one pass of an untrained model: what is not finite here is a division or a logarithm, and no learning rate's
    # fault.
    not_finite = [n for n, p in module.named_parameters() if p.grad is not None and not torch.isfinite(p.grad).all()]
    if not_finite:
        yield f"{subject.name('model')}: the gradient of {', '.join(not_finite)} is not finite on an untrained model"


def seeded_weights(subject: Subject) -> Iterator[str]:
    """Weights that do not follow from the seed alone."""
    once, twice, other = (dict(subject.module(seed).named_parameters()) for seed in (0, 0, 1))
    name = subject.name("model")
    if differing := [key for key in once if not torch.equal(once[key], twice[key])]:
        yield (
            f"{name}: two builds with one seed differ in {', '.join(differing)}; draw weights after "
            "torch.manual_seed(seed), or from a generator made from it"
        )
    elif once and all(torch.equal(once[key], other[key]) for key in once):
        yield f"{name}: builds with seeds 0 and 1 are equal; draw the weights after torch.manual_seed(seed)"
