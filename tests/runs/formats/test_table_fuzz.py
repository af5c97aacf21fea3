"""Random tables in every format, whole and damaged: each ends as a fit or as one sentence, never as another exception.

A few hundred in the suite; `FLOPSCAPE_FUZZ=2000 pytest tests/runs/formats/test_table_fuzz.py` tries as many as it says,
and no step of one may take five seconds of a processor.
"""

import csv
import gzip
import io
import json
import os
import time
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.runs.import_rows import Choice
from flopscape.runs.import_study import import_study
from flopscape.runs.import_table import sentence
from flopscape.runs.read import read_runs

ASKED = os.environ.get("FLOPSCAPE_FUZZ")
NUMBERS = ["n_params", "n_tokens", "loss", "flops", "budget", "seed", "unique_tokens"]
SOUND = {"run_id": "", "status": "completed", "reason": "", "unit": "token", "simulated": "false", "note": "none"}
ODD_NAMES = [
    "",
    " loss ",
    "loss",
    "LOSS",
    "N, D",
    "größe",
    "index",
    "class",
    "a\nb",
    '"',
    "__index_level_0__",
    "0",
    "𝒩",
]
ODD_CELLS = [
    "", " ", "NaN", "inf", "-inf", "-1", "0", "1e400", "1e-400", "1,5", "1.000,5", "12M", "0x10", "1_000", "٣", "true",
    "-", None, True, False, 0, -3, 10**30, 10**400, 1.5e308, 5e-324, float("nan"), float("inf"), [3.1], {"a": 1}, "[1]",
    'a "quoted" cell', "two\nlines", "semi;colon", "tab\tcell", "com,ma", "line\u2028separator", "\x00", "\ud800",
    "=1+1", Decimal("3.25"), date(2026, 1, 1), b"\xff", "x" * 200_000,
]  # fmt: skip
WORDS = ["completed", "Finished", "crashed", "killed", "what?", "r1", "r2", "true", "False", "7", ""]
STRANGE = [b"[" * 3000, b'"', b"\0", b",", b"\n", b"{}", b"\x80"]
STATUSES = ("ok", "weak", "boundary", "refused")
ENCODINGS = ["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"]


def sound_cell(name: str, at: int) -> Any:
    """A cell of the row at a place that a sound table would have."""
    n, d = 1e7 * 2 ** (at % 6), 1e9 * 3 ** (at // 6)
    numbers = {
        "n_params": n, "n_tokens": d, "loss": 1.7 + 400 * n**-0.34 + 400 * d**-0.28, "flops": 6 * n * d,
        "budget": float(f"{6 * n * d:.1g}"), "seed": at % 3, "unique_tokens": d / 2,
    }  # fmt: skip
    return f"run{at}" if name == "run_id" else (numbers | SOUND).get(name, "")


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """Names of columns and rows of cells: a sound table, mostly with a few odd names, words and cells strewn in."""
    n_numbers, n_texts = draw(st.sampled_from([3, 3, 3, 4, 5, 6, 7, 7, 2])), draw(st.integers(0, len(SOUND)))
    names = draw(st.permutations(NUMBERS[:n_numbers] + list(SOUND)[:n_texts]))
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 2]))):
        names.insert(draw(st.integers(0, len(names))), draw(st.sampled_from(ODD_NAMES)))
    n_rows = draw(st.sampled_from([30, 30, 30, 12, 6, 1, 0]))
    rows = [[sound_cell(name, at) for name in names] for at in range(n_rows)]
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3, 12])) if rows else 0):
        row, at = draw(st.integers(0, n_rows - 1)), draw(st.integers(0, len(names) - 1))
        rows[row][at] = draw(st.sampled_from(WORDS if names[at] in SOUND else ODD_CELLS))
    return names, rows


def as_csv(draw: st.DrawFn, names: list[str], rows: list[list[Any]]) -> bytes:
    sink = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE]))
    ends = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    writer = csv.writer(
        sink, delimiter=draw(st.sampled_from(",,;;\t\t|")), quoting=quoting, lineterminator=ends, escapechar="\\"
    )
    writer.writerow(names)
    writer.writerows([["" if cell is None else str(cell) for cell in row] for row in rows])
    return sink.getvalue().encode(draw(st.sampled_from(ENCODINGS)), "replace")


