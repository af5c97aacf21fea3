"""A table is read by what is in the file, whatever the file is called; what cannot be read is named with its place."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flopscape.errors import FlopscapeError
from flopscape.runs.formats.content import read_content
from flopscape.runs.read import read_any, read_formatted, read_runs

ROWS = [[1e8, 2e9, 3.05], [2e8, 4e9, 2.75], [4e8, 8e9, 2.5]]
NAMES = ["n_params", "n_tokens", "loss"]
FRAME = pd.DataFrame(ROWS, columns=NAMES)
CSV = "n_params,n_tokens,loss\n1e8,2e9,3.05\n2e8,4e9,2.75\n4e8,8e9,2.5\n"
OBJECTS = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
LINES = "".join(json.dumps(row) + "\n" for row in OBJECTS)


def parquet(frame=FRAME, **options):
    sink = io.BytesIO()
    frame.to_parquet(sink, **options)
    return sink.getvalue()


FORMS = {
    "commas": (CSV.encode(), ("CSV", "comma", "utf-8")),
    "semicolons": (CSV.replace(",", ";").encode(), ("CSV", "semicolon", "utf-8")),
    "tabs": (CSV.replace(",", "\t").encode(), ("CSV", "tab", "utf-8")),
    "byte-order mark": (CSV.encode("utf-8-sig"), ("CSV", "comma", "utf-8-sig")),
    "UTF-16": (CSV.encode("utf-16"), ("CSV", "comma", "utf-16")),
    "big-endian UTF-16": (b"\xfe\xff" + CSV.encode("utf-16-be"), ("CSV", "comma", "utf-16")),
    "UTF-32": (CSV.encode("utf-32"), ("CSV", "comma", "utf-32")),
    "Windows lines": (CSV.replace("\n", "\r\n").encode(), ("CSV", "comma", "utf-8")),
    "old Mac lines": (CSV.replace("\n", "\r").encode(), ("CSV", "comma", "utf-8")),
    "blank lines": (("\n \n" + CSV.replace("\n", "\n\n")).encode(), ("CSV", "comma", "utf-8")),
    "blanks after commas": (CSV.replace(",", ', ').replace("loss", '"loss"').encode(), ("CSV", "comma", "utf-8")),
    "JSON lines": (LINES.encode(), ("JSON lines", "", "utf-8")),
    "JSON lines with a byte-order mark": (LINES.encode("utf-8-sig"), ("JSON lines", "", "utf-8-sig")),
    "JSON lines in UTF-16": (LINES.encode("utf-16"), ("JSON lines", "", "utf-16")),
    "objects over several lines": (
        "\n".join(json.dumps(row, indent=1) for row in OBJECTS).encode(), ("JSON lines", "", "utf-8"),
    ),
    "array": (json.dumps(OBJECTS, indent=1).encode(), ("JSON array", "", "utf-8")),
    "columns of pandas": (FRAME.to_json().encode(), ("JSON columns", "", "utf-8")),
    "columns as lists": (json.dumps(FRAME.to_dict("list")).encode(), ("JSON columns", "", "utf-8")),
    "Parquet": (parquet(), ("Parquet", "", "")),
}  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["runs", "runs.csv", "RUNS.CSV", "runs.JSONL", "runs.parquet", "runs.tsv.GZ"])
@pytest.mark.parametrize("form", FORMS)
def test_content_decides_and_not_the_name(form, name, packed, tmp_path):
    content, found = FORMS[form]
    (tmp_path / name).write_bytes(gzip.compress(content, 1) if packed else content)
    frame, read = read_formatted(tmp_path / name)
    assert frame.columns.tolist() == NAMES
    assert frame.astype(float).to_numpy().tolist() == ROWS
    assert read == (*found, "gzip" if packed else "")


def saved(tmp_path, content, name="runs.csv"):
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return tmp_path / name


def refusal(path):
    with pytest.raises(FlopscapeError) as caught:
        read_any(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


def zipped(name):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(name, CSV)
    return sink.getvalue()


def npy():
    sink = io.BytesIO()
    np.save(sink, np.ones(3))
    return sink.getvalue()


def sqlite(folder):
    with sqlite3.connect(folder / "made.db") as database:
        database.execute("create table runs (loss real)")
    database.close()
    return (folder / "made.db").read_bytes()


FOREIGN = {
    "pickle": (pickle.dumps(FRAME), "a Python pickle, which could run code, not a table; convert it to CSV or Parquet"),
    "text pickle": (pickle.dumps(FRAME, protocol=0), "a Python pickle"),
    "text pickle of a list": (pickle.dumps(ROWS, protocol=0), "a Python pickle"),
    "workbook": (zipped("xl/workbook.xml"), "an Excel workbook, not a table; convert it to CSV or Parquet"),
    "zip": (zipped("runs.csv"), "a zip archive, not a table; unpack it first"),
    "xz": (lzma.compress(CSV.encode()), "compressed by xz, not a table; unpack it first"),
    "bzip2": (bz2.compress(CSV.encode()), "compressed by bzip2"),
    "zstd": (pa.compress(CSV.encode(), "zstd", asbytes=True), "compressed by zstd"),
    "npy": (npy(), "a NumPy array"),
    "web page": (b"\n<!DOCTYPE html><html></html>", "a web page or XML, not a table; download the table itself"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "a pointer of Git LFS"),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_table_is_named_with_the_cure(kind, packed, tmp_path):
    content, said = FOREIGN[kind]
    assert said in refusal(saved(tmp_path, gzip.compress(content) if packed else content))


def test_a_database_is_named(tmp_path):
    assert "an SQLite database, not a table; convert it" in refusal(saved(tmp_path, sqlite(tmp_path)))


class Trap:
    """Unpickled, it would leave a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_never_loaded(protocol, tmp_path):
    refusal(saved(tmp_path, pickle.dumps(Trap(tmp_path / "was-run"), protocol), "runs.pkl"))
    assert not (tmp_path / "was-run").exists()


