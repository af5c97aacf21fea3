"""Whether a plug-in is what it declares: the methods of its protocol, and at every size its parameters and FLOPs.

Methods are compared by their signatures with those of plugins/base.py, and called by no one. Parameters and FLOPs are
counted on the module itself, built on the meta device, where nothing is allocated.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from flopscape.checks.subject import Batch, Subject
from flopscape.plugins.base import Counts, DatasetPlugin, LossPlugin, ModelPlugin, Size
from flopscape.plugins.measured import flops_per_unit, n_parameters, skeleton

FLOPS_TOLERANCE = 0.02
"""Relative error of declared FLOPs: a formula may leave out a small product, but no layer."""
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
    # Two mistakes that have a number of their own: 6 FLOPs for every weight, those that are looked up included; and 2
    # of 6, the forward pass alone.
    excess = declared.flops_per_unit - counted
    if declared.n_params_embedding and abs(excess / (6 * declared.n_params_embedding) - 1) < FLOPS_TOLERANCE:
        return "the excess is 6 × the embedding's parameters, but looking a row up multiplies nothing: leave them out"
    if abs(declared.flops_per_unit / counted * 3 - 1) < FLOPS_TOLERANCE:
        return "that is the forward pass alone: the backward pass costs twice as much again"
    return (
        "count matrix products and convolutions only: 6 a weight and unit, 4 where a weight's input needs no gradient, "
        "and 12 × width × context a layer for attention"
    )


PROTOCOLS: dict[str, tuple[type, tuple[str, ...]]] = {
    "model": (ModelPlugin, ("build", "optimizer")),
    "dataset": (DatasetPlugin, ("prepare", "batches")),
    "loss": (LossPlugin, ("__call__",)),
}


def signatures(subject: Subject) -> Iterator[str]:
    """Methods that are missing or take other arguments than the protocol's."""
    for part, (protocol, methods) in PROTOCOLS.items():
        plugin = getattr(subject, part)
        if plugin is None:
            continue
        optional = ("counts",) if part == "model" and callable(getattr(plugin, "counts", None)) else ()
        for method in (*methods, *optional):
            arguments = [name for name in inspect.signature(getattr(protocol, method)).parameters if name != "self"]
            if why := _why_not_callable(getattr(plugin, method, None), arguments):
                declaration = f"def {method}({', '.join(['self', *arguments])})"
                yield f"{subject.name(part)}: {method} {why}; declare it as {declaration}"
    yield from _unit(subject)


def _why_not_callable(method: Callable[..., Any] | None, arguments: list[str]) -> str:
    if not callable(method):
        return "is missing"
    try:
        inspect.signature(method).bind(*arguments)
    except TypeError as error:
        return f"cannot be called with ({', '.join(arguments)}): {error}"
    return ""


def _unit(subject: Subject) -> Iterator[str]:
    if subject.dataset is not None and not isinstance(getattr(subject.dataset, "unit", None), str):
        yield f"{subject.name('dataset')}: unit is missing; name what D counts, such as unit = 'token'"
