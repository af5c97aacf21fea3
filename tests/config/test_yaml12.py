"""YAML as its version 1.2 means it: which scalars are numbers, and one sentence with a line for what is not read."""

from itertools import pairwise

import pytest

from flopscape.config.yaml12 import dump_yaml, load_yaml
from flopscape.errors import FlopscapeError


def read(tmp_path, text, as_text=()):
    path = tmp_path / "some.yaml"
    path.write_text(text, encoding="utf-8")
    return load_yaml(path, as_text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # The tables of YAML 1.2.2, section 10.3.2, and what version 1.1 makes of the same words.
        ("1e12", 1e12), ("1E+12", 1e12), ("1.5e-3", 0.0015), (".5", 0.5), ("-.5", -0.5), ("1.", 1.0), ("12e03", 12e3),
        ("7", 7), ("-19", -19), ("+12", 12), ("0", 0), ("010", 10), ("0o14", 12), ("0x1F", 31), ("0xdead", 57005),
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("n", "n"), ("No", "No"), ("ON", "ON"),
        ("true", True), ("True", True), ("TRUE", True), ("false", False), ("FALSE", False), ("tRUE", "tRUE"),
        ("null", None), ("~", None), ("Null", None), ("", None), ("none", "none"),
        ("1:30:00", "1:30:00"), ("190:20:30", "190:20:30"), ("0b101", "0b101"), ("-0x1F", "-0x1F"), ("08", 8),
        ("2026-11-26", "2026-11-26"), ("2026-11-26 12:00:00", "2026-11-26 12:00:00"), ("2026_11_26", "2026_11_26"),
        ("1_000_000", 1_000_000), ("1_0", "1_0"), ("1_000.5", "1_000.5"), ("1,000", "1,000"), ("=", "="), ("e3", "e3"),
        ("1e", "1e"), ("+", "+"), (".", "."), (".e3", ".e3"), ("'7'", "7"), ('"1e12"', "1e12"), ("!!str 007", "007"),
        ("! 7", "7"), ("!!int '7'", 7), ("١٢", "١٢"),
    ],
)  # fmt: skip
def test_a_scalar_is_what_the_core_schema_says(tmp_path, text, value):
    found = read(tmp_path, f"a: {text}\n")["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "value",
    [
        *(
            "1e3",
            "0o17",
            "007",
            "no",
            "1_000",
            ".5",
            "~",
            "",
            "true",
            ".nan",
            "a: b",
            "1:30:00",
            "é",
            "- a",
            "#",
            "x\ny",
        ),
        *(1e12, 1e-7, 12, 0.1, True, None, "9" * 500, "x\ny", ["1e3"], {"1e3": "on"}),
    ],
)
def test_what_is_written_is_read_back(tmp_path, value):
    assert read(tmp_path, dump_yaml({"a": value}) + "\n") == {"a": value}


def test_keys_follow_the_same_schema(tmp_path):
    assert read(tmp_path, "a: {16: 1, no: 2, 1e1: 3}") == {"a": {16: 1, "no": 2, 10.0: 3}}


def test_names_stay_the_text_of_the_file(tmp_path):
    text = "studies: [007, 1e3, no, 2026_11_26, ~]\nother: [007]\n"
    names = ["007", "1e3", "no", "2026_11_26", "~"]
    assert read(tmp_path, text, ("studies",)) == {"studies": names, "other": [7]}


def test_anchors_are_read(tmp_path):
    assert read(tmp_path, "a: &x {w: 1}\nb: [*x, *x]\n")["b"] == [{"w": 1}, {"w": 1}]


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    path = tmp_path / "bom.yaml"
    path.write_bytes("title: x\n".encode("utf-8-sig"))
    assert load_yaml(path) == {"title": "x"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty, or not a mapping"),
        ("- a\n", "empty, or not a mapping"),
        ("a: 1\na: 2\n", "line 2: a: given twice"),
        ("a: [1\n", "line 2: not valid YAML"),
        ("a: 1\nb: c: d\n", "line 2: not valid YAML"),
        ("a: 1\n---\na: 2\n", "line 2: a second document begins here"),
        ("a: x\nb: \x07\n", "line 2: holds the control character '\\x07'"),
        ('a:\n  b: "\\u0000"\n', "line 2: a.b: holds the control character '\\x00'"),
        ('a: "\\ud800"\n', "line 1: not valid YAML"),
        ("a:\n- .nan\n", "line 2: a.0: nan is not a finite number"),
        ("a: {b: -.inf}\n", "line 1: a.b: -inf is not a finite number"),
        ("a: 1e999\n", "line 1: a: inf is not a finite number"),
        (f"a: {'9' * 350}\n", "line 1: a: a number of more than 300 digits is not a finite number"),
        (f"a: {'9' * 5000}\n", "line 1: a: a number of 5000 digits; at most 400"),
        ("a: !!binary aGk=\n", "line 1: a: !!binary is not read"),
        ("a: !!set {x, y}\n", "line 1: a: !!set is not read"),
        ("a: !!timestamp 2026-11-26\n", "line 1: a: !!timestamp is not read"),
        ("a: !!python/name:os.system x\n", "line 1: a: !!python/name:os.system is not read"),
        ("a: &a [*a]\n", "line 1: a.0: *a holds itself"),
        ("a: {b: &a {c: {d: *a}}}\n", "line 1: a.b.c.d: *a holds itself"),
        ("a: *b\n", "line 1: a: *b stands for nothing before it"),
        ("a: &a {x: 1}\nb: {<<: *a}\n", "line 2: b: << is not read; write the keys out"),
        ("a: {[1, 2]: 3}\n", "line 1: a: a list or a mapping is no key"),
        ("a: 1\nb:\n  - 1\n  - {c: 2, c: 3}\n", "line 4: b.1.c: given twice"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, text, sentence):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(FlopscapeError) as error:
        load_yaml(path)
    assert sentence in str(error.value)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def bomb():
    """A list of ten, a list of ten of those, and so on: ten thousand million values in 300 letters."""
    lines = [f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in pairwise("abcdefghij")]
    return "\n".join(["a: &a [x, x, x, x, x, x, x, x, x, x]", *lines])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: " + "[" * 100_000, "nested more than 32 deep"),
        ("a: " + "{a: " * 100_000, "nested more than 32 deep"),
        ("".join(f"{' ' * i}a:\n" for i in range(1000)), "nested more than 32 deep"),
        (bomb(), "more than 200,000 values, aliases written out"),
        ("a: [" + "1," * 250_000 + "]", "more than 200,000 values"),
        ("a: " + "x" * 2_000_000, "longer than 2,000,000 bytes"),
    ],
    ids=["lists", "mappings", "blocks", "aliases", "values", "bytes"],
)
def test_what_would_take_minutes_is_refused_at_once(tmp_path, text, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        read(tmp_path, text)


def test_a_missing_file_and_one_that_is_no_text_are_named(tmp_path):
    with pytest.raises(FlopscapeError, match=r"nowhere\.yaml: cannot be read"):
        load_yaml(tmp_path / "nowhere.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(FlopscapeError, match=r"binary\.yaml: not a UTF-8 text file"):
        load_yaml(tmp_path / "binary.yaml")