BROKEN = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \n\n", "the file is empty"),
    "packed emptiness": (gzip.compress(b""), "the file is empty"),
    "packed twice": (gzip.compress(gzip.compress(CSV.encode())), "compressed twice"),
    "cut inside gzip": (gzip.compress(CSV.encode())[:-9], "cannot be unpacked"),
    "damaged gzip": (gzip.compress(CSV.encode())[:12] + b"\xff" * 40, "cannot be unpacked"),
    "Latin-1": ("größe,loss\n1,2\n".encode("latin-1"), "save it as UTF-8"),
    "half a UTF-16 letter": (CSV.encode("utf-16")[:-1], "save it as UTF-8"),
    "UTF-16 without its mark": (CSV.encode("utf-16-le"), "UTF-16 without its byte-order mark"),
    "zeros after a power cut": (CSV.encode() + b"\0" * 64, "damaged"),
    "cut Parquet": (parquet()[:-9], "not a readable table"),
    "open quote": (CSV + '"9e9,1', "line 5: not a readable table (unexpected end of data)"),
    "two equal names": ("loss,n_params,loss\n1,2,3\n", "columns 1 and 3 are both named 'loss'"),
    "two equal names but for a blank": ("loss,n_params, loss \n1,2,3\n", "columns 1 and 3 are both named 'loss'"),
    "two equal keys": ('{"loss": 1, "loss": 2}', "line 1: not JSON (the key 'loss' stands twice"),
    "two equal keys but for a blank": ('[{"loss": 1}, {"loss ": 2}]', "columns 1 and 2 are both named 'loss'"),
    "separator at the end": ("a,b\n1,2\n1,2,\n", "row 2 (line 3): 3 cells and 2 columns, nothing stands after"),
    "one cell too many": ("a,b\n1,2,7\n", "row 1 (line 2): 3 cells and 2 columns, '7' has none; put quotes around"),
    "one cell too few": ("a,b,c\n1,2,3\n\n4,5\n", "row 2 (line 4): 2 cells and 3 columns, column c has none"),
    "half an object": ('{"loss": 1}\n{"lo', "line 2: not JSON"),
    "a number after objects": ('{"loss": 1}\n2\n', "line 2: not a JSON object; write one object a line"),
    "an array of numbers": ("[1, 2]", "row 1: not a JSON object"),
    "columns of other lengths": ('{"a": [1, 2], "b": [1]}', "columns a, b have other rows"),
    "brackets without end": ("[" * 200_000, "line 1: not JSON"),
    "a line without end": ("a" * 10_000_001, "a line of more than 10,000,000 characters"),
    "too many columns": (",".join(map(str, range(10_001))) + "\n", "10,001 columns, and at most 10,000 are read"),
    "too many keys": (json.dumps(dict.fromkeys(map(str, range(10_001)), 1)), "10,001 columns, and at most 10,000"),
    "too many cells": (json.dumps([dict.fromkeys(map(str, range(10_000)), 1)] + [{}] * 10_000), "100,010,000 cells"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_broken_is_named_with_its_place(kind, tmp_path):
    content, said = BROKEN[kind]
    assert said in refusal(saved(tmp_path, content))


def test_a_small_file_that_unpacks_to_more_than_is_read_says_so(tmp_path):
    path = saved(tmp_path, gzip.compress(b"0" * 10_000_000), "runs.csv.gz")
    assert path.stat().st_size < 20_000
    with pytest.raises(FlopscapeError, match=r"runs\.csv\.gz: more than 9,999,999 bytes unpacked"):
        read_content(path, most=9_999_999)
    assert len(read_content(path, most=10_000_000).data) == 10_000_000


def test_a_small_parquet_of_very_many_rows_says_so(tmp_path):
    cells = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10_000_000, "int8")), pa.array([1.0]))
    table = pa.table({name: cells for name in "abcdefghijk"})
    pq.write_table(table, tmp_path / "runs.parquet")
    assert "110,000,000 cells, and at most 100,000,000 are read" in refusal(tmp_path / "runs.parquet")


@pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_a_line_separator_inside_a_cell_ends_no_row(letter, tmp_path):
    csv = read_any(saved(tmp_path, f'note,loss\n"a{letter}b",1\n"c\nd",2\n'))
    assert csv["note"].tolist() == [f"a{letter}b", "c\nd"]
    text = "".join(json.dumps({"note": note}, ensure_ascii=False) + "\n" for note in csv["note"])
    assert read_any(saved(tmp_path, text, "runs.jsonl"))["note"].tolist() == [f"a{letter}b", "c\nd"]


def test_the_separator_is_the_one_that_parts_all_lines_alike(tmp_path):
    text = "n, size\ttokens, seen\tloss, nats, mean\n1\t2\t3\n"
    assert read_any(saved(tmp_path, text)).columns.tolist() == ["n, size", "tokens, seen", "loss, nats, mean"]
    assert read_any(saved(tmp_path, "a;b\n1,5;2,5\n"))["b"].tolist() == ["2,5"]
    assert read_any(saved(tmp_path, "loss\n3\n4\n"))["loss"].tolist() == ["3", "4"]


def test_a_column_without_a_name_is_kept_where_it_holds_something(tmp_path):
    frame = read_any(saved(tmp_path, ",Unnamed: 0,loss,\n0,5,3.1,\n1,6,3.0\n"))
    assert frame.to_dict("list") == {"Unnamed: 0.": ["0", "1"], "Unnamed: 0": ["5", "6"], "loss": ["3.1", "3.0"]}


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ([3.7, 3.7], "row 2, column loss: '[3.7, 3.7]' is not a number"),
        ({"mean": 3}, "row 2, column loss: '{\"mean\": 3}' is not a number"),
        (None, "row 2, column loss: empty"),
        (True, "row 2, column loss: True is not a number"),
        (10**400, "row 2, column loss: inf, must be positive and finite"),
        ("4,75", "row 2, column loss: '4,75' is not a number (write decimals with a point"),
        ("1.000,75", "row 2, column loss: '1.000,75' is not a number (write decimals with a point"),
        ("\ud800", "row 2, column loss: '?' is not a number"),
    ],
)
def test_a_strange_cell_of_json_is_named(cell, said, tmp_path):
    rows = [OBJECTS[0], OBJECTS[1] | {"loss": cell}, OBJECTS[2]]
    with pytest.raises(FlopscapeError) as caught:
        read_runs(saved(tmp_path, json.dumps(rows), "runs.json"))
    assert said in str(caught.value)


