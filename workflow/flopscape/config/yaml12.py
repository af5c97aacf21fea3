"""YAML as its version 1.2 means it, with limits: the core schema, read from PyYAML's events.

PyYAML follows version 1.1, where `no` is false, `010` is eight, `1:30:00` is 5,400 and `1e12` is text. Only its parser
is used here: which scalar is a number is decided below, by the core schema of YAML 1.2.2 (section 10.3.2). One thing
goes beyond that schema: `1_000_000`, digits in groups of three, is a number.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from flopscape.errors import FlopscapeError
from flopscape.text.written import LONGEST, key_path, why_not_plain

MAX_BYTES = 2_000_000
MAX_DEPTH = 32
MAX_NODES = 200_000
"""Values of a file with every alias written out: a study of 16,000 explicit runs has as many."""
INTEGER = re.compile(r"[-+]?\d+|[-+]?[1-9]\d{0,2}(_\d{3})+", re.ASCII)
FLOAT = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
OTHER_BASES = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
WORDS: dict[str, Any] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
TAG = "tag:yaml.org,2002:"
CORE_TAGS = {TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq")}
LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def load_yaml(path: str | Path, as_text: Collection[str] = ()) -> dict[str, Any]:
    """Read a mapping from a YAML file of UTF-8 text, of 2 MB at most; see `parse_yaml`."""
    return parse_yaml(text_of(path), path, as_text)


def parse_yaml(text: str, place: str | Path, as_text: Collection[str] = ()) -> dict[str, Any]:
    """A mapping from YAML.

    Parameters
    ----------
    text : str
    place : str or Path
        The file that the text is of, or what else sentences are to name.
    as_text : collection of str
        Keys at the top whose scalars stay the text that stands in the file: a study named 007 or no.

    Raises
    ------
    FlopscapeError
        One sentence with the file and, where there is one, the line and the key.
    """
    try:
        data = _Reader(place, as_text).document(text)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise FlopscapeError(f"{place}{line}: not valid YAML ({error.problem})") from error
    except yaml.YAMLError as error:
        raise FlopscapeError(f"{place}: not valid YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(data, dict):
        raise FlopscapeError(f"{place}: empty, or not a mapping of keys")
    return data


def dump_yaml(data: Any, one_line: bool = False) -> str:
    """Data as YAML that `load_yaml` reads back; text that looks like something else is quoted.

    >>> dump_yaml({"size": {"width": 32}, "seed": 1}, one_line=True)
    '{size: {width: 32}, seed: 1}'
    """
    style: dict[str, Any] = {"default_flow_style": True, "width": float("inf")} if one_line else {}
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, **style)
    return text.rstrip()


class _Dumper(yaml.SafeDumper):
    """PyYAML quotes what version 1.1 would not read as text; `1e3` and `0o17` need quotes for version 1.2."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(TAG + "str", text, style=None if isinstance(resolved(text), str) else "'")


_Dumper.add_representer(str, _represent_text)


def resolved(text: str) -> Any:
    """What the core schema takes a plain scalar for: null, a boolean, a number, or the text itself."""
    if text in WORDS:
        return WORDS[text]
    # No number begins with anything else: most scalars are words, and leave here.
    if text[0] not in "+-.0123456789" or len(text) > LONGEST:
        return text
    if OTHER_BASES.fullmatch(text):
        return int(text, 0)
    if INTEGER.fullmatch(text):
        return int(text)
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan")) if FLOAT.fullmatch(text) else text


def text_of(path: str | Path) -> str:
    """The text of a file that `load_yaml` reads; raises FlopscapeError where it is none, or too long."""
    try:
        with Path(path).open("rb") as file:
            # One byte more than allowed tells a file that is too long, without reading the rest of it.
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise FlopscapeError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise FlopscapeError(f"{path}: not a UTF-8 text file") from error
    if len(data) > MAX_BYTES:
        raise FlopscapeError(f"{path}: longer than {MAX_BYTES:,} bytes: no study is; is it another file?")
    if control := UNPRINTABLE.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise FlopscapeError(f"{path}, line {line}: holds the control character {control[0]!r}; take it out")
    return text


