"""The state of all random generators of a process."""

import random

import numpy as np
import torch

from flopscape.training.packing import Tree


def random_state(device: torch.device) -> Tree:
    """The state of every generator of this process: Python's, numpy's, torch's and the device's."""
    numpy: Tree = np.random.get_state(legacy=False)  # noqa: NPY002  (plug-ins may use the global generator)
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
