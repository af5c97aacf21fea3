"""Tokenisers: bytes, or any of the library `tokenizers`, from a file or the Hub. Imported when one is loaded."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from flopscape.errors import FlopscapeError
from flopscape.plugins.hub import import_extra, readable
from flopscape.plugins.windows import TOKEN_TYPES, token_suffix

if TYPE_CHECKING:
    import numpy as np

USUAL_ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[SEP]")


class Tokenizer(Protocol):
    """Documents into tokens, each with an end of text behind it."""

    suffix: str
    """How a file of its tokens ends."""

    def encode(self, texts: list[str]) -> "list[np.ndarray]":
        """The tokens of each text: unsigned integers [tokens + 1]."""

    def described(self) -> dict[str, Any]:
        """What the manifest says of the tokeniser."""


class Bytes:
    """A token is a byte of the text in UTF-8; byte 0 ends a text."""

    suffix = ".bin"

    def encode(self, texts: list[str]) -> "list[np.ndarray]":
        """The bytes of each text: uint8 [bytes + 1]."""
        import numpy as np

        return [np.frombuffer(text.encode() + b"\0", dtype=TOKEN_TYPES[self.suffix]) for text in texts]

    def described(self) -> dict[str, Any]:
        """Its name and the byte that ends a text, for the manifest."""
        return {"name": "bytes", "end_of_text": 0}


class Trained:
    """A tokeniser of the library `tokenizers`. Special tokens that stand in a text are ordinary characters of it."""

    def __init__(self, name: str, tokenizer: Any, end_of_text: int) -> None:
        self.name, self.tokenizer, self.end_of_text = name, tokenizer, end_of_text
        # The largest id and not the number of tokens: ids may have gaps, and a model looks up by id.
        self.size = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
        self.suffix = token_suffix(self.size)
        self.digest = hashlib.sha256(tokenizer.to_str().encode()).hexdigest()
        # A tokenizer.json may hold settings for a model of its own: documents are wanted whole and unpadded.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        # Or a text that contains "<|endoftext|>" would end a document in its middle.
        tokenizer.encode_special_tokens = True

    def encode(self, texts: list[str]) -> "list[np.ndarray]":
        """The tokens of each text: uint8, uint16 or uint32 [tokens + 1]."""
        import numpy as np

        encodings = self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [np.array([*encoding.ids, self.end_of_text], dtype=TOKEN_TYPES[self.suffix]) for encoding in encodings]

    def described(self) -> dict[str, Any]:
        """Its name, the number of its tokens, the token that ends a text, and the SHA-256 of its JSON."""
        return {"name": self.name, "size": self.size, "end_of_text": self.end_of_text, "sha256": self.digest}


def load_tokenizer(name: str, end_of_text: str | None = None) -> Tokenizer:
    """A tokeniser by name.

    Parameters
    ----------
    name
        `bytes`; a file tokenizer.json; or a name on the Hub, perhaps with `@` and a revision.
    end_of_text
        The token that ends a text; the first of the usual ones that it has when left out.

    Raises
    ------
    FlopscapeError
        There is no such tokeniser, or it has no such token.
    """
    if name == "bytes":
        return Bytes()
    tokenizer = _from_file(name) if name.endswith(".json") or Path(name).is_file() else _from_hub(name)
    candidates = [end_of_text] if end_of_text is not None else USUAL_ENDS
    present = (token for text in candidates if (token := tokenizer.token_to_id(text)) is not None)
    if (end := next(present, None)) is None:
        raise FlopscapeError(f"tokenizer {name}: has no token {' or '.join(candidates)}; name its own in end_of_text")
    return Trained(name, tokenizer, end)


def _from_file(path: str) -> Any:
    if not Path(path).is_file():
        raise FlopscapeError(f"tokenizer {path}: no such file; save it with Tokenizer.save, or correct the path")
    try:
        return import_extra("tokenizers").Tokenizer.from_file(path)
    except Exception as error:  # the library raises nothing more special
        raise FlopscapeError(f"tokenizer {path}: not a tokenizer.json ({error})") from error


def _from_hub(name: str) -> Any:
    from huggingface_hub import hf_hub_download

    repository, _, revision = name.partition("@")
    with readable(f"tokenizer {name}"):
        return _from_file(hf_hub_download(repository, "tokenizer.json", revision=revision or None))
