"""What a fitting method can be told, read from the source of its function `estimate`, which is not run.

A method declares an option once, as a keyword of `estimate`: the annotation is its type and its words, the value behind
`=` its default, and the entry under `Parameters` of the docstring its help. What a study may write, the schemas, the
options of `flopscape fit` and `flopscape sensitivity`, their help and their way to a command and back follow from that.

Source is read and not imported because a plan, a dry run and `--help` must not wait for NumPy, and must not run code of
a user's that nobody asked to run.
"""

import ast
import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.fingerprint import extend_import_path
from flopscape.fitting.option_text import COLLECTIONS, NUMBERS, in_type, is_collection, is_json, read_collection
from flopscape.text.written import number, shown

OF_EVERY_METHOD = ("flops", "bootstrap", "seed")
"""Keywords that every method gets; they are no options of its own."""
TAKEN = (
    "name",
    "runs",
    "method",
    "out",
    "column",
    "columns",
    "exclude",
    "min_flops",
    "seeds",
    "context",
    "report",
    "fits",
)
"""Names of what every fit can be asked for besides: no method may have an option of its own under one of them."""
TYPES = {**NUMBERS, "bool": "true or false", "str": "text", "Path": "a file"}
"""Names of types in annotations, and what a person is to write."""
DEEPEST = 8
"""Imports that are followed to where a name is defined."""
REQUIRED = object()
"""Default of an option that has none."""


@dataclass(frozen=True)
class Option:
    """One option of a method.

    `types` are names among `TYPES`, or collections of them; `words` the texts it takes, which may stand beside a
    number. An option with words and no type takes nothing else.
    """

    name: str
    types: tuple[str, ...]
    words: tuple[str, ...]
    default: Any = field(hash=False)
    help: str

    @property
    def flag(self) -> str:
        """The option as it stands on a command line, without its two hyphens."""
        return self.name.replace("_", "-")

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off."""
        return self.types == ("bool",)

    @property
    def is_collection(self) -> bool:
        """Whether it is a mapping or a list, or may be one."""
        return any(map(is_collection, self.types))

    @property
    def is_choice(self) -> bool:
        """Whether its words are all the text that it takes."""
        return bool(self.words) and all(map(is_collection, self.types))

    @property
    def meant(self) -> str:
        """What a person is to write, in words: `a positive number or the word scaled`."""
        words = [f"the word{'s' if len(self.words) > 1 else ''} {', '.join(self.words)}"] if self.words else []
        return " or ".join([*(TYPES.get(name, "JSON") for name in self.types), *words])

    def read(self, text: str) -> Any:
        """The value of a text of the command line.

        >>> Option("delta", ("Positive",), ("scaled",), None, "").read("1e-3")
        0.001

        Raises
        ------
        FlopscapeError
            A text that is neither a number, where numbers alone are taken, nor one of the words; no such collection.
        """
        if self.is_collection:
            return self.read_all([text])
        # A word may look like a number, so words go first; a text beside a number is one only if no number can be read.
        if text not in self.words and NUMBERS.keys() & {*self.types}:
            try:
                return in_type(number(text), self.types)
            except ValueError:
                if not {"str", "Path"} & {*self.types}:
                    raise FlopscapeError(f"--{self.flag} {shown(text)}: write {self.meant}") from None
        return text

    def read_all(self, texts: Sequence[str]) -> Any:
        """The mapping or list that the texts of a repeatable option make together; FlopscapeError as of `read`.

        >>> Option("bound", ("dict[list[float]]",), (), None, "").read_all(["alpha=0:1", "E=1:2"])
        {'alpha': [0.0, 1.0], 'E': [1.0, 2.0]}
        >>> Option("tie", ("list[list[str]]",), (), None, "").read_all(["alpha=beta"])
        [['alpha', 'beta']]
        """
        # A name that is none of the words: where options are checked it is told with the words that there are.
        if self.is_choice and len(texts) == 1 and not is_json(texts[0]):
            return texts[0]
        try:
            return read_collection(next(filter(is_collection, self.types)), texts)
        except ValueError as error:
            raise FlopscapeError(f"--{self.flag} {shown(' '.join(texts))}: {error}") from None


@dataclass(frozen=True)
class Signature:
    """The options of a method by name; `is_open` where it may take others that its source does not tell."""

    options: dict[str, Option] = field(default_factory=dict)
    is_open: bool = False


def signature_of(module: str) -> Signature:
    """What the `estimate` of a module can be told; open where no such function is found in a source."""
    if found := _definition(module, "estimate", DEEPEST):
        place, node = found
        if isinstance(node, ast.FunctionDef):
            return _signature(place, node)
    return Signature(is_open=True)


def _signature(module: str, function: ast.FunctionDef) -> Signature:
    arguments = function.args
    by_place = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(by_place) - len(arguments.defaults)) + [*arguments.defaults]
    pairs = [*zip(by_place, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    helps = parameters_of(ast.get_docstring(function) or "")
    options = {
        entry.arg: _option(module, entry, default, helps.get(entry.arg, ""))
        for entry, default in pairs[1:]
        if entry.arg not in OF_EVERY_METHOD
    }
    return Signature(options, arguments.kwarg is not None)


def _option(module: str, entry: ast.arg, default: ast.expr | None, words: str) -> Option:
    value = REQUIRED if default is None else _literal(default)
    types, texts = _meaning(module, entry.annotation, DEEPEST) if entry.annotation else ([], [])
    # An annotation that says nothing here, such as a class of the user's own, leaves the default to tell the type.
    if not (types or texts):
        types = [type(value).__name__] if type(value).__name__ in TYPES else ["str"]
    return Option(entry.arg, tuple(dict.fromkeys(types)), tuple(texts), value, words)


def _literal(node: ast.expr) -> Any:
    """The value of a default; None for an expression, which only running the module would tell."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def parameters_of(docstring: str) -> dict[str, str]:
    r"""Name → description of the `Parameters` of a docstring in NumPy's form, each as one line.

    >>> parameters_of("Fit.\n\nParameters\n----------\nknob : float\n    How far\n    it is turned.")
    {'knob': 'How far it is turned.'}
    """
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", docstring, re.MULTILINE | re.DOTALL)
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section[1].splitlines() if section else ():
        if line and not line[0].isspace():
            names = [name.strip() for name in line.partition(":")[0].split(",")]
        else:
            found |= {name: f"{found.get(name, '')} {line.strip()}".strip() for name in names}
    return found


