"""A file of several studies: which it is, what each changes, and the sentence for what cannot be meant."""

from pathlib import Path

import pytest

from flopscape.config.matrix import addresses, file_of, study_text
from flopscape.config.read import load_study, read_study, study_paths
from flopscape.config.yaml12 import dump_yaml, load_yaml
from flopscape.design.write_rows import write_rows
from flopscape.errors import FlopscapeError
from flopscape.plan.studies import plan_study

LAWS = {"plain": {}, "better": {"trainer.kwargs.A": 25.0, "title": "A better recipe"}}


@pytest.fixture
def folder(tmp_path, root):
    (tmp_path / "quick.yaml").write_text((root / "config/studies/quick.yaml").read_text())
    return tmp_path


def write(folder, matrix, **changes):
    path = folder / "pair.yaml"
    path.write_text(dump_yaml(load_yaml(folder / "quick.yaml") | {"matrix": matrix} | changes))
    return path


def test_every_combination_is_a_study_with_its_changes_and_its_label_in_its_title(folder):
    write(folder, {"law": LAWS, "trainer.kwargs.noise": [0.005, 0.01]})
    paths = study_paths(["pair"], folder)
    assert list(paths) == ["pair.plain-0.005", "pair.plain-0.01", "pair.better-0.005", "pair.better-0.01"]
    studies = {name: load_study(path) for name, path in paths.items()}
    kwargs = {name: (one.trainer.kwargs["A"], one.trainer.kwargs["noise"]) for name, one in studies.items()}
    assert [*kwargs.values()] == [(30.0, 0.005), (30.0, 0.01), (25.0, 0.005), (25.0, 0.01)]
    assert studies["pair.plain-0.01"].title == "Simulated GPT sweep on a known surface (plain-0.01)"
    assert studies["pair.better-0.01"].title == "A better recipe"


def test_a_study_of_a_matrix_has_the_runs_of_the_same_study_in_a_file_of_its_own(folder):
    write(folder, {"trainer.kwargs.noise": [0.005, 0.01]})
    ids = [[row.run_id for row in plan_study("x", folder / name).rows] for name in ("pair.0.005.yaml", "quick.yaml")]
    assert ids[0] == ids[1]
    assert ids[0] != [row.run_id for row in plan_study("x", folder / "pair.0.01.yaml").rows]


def test_a_key_that_the_file_does_not_have_may_be_changed(folder):
    write(folder, {"training.weight_decay": [0.1, 0.2]})
    assert load_study(folder / "pair.0.2.yaml").training.weight_decay == 0.2


def test_one_study_of_a_matrix_is_selected_by_its_name(folder):
    write(folder, {"law": LAWS})
    assert [*study_paths(["pair.better"], folder)] == ["pair.better"]
    assert file_of(folder / "pair.better.yaml") == folder / "pair.yaml"
    assert addresses(folder / "quick.yaml") == [folder / "quick.yaml"]


def test_a_file_of_the_studys_own_comes_before_a_matrix(folder):
    write(folder, {"law": LAWS})
    (folder / "pair.plain.yaml").write_text((folder / "quick.yaml").read_text().replace("Simulated", "Own"))
    assert read_study(folder / "pair.plain.yaml").title.startswith("Own")


def test_the_text_of_a_study_of_a_matrix_is_that_study(folder):
    write(folder, {"law": LAWS})
    (folder / "alone.yaml").write_text(study_text(folder / "pair.better.yaml"))
    assert read_study(folder / "alone.yaml") == read_study(folder / "pair.better.yaml")