GOOD_TYPES = {
    "Int64": pd.array([3, 4, 5], "Int64"),
    "Float64": pd.array([3.5, 4.5, 5.5], "Float64"),
    "float32": np.array([3.5, 4.5, 5.5], "float32"),
    "float16": np.array([3.5, 4.5, 5.5], "float16"),
    "uint8": np.array([3, 4, 5], "uint8"),
    "Decimal": [Decimal("3.5"), Decimal("4.5"), Decimal("5.5")],
    "whole Decimal": [Decimal(3), Decimal(10**30), Decimal(5)],
    "category": pd.Categorical([3.5, 4.5, 3.5]),
    "category of text": pd.Categorical(["3.5", "4.5", "3.5"]),
    "text": ["3.5", "4.5", "5.5"],
}


@pytest.mark.parametrize("kind", GOOD_TYPES)
def test_every_type_of_number_in_parquet_is_a_number(kind, tmp_path):
    frame = FRAME.assign(loss=GOOD_TYPES[kind])
    table = read_runs(saved(tmp_path, parquet(frame), "runs.parquet"))
    assert table.loss.tolist() == [float(value) for value in GOOD_TYPES[kind]]


BAD_TYPES = {
    "Int64 with NA": (pd.array([3, None, 5], "Int64"), "row 2, column loss: empty"),
    "Float64 with NA": (pd.array([3.5, None, 5.5], "Float64"), "row 2, column loss: empty"),
    "boolean with NA": (pd.array([None, True, False], "boolean"), "row 2, column loss: True is not a number"),
    "Decimal with None": ([Decimal("3.5"), None, Decimal("5.5")], "row 2, column loss: empty"),
    "time": (pd.to_datetime(["2026-01-01"] * 3), "row 1, column loss: '2026-01-01T00:00:00' is not a number"),
    "time with NaT": ([datetime(2026, 1, 1), None, None], "row 1, column loss: '2026-01-01T00:00:00' is not"),
    "lists": ([[3.5], [4.5], [5.5]], "row 1, column loss: '[3.5]' is not a number"),
    "structs": ([{"m": 3.5}] * 3, "row 1, column loss: '{\"m\": 3.5}' is not a number"),
    "bytes": ([b"3.5", b"x", b"y"], "row 2, column loss: 'x' is not a number"),
}


@pytest.mark.parametrize("kind", BAD_TYPES)
def test_every_other_type_in_parquet_is_named_with_its_row(kind, tmp_path):
    cells, said = BAD_TYPES[kind]
    with pytest.raises(FlopscapeError) as caught:
        read_runs(saved(tmp_path, parquet(FRAME.assign(loss=cells)), "runs.parquet"))
    assert said in str(caught.value)


def test_two_parquet_columns_of_one_name_are_refused(tmp_path):
    table = pa.table([pa.array([1.0]), pa.array([2.0])], names=["loss", "loss"])
    pq.write_table(table, tmp_path / "runs.parquet")
    assert "columns 1 and 2 are both named 'loss'" in refusal(tmp_path / "runs.parquet")


def test_a_named_index_of_pandas_is_a_column_and_row_numbers_are_none(tmp_path):
    named = FRAME.assign(run_id=["a", "b", "c"]).set_index("run_id")
    assert read_runs(saved(tmp_path, parquet(named))).run_id.tolist() == ["a", "b", "c"]
    assert read_any(saved(tmp_path, parquet(FRAME.iloc[[2, 0]]))).columns.tolist() == NAMES


def test_whole_numbers_keep_every_digit(tmp_path):
    ids = [9007199254740993, 18446744073709551615, 10**30]
    read = read_any(saved(tmp_path, json.dumps([{"id": number} for number in ids])))
    assert [str(cell) for cell in read["id"]] == [str(number) for number in ids]
    packed = parquet(pd.DataFrame({"id": pd.array([ids[0], None], "Int64")}))
    assert read_any(saved(tmp_path, packed))["id"].tolist() == [ids[0], None]


@pytest.mark.parametrize("text", [f"n_params,n_tokens,loss\n1,{'9x' * 50_000},3\n", f"{'9x' * 50_000},loss\n1,3\n"])
def test_a_sentence_stays_short_whatever_it_quotes(text, tmp_path):
    with pytest.raises(FlopscapeError, match=r"9x9.*…") as caught:
        read_runs(saved(tmp_path, text))
    assert len(str(caught.value)) < 400
