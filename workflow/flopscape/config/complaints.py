"""What pydantic finds wrong, as sentences: the key, what is wrong with it, and the cure where one is known."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from flopscape.text.written import NUMBER, key_path, nearest, shown

MOST = 20
"""Sentences of one file: the rest are counted."""
UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""Types of pydantic's errors of a key that there is not."""
MEANT = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "dataclass_type": "a mapping",
}
"""What the types of pydantic's errors ask for."""
BOUNDS = {
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "finite_number": "must be a finite number",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have {max_length} entries or fewer",
}
"""What they ask for of a value that has the right type, with what pydantic knows of the bound."""
TYPE = re.compile(r"(constrained-)?(int|float|str|bool)|.*\[.*", re.DOTALL)
"""Steps that pydantic puts into a place for each type that a value may have, such as `constrained-int`, `list[int]` and
`function-before[_fit(), Fit]`."""
Key = tuple[Any, ...]
"""The keys that lead to a value, and the places of entries."""


def sentences(error: ValidationError, model: type[BaseModel], place: str) -> list[str]:
    """One line for each wrong key, each beginning with the place; none twice."""
    found = [(_key(problem), problem) for problem in error.errors()]
    said = (_sentence(model, key, problem, meant) for key, problem, meant in _distinct(found))
    lines = list(dict.fromkeys(f"{place}: {text}" for text in said))
    return lines[:MOST] + ([f"{place}: and {len(lines) - MOST} more"] if len(lines) > MOST else [])


def _key(problem: Any) -> Key:
    """Where a problem is, without pydantic's own steps; an unknown key may have any name."""
    location, last = problem["loc"], len(problem["loc"]) - 1
    own = {0, *([last] if problem["type"] in UNKNOWN else [])}
    return tuple(
        part for i, part in enumerate(location) if i in own or not (isinstance(part, str) and TYPE.fullmatch(part))
    )


def _distinct(found: list[tuple[Key, Any]]) -> Iterator[tuple[Key, Any, str]]:
    """Each problem with its key, and the types that are meant there where the value has none of them.

    A value that may be one of several types has problems with each. That it has not the one type is none of them where
    it has the other, and something else is wrong with it.
    """
    others = {key for key, problem in found if problem["type"] not in MEANT}
    others |= {key[:i] for key, _ in found for i in range(len(key))}
    meant: dict[Key, dict[str, None]] = {}
    for key, problem in found:
        if problem["type"] in MEANT:
            meant.setdefault(key, {})[MEANT[problem["type"]]] = None
    for key, problem in found:
        if problem["type"] not in MEANT:
            yield key, problem, ""
        elif key not in others and (kinds := meant.pop(key, None)):
            yield key, problem, " or ".join(kinds)


def _sentence(model: type[BaseModel], location: Key, problem: Any, meant: str) -> str:
    """One sentence for one of pydantic's errors; `meant` are the types that the value may have, if it has none."""
    key = key_path(location)
    if problem["type"] in UNKNOWN:
        return f"unknown key {key}{nearest(str(location[-1]), _siblings(model, list(location[:-1])))}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    message = _message(problem, meant)
    return f"{key}: {message}" if key else message


def _message(problem: Any, meant: str) -> str:
    """What is wrong with a value, and the value where it is short."""
    value = problem["input"]
    if problem["type"] == "invalid_key":
        return "this key is not text"
    if meant:
        return f"{meant} is meant, not {_named(value)}{_cure(meant, value)}"
    if bound := BOUNDS.get(problem["type"]):
        said = bound.format(**{name: _whole(number) for name, number in problem.get("ctx", {}).items()})
        return said if isinstance(value, dict | list | tuple) else f"{said}, not {shown(value)}"
    if problem["type"] == "value_error":  # a validator of the models, which names the value itself
        return str(problem["msg"]).removeprefix("Value error, ")
    message = problem["msg"]
    is_said = not isinstance(value, int | float | str) or shown(value) in message
    return message if is_said else f"{message}, not {shown(value)}"


def _whole(value: Any) -> Any:
    """A whole number without its decimals."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _named(value: Any) -> str:
    """A value with what it is."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"the {'text' if isinstance(value, str) else 'number'} {shown(value)}"


def _cure(meant: str, value: Any) -> str:
    """Quotes make text of anything; without them a number is one."""
    if meant == "text" and isinstance(value, int | float):
        return f': write it in quotes, such as "{json.dumps(value)}"'
    if meant.endswith("number") and isinstance(value, str) and NUMBER.fullmatch(value):
        return ": write it without quotes"
    return ""


def _siblings(model: type[BaseModel], location: list[Any]) -> Iterable[str]:
    """The valid keys beside an unknown one."""
    schema = model.model_json_schema()
    node = schema
    for part in location:
        # One step down the schema, of whichever alternative has it.
        node = next((inner for choice in _choices(node, schema) if (inner := _inside(choice, part))), {})
    return next((choice["properties"] for choice in _choices(node, schema) if "properties" in choice), {})


def _inside(node: dict[str, Any], part: Any) -> dict[str, Any]:
    """The schema of a list's items, of a property, or of a mapping's values under names of the user's."""
    if isinstance(part, int):
        return dict(node.get("items", {}))
    values = node.get("additionalProperties")
    return dict(node.get("properties", {}).get(part, values if isinstance(values, dict) else {}))


def _choices(node: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema node, or every alternative that it has, with references followed."""
    if reference := node.get("$ref", "").rpartition("/")[2]:
        yield from _choices(schema["$defs"][reference], schema)
    for choice in node.get("anyOf", []):
        yield from _choices(choice, schema)
    if "anyOf" not in node:
        yield node
