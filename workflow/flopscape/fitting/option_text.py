"""What a text of the command line means for an option that is a number, a mapping or a list.

A mapping or a list is written as JSON, or short: `E=1.6` and `alpha=0:1` are entries of mappings, and `alpha=beta` is a
list in a list. `flopscape fit` takes such an option as often as it has entries.
"""

import json
from collections.abc import Sequence
from typing import Any

from flopscape.text.written import number

# `Positive` is defined in laws/law.py: imported from here, this file would be part of the fingerprint of every fit
# whose method uses the name.
NUMBERS = {"Positive": "a positive number", "float": "a number", "int": "a whole number"}
COLLECTIONS = {"dict": "dict", "Mapping": "dict", "list": "list", "Sequence": "list"}
"""Annotations of mappings with text keys and of lists, and how an option's type calls them: `dict[float]`, `list[str]`,
`dict[list[float]]`, and `dict` alone where the values may be anything."""


def is_collection(name: str) -> bool:
    """Whether a type is a mapping or a list."""
    return name.partition("[")[0] in ("dict", "list")


def is_json(text: str) -> bool:
    """Whether a text is meant as a mapping or list of JSON."""
    return text.lstrip()[:1] in ("{", "[")


def read_collection(kind: str, texts: Sequence[str]) -> Any:
    """Texts as a mapping or list of a type: JSON, or short for an entry `name=value`, for a list in a list `a=b`.

    A list of numbers in a mapping is written with colons, 0:1.

    Raises
    ------
    ValueError
        No such text.
    """
    outer, inner = kind.partition("[")[0], kind.partition("[")[2].removesuffix("]")
    collected: Any = {} if outer == "dict" else []
    for text in texts:
        if is_json(text):
            entry = _json(text, outer)
        elif outer == "list":
            entry = [text.split("=") if is_collection(inner) else _element(inner, text)]
        else:
            entry = _entry(inner, text)
        if twice := [name for name in entry if outer == "dict" and name in collected]:
            raise ValueError(f"{twice[0]} is given twice; leave one out")
        collected = collected | entry if outer == "dict" else [*collected, *entry]
    return collected


def _json(text: str, outer: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"is no JSON ({error}); quote it, as in '{{\"name\": 1}}'") from None
    if not isinstance(value, dict if outer == "dict" else list):
        raise ValueError(f"write a {'mapping' if outer == 'dict' else 'list'}")
    return value


def _entry(inner: str, text: str) -> dict[str, Any]:
    """One entry of a mapping; the last = divides it, for a name may be an expression."""
    name, separator, value = text.rpartition("=")
    if not (separator and name.strip() and value.strip() and inner):
        raise ValueError("write name=value, or JSON" if inner else "write JSON, as in '{\"name\": 1}'")
    if is_collection(inner):
        return {name.strip(): [_element(inner[len("list[") : -1], part) for part in value.split(":")]}
    return {name.strip(): _element(inner, value)}


def _element(kind: str, text: str) -> Any:
    return in_type(number(text), (kind,)) if kind in NUMBERS else text.strip()


def in_type(value: float, types: tuple[str, ...]) -> float | int:
    """A number as the types of an option have it."""
    return value if types == ("int",) else float(value)
