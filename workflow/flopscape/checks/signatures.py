"""Whether plug-ins can be called as the protocols of plugins/base.py say."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from flopscape.checks.subject import Subject
from flopscape.plugins.base import DatasetPlugin, LossPlugin, ModelPlugin

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
            wanted = [name for name in inspect.signature(getattr(protocol, method)).parameters if name != "self"]
            if complaint := _complaint(getattr(plugin, method, None), wanted):
                declaration = f"def {method}({', '.join(['self', *wanted])})"
                yield f"{subject.name(part)}: {method} {complaint}; declare it as {declaration}"
    yield from _unit(subject)


def _complaint(method: Callable[..., Any] | None, wanted: list[str]) -> str:
    if not callable(method):
        return "is missing"
    try:
        inspect.signature(method).bind(*wanted)
    except TypeError as error:
        return f"cannot be called with ({', '.join(wanted)}): {error}"
    return ""


def _unit(subject: Subject) -> Iterator[str]:
    if subject.dataset is not None and not isinstance(getattr(subject.dataset, "unit", None), str):
        yield f"{subject.name('dataset')}: unit is missing; name what D counts, such as unit = 'token'"
