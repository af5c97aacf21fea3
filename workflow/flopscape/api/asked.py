"""What people hand to the API, in the one form that the package takes: tables, numbers, paths."""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from flopscape.errors import FlopscapeError
from flopscape.text.written import shown

PathLike: TypeAlias = str | os.PathLike[str]
Numbers: TypeAlias = float | Iterable[float]


def path_of(place: PathLike, what: str) -> Path:
    """A path; raises FlopscapeError for anything else, and for an empty one."""
    if not isinstance(place, str | os.PathLike):
        raise FlopscapeError(f"{what}: {type(place).__name__} is no path; give a text or a pathlib.Path")
    if not str(place):
        raise FlopscapeError(f"{what}: the path is empty; name a file or a folder")
    return Path(place)


def numbers_of(value: Any, what: str) -> list[float]:
    """One number or several, each of which counts once.

    >>> numbers_of(1e21, "flops"), numbers_of(None, "flops")
    ([1e+21], [])

    Raises
    ------
    FlopscapeError
        What is no number, or one that is given twice.
    """
    given: list[Any] = [] if value is None else [*value] if _is_several(value) else [value]
    numbers = [number_of(one, what) for one in given]
    if twice := [number for number, n in Counter(numbers).items() if n > 1]:
        raise FlopscapeError(f"{what} {twice[0]!r}: given twice; leave one out")
    return numbers


def number_of(value: Any, what: str) -> float:
    """A number; raises FlopscapeError for a truth value, a text, or anything else that is none."""
    if not isinstance(value, bool | str | bytes):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    raise FlopscapeError(f"{what}: {shown(value)} is not a number")


def _is_several(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | dict)
