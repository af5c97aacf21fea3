"""What a process writes down to go on: trees of tensors as one file without pickle, and its random generators.

Optimisers keep their state as dicts and lists of tensors and numbers, by the numbers of parameters. torch.save would
write them with pickle, and loading a pickle runs whatever code it names: no checkpoint that was copied from elsewhere
should be able to do that. A file of safetensors holds nothing but named tensors and text.
"""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

Tree = Any
"""Dicts, lists and tuples of tensors, numbers, strings, booleans and None."""


def save_tree(path: Path, tree: Tree) -> None:
    """Write a tree: its tensors as they are, the rest as JSON in the file's metadata.

    Python's JSON gives back every float to the last bit, so that what is loaded is what was saved.

    Raises
    ------
    OSError
        The file cannot be written, or the tree holds something else.
    """
    tensors: dict[str, Tensor] = {}
    try:
        # The order matters: packing fills `tensors` while it goes through the tree.
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


def random_state(device: torch.device) -> Tree:
    """The state of every generator of this process: Python's, numpy's, torch's and the device's."""
    numpy: Tree = np.random.get_state(legacy=False)  # noqa: NPY002  (plug-ins may use the global generator)
    # 624 words of the Mersenne Twister, as a list, for a tree holds tensors and plain values and no arrays.
    numpy["state"]["key"] = numpy["state"]["key"].tolist()
    on_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return {
        "python": random.getstate(),
        "numpy": numpy,
        "torch": torch.get_rng_state(),
        "device": on_device,
    }


def set_random_state(state: Tree, device: torch.device) -> None:
    """Put back what `random_state` returned."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["device"], device)
