"""Rows put into a study's file: what people wrote stays, in whatever style; a file that cannot take them stays too."""

from dataclasses import replace

import pytest

from flopscape.config.read import load_study
from flopscape.config.yaml12 import load_yaml
from flopscape.design.write_rows import extended, write_rows
from flopscape.errors import FlopscapeError
from flopscape.plan.rows import plan_rows

STUDY = """\
# A study by hand.
title: a surface   # of Hoffmann et al.
model: {plugin: flopscape.plugins.parameters:Parameters}
trainer: {plugin: flopscape.plugins.surface:Surface}
SWEEP
# What to fit.
fits: [approach2]   # more to come
training: {batch_units: 10}
recommend: {flops: [1.0e+20], fit: approach2}
"""
ISOFLOP = """\
  isoflop:
    budgets: [1.0e+18, 1.0e+19]  # two of them
    sizes:
      - {n_params: 100000000}
      - {n_params: 300000000}   # the middle

      # the largest:
      - {n_params: 1000000000}
"""
SWEEPS = {
    "without rows": f"sweep:\n{ISOFLOP}",
    "rows in lines": f"sweep:\n  rows:   # explicit\n  - {{size: {{n_params: 7}}, n_tokens: 70}}  # one\n{ISOFLOP}",
    "rows last, indented": f"sweep:\n{ISOFLOP}  rows:\n    - size: {{n_params: 7}}\n      n_tokens: 70   # why\n\n",
    "rows in brackets": f"sweep:\n{ISOFLOP}  rows: [{{size: {{n_params: 7}}, n_tokens: 70}}]   # brackets\n",
    "no rows in brackets": f"sweep:\n{ISOFLOP}  rows: []\n",
    "sweep in braces": "sweep: {grid: {sizes: [{n_params: 7}], n_tokens: [70]}}  # small\n",
    "spaces behind": f"sweep:   \n{ISOFLOP}  branches: false   \n   \n",
}


def planned(text, tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text(text)
    return plan_rows(load_study(path))


@pytest.fixture
def new(tmp_path):
    rows = (
        "sweep:\n  rows:\n  - {size: {n_params: 8}, n_tokens: 80, seed: 1}\n  - {size: {n_params: 9}, flops: 5.4e+3}\n"
    )
    return planned(STUDY.replace("SWEEP\n", rows), tmp_path)


def is_kept(old, new):
    """Whether the old text is the new one without some parts of it: no character is lost, and none moved."""
    characters = iter(new)
    return all(character in characters for character in old)


@pytest.mark.parametrize("sweep", SWEEPS.values(), ids=SWEEPS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_rows_are_added_and_all_else_stays(sweep, newline, new, tmp_path):
    path, old = tmp_path / "study.yaml", STUDY.replace("SWEEP\n", sweep).replace("\n", newline)
    path.write_bytes(old.encode())
    before = load_yaml(path)
    write_rows(path, new, "chosen")
    after, text = load_yaml(path), path.read_bytes().decode()
    rows = after["sweep"].pop("rows")
    assert rows[-2:] == [
        {"size": {"n_params": 8}, "n_tokens": 80, "seed": 1},
        {"size": {"n_params": 9}, "flops": 5400, "seed": 0},
    ]
    assert rows[:-2] == (before["sweep"].pop("rows", None) or [])
    assert after == before
    assert is_kept(old, text)
    assert text.count("\r\n") == text.count("\n") * (newline == "\r\n")
    assert text.count("#") - old.count("#") in (0, 1)
    assert {row.run_id for row in new} <= {row.run_id for row in plan_rows(load_study(path))}


def test_a_second_time_adds_behind_the_first(new, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.replace("SWEEP\n", SWEEPS["without rows"]))
    write_rows(path, new[:1], "first")
    write_rows(path, new[1:], "second")
    assert [row.get("n_tokens") for row in load_yaml(path)["sweep"]["rows"]] == [80, None]
    text = path.read_text()
    assert text.index("# first") < text.index("n_tokens: 80") < text.index("# second") < text.index("flops: 5.4e+03")


def test_a_file_without_a_last_line_end_and_with_a_mark_is_extended():
    text = "\ufefftitle: x\nsweep:\n  rows:\n  - {n_tokens: 1}"
    done = extended(text, [{"n_tokens": 2}], "more")
    assert done == "\ufefftitle: x\nsweep:\n  rows:\n  - {n_tokens: 1}\n  # more\n  - {n_tokens: 2}\n"


def test_rows_that_the_plan_refuses_leave_the_file_as_it_was(new, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.replace("SWEEP\n", SWEEPS["rows in lines"]))
    before = path.read_bytes()
    with pytest.raises(FlopscapeError, match=r"study.yaml: .* less than one batch of 10.*the file is as it was"):
        write_rows(path, [replace(row, budget=None, n_tokens=3) for row in new], "bad")
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".flopscape")] == []


def test_a_size_that_is_written_once_and_meant_twice_is_written_out(new, tmp_path):
    path = tmp_path / "study.yaml"
    sweep = (
        "sweep:\n  grid: {sizes: [&small {n_params: 7}], n_tokens: [70]}\n  rows:\n  - {size: *small, n_tokens: 90}\n"
    )
    path.write_text(STUDY.replace("SWEEP\n", sweep))
    write_rows(path, new, "chosen")
    assert "*small, n_tokens: 90}" in path.read_text()
    assert load_yaml(path)["sweep"]["rows"][0]["size"] == {"n_params": 7}
