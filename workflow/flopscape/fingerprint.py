"""Fingerprints of code: what a stage executes, without comments, docstrings and formatting.

The hash covers a module and, transitively, every module it imports from the package or from the working directory,
imports inside functions included. It is blind to dynamic imports (name those modules yourself) and to the versions of
libraries.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flopscape.errors import FlopscapeError
from flopscape.records import Spec

PACKAGE_ROOT = Path(__file__).resolve().parent.parent


def fingerprint(*modules: str) -> str:
    """Twelve hex digits of the SHA-256 over the code of `modules` and of all their local imports."""
    digest = hashlib.sha256()
    for name, path in sorted(_closure(modules).items()):
        digest.update(f"{name}\n{_read(path, name, path.stat().st_mtime_ns).code}\n".encode())
    return digest.hexdigest()[:12]


def run_fingerprint(spec: Spec) -> str:
    """Fingerprint of the code that carries out one run: its trainer and its plug-ins."""
    trainer = spec.get("trainer", {"plugin": "flopscape.training.run:train"})
    plugins = [trainer, *(spec[part] for part in ("model", "dataset", "loss") if part in spec)]
    return fingerprint(*(plugin["plugin"].partition(":")[0] for plugin in plugins))


class _Source(NamedTuple):
    """A module without docstrings: a hash of its tree, and the names it imports."""

    code: str
    imports: tuple[str, ...]


def _closure(modules: tuple[str, ...]) -> dict[str, Path]:
    """Every local module that `modules` lead to, with its file."""
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = None if name in found else _local_file(name)
        if path:
            found[name] = path
            waiting.extend(_read(path, name, path.stat().st_mtime_ns).imports)
    return found


def _local_file(name: str) -> Path | None:
    """The source file of a module of the package or of the working directory; None for installed libraries."""
    for root in (PACKAGE_ROOT, Path.cwd()):
        stem = root.joinpath(*name.split("."))
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.is_file():
                return path
    return None


@cache
def _read(path: Path, name: str, _modified: int) -> _Source:
    try:
        tree = _WithoutDocstrings().visit(ast.parse(path.read_text(encoding="utf-8")))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise FlopscapeError(f"{path}{line}: not valid Python ({error.args[0]})") from error
    code = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return _Source(code, tuple(_imports(tree, name)))


def _imports(tree: ast.Module, name: str) -> Iterator[str]:
    """Names of everything a module imports; `from a import b` may mean the module a or a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name.rsplit(".", node.level)[0] + "." if node.level else ""
            base = f"{package}{node.module or ''}".rstrip(".")
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))


class _WithoutDocstrings(ast.NodeTransformer):
    """Drops strings that stand alone, and imports for type checkers."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node

    def visit_If(self, node: ast.If) -> ast.AST | None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return None
        return self.generic_visit(node)
