"""Whether a model that claims to be causal is, and whether its targets are really later than its inputs.

A decoder that sees the token it has to predict reaches a loss near zero, and its losses may follow a power law all the
same. Two checks find it: one input is changed, to see which outputs change; and every input is copied to the output, to
see whether that is rewarded.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from flopscape.checks.subject import Subject

LEAK = 1e-4
"""Largest change of an earlier output, as a share of the outputs' size, that rounding explains in fp32."""
CONFIDENCE = 50.0
"""Logit of the copied token, in nats: a wrong copy costs about as much."""
COPIED = 0.5
"""Share of the targets that may equal the input at the same place before labels are called unshifted."""


class Listener(nn.Module):
    """Passes its inputs to `answer` and remembers them with what came back."""

    def __init__(self, answer: Callable[..., Tensor]) -> None:
        super().__init__()
        self.answer = answer
        self.inputs: tuple[Any, ...] = ()
        self.output = torch.empty(0)

    def forward(self, *inputs: Any) -> Tensor:
        """The answer, remembered."""
        self.inputs, self.output = inputs, self.answer(*inputs)
        return self.output


@torch.no_grad()
def causal(subject: Subject) -> Iterator[str]:
    """Outputs that change with a later input."""
    # Zero-initialised parts would hide what reads what.
    module = _stirred(subject.module().eval())
    listener = Listener(module)
    subject.loss(listener, subject.batch)
    tokens, before, name = listener.inputs[0], listener.output, subject.name("model")
    # Rounding is relative to the outputs' size: an fp32 product in another order differs by about 1e-7 of it.
    scale = before.abs().max().clamp_min(torch.finfo(before.dtype).tiny)
    if tokens.dim() < 2 or before.shape[:2] != tokens.shape[:2] or tokens.shape[1] < 2:
        yield (
            f"{name}: claims to be causal, but maps {tuple(tokens.shape)} to {tuple(before.shape)}, which do not both "
            "begin with [batch, time]; remove the claim"
        )
        return
    # At the beginning, in the middle and at the end: a mask that is off by one shows at any, a window that is too long
    # at the far ones.
    for position in sorted({1, tokens.shape[1] // 2, tokens.shape[1] - 1}):
        after = module(_changed(tokens, position), *listener.inputs[1:])
        # [batch, time, …] → the largest change at each place: [time].
        changes = (after - before).abs().flatten(2).amax(2).amax(0) / scale
        if (early := changes[:position]).max() > LEAK:
            yield (
                f"{name}: claims to be causal, but another input at position {position} changes the output at "
                f"{int(early.argmax())}; mask what lies ahead, or set causal = False"
            )
            return
        if changes.max() == 0:
            yield f"{name}: another input at position {position} changes no output at all; use the inputs in forward"
            return


def _stirred(module: nn.Module) -> nn.Module:
    """The module with noise on every parameter."""
    generator = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        # At least 0.1, for a parameter that starts at zero has no spread of its own.
        scale = 0.1 + float(parameter.float().std(correction=0))
        parameter.add_(torch.randn(parameter.shape, generator=generator).to(parameter.dtype), alpha=scale)
    return module


def _changed(inputs: Tensor, position: int) -> Tensor:
    """The inputs with other values at one position; tokens stay within those that occur."""
    changed = inputs.clone()
    if inputs.is_floating_point():
        changed[:, position] += 1
        return changed
    # Each token becomes the next larger one of those that occur, the largest the smallest: another one in every row,
    # and none that the model has no row for.
    vocabulary = inputs.unique()
    ranks = torch.searchsorted(vocabulary, inputs[:, position].contiguous())
    changed[:, position] = vocabulary[(ranks + 1) % len(vocabulary)]
    return changed


@torch.no_grad()
def shifted(subject: Subject) -> Iterator[str]:
    """Targets that a model can copy from its own input at the same place."""
    listener = Listener(subject.module().eval())
    subject.loss(listener, subject.batch)
    tokens, classes = listener.inputs[0], listener.output.shape[-1]
    if tokens.is_floating_point() or tokens.shape != listener.output.shape[:-1]:
        return
    # A model that says of each token, with certainty, that the next one is the same: its loss is CONFIDENCE nats for
    # each target that differs from the input, and nearly zero for each that does not.
    value, count = subject.loss(Listener(lambda x, *_: CONFIDENCE * one_hot(x, classes).float()), subject.batch)
    copied = 1 - value.item() / count / CONFIDENCE
    if copied > COPIED:
        yield (
            f"{subject.name('loss')}: {copied:.0%} of the targets equal the input at the same position; shift them, so "
            "that each is the token after its input"
        )
