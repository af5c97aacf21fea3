"""What a process sums up between two points of a training curve.

Sums stay on the device: a GPU runs ahead of the host as long as nobody asks it for a number. Means are of all
processes: each sums over its own units, and both sums are added up before they are divided, for processes may have
counted different numbers of units.
"""

from typing import NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor

from flopscape.errors import FlopscapeError
from flopscape.training.state import Tree


class Means(NamedTuple):
    """Mean loss, number of units and largest norm of the gradient since the last point, over all processes."""

    loss: float
    n_units: int
    norm: float


class RunningMeans:
    """The summed loss of this process, on the device, number of units, and largest gradient since the last point."""

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.total, self.n_units = torch.zeros((), device=accelerator.device), 0
        self.norm = torch.zeros((), device=accelerator.device)

    def add(self, value: Tensor, count: int) -> None:
        """Add a batch's summed loss and number of units."""
        self.total += value
        self.n_units += count

    def see_norm(self, norm: Tensor) -> None:
        """Keep the norm of a step's gradient if it is the largest; the same in all processes."""
        self.norm = torch.maximum(self.norm, norm)

    def wait(self) -> None:
        """Return once the device has done all that was asked of it."""
        # Reading a number back waits until the device's queue is done. A CPU has no queue: there it is free.
        self.total.item()

    def mean(self) -> tuple[float, int]:
        """Mean loss, and number of units, over all processes; FlopscapeError where the loss counted no unit."""
        total, n_units = self.total, self.n_units
        if self.accelerator.num_processes > 1:
            # In one exchange, and in float64: a float32 counts units exactly only up to 2^24.
            both = torch.stack([total.double(), total.new_tensor(n_units, dtype=torch.float64)])
            total, units = self.accelerator.reduce(both, reduction="sum")
            n_units = int(units)
        if n_units == 0:
            raise FlopscapeError("the loss plug-in counts no unit in its batches; correct it")
        return float(total) / n_units, n_units

    def take(self) -> Means:
        """The means since the last call; from here on the sums begin anew."""
        taken = Means(*self.mean(), float(self.norm))
        self.total, self.n_units, self.norm = torch.zeros_like(self.total), 0, torch.zeros_like(self.norm)
        return taken

    def state(self) -> Tree:
        """The sums as a tree, which `set_state` puts back."""
        return {"total": self.total, "n_units": self.n_units, "norm": self.norm}

    def set_state(self, state: Tree) -> None:
        """Put back what `state` returned."""
        self.total, self.n_units = state["total"].to(self.total.device), state["n_units"]
        self.norm = state["norm"].to(self.norm.device)
