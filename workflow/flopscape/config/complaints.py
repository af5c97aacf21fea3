"""What pydantic finds wrong, as sentences: the key, what is wrong with it, and the cure where one is known."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from flopscape.text.written import NUMBER, key_path, nearest, shown

MOST = 20
"""Sentences of one file: the rest are counted."""
MEANT = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "dataclass_type": "a mapping",
}
"""What the types of pydantic's errors ask for."""


def sentences(error: ValidationError, model: type[BaseModel], place: str) -> list[str]:
    """One line for each wrong key, each beginning with the place; none twice."""
    # A value that may be one of several types has an error for each of them, and often in the same words.
    lines = list(dict.fromkeys(f"{place}: {_sentence(model, problem)}" for problem in error.errors()))
    return lines[:MOST] + ([f"{place}: and {len(lines) - MOST} more"] if len(lines) > MOST else [])


def _sentence(model: type[BaseModel], problem: Any) -> str:
    """One sentence for one of pydantic's errors."""
    # pydantic puts steps of its own into a place, such as `function-before[_fit(), Fit]` where a value may be one of
    # several types: only keys and numbers of items are the user's.
    location = [part for part in problem["loc"] if not (isinstance(part, str) and "[" in part)]
    key = key_path(location)
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"unknown key {key}{nearest(str(location[-1]), _siblings(model, location[:-1]))}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    message = _message(problem)
    return f"{key}: {message}" if key else message


def _message(problem: Any) -> str:
    """What is wrong with a value, and the value where it is short."""
    value = problem["input"]
    if problem["type"] == "invalid_key":
        return "this key is not text"
    if meant := MEANT.get(problem["type"]):
        return f"{meant} is meant, not {_named(value)}{_cure(meant, value)}"
    if problem["type"] == "value_error":  # a validator of the models, which names the value itself
        return str(problem["msg"]).removeprefix("Value error, ")
    message = problem["msg"]
    is_said = not isinstance(value, int | float | str) or shown(value) in message
    return message if is_said else f"{message}, not {shown(value)}"


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
        # One step down the schema: to the items of a list, or to a property, of whichever alternative has it.
        inner = (
            choice["items"] if isinstance(part, int) else choice["properties"].get(part, {})
            for choice in _choices(node, schema)
            if ("items" if isinstance(part, int) else "properties") in choice
        )
        node = next(inner, {})
    return next((choice["properties"] for choice in _choices(node, schema) if "properties" in choice), {})


def _choices(node: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema node, or every alternative that it has, with references followed."""
    if reference := node.get("$ref", "").rpartition("/")[2]:
        yield from _choices(schema["$defs"][reference], schema)
    for choice in node.get("anyOf", []):
        yield from _choices(choice, schema)
    if "anyOf" not in node:
        yield node
