"""Any Hugging Face text dataset under any tokeniser: read once, when it is prepared. Imports no torch."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from flopscape.errors import FlopscapeError
from flopscape.plugins.base import Manifest
from flopscape.plugins.hub import Opened, local_files, open_dataset
from flopscape.plugins.splitting import HELDOUT_SHARE, is_heldout
from flopscape.plugins.tokenizer import Tokenizer, load_tokenizer
from flopscape.plugins.windows import TokenWindows

if TYPE_CHECKING:
    import numpy as np

ENCODED_AT_ONCE = 512


class HubText(TokenWindows):
    """Documents of a dataset on the Hub or in a folder, each with an end of text behind it; needs the extra `hub`.

    A row is a document. Documents are held out whole; one whose text, but for white space at its ends, is also a
    training document is not. Rows without text are left out and counted.

    Parameters
    ----------
    path : str
        A name on the Hub, a folder written by `save_to_disk`, or a folder of data files.
    name : str, optional
        Configuration of the dataset.
    revision : str, optional
        Commit, tag or branch; the manifest names the commit that was read.
    split, heldout_split : str
        Splits to train on and to hold out. Without `heldout_split`, documents of `split` are held out by the hash of
        their text.
    heldout_share : float
        Their share.
    column : str
        Column of the texts.
    tokenizer : str
        `bytes`, a file tokenizer.json, or a name on the Hub, perhaps with `@` and a revision.
    end_of_text : str, optional
        The token that ends a text, where the tokeniser has none of the usual ones.
    context : int
        Tokens of one window.
    max_tokens : int, optional
        Training tokens to read, in the order of the dataset; then no more is downloaded than they need.
    """

    def __init__(
        self,
        path: str,
        name: str | None = None,
        revision: str | None = None,
        split: str = "train",
        heldout_split: str | None = None,
        heldout_share: float = HELDOUT_SHARE,
        column: str = "text",
        tokenizer: str = "bytes",
        end_of_text: str | None = None,
        context: int = 1024,
        max_tokens: int | None = None,
    ) -> None:
        super().__init__(context)
        if not 0 < heldout_share < 1:
            raise ValueError(f"heldout_share is {heldout_share!r}, not between 0 and 1")
        if max_tokens is not None and not max_tokens >= context:
            raise ValueError(f"max_tokens is {max_tokens!r}, less than one context of {context}")
        self.path, self.name, self.revision, self.column = path, name, revision, column
        self.split, self.heldout_split, self.heldout_share = split, heldout_split, heldout_share
        self.tokenizer, self.end_of_text = tokenizer, end_of_text
        self.max_tokens = None if max_tokens is None else int(max_tokens)

    def source_files(self) -> list[str]:
        """The files of a folder and of a tokeniser: when one changes, the data are prepared again."""
        return local_files(self.path) + ([self.tokenizer] if self.tokenizer.endswith(".json") else [])

    def train_units(self) -> int | None:
        """Tokens of one epoch if the dataset has `max_tokens`."""
        return None if self.max_tokens is None else self.n_windows(self.max_tokens) * self.context

    def prepare(self, folder: Path) -> Manifest:
        """Write the tokens of both halves into `folder`; `notes` says what was counted, left out and dropped.

        Raises
        ------
        FlopscapeError
            The dataset, a split, its column or the tokeniser cannot be had; a row is no text; a half is too small.
        """
        tokenizer = load_tokenizer(self.tokenizer, self.end_of_text)
        opened = open_dataset(self.path, self.name, self.revision, stream=self.max_tokens is not None)
        halves = Halves(tokenizer, 0 if self.heldout_split else self.heldout_share)
        texts = Texts(opened, self.column)
        if self.heldout_split:
            # Before training: a text of both is then seen when it comes up in training, and given up here.
            halves.hold_out(texts.of_split(self.heldout_split))
        with (folder / f"train{tokenizer.suffix}").open("wb") as stream:
            halves.train(texts.of_split(self.split), stream, self.max_tokens)
        # After training, for only now is it known which held-out documents training does not have.
        with (folder / f"heldout{tokenizer.suffix}").open("wb") as stream:
            stream.writelines(tokens.tobytes() for tokens in halves.heldout.values())
        source = f"{opened.description}, split {self.split}"
        n_units = self.units_of(halves.n_tokens(), source)
        notes = {"tokenizer": tokenizer.described(), "n_rows_without_text": texts.n_without} | halves.notes()
        return Manifest("", self.unit, n_units, self._split_rule(), source, opened.licence, notes)

    def _split_rule(self) -> str:
        rule = f"the split {self.heldout_split} is held out"
        if not self.heldout_split:
            rule = f"a document is held out when the first 64 bits of SHA-256(its text) / 2^64 < {self.heldout_share}"
        return f"{rule}; of documents with one text, training keeps all, and held-out data one if training has none"


class Texts:
    """The texts of a column; `n_without` counts the rows left out because they hold none."""

    def __init__(self, opened: Opened, column: str) -> None:
        self.opened, self.column, self.n_without = opened, column, 0

    def of_split(self, split: str) -> Iterator[str]:
        """The texts of a split, in its own order."""
        for number, row in enumerate(self.opened.rows(split, [self.column])):
            text = row[self.column]
            if not isinstance(text, str | None):
                raise FlopscapeError(
                    f"{self.opened.description}: row {number} of split {split} has a {type(text).__name__} in column "
                    f"{self.column}, not a text; name a column of texts"
                )
            if text and not text.isspace():
                yield text
            else:
                self.n_without += 1


class Document(NamedTuple):
    """The hash of a text, but for white space at its ends, its tokens with the end of text, and its bytes in UTF-8."""

    digest: bytes
    tokens: "np.ndarray"
    n_bytes: int


class Halves:
    """Documents as tokens: training ones are written as they come, held-out ones kept, by the hash of their text."""

    def __init__(self, tokenizer: Tokenizer, share: float) -> None:
        self.tokenizer, self.share = tokenizer, share
        self.heldout: dict[bytes, np.ndarray] = {}
        self.heldout_bytes: dict[bytes, int] = {}
        self.n_train_documents = self.n_train_tokens = self.n_dropped = self.largest_token = 0

    def hold_out(self, texts: Iterable[str]) -> None:
        """Keep documents as held-out ones, each text once."""
        for document in self._encoded(texts):
            self._keep(document)

    def train(self, texts: Iterable[str], stream: BinaryIO, max_tokens: int | None) -> None:
        """Write documents to `stream`, at most `max_tokens` tokens, but keep the held-out ones among them."""
        for document in self._encoded(texts):
            digest, tokens = document.digest, document.tokens
            if is_heldout(digest, self.share):
                self._keep(document)
                continue
            # Training has it too after all: it can no longer be held out.
            if self.heldout.pop(digest, None) is not None:
                self.n_dropped += 1
                del self.heldout_bytes[digest]
            # The last document is cut where `max_tokens` tokens are full: a number of tokens is asked for, and not of
            # documents.
            written = tokens if max_tokens is None else tokens[: max_tokens - self.n_train_tokens]
            stream.write(written.tobytes())
            self.n_train_documents += 1
            self.n_train_tokens += len(written)
            if self.n_train_tokens == max_tokens:
                break

    def n_tokens(self) -> dict[str, int]:
        """Tokens by half."""
        return {"train": self.n_train_tokens, "heldout": sum(map(len, self.heldout.values()))}

    def notes(self) -> dict[str, Any]:
        """What the manifest says of the documents."""
        return {
            "largest_token": self.largest_token,
            "n_documents": {"train": self.n_train_documents, "heldout": len(self.heldout)},
            "n_heldout_documents_dropped": self.n_dropped,
            # Ends of text are tokens and no bytes.
            "heldout_text": {"n_tokens": self.n_tokens()["heldout"], "n_bytes": sum(self.heldout_bytes.values())},
        }

    def _keep(self, document: "Document") -> None:
        # Of held-out documents with one text the last stays, in the place of the first: they are equal but for white
        # space.
        self.n_dropped += document.digest in self.heldout
        self.heldout[document.digest] = document.tokens
        self.heldout_bytes[document.digest] = document.n_bytes

    def _encoded(self, texts: Iterable[str]) -> "Iterator[Document]":
        remaining = iter(texts)
        # In batches, which the library encodes in parallel; and not all at once, for a stream may not fit into memory.
        while block := list(islice(remaining, ENCODED_AT_ONCE)):
            for text, tokens in zip(block, self.tokenizer.encode(block), strict=True):
                self.largest_token = max(self.largest_token, int(tokens.max()))
                digest = hashlib.sha256(text.strip().encode()).digest()
                yield Document(digest, tokens, len(text.encode()))
