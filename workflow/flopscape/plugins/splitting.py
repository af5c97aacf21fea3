"""Documents into training and held-out ones, whole, and without what training repeats. Imports no torch."""

import hashlib

from flopscape.plugins.repeats import repeated_bytes

HELDOUT_SHARE = 0.05
REPEAT_BYTES = 64

Document = tuple[str, list[bytes]]
"""A name, which decides the split, and passages with their line ends: the pieces dropped one by one where repeated."""


SPLIT_RULE = (
    f"a document is held out when the first 64 bits of SHA-256(its name) / 2^64 < {HELDOUT_SHARE}; a held-out passage "
    f"is dropped when it is also a training passage or touches {REPEAT_BYTES} bytes in a row that training has too"
)


def is_heldout(digest: bytes, share: float = HELDOUT_SHARE) -> bool:
    """Whether a document with this SHA-256 is held out: a `share` of all are, the same ones whatever else there is."""
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def split(documents: list[Document]) -> tuple[list[Document], list[Document]]:
    """Training and held-out documents, by the hash of their names."""
    halves: tuple[list[Document], list[Document]] = ([], [])
    for document in documents:
        halves[is_heldout(hashlib.sha256(document[0].encode()).digest())].append(document)
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
