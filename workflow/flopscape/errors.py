"""What users are told of bad input and of fits to be doubted: sentences, and how they list what they are about.

Of bad input there is one exception, whose sentence names the place and the fix. A doubt is a sentence of a kind.
"""

from collections.abc import Iterable
from typing import Any, Literal

WarningKind = Literal[
    "", "extrapolates", "outside sizes", "budget left out", "prior-dominated", "open end", "only a range"
]
"""What a warning is about, for code that treats some apart; "" is any other."""


class FlopscapeError(Exception):
    """Bad input, in one sentence. The command line prints it and exits with status 2."""


class FitWarning(str):
    """A sentence on what to distrust, with its kind: set where it is raised, so that no reader goes by the wording."""

    kind: WarningKind

    def __new__(cls, sentence: str, kind: WarningKind = "") -> "FitWarning":
        """A sentence of a kind."""
        warning = super().__new__(cls, sentence)
        warning.kind = kind
        return warning


def kind_of(warning: str) -> WarningKind:
    """The kind of a warning; a plain sentence, as files of older versions have them, is of none."""
    return warning.kind if isinstance(warning, FitWarning) else ""


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
