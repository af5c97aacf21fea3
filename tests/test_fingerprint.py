"""Fingerprints see code and its local imports, and nothing else."""

import pytest

from flopscape.fingerprint import fingerprint, run_fingerprint


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in the working directory: top imports shared, other stands alone."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "top.py").write_text('"""Doc."""\n\n\ndef f():\n    from pack import shared\n    return shared.x\n')
    (folder / "shared.py").write_text("x = 1\n")
    (folder / "other.py").write_text("from . import shared as s\n")
    return folder


def test_comments_docstrings_and_layout_change_nothing(package):
    before = fingerprint("pack.top")
    code = (
        '"""Another text."""\n# why\ndef f():\n    """Words."""\n\n    from pack import shared\n    return (shared.x)\n'
    )
    (package / "top.py").write_text(code)
    assert fingerprint("pack.top") == before


@pytest.mark.parametrize("module", ["pack.top", "pack.other"])
def test_an_imported_module_changes_it(package, module):
    before = fingerprint(module)
    (package / "shared.py").write_text("x = 2\n")
    assert fingerprint(module) != before


def test_a_module_that_is_not_imported_does_not(package):
    before = fingerprint("pack.top")
    (package / "other.py").write_text("y = 3\n")
    assert fingerprint("pack.top") == before


def test_imports_for_type_checkers_do_not_count(package):
    (package / "top.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pack import shared\n"
    )
    before = fingerprint("pack.top")
    (package / "shared.py").write_text("x = 2\n")
    assert fingerprint("pack.top") == before


def test_a_run_depends_on_its_own_plugins(package):
    spec = {"model": {"plugin": "pack.other:M"}, "loss": {"plugin": "pack.top:L"}}
    before = run_fingerprint(spec)
    (package / "other.py").write_text("y = 3\n")
    assert run_fingerprint(spec) != before
