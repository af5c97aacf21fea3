"""Which parts of one text occur in another, from a hash of every run of a given length. Imports no torch."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Knuth's 64-bit MMIX multiplier: odd, so that its powers can be inverted modulo 2^64.
MULTIPLIER = 6364136223846793005


def repeated_bytes(known: bytes, text: bytes, length: int) -> "np.ndarray":
    """Which bytes of `text` lie in a run of `length` bytes that also occurs in `known`: bool [len(text)]."""
    import numpy as np

    starts = np.flatnonzero(_occur(run_hashes(text, length), run_hashes(known, length)))
    edges = np.zeros(len(text) + 1, dtype=np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + length, -1)
    return np.cumsum(edges)[:-1] > 0


def repeated_windows(known: bytes, text: bytes, length: int) -> float:
    """Share of the non-overlapping windows of `length` bytes in `text` whose exact bytes occur in `known`."""
    return float(_occur(run_hashes(text, length)[::length], run_hashes(known, length)).mean())


def _occur(hashes: "np.ndarray", known: "np.ndarray") -> "np.ndarray":
    """Which of `hashes` are among `known`; ten times as fast as np.isin here."""
    import numpy as np

    ordered = np.sort(known)
    return np.append(ordered, np.uint64(0))[np.searchsorted(ordered, hashes)] == hashes


def run_hashes(text: bytes, length: int) -> "np.ndarray":
    """A 64-bit hash of every run of `length` bytes: uint64 [len(text) − length + 1], empty for a shorter text.

    Rabin and Karp's polynomial hash (1987) from prefix sums: Σ r(text[i+j])·M^j modulo 2^64, where r maps a byte to
    a fixed random number. Two different runs among a billion pairs collide with a chance of about 1e-10.
    """
    import numpy as np

    n_runs = max(0, len(text) - length + 1)
    random_numbers = np.random.default_rng(0).integers(2**64, size=256, dtype=np.uint64)
    terms = random_numbers[np.frombuffer(text, dtype=np.uint8)] * _powers(MULTIPLIER, len(text))
    prefix = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(terms, dtype=np.uint64)])
    return (prefix[length:] - prefix[:n_runs]) * _powers(pow(MULTIPLIER, -1, 2**64), n_runs)


def _powers(base: int, n: int) -> "np.ndarray":
    """base^0 … base^(n−1) modulo 2^64."""
    import numpy as np

    factors = np.full(n, base, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)
