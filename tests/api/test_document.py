"""The blocks of docs/python.md run from top to bottom in one session, as they stand."""

import re
from pathlib import Path

import pytest

import flopscape as fs
from tests.fitting.fit_tables import isoflop_frame

ROOT = Path(fs.__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def document() -> str:
    return (ROOT / "docs/python.md").read_text()


def test_the_blocks_of_the_document_run_as_they_stand(document, frame, study, tmp_path, monkeypatch, capsys):
    frame.to_csv(tmp_path / "runs.csv", index=False)
    better = isoflop_frame(seed=1).assign(loss=lambda runs: runs["loss"] - 0.05)
    better.to_csv(tmp_path / "muon.csv", index=False)
    (tmp_path / "results").mkdir()
    (tmp_path / "results/kjv-gpt").symlink_to(study)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for match in BLOCK.finditer(document):
        line = document[: match.start(1)].count("\n")
        exec(compile("\n" * line + match[1], "docs/python.md", "exec"), names)
    said = re.search(r"print\(error\)  # (.*)", document)[1]
    assert capsys.readouterr().out.splitlines()[-1] == said


def test_the_example_of_the_readme_runs_as_it_stands(frame, tmp_path, monkeypatch):
    frame.to_csv(tmp_path / "runs.csv", index=False)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(BLOCK.search((ROOT / "README.md").read_text())[1], names)
    assert isinstance(names["fit"], fs.Fit)


def test_the_document_names_every_function(document):
    assert [name for name in fs.__all__ if name[0].islower() and f"fs.{name}" not in document] == []
