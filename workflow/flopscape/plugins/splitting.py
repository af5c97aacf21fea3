"""Documents into training and held-out ones, whole, and without what training repeats. Imports no torch.

A held-out loss is honest if nothing that it is measured on was trained on. Two rules see to it. Documents go to one
side whole, by a hash of their names, so that no passage is torn in two and adding documents moves no other. And a
held-out passage is dropped where training has it too, or has a long run of its bytes, which is found by a rolling hash.
"""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

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
    # Two tests: a short verse that training has too is shorter than REPEAT_BYTES, and a long quotation may lie across
    # the ends of passages, which is why runs are looked for in the joined text.
    trained = {passage.strip() for _, passages in train for passage in passages}
    repeated = repeated_bytes(join(train), join(heldout), REPEAT_BYTES)
    kept: list[Document] = []
    position = 0
    for name, passages in heldout:
        fresh = []
        for passage in passages:
            end = position + len(passage)
            if passage.strip() not in trained and not repeated[position:end].any():
                fresh.append(passage)
            position = end
        kept.append((name, fresh))
    n_dropped = sum(len(old) - len(new) for (_, old), (_, new) in zip(heldout, kept, strict=True))
    return [document for document in kept if document[1]], n_dropped


# Knuth's 64-bit MMIX multiplier: odd, so that its powers can be inverted modulo 2^64.
MULTIPLIER = 6364136223846793005


def repeated_bytes(reference: bytes, text: bytes, length: int) -> "np.ndarray":
    """Which bytes of `text` lie in a run of `length` bytes that also occurs in `reference`: bool [len(text)]."""
    import numpy as np

    # +1 where a repeated run begins and −1 behind its end: the sum up to a byte is the number of runs that cover it.
    starts = np.flatnonzero(_occur(run_hashes(text, length), run_hashes(reference, length)))
    edges = np.zeros(len(text) + 1, dtype=np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + length, -1)
    return np.cumsum(edges)[:-1] > 0


def repeated_windows(reference: bytes, text: bytes, length: int) -> float:
    """Share of the non-overlapping windows of `length` bytes in `text` whose exact bytes occur in `reference`."""
    return float(_occur(run_hashes(text, length)[::length], run_hashes(reference, length)).mean())


def _occur(hashes: "np.ndarray", reference: "np.ndarray") -> "np.ndarray":
    """Which of `hashes` are among `reference`; ten times as fast as np.isin here."""
    import numpy as np

    # The place where each hash would be inserted into the sorted reference holds an equal one, if there is any. Behind
    # the last place stands a zero, for a hash beyond all of them is to be compared with something.
    ordered = np.sort(reference)
    return np.asarray(np.append(ordered, np.uint64(0))[np.searchsorted(ordered, hashes)] == hashes)


def run_hashes(text: bytes, length: int) -> "np.ndarray":
    """A 64-bit hash of every run of `length` bytes: uint64 [len(text) − length + 1], empty for a shorter text.

    Rabin and Karp's polynomial hash (1987) from prefix sums: Σ r(text[i+j])·M^j modulo 2^64, where r maps a byte to
    a fixed random number. Two different runs among a billion pairs collide with a chance of about 1e-10.

    With the prefix sums S_k = Σ_{i<k} r(text_i)·M^i, the sum over a run is S_{i+length} − S_i, each term of which has a
    factor M^i too many: it is divided out by the inverse of M modulo 2^64, which an odd M has. So all runs of a text
    are hashed in one pass of whole-array operations, whatever their length.
    """
    import numpy as np

    n_runs = max(0, len(text) - length + 1)
    # Modulo 2^64 is what arithmetic on uint64 does by itself: nothing here overflows, it wraps.
    random_numbers = np.random.default_rng(0).integers(2**64, size=256, dtype=np.uint64)
    terms = random_numbers[np.frombuffer(text, dtype=np.uint8)] * _powers(MULTIPLIER, len(text))
    prefix = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(terms, dtype=np.uint64)])
    return np.asarray((prefix[length:] - prefix[:n_runs]) * _powers(pow(MULTIPLIER, -1, 2**64), n_runs))


def _powers(base: int, n: int) -> "np.ndarray":
    """base^0 … base^(n−1) modulo 2^64."""
    import numpy as np

    factors = np.full(n, base, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)
