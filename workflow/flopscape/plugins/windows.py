"""Windows of tokens, read from `train` and `heldout` files. The base of every text dataset. Imports no torch.

A window is `context` tokens and the one after: the inputs are all but the last, the targets all but the first. Windows
of an epoch do not overlap but for that one token, and begin at a common offset that each epoch draws anew, so that over
many epochs a token is seen at every place of a window.
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from flopscape.errors import FlopscapeError
from flopscape.plugins.endless import items_at, ordered_positions, train_positions

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

MIN_WINDOWS = 8
READ_TOKENS = 16384
TOKEN_TYPES = {".bin": "u1", ".u16": "<u2", ".u32": "<u4"}
"""How a file of tokens ends, and what its tokens are: unsigned integers of one, two or four bytes."""


class TokenWindows:
    """Base of the text datasets: windows and batches of what a subclass's `prepare` wrote.

    Parameters
    ----------
    context : int
        Tokens of one window; a batch is whole windows.
    """

    unit = "token"

    def __init__(self, context: int = 64) -> None:
        if not isinstance(context, int) or isinstance(context, bool) or context < 1:
            raise ValueError(f"context is {context!r}, not a positive integer")
        self.context = context

    def n_windows(self, n_tokens: int) -> int:
        """Windows of one epoch: what fits whole, with the last target, at every offset below `context`."""
        # With c = context, the last of W windows begins at (W − 1)·c + offset, offset at most c − 1, and is c + 1
        # tokens long: its last token has the index W·c + c − 1, so that (W + 1)·c tokens are enough at every offset.
        return max(0, n_tokens // self.context - 1)

    def units_of(self, n_tokens: dict[str, int], source: str) -> dict[str, int]:
        """Units of one epoch by split, from the number of tokens of each.

        Raises
        ------
        FlopscapeError
            A split has fewer than `MIN_WINDOWS` windows.
        """
        for split, n in n_tokens.items():
            if self.n_windows(n) < MIN_WINDOWS:
                raise FlopscapeError(
                    f"{source}: too small, {n} tokens of {split} text where {MIN_WINDOWS} windows of {self.context} "
                    f"are needed; use more text or a shorter context"
                )
        return {split: self.n_windows(n) * self.context for split, n in n_tokens.items()}

    def batches(
        self, folder: Path, split: str, batch_units: int, seed: int, rank: int, world_size: int, start: int
    ) -> Iterator[dict[str, "Tensor"]]:
        """Batches {"tokens": int64 [windows, context + 1]} from step `start` on.

        `train` is endless: every epoch visits each window once, in an order and at an offset drawn from (seed, epoch).
        `heldout` is one pass in order; its last batch may be short. Rank r has the r-th part of each global batch.

        Raises
        ------
        FlopscapeError
            `batch_units` is not a multiple of context × world_size.
        """
        if batch_units < 1 or batch_units % (self.context * world_size):
            raise FlopscapeError(
                f"batch_units is {batch_units}, not a multiple of context × processes = {self.context} × {world_size}"
            )
        data = read_tokens(Path(folder), split)
        # Windows of this process in a step; positions are dealt out in windows (plugins/endless.py).
        share = batch_units // self.context // world_size
        if split == "train":
            return self._train_batches(data, share, seed, rank, world_size, start)
        return self._ordered_batches(data, share, rank, world_size, start)

    def _train_batches(
        self, data: "np.ndarray", share: int, seed: int, rank: int, world_size: int, start: int
    ) -> Iterator[dict[str, "Tensor"]]:
        n_windows = self.n_windows(len(data))
        # Many small batches are read at once: one gather costs as much as a tiny model's whole step otherwise would.
        n_steps = max(1, READ_TOKENS // (share * self.context))
        epoch_starts = partial(_epoch_starts, n_windows=n_windows, context=self.context, seed=seed)
        for first in count(start, n_steps):
            positions = train_positions(first, n_steps, share, rank, world_size)
            for tokens in self._read(data, items_at(positions, n_windows, epoch_starts)):
                yield {"tokens": tokens}

    def _ordered_batches(
        self, data: "np.ndarray", share: int, rank: int, world_size: int, start: int
    ) -> Iterator[dict[str, "Tensor"]]:
        for windows in ordered_positions(self.n_windows(len(data)), start, share, rank, world_size):
            # Without an offset: every run of a study is scored on the same windows.
            yield {"tokens": self._read(data, windows * self.context)}

    def _read(self, data: "np.ndarray", starts: "np.ndarray") -> "Tensor":
        """The windows that begin at `starts`: int64 [*starts.shape, context + 1]."""
        import numpy as np
        import torch

        # […, 1] + [context + 1] → the index of every token of every window, so that one gather reads them all.
        return torch.from_numpy(data[starts[..., None] + np.arange(self.context + 1)].astype(np.int64))


def token_suffix(n_tokens: int) -> str:
    """How the file of tokens from 0 to `n_tokens` − 1 ends: the narrowest of `TOKEN_TYPES` that holds them."""
    # The last character of a type is its number of bytes.
    return next(suffix for suffix, kind in TOKEN_TYPES.items() if n_tokens <= 256 ** int(kind[-1]))


def read_tokens(folder: Path, split: str) -> "np.ndarray":
    """The tokens of a split, mapped from its file: unsigned integers [tokens]."""
    import numpy as np

    for suffix, kind in TOKEN_TYPES.items():
        if (path := folder / f"{split}{suffix}").is_file():
            return np.memmap(path, dtype=kind, mode="r")
    raise FlopscapeError(f"{folder}: holds no {split} tokens; delete the folder and prepare the dataset again")


# Two, for a batch that crosses the end of an epoch asks for both.
@lru_cache(maxsize=2)
def _epoch_starts(epoch: int, n_windows: int, context: int, seed: int) -> "np.ndarray":
    """First token of each window of an epoch, in its order: one offset shifts them all."""
    import numpy as np

    generator = np.random.default_rng([seed, epoch])
    # First the order, then the offset: finished runs have seen the data that these two draws gave in this order.
    return generator.permutation(n_windows) * context + int(generator.integers(context))
