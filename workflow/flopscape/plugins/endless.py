"""Which items of a dataset a step reads: positions in endless orders, shared among processes. Imports no torch.

Training reads items (windows, images) in one endless order: epoch after epoch, each a permutation of its own, drawn
from the run's seed and the epoch's number. Positions 0, 1, 2, … of that order are dealt out so that the global batch of
a step does not depend on the number of processes: with s items a process and P processes, step k reads the positions
k·s·P … (k + 1)·s·P − 1, and process r of them those from (k·P + r)·s on. Hence a run can go on at any step, without
reading what came before it, and in any number of processes as long as s·P stays.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def train_positions(first: int, n_steps: int, share: int, rank: int, world_size: int) -> "np.ndarray":
    """Positions in the endless order that a process trains on in `n_steps` steps from `first` on: [n_steps, share].

    >>> train_positions(first=5, n_steps=2, share=2, rank=1, world_size=3).tolist()
    [[32, 33], [38, 39]]
    """
    import numpy as np

    # (k·P + r)·s for each step k, as a column; its s positions along the row.
    steps = np.arange(first, first + n_steps)[:, None]
    return (steps * world_size + rank) * share + np.arange(share)


def ordered_positions(n_items: int, start: int, share: int, rank: int, world_size: int) -> Iterator["np.ndarray"]:
    """Positions of one ordered pass over `n_items`, a process's part of each step from `start` on; the last are few."""
    import numpy as np

    # The same places as in training, but the pass ends: the last steps have fewer items, or none for some processes.
    for first in range((start * world_size + rank) * share, n_items, share * world_size):
        yield np.arange(first, min(first + share, n_items))


def items_at(positions: "np.ndarray", n_items: int, epoch_items: "Callable[[int], np.ndarray]") -> "np.ndarray":
    """Items at positions of an endless order whose epoch e is `epoch_items(e)`, each of `n_items`.

    Position p is place p mod n of epoch ⌊p / n⌋, so that a batch may begin in one epoch and end in the next.
    """
    import numpy as np

    items = np.empty_like(positions)
    epochs = positions // n_items
    for epoch in np.unique(epochs):
        items[epochs == epoch] = epoch_items(int(epoch))[positions[epochs == epoch] % n_items]
    return items
