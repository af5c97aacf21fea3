"""The one exception that users meet: a sentence that names the place and the fix, and how it lists what it is about."""

from collections.abc import Iterable
from typing import Any


class FlopscapeError(Exception):
    """Bad input, in one sentence. The command line prints it and exits with status 2."""


def listed(names: Iterable[Any], most: int = 20) -> str:
    """Names with commas between them, on one line; of many, the first and how many more there are.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    texts = [shortened(repr(str(name))[1:-1]) for name in names]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def joined(names: Iterable[str]) -> str:
    """Names as a sentence has them.

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def shortened(text: str) -> str:
    """The text, cut where it is too long to be quoted."""
    return text if len(text) <= 80 else f"{text[:70]} …"
