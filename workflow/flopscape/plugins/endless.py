"""Which items of a dataset a step reads: positions in endless orders, shared among processes. Imports no torch."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def train_positions(first: int, n_steps: int, share: int, rank: int, world_size: int) -> "np.ndarray":
    """Positions in the endless order that a process trains on in `n_steps` steps from `first` on: [n_steps, share]."""
    import numpy as np

    steps = np.arange(first, first + n_steps)[:, None]
    return (steps * world_size + rank) * share + np.arange(share)


def ordered_positions(n_items: int, start: int, share: int, rank: int, world_size: int) -> Iterator["np.ndarray"]:
    """Positions of one ordered pass over `n_items`, a process's part of each step from `start` on; the last are few."""
    import numpy as np

    for first in range((start * world_size + rank) * share, n_items, share * world_size):
        yield np.arange(first, min(first + share, n_items))


def items_at(positions: "np.ndarray", n_items: int, epoch_items: "Callable[[int], np.ndarray]") -> "np.ndarray":
    """Items at positions of an endless order whose epoch e is `epoch_items(e)`, each of `n_items`."""
    import numpy as np

    items = np.empty_like(positions)
    epochs = positions // n_items
    for epoch in np.unique(epochs):
        items[epochs == epoch] = epoch_items(int(epoch))[positions[epochs == epoch] % n_items]
    return items
