"""Imports flow one way: a folder of the package imports only what stands before it in ORDER.

The order is that of knowledge, not of time. First comes what any program could use (words, files, hashes), then what is
known of a table whoever trained its runs (records, laws, runs, fits, answers, figures), then what belongs to a study
(settings, plug-ins, config, plan, training, checks), and last what needs both. So a fit can be made of anyone's table
without a line that knows of configs or training, and a config may ask the methods what they can be told.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import flopscape

PACKAGE = Path(flopscape.__file__).parent
ORDER = (
    *("errors", "text", "files", "fingerprint"),
    *("records", "laws", "runs", "fitting", "answers", "figures", "comparison", "downstream"),
    *("recipe", "networks", "plugins", "config", "machine", "plan", "training", "checks", "transfer", "status"),
    *("twin", "design", "dag", "guide", "checklist", "report", "bias", "atlas", "api", "cli", "__main__"),
)


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and first part, below the package, of each import of a file; those inside functions count as well."""
    for node in _executed(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            if package == "flopscape" and rest:
                yield node.lineno, rest.partition(".")[0]


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only type checkers see."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _executed(child)


def test_every_folder_and_module_of_the_package_has_its_place_in_the_order() -> None:
    names = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert names - {"__init__"} == set(ORDER)


def test_the_documents_list_the_folders_in_their_order() -> None:
    text = (PACKAGE.parents[1] / "docs/building.md").read_text()
    table = text.partition("| folder or module |")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == ORDER


def test_no_folder_imports_one_that_stands_after_it() -> None:
    climbs = []
    for path in PACKAGE.rglob("*.py"):
        inside = path.relative_to(PACKAGE)
        place = [*ORDER, "__init__"].index(inside.parts[0].removesuffix(".py"))
        climbs += [f"{inside}:{line} imports {other}" for line, other in imported(path) if other in ORDER[place + 1 :]]
    assert climbs == []


def test_the_files_that_the_document_on_building_names_are_there() -> None:
    root = PACKAGE.parents[1]
    names = re.findall(r"`((?:\w+/)+\w+\.\w+)`", (root / "docs/building.md").read_text())
    assert len(names) > 10
    assert [name for name in names if not ((PACKAGE / name).exists() or (root / name).exists())] == []
