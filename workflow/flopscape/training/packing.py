"""Trees of plain values and tensors in one safetensors file each: no pickle, so loading one runs no code."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

Tree = Any
"""Dicts, lists and tuples of tensors, numbers, strings, booleans and None."""


def save_tree(path: Path, tree: Tree) -> None:
    """Write a tree: its tensors as they are, the rest as JSON in the file's metadata.

    Raises
    ------
    OSError
        The file cannot be written, or the tree holds something else.
    """
    tensors: dict[str, Tensor] = {}
    try:
        plain = json.dumps(_pack(tree, "", tensors))
        save_file(tensors, path, metadata={"tree": plain})
    except (SafetensorError, TypeError) as error:
        raise OSError(f"{path.name}: {error}") from error


def load_tree(path: Path) -> Tree:
    """Read a tree back, on the CPU, equal to the one that was saved.

    Raises
    ------
    SafetensorError, OSError
        The file is not whole or cannot be read.
    """
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
        return _unpack(json.loads(file.metadata()["tree"]), tensors)


def _pack(value: Tree, name: str, tensors: dict[str, Tensor]) -> Any:
    """Plain JSON for a tree; its tensors go to `tensors`, copied, for safetensors refuses shared memory."""
    if isinstance(value, Tensor):
        tensors[unique := f"{len(tensors)}{name}"] = value.detach().to("cpu", copy=True).contiguous()
        return {"tensor": unique}
    if isinstance(value, dict):
        # Pairs, for JSON would turn the numbers by which optimisers name parameters into text.
        return {"dict": [[key, _pack(item, f"{name}/{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_pack(item, f"{name}/{index}", tensors) for index, item in enumerate(value)]}
    return value


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Tree:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _unpack(item, tensors) for key, item in content}
    items = [_unpack(item, tensors) for item in content]
    return items if kind == "list" else tuple(items)
