"""Declared parameters and FLOPs against those of the module, at every size; nothing is allocated."""

from collections.abc import Iterator

from flopscape.checks.measure import flops_per_unit, n_parameters, skeleton
from flopscape.checks.subject import Batch, Subject
from flopscape.plugins.base import Counts, Size

FLOPS_TOLERANCE = 0.02
PARTS = ("n_params_body", "n_params_head", "n_params_embedding")


def parameters(subject: Subject) -> Iterator[str]:
    """Sizes whose module has other parameters than declared."""
    for size in subject.sizes:
        counts = subject.counts(size)
        declared = sum(getattr(counts, part) for part in PARTS)
        built = n_parameters(skeleton(subject.model, size))
        if built != declared:
            parts = " + ".join(f"{getattr(counts, part):,}" for part in PARTS)
            yield (
                f"{subject.name('model')}: counts({size}) declares {parts} = {declared:,} parameters (body, head, "
                f"embedding) and build makes {built:,}; correct one of them"
            )


def flops(subject: Subject) -> Iterator[str]:
    """Sizes whose declared FLOPs are more than 2 % off those counted."""
    for size in subject.sizes:
        declared = subject.counts(size)
        counted = flops_per_unit(skeleton(subject.model, size), subject.loss, _batch(subject, size))
        if abs(declared.flops_per_unit - counted) > FLOPS_TOLERANCE * counted:
            yield (
                f"{subject.name('model')}: counts({size}) declares {declared.flops_per_unit:,.0f} FLOPs a unit and "
                f"FlopCounterMode counts {counted:,.0f}, forward and backward, "
                f"{_percent(declared.flops_per_unit, counted)}; {_advice(declared, counted)}"
            )


def _batch(subject: Subject, size: Size) -> Batch:
    """The model's own example where a size decides the shape of a batch, as a context in the size does."""
    return subject.batch if subject.has("data") else subject.model.example_batch(size)


def _percent(declared: float, counted: float) -> str:
    return f"{abs(declared / counted - 1):.1%} {'more' if declared > counted else 'less'}" if counted else "none"


def _advice(declared: Counts, counted: float) -> str:
    """What the difference looks like."""
    excess = declared.flops_per_unit - counted
    if declared.n_params_embedding and abs(excess / (6 * declared.n_params_embedding) - 1) < FLOPS_TOLERANCE:
        return "the excess is 6 × the embedding's parameters, but looking a row up multiplies nothing: leave them out"
    if abs(declared.flops_per_unit / counted * 3 - 1) < FLOPS_TOLERANCE:
        return "that is the forward pass alone: the backward pass costs twice as much again"
    return (
        "count matrix products and convolutions only: 6 a weight and unit, 4 where a weight's input needs no gradient, "
        "and 12 × width × context a layer for attention"
    )
