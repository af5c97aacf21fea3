"""The one exception that users meet: a sentence that names the place and the fix."""

from collections.abc import Iterable


class FlopscapeError(Exception):
    """Bad input, in one sentence. The command line prints it and exits with status 2."""


LONGEST = 60
"""Characters that are quoted of a cell or a name."""


def shown(value: object) -> str:
    """A value as it is written in code, cut where it would fill the screen."""
    return _cut(repr(value))


def listed(names: Iterable[object], most: int = 20) -> str:
    """Names with commas between them, on one line; of many, the first and how many more there are."""
    texts = [_cut(repr(str(name))[1:-1]) for name in names]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
