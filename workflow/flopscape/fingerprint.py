"""Fingerprints of code: what a stage executes, without comments, docstrings and formatting.

The hash covers a module and, transitively, every module it imports from the package or from the working directory,
imports inside functions included. It is blind to dynamic imports (name those modules yourself) and to the versions of
libraries.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec

PACKAGE_ROOT = Path(__file__).resolve().parent.parent


def fingerprint(*modules: str) -> str:
    """Twelve hex digits of the SHA-256 over the code of `modules` and of all their local imports."""
    digest = hashlib.sha256()
    for name, path in sorted(_closure(modules).items()):
        digest.update(f"{name}\n{_read(path, name, path.stat().st_mtime_ns).code}\n".encode())
    return digest.hexdigest()[:12]


def run_fingerprint(spec: Spec) -> str:
    """Fingerprint of the code that carries out one run: its trainer and its plug-ins, but for its metrics.

    These come last and change nothing of the model: a metric that was mended leaves the run's checkpoints as they are.
    """
    trainer = spec.get("trainer", {"plugin": "flopscape.training.command:train"})
    plugins = [trainer, *(spec[part] for part in ("model", "dataset", "loss") if part in spec)]
    return fingerprint(*(plugin["plugin"].partition(":")[0] for plugin in plugins))


def extend_import_path() -> None:
    """Put the working directory at the end of the import path: its modules can be imported, as under `python -m`."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))


class _Source(NamedTuple):
    """A module without docstrings: a hash of its tree, and the names it imports."""

    code: str
    imports: tuple[str, ...]


def _closure(modules: tuple[str, ...]) -> dict[str, Path]:
    """Every local module that `modules` lead to, with its file."""
    files: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = None if name in files else _local_file(name)
        if path:
            files[name] = path
            waiting.extend(_read(path, name, path.stat().st_mtime_ns).imports)
    return files


def _local_file(name: str) -> Path | None:
    """The source file of a module of the package or of the working directory; None for installed libraries."""
    # pip puts the package beside all libraries, whose code is no part of it.
    own = name.partition(".")[0] == __name__.partition(".")[0]
    for root in (PACKAGE_ROOT, Path.cwd()) if own else (Path.cwd(),):
        stem = root.joinpath(*name.split("."))
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.is_file():
                return path
    return None


@cache
def _read(path: Path, name: str, _modified: int) -> _Source:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise FlopscapeError(f"{path}{line}: not valid Python ({error.args[0]})") from error
    imports: list[str] = []
    tree.body = _executed(tree.body, name, imports)
    return _Source(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(imports))


def _executed(statements: list[ast.stmt], module: str, imports: list[str]) -> list[ast.stmt]:
    """Statements, and those inside them, without strings that stand alone and imports for type checkers.

    The names of everything they import are added to `imports`. Expressions hold neither, and are not walked through: a
    dry run reads some two hundred modules.
    """
    kept = [statement for statement in statements if not _is_ignored(statement)]
    for statement in kept:
        imports += _imported(statement, module)
        for holder in (statement, *getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            for block in ("body", "orelse", "finalbody"):
                if inside := getattr(holder, block, None):
                    setattr(holder, block, _executed(inside, module, imports))
    return kept


def _is_ignored(node: ast.stmt) -> bool:
    """A string that stands alone, or what only type checkers see."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _imported(node: ast.stmt, module: str) -> Iterator[str]:
    """Names of everything a statement imports; `from a import b` may mean the module a or a.b."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = module.rsplit(".", node.level)[0] + "." if node.level else ""
        base = f"{package}{node.module or ''}".rstrip(".")
        yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
