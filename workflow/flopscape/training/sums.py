"""What a process sums up between two points of a training curve."""

import torch
from accelerate import Accelerator
from torch import Tensor

from flopscape.training.packing import Tree


class Sums:
    """This process's summed loss, on the device, and number of units since the last point of a curve."""

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.total, self.n_units = torch.zeros((), device=accelerator.device), 0

    def add(self, value: Tensor, count: int) -> None:
        """Add a batch's summed loss and number of units."""
        self.total += value
        self.n_units += count

    def wait(self) -> None:
        """Return once the device has done all that was asked of it."""
        self.total.item()

    def mean(self) -> tuple[float, int]:
        """Mean loss, and number of units, over all processes."""
        total, n_units = self.total, self.n_units
        if self.accelerator.num_processes > 1:
            both = torch.stack([total.double(), total.new_tensor(n_units, dtype=torch.float64)])
            total, units = self.accelerator.reduce(both, reduction="sum")
            n_units = int(units)
        return float(total) / n_units, n_units

    def take(self) -> tuple[float, int]:
        """The mean; the sums begin anew."""
        result = self.mean()
        self.total, self.n_units = torch.zeros_like(self.total), 0
        return result

    def state(self) -> Tree:
        """What `set_state` puts back."""
        return {"total": self.total, "n_units": self.n_units}

    def set_state(self, state: Tree) -> None:
        """Put back what `state` returned."""
        self.total, self.n_units = state["total"].to(self.total.device), state["n_units"]
