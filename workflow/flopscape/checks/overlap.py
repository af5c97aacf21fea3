"""Whether what is held out is also trained on.

Two ways of overlap: the same row on both sides, found by hashing rows; and, for windows of tokens, a stretch of the one
side at another offset on the other, found by looking up the first half of every held-out window at every place of the
training windows, with a rolling hash as in plugins/splitting.py.
"""

from collections.abc import Iterator

import numpy as np

from flopscape.checks.subject import Batch, Subject, rows
from flopscape.plugins.splitting import MULTIPLIER

MOST_UNITS = 1 << 23
"""Training units that are looked at: all of a small dataset, the first of a large one."""
IDENTICAL = 0.01
"""Share of held-out rows that may occur in training: real data repeat themselves a little."""
REPEATED = 0.5
"""Share of held-out windows of tokens, or of their halves, that may: text repeats its phrases."""
LEAST_WINDOW = 64
"""Tokens from which on half a window is looked for at other offsets: shorter ones are phrases."""


def disjoint(subject: Subject, other: Subject | None = None) -> Iterator[str]:
    """Held-out rows that training has too; those of another dataset where there is an `other`."""
    of = other or subject
    held_out = of.heldout
    # The held-out side, which is small, is kept in memory, and the training side streams by.
    identical, repeated = set().union(*map(rows, held_out)), _Halves(held_out)
    n_rows, seen = len(identical), set()
    for batch in _epoch(subject):
        seen |= identical.intersection(rows(batch))
        repeated.look_at(batch)
    most = IDENTICAL if _windows(held_out[0]) is None else REPEATED
    for share, kind in ((len(seen) / n_rows, "rows"), (repeated.share, "half windows")):
        if share > most:
            yield (
                f"{of.name('dataset')}: {share:.0%} of the held-out {kind} occur in the training data; split by "
                "document, before cutting rows, and drop repeats"
            )


def _epoch(subject: Subject) -> Iterator[Batch]:
    """One epoch of training batches, or its beginning."""
    assert subject.manifest is not None
    n_units = min(subject.manifest.n_units["train"], MOST_UNITS)
    for _, batch in zip(range(-(-n_units // subject.batch_units)), subject.batches(), strict=False):
        yield batch


class _Halves:
    """The first halves of held-out token windows, looked for at every offset of training windows."""

    def __init__(self, held_out: list[Batch]) -> None:
        windows = np.concatenate([w for batch in held_out if (w := _windows(batch)) is not None] or [np.empty((0, 0))])
        self.length = windows.shape[1] // 2 if windows.shape[1] >= LEAST_WINDOW else 0
        self.hashes = np.unique(_runs(windows[:, : self.length], self.length)) if self.length else np.empty(0)
        self.seen = np.zeros(len(self.hashes), dtype=bool)

    def look_at(self, batch: Batch) -> None:
        windows = _windows(batch)
        if windows is not None and len(self.hashes):
            hashes = _runs(windows, self.length).ravel()
            # The place where each hash would be inserted holds an equal one, if there is any; the last place stands in
            # for those beyond.
            places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
            self.seen[places[self.hashes[places] == hashes]] = True

    @property
    def share(self) -> float:
        return float(self.seen.mean()) if len(self.seen) else 0.0


def _windows(batch: Batch) -> "np.ndarray | None":
    """The batch's tokens, int64 [rows, time], None where rows are no windows."""
    tokens = batch.get("tokens", batch.get("inputs"))
    is_window = tokens is not None and tokens.dim() == 2 and not tokens.is_floating_point()
    return tokens.numpy() if is_window else None  # type: ignore[union-attr]


def _runs(tokens: "np.ndarray", length: int) -> "np.ndarray":
    """A 64-bit hash of every run of `length` tokens: uint64 [rows, time − length + 1]; see plugins/splitting.py."""
    # A token's random number is a multiple of it with the bits stirred, for a vocabulary may be of any size.
    mixed = (tokens.astype(np.uint64) + np.uint64(1)) * np.uint64(MULTIPLIER)
    mixed ^= mixed >> np.uint64(29)
    powers = np.cumprod(np.full(length, MULTIPLIER, dtype=np.uint64), dtype=np.uint64)
    # [rows, time] → views [rows, time − length + 1, length], nothing copied, times M^1 … M^length: Rabin and Karp's
    # polynomial.
    return np.lib.stride_tricks.sliding_window_view(mixed, length, axis=1) @ powers