def test_an_imported_table_is_split_by_a_column_and_keeps_its_own_exclusion(folder):
    table = folder / "theirs.csv"
    table.write_text("n_params,n_tokens,loss,data\n1e6,1e8,3.0,C4 (en)\n2e6,1e8,2.9,pile\n4e6,1e8,2.8,C4 (en)\n")
    path = folder / "theirs.yaml"
    runs = {"table": str(table), "by": "data", "exclude": "loss > 2.95"}
    path.write_text(dump_yaml({"title": "T", "runs": runs, "fits": ["vpnls"], "recommend": {"flops": [1e16]}}))
    paths = study_paths([str(path)])
    assert list(paths) == ["theirs.C4_en_", "theirs.pile"]
    assert read_study(paths["theirs.C4_en_"]).runs.exclude == "(loss > 2.95) or data != 'C4 (en)'"


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        ({"training.weight_decay": 0.1}, "write an axis as a key and its values"),
        ({"training.weight_decay": []}, "write an axis as a key and its values"),
        ({"training.weight_decay": [0.1, 0.1]}, "training.weight_decay: 0.1 stands there twice"),
        ({"law": {"a b": {}, "a_b": {}}}, "law: a_b stands there twice"),
        ({"law": LAWS, "trainer.kwargs.A": [1.0, 2.0]}, "two axes change trainer.kwargs.A"),
        ({"trainer.kwargs.A": [1.0], "own": {"a": {"trainer.kwargs": {}}}}, "two axes change trainer.kwargs.A"),
        ({"title.words": [1, 2]}, "title.words: title is no mapping"),
        ({f"axis{i}": {"a": {}, "b": {}} for i in range(8)}, "256 studies, and at most 200"),
        ({"law": {"-": {}}}, "label '-'"),
        ({"sweep.isoflop.sedes": [1, 2]}, "unknown key sweep.isoflop.sedes; did you mean seeds?"),
    ],
)
def test_a_matrix_that_cannot_be_meant_is_one_sentence(folder, matrix, sentence):
    path = write(folder, matrix)
    with pytest.raises(FlopscapeError) as error:
        [read_study(one) for one in addresses(path)]
    assert sentence in str(error.value)
    assert "pair" in str(error.value)


def test_a_file_of_several_studies_is_not_one_of_them(folder):
    path = write(folder, {"law": LAWS})
    with pytest.raises(FlopscapeError, match=r"a file of 2 studies; name one of them, such as .*pair\.plain\.yaml"):
        read_study(path)
    with pytest.raises(FlopscapeError, match=r"its matrix has no beter; did you mean better\?"):
        read_study(folder / "pair.beter.yaml")
    path = write(folder, {"law": {"plain": {}}})
    with pytest.raises(FlopscapeError, match=r"a file of one study; name it, as .*pair\.plain\.yaml"):
        read_study(path)
    with pytest.raises(FlopscapeError, match="it has no matrix of studies"):
        read_study(folder / "quick.plain.yaml")


def test_rows_are_written_into_no_file_that_holds_several_studies(folder):
    path = write(folder, {"law": LAWS})
    before = path.read_bytes()
    with pytest.raises(FlopscapeError, match=r"--write: pair\.plain is one of several studies in .*pair\.yaml"):
        write_rows(folder / "pair.plain.yaml", plan_study("x", folder / "pair.plain.yaml").rows[:1], "more")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("by", "cells", "sentence"),
    [
        ("a b", "x", "runs.by: 'a b' is no column's name"),
        ("dta", "x", "dta"),
        ("data", "", "runs.by needs text in every row"),
    ],
)
def test_a_column_that_splits_no_table_is_named(folder, by, cells, sentence):
    table, path = folder / "theirs.csv", folder / "theirs.yaml"
    table.write_text(f"n_params,n_tokens,loss,data\n1e6,1e8,3.0,a\n2e6,1e8,2.9,{cells}\n")
    runs = {"table": str(table), "by": by}
    path.write_text(dump_yaml({"title": "T", "runs": runs, "fits": ["vpnls"], "recommend": {"flops": [1e16]}}))
    with pytest.raises(FlopscapeError) as error:
        study_paths([str(path)])
    assert sentence in str(error.value)


def test_a_study_without_a_holder_cannot_be_read():
    with pytest.raises(FlopscapeError, match="cannot be read"):
        read_study(Path("gone.one.yaml"))