def _meaning(module: str, node: ast.expr, deepest: int) -> tuple[list[str], list[str]]:
    """Types and words of an annotation.

    Those of each side of `|`, of Optional, Union, Annotated and Literal, and of a name that stands for such an
    expression, in this module or in the one that it is imported from.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _meaning(module, ast.parse(node.value, mode="eval").body, deepest)
    if isinstance(node, ast.BinOp):
        return _joined(module, [node.left, node.right], deepest)
    if isinstance(node, ast.Subscript):
        return _of_subscript(module, node, deepest)
    name = _last_name(node)
    if name in TYPES:
        return [name], []
    if isinstance(node, ast.Name) and deepest and (found := _definition(module, name, deepest)):
        place, alias = found
        return _meaning(place, alias, deepest - 1) if isinstance(alias, ast.expr) else ([], [])
    return [], []


def _of_subscript(module: str, node: ast.Subscript, deepest: int) -> tuple[list[str], list[str]]:
    inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    match _last_name(node.value):
        case name if name in COLLECTIONS:
            return [_collection(module, COLLECTIONS[name], inside[-1], deepest)], []
        case "Literal":
            return [], [word.value for word in inside if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        case "Annotated":
            return _meaning(module, inside[0], deepest)
        case "Optional" | "Union":
            return _joined(module, inside, deepest)
    return [], []


def _collection(module: str, outer: str, element: ast.expr, deepest: int) -> str:
    """The type of a mapping or list, by that of its values where they have one that can be told."""
    types = _meaning(module, element, deepest)[0]
    return f"{outer}[{types[0]}]" if len(types) == 1 else outer


def _joined(module: str, nodes: list[ast.expr], deepest: int) -> tuple[list[str], list[str]]:
    parts = [_meaning(module, node, deepest) for node in nodes]
    return [name for types, _ in parts for name in types], [word for _, words in parts for word in words]


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _definition(module: str, name: str, deepest: int) -> tuple[str, ast.FunctionDef | ast.expr] | None:
    """The function or the expression that a name of a module stands for, and the module that has it."""
    path = source_of(module)
    for node in _statements(path, path.stat().st_mtime_ns) if path else ():
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return module, node
        if isinstance(node, ast.Assign) and name in map(_last_name, node.targets):
            return module, node.value
        if isinstance(node, ast.ImportFrom) and deepest:
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    place = _imported(module, node, path is not None and path.name == "__init__.py")
                    return _definition(place, alias.name, deepest - 1)
    return None


def _imported(module: str, node: ast.ImportFrom, is_package: bool) -> str:
    """The module that `from … import` names, written out; one dot is the package itself in its `__init__.py`."""
    steps = node.level - is_package
    above = f"{module.rsplit('.', steps)[0] if steps else module}." if node.level else ""
    return f"{above}{node.module or ''}".rstrip(".")


@lru_cache(64)
def _statements(path: Path, _modified: int) -> list[ast.stmt]:
    """The statements of a source file; none of one that is not Python, which its own import will say."""
    try:
        return ast.parse(path.read_text(encoding="utf-8")).body
    except (SyntaxError, ValueError, OSError):
        return []


def source_of(module: str) -> Path | None:
    """The file of a module's source; None where there is none, as of a package without `__init__.py`."""
    found = _spec(module)
    return Path(found.origin) if found and found.origin and found.origin.endswith(".py") else None


def is_module(path: str) -> bool:
    """Whether a module can be found."""
    return _spec(path) is not None


def _spec(path: str) -> Any:
    """Where a module is; neither it nor a package around it is run, as `importlib.util.find_spec` would."""
    extend_import_path()
    importlib.invalidate_caches()
    # PathFinder looks for one name in given folders and imports nothing; find_spec("a.b") would import the package a.
    places: Any = None
    found = None
    for end, name in enumerate(names := path.split("."), 1):
        found = PathFinder.find_spec(".".join(names[:end]), places) if name else None
        if found is None:
            return None
        places = found.submodule_search_locations or []
    return found
