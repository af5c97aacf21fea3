"""Numbers, switches and texts as people write them in YAML, JSON or on a command line.

The settings of the trainer are annotated with these, so this module imports no pydantic: pydantic asks `Written` for a
schema where it builds a model.
"""

import difflib
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

from flopscape.errors import listed, shortened

NUMBER = re.compile(r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?")
"""A decimal number, its digits in groups or not: 1e12, .5, 1_000_000."""
LONGEST = 400
"""Characters of a number: more than any float needs, and few enough to read at once."""
SWITCHES = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def number(value: Any) -> Any:
    """A number, or a text that is one; whole floats become integers, anything else is left to the field's own type.

    >>> number("1e12"), number("1_000"), number(0.5), number([1])
    (1000000000000, 1000, 0.5, [1])

    Raises
    ------
    ValueError
        A text that is no number, true or false, or a number that is not finite.
    """
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")
    if isinstance(value, str):
        value = _parsed(value.strip())
    if isinstance(value, int | float) and not is_finite(value):
        raise ValueError(f"{shown(value)} is not a finite number")
    # 1e6 is one million: the same value, however it is written, must give the same run id.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _parsed(text: str) -> int | float:
    if len(text) > LONGEST or not NUMBER.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a number")
    digits = text.replace("_", "")
    # Whole numbers by their digits, for a float keeps only 53 bits of a seed.
    return int(digits) if digits.lstrip("+-").isdigit() else float(digits)


def switch(value: Any) -> bool:
    """True or false; the words yes, no, on and off are taken where nothing else is meant. A number is refused."""
    if isinstance(value, str) and value.lower() in SWITCHES:
        return SWITCHES[value.lower()]
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is neither true nor false")
    return value


def is_finite(value: float) -> bool:
    """Whether a number, an integer of any length among them, is one that a float can hold."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def shown(value: Any) -> str:
    """A value in a sentence: quoted where it is text, and never longer than a line.

    >>> shown("a"), shown(1.5)
    ("'a'", '1.5')
    """
    # A number of an array calls itself np.float64(1.5).
    value = value.item() if hasattr(value, "item") else value
    return shortened(
        repr(value) if not isinstance(value, int) or is_finite(value) else "a number of more than 300 digits"
    )


def nearest(name: str, names: Iterable[object]) -> str:
    """The end of a sentence that says a name is unknown: the one most like it, or else all there are.

    >>> nearest("n_parms", ["n_params", "loss"])
    '; did you mean n_params?'
    """
    candidates = [str(other) for other in names]
    # The time of a comparison grows with the square of the length: 80 characters tell a slip of the pen.
    close = difflib.get_close_matches(name[:80], candidates, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {shortened(close[0])}?"
    return f"; valid here: {listed(candidates)}" if candidates else ""


def key_path(parts: Iterable[Any]) -> str:
    """Keys that lead to a value, joined by dots, on one line however long or odd they are."""
    texts = (str(part) if str(part).isprintable() else repr(part) for part in parts)
    return ".".join(map(shortened, texts))


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Nested mappings as one, by the paths of their keys; what is no plain value becomes JSON text.

    >>> flat({"model": {"kwargs": {"widths": [8, 16]}}, "recipe": 1})
    {'model.kwargs.widths': '[8, 16]', 'recipe': 1}
    """
    if not isinstance(value, Mapping):
        return {name: value if isinstance(value, bool | int | float | str) else json.dumps(value)}
    inner = (flat(item, f"{name}.{key}" if name else str(key)) for key, item in value.items())
    return {path: plain_value for part in inner for path, plain_value in part.items()}


def plain(value: Any) -> Any:
    """The same value, if it is made of text, finite numbers, booleans, null, lists and mappings with text keys.

    Raises
    ------
    ValueError
        It holds anything else; the sentence names the key.
    """
    _check(value, ())
    return value


def _check(value: Any, keys: tuple[Any, ...]) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str):
                raise ValueError(_at(keys, f"the key {shown(name)} is not text: write it in quotes"))
            _check(item, (*keys, name))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            _check(item, (*keys, i))
    elif why := why_not_plain(value):
        raise ValueError(_at(keys, why))


def _at(keys: tuple[Any, ...], why: str) -> str:
    return f"{key_path(keys)}: {why}" if keys else why


def why_not_plain(value: Any) -> str:
    """Why a single value is neither text, a finite number, a boolean nor null; empty where it is one."""
    if isinstance(value, str):
        if value.isprintable():
            return ""
        odd = next((sign for sign in value if sign not in "\t\n" and unicodedata.category(sign) in ("Cc", "Cs")), "")
        return f"holds the control character {odd!r}; take it out" if odd else ""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return "" if is_finite(value) else f"{shown(value)} is not a finite number"
    return f"{shown(value)} is neither text, a number, true or false, a list nor a mapping"


class Written:
    """Marks an annotated type for pydantic: values pass through `read` first, and editors accept `schema` as well."""

    def __init__(self, read: Callable[[Any], Any], schema: dict[str, Any]) -> None:
        self.read = read
        self.schema = schema

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        # Imported here, where pydantic is loaded anyway.
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [handler(schema), self.schema]} if self.schema else handler(schema)


AS_NUMBER = Written(number, {"type": "string", "pattern": f"^{NUMBER.pattern}$"})
"""For fields of numbers, which may be written 1e12, 1_000_000 or "1e12"."""
AS_SWITCH = Written(switch, {"enum": [word for word in SWITCHES if word not in ("true", "false")]})
"""For fields that are true or false."""

Number = Annotated[float, AS_NUMBER]
Integer = Annotated[int, AS_NUMBER]
Switch = Annotated[bool, AS_SWITCH]
