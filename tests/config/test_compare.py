"""`compare` of config.yaml: what it may say, and which studies it means."""

import re
from pathlib import Path

import pytest

from flopscape.config.compare import differences, studies_compared
from flopscape.config.read import study_paths, validate
from flopscape.config.study import Config
from flopscape.errors import FlopscapeError

MATRIX = "title: t\nmatrix:\n  lr: {low: {training.lr: 0.001}, high: {training.lr: 0.01}, mid: {training.lr: 0.003}}\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two studies of their own, and three of one file."""
    for name, text in {"a": "title: a\n", "b": "title: b\n", "rates": MATRIX}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


@pytest.fixture
def selected(folder) -> dict[str, Path]:
    """All of them."""
    return study_paths(["a", "b", "rates"], folder)


def compared(selected: dict[str, Path], compare: object, folder: str | Path = "nowhere") -> dict[str, list[str]]:
    config = validate(Config, {"studies": [*selected], "compare": compare}, "config.yaml")
    return studies_compared(config.compare, selected, "config.yaml", folder)


def test_a_list_is_short_for_studies_and_keeps_their_order(selected):
    asked = {"ab": ["b", "a"], "long": {"studies": ["a", "b"], "flops": ["1e13"], "pairs": False}}
    assert compared(selected, asked) == {"ab": ["b", "a"], "long": ["a", "b"]}


def test_the_name_of_a_file_stands_for_all_its_studies_in_the_order_of_the_file(selected):
    assert compared(selected, {"lr": ["a", "rates"]}) == {"lr": ["a", "rates.low", "rates.high", "rates.mid"]}


def test_studies_are_known_that_are_not_selected_wherever_the_selected_ones_lie(folder, tmp_path_factory):
    asked = {"ab": ["b", "a"], "lr": ["rates"], "one": ["a", "rates.mid"]}
    meant = {"ab": ["b", "a"], "lr": ["rates.low", "rates.high", "rates.mid"], "one": ["a", "rates.mid"]}
    assert compared(study_paths(["a"], folder), asked) == meant
    (elsewhere := tmp_path_factory.mktemp("elsewhere") / "c.yaml").write_text("title: c\n")
    assert compared({"c": elsewhere}, asked, folder) == meant


def test_a_file_stands_for_all_its_studies_though_some_of_them_are_not_selected(folder):
    lr = compared(study_paths(["rates.low", "rates.mid"], folder), {"lr": ["rates"]})
    assert lr == {"lr": ["rates.low", "rates.high", "rates.mid"]}


@pytest.mark.parametrize("nothing", [None, "", {}])
def test_a_key_without_a_value_compares_nothing(selected, nothing):
    assert compared(selected, nothing) == {}


@pytest.mark.parametrize(
    ("compare", "said"),
    [
        ({"ab": ["a", "rate"]}, "config.yaml: compare.ab: no study is named 'rate'; did you mean rates"),
        ({"ab": ["a", "rates.none"]}, "config.yaml: compare.ab: no study is named 'rates.none'; did you mean rates"),
        ({"ab": ["a", "b.yaml"]}, "config.yaml: compare.ab: no study is named 'b.yaml'; "),
        ({"ab": ["a", "../b"]}, "config.yaml: compare.ab.studies.1: study name '../b': use letters, digits"),
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


def test_settings_that_are_not_the_same_in_all_studies_are_told_with_who_has_which():
    training = {"rate": 0.01, "betas": [0.9, 0.98]}
    studies = {
        "a": {"training": training, "model": {"kwargs": {}}},
        "b": {"training": training, "model": {"kwargs": {"mlp": "swiglu"}}},
        "c": {"training": {**training, "betas": [0.9, 0.95]}, "model": {"kwargs": {}}},
    }
    assert differences(studies) == [
        "training.betas: [0.9, 0.98] (a and b), [0.9, 0.95] (c)",
        "model.kwargs.mlp: not given (a and c), swiglu (b)",
    ]
    assert differences({"a": studies["a"], "again": studies["a"]}) == []
