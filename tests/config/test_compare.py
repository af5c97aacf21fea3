"""`compare` of config.yaml: what it may say, and which studies it means."""

import re
from pathlib import Path

import pytest

from flopscape.config.compare import studies_compared
from flopscape.config.read import study_paths, validate
from flopscape.config.study import Config
from flopscape.errors import FlopscapeError

MATRIX = "title: t\nmatrix:\n  lr: {low: {training.lr: 0.001}, high: {training.lr: 0.01}, mid: {training.lr: 0.003}}\n"


@pytest.fixture
def selected(tmp_path) -> dict[str, Path]:
    """Two studies of their own, and three of one file."""
    for name, text in {"a": "title: a\n", "b": "title: b\n", "rates": MATRIX}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return study_paths(["a", "b", "rates"], tmp_path)


def compared(selected: dict[str, Path], compare: object) -> dict[str, list[str]]:
    config = validate(Config, {"studies": [*selected], "compare": compare}, "config.yaml")
    return studies_compared(config.compare, selected, "config.yaml")


def test_a_list_is_short_for_studies_and_keeps_their_order(selected):
    asked = {"ab": ["b", "a"], "long": {"studies": ["a", "b"], "flops": ["1e13"], "pairs": False}}
    assert compared(selected, asked) == {"ab": ["b", "a"], "long": ["a", "b"]}


def test_the_name_of_a_file_stands_for_all_its_studies_in_the_order_of_the_file(selected):
    assert compared(selected, {"lr": ["a", "rates"]}) == {"lr": ["a", "rates.low", "rates.high", "rates.mid"]}


@pytest.mark.parametrize("nothing", [None, "", {}])
def test_a_key_without_a_value_compares_nothing(selected, nothing):
    assert compared(selected, nothing) == {}


@pytest.mark.parametrize(
    ("compare", "said"),
    [
        ({"ab": ["a", "c"]}, "config.yaml: compare.ab: 'c' is not among the selected studies (a, b, rates.low"),
        ({"ab": ["a"]}, "config.yaml: compare.ab: a alone cannot be compared; name two studies at least"),
        ({"ab": ["rates", "rates.mid"]}, "config.yaml: compare.ab: study rates.mid is listed twice"),
        ({"ab": ["a", "a"]}, "config.yaml: compare.ab.studies: 'a' is listed twice"),
        ({"a": ["a", "b"]}, "config.yaml: compare.a: a selected study is named a too"),
        ({"a b": ["a", "b"]}, "comparison name 'a b': use letters, digits"),
        ({"ab": {"studies": ["a", "b"], "flops": [-1]}}, "config.yaml: compare.ab.flops.0: must be above 0"),
        ({"ab": {"studies": ["a", "b"], "flop": [1]}}, "config.yaml: unknown key compare.ab.flop; did you mean flops?"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_sentence(selected, compare, said):
    with pytest.raises(FlopscapeError, match=re.escape(said)) as error:
        compared(selected, compare)
    assert "\n" not in str(error.value)


def test_no_study_may_take_the_folder_of_comparisons(tmp_path):
    (tmp_path / "compare.yaml").write_text("title: a\n")
    with pytest.raises(FlopscapeError, match="results/compare/ has another use"):
        study_paths(["compare"], tmp_path)