class _Reader:
    """Builds one document from its events; counts depth and values while it does."""

    def __init__(self, path: str | Path, as_text: Collection[str]) -> None:
        self.path = path
        self.as_text = as_text
        self.n_nodes = 0
        self.anchors: dict[str, tuple[Any, int] | None] = {}

    def document(self, text: str) -> Any:
        """The only document of a text; None where there is none."""
        data: Any = None
        n_documents = 0
        # One pass, no tree of nodes: every method takes from here the events that belong to its value, and leaves the
        # next one.
        self.events: Iterator[Any] = iter(yaml.parse(text, LOADER))
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                n_documents += 1
                if n_documents > 1:
                    self.refuse(event, "", "a second document begins here; a file holds one")
                data = self.node(next(self.events), (), False)
        return data

    def node(self, event: Any, keys: tuple[Any, ...], as_text: bool) -> Any:
        """The value that begins with an event; `keys` lead to it."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, keys)
        before = self.n_nodes
        self._count(event, keys, 1)
        if len(keys) > MAX_DEPTH:
            self.refuse(event, keys[:3], f"nested more than {MAX_DEPTH} deep")
        if event.tag not in (None, "!", *CORE_TAGS):
            tag = event.tag.replace(TAG, "!!")
            self.refuse(event, keys, f"{tag} is not read; write text, a number, a list or a mapping")
        if event.anchor:
            # While its value is being read an anchor holds nothing: an alias to it in there is a value that holds
            # itself.
            self.anchors[event.anchor] = None
        value = self._value(event, keys, as_text)
        if event.anchor:
            self.anchors[event.anchor] = value, self.n_nodes - before
        return value

    def _value(self, event: Any, keys: tuple[Any, ...], as_text: bool) -> Any:
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(keys, as_text)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(keys, as_text)
        return self._scalar(event, keys, as_text)

    def _sequence(self, keys: tuple[Any, ...], as_text: bool) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            values.append(self.node(event, (*keys, len(values)), as_text))
        return values

    def _mapping(self, keys: tuple[Any, ...], as_text: bool) -> dict[Any, Any]:
        values: dict[Any, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event, keys)
            if key in values:
                self.refuse(event, (*keys, key), "given twice")
            is_text = as_text or (not keys and key in self.as_text)
            values[key] = self.node(next(self.events), (*keys, key), is_text)
        return values

    def _key(self, event: Any, keys: tuple[Any, ...]) -> Any:
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
            self.refuse(event, keys, "<< is not read; write the keys out, or give the whole mapping as an alias")
        key = self.node(event, keys, False)
        if isinstance(key, list | dict):
            self.refuse(event, keys, "a list or a mapping is no key")
        return key

    def _scalar(self, event: Any, keys: tuple[Any, ...], as_text: bool) -> Any:
        # PyYAML says in `implicit[0]` whether a scalar without a tag was plain: one in quotes is text, whatever it
        # looks like.
        is_quoted = event.tag is None and not event.implicit[0]
        is_text = is_quoted or event.tag in ("!", TAG + "str") or (as_text and event.value)
        if not is_text and len(event.value) > LONGEST and INTEGER.fullmatch(event.value):
            self.refuse(event, keys, f"a number of {len(event.value)} digits; at most {LONGEST}")
        # `!` alone is the tag that makes text of a plain scalar (YAML 1.2.2, section 6.9.1).
        value = event.value if is_text else resolved(event.value)
        if why := why_not_plain(value):
            self.refuse(event, keys, why)
        return value

    def _alias(self, event: Any, keys: tuple[Any, ...]) -> Any:
        if event.anchor not in self.anchors:
            self.refuse(event, keys, f"*{event.anchor} stands for nothing before it; text with a star needs quotes")
        if (anchored := self.anchors[event.anchor]) is None:
            self.refuse(event, keys, f"*{event.anchor} holds itself")
        value, size = anchored
        # An alias counts as all that it stands for. Nine of nine of nine … would be a file of a few lines and a billion
        # values, each of which pydantic would look at.
        self._count(event, keys, size)
        return value

    def _count(self, event: Any, keys: tuple[Any, ...], more: int) -> None:
        self.n_nodes += more
        if self.n_nodes > MAX_NODES:
            self.refuse(event, keys[:3], f"more than {MAX_NODES:,} values, aliases written out")

    def refuse(self, event: Any, keys: Collection[Any], why: str) -> NoReturn:
        """The one sentence for what is wrong at an event."""
        place = f"{self.path}, line {event.start_mark.line + 1}"
        key = key_path(keys)
        raise FlopscapeError(f"{place}: {key}: {why}" if key else f"{place}: {why}")