def as_json(draw: st.DrawFn, names: list[str], rows: list[list[Any]]) -> bytes:
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    form = draw(st.sampled_from(["lines", "array", "columns", "nested", "pretty"]))
    ascii_only = draw(st.booleans())

    def text(value: Any, indent: int | None = None) -> str:
        return json.dumps(value, default=str, ensure_ascii=ascii_only, indent=indent)

    if form == "lines":
        made = "\n".join(map(text, objects))
    elif form == "pretty":
        made = "\n".join(text(row, 1) for row in objects)
    elif form == "columns":
        made = text({name: [row[name] for row in objects] for name in names})
    else:
        made = text(objects if form == "array" else {"data": objects})
    return made.encode(draw(st.sampled_from(ENCODINGS)), "replace")


def as_parquet(draw: st.DrawFn, names: list[str], rows: list[list[Any]]) -> bytes:
    """Each column as the type that it can have, or else as text."""
    columns = [_arrow([row[at] for row in rows]) for at in range(len(names))]
    sink = io.BytesIO()
    pa.parquet.write_table(pa.table(columns, names=names), sink, compression=draw(st.sampled_from(["snappy", "none"])))
    return sink.getvalue()


def _arrow(cells: list[Any]) -> pa.Array:
    try:
        return pa.array(cells)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return pa.array([None if cell is None else ascii(cell) for cell in cells], pa.string())


def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The file as it is, or cut short, with bytes changed, with lines swapped, or within something else."""
    how = draw(st.sampled_from(["not", "not", "not", "not", "not", "not", "cut", "flip", "swap", "insert", "twice"]))
    at = draw(st.integers(0, max(len(content) - 1, 0)))
    if how == "cut":
        return content[:at]
    if how == "flip":
        changed = bytearray(content)
        for _ in range(draw(st.integers(1, 4)) if content else 0):
            changed[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
        return bytes(changed)
    if how == "swap":
        lines = content.split(b"\n")
        first, second = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        lines[first], lines[second] = lines[second], lines[first]
        return b"\n".join(lines)
    if how == "insert":
        return (
            content[:at] + draw(st.sampled_from([b"[" * 3000, b'"', b"\0", b",", b"\n", b"{}", b"\x80"])) + content[at:]
        )
    return content + content if how == "twice" else content


@st.composite
def files(draw: st.DrawFn) -> bytes:
    names, rows = draw(tables())
    form = draw(st.sampled_from([as_csv, as_csv, as_json, as_json, as_parquet]))
    content = damaged(draw, form(draw, names, rows))
    return damaged(draw, gzip.compress(content, 1)) if draw(st.integers(0, 4)) == 0 else content


CHOICES = st.builds(
    Choice,
    run_id=st.sampled_from([(), (), (), (), ("n_params", "seed"), ("note",)]),
    exclude=st.sampled_from(
        [None, None, None, None, "n_params > 1e8", "status == 'crashed'", "loss < 2 or seed == 1", "note"]
    ),
    lowest=st.booleans(),
)
METHODS = st.sampled_from([("approach2", {}), ("vpnls", {}), ("vpnls", {}), ("law", {"law": "constrained"})])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def fitted(path, method):
    """The status of a fit of a table."""
    name, options = method
    return fit(read_runs(path), name, flops=[1e20], bootstrap=20, **options)[0].status


def outcome(does, *arguments):
    """What a call returns, or its sentence in brackets; any other exception is the test's."""
    start = time.process_time()
    try:
        return does(*arguments)
    except FlopscapeError as error:
        return f"({error})"
    finally:
        assert not ASKED or time.process_time() - start < 5


def imported(path, study, choice):
    """What `flopscape import` prints of a table that it brings into a study's folder."""
    return sentence(import_study(str(path), None, {}, None, study, choice), study / "runs.csv", str(path))


def is_sentence(said, folder):
    return said.startswith(f"({folder}") and "\n" not in said and len(said) < 2000


@settings(
    max_examples=int(ASKED or 200),
    deadline=None,
    derandomize=not ASKED,
    suppress_health_check=list(HealthCheck),
)
@given(content=files(), choice=CHOICES, method=METHODS)
def test_every_file_is_a_table_a_fit_or_one_sentence(content, choice, method, folder):
    path, study = folder / "theirs", folder / "study"
    path.write_bytes(content)
    done = outcome(fitted, path, method)
    event(done if done in STATUSES else "a sentence")
    assert done in STATUSES or is_sentence(done, folder)
    said = outcome(imported, path, study, choice)
    if is_sentence(said, folder):
        return
    assert said.startswith(f"{study}/runs.csv: ")
    done = outcome(fitted, study / "runs.csv", method)
    event(f"imported, and {done if done in STATUSES else 'a sentence'}")
    assert done in STATUSES or is_sentence(done, folder)
