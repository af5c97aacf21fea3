"""What the docstrings show is true: every `>>>` of the package is run."""

import doctest
import importlib
from pathlib import Path

import pytest

import flopscape

PACKAGE = Path(flopscape.__file__).parent
WITH_EXAMPLES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text("utf-8"))


@pytest.mark.parametrize("module", WITH_EXAMPLES, ids=str)
def test_the_examples_of_a_module_are_true(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PACKAGE.parents[1])
    name = ".".join(("flopscape", *module.with_suffix("").parts))
    tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried.failed == 0
    assert tried.attempted > 0
