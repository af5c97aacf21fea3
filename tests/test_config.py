"""A study's config: what is accepted, and the sentence for what is not."""

from pathlib import Path

import pytest

from flopscape.config.read import load_config, load_study, load_yaml, read_study, split_studies, study_paths, validate
from flopscape.config.schemas import drifted
from flopscape.config.study import Study
from flopscape.errors import FlopscapeError

STUDIES = sorted(Path(__file__).parent.parent.glob("config/studies/*.yaml"))


def study_with(**changes):
    base = load_yaml(STUDIES[0].with_name("quick.yaml"))
    return validate(Study, base | changes, "quick.yaml")


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_shipped_studies_are_valid(path):
    assert read_study(path).title


def test_shipped_config_is_valid(root):
    assert load_config(root / "config/config.yaml").studies == ["kjv-gpt"]


def test_default_study_writes_every_key_of_training_out(root):
    written = load_yaml(root / "config/studies/kjv-gpt.yaml")["training"]
    assert set(written) == set(load_study(root / "config/studies/kjv-gpt.yaml").training.as_dict())
    changes = load_study(root / "config/studies/kjv-gpt.yaml").training.changes()
    assert set(changes) == {"learning_rate_scaling", "base_width"}


def test_generated_schemas_are_current():
    assert drifted() == []


@pytest.mark.parametrize("text", ["1e12", "1E+12", '"1e12"', "1000000000000", "1_000_000_000_000", "1.0e12"])
def test_budgets_may_be_written_in_any_notation(tmp_path, text):
    path = tmp_path / "n.yaml"
    path.write_text(f"flops: {text}")
    isoflop = {"budgets": [load_yaml(path)["flops"]], "sizes": [{"width": 8, "depth": 2}]}
    study = study_with(sweep={"isoflop": isoflop})
    assert study.sweep.isoflop.budgets[0].flops == 1e12


def test_a_number_of_seeds_counts_from_zero():
    isoflop = {"budgets": [1e12], "sizes": [{"width": 8, "depth": 2}], "seeds": 3}
    assert study_with(sweep={"isoflop": isoflop}).sweep.isoflop.seeds == [0, 1, 2]


def test_the_name_of_a_fit_says_its_objective():
    fits = ["approach3", "approach3-lad", {"name": "mine", "method": "approach3", "objective": "huber", "delta": 0.01}]
    found = study_with(fits=fits, recommend={"flops": [1e13]}).fits
    assert [(fit.name, fit.objective, fit.delta) for fit in found] == [
        ("approach3", None, None),
        ("approach3-lad", "lad", None),
        ("mine", "huber", 0.01),
    ]


@pytest.mark.parametrize(
    ("name", "method", "options"),
    [
        ("approach1-binned", "approach1", {"rule": "binned"}),
        ("approach2-exact", "approach2", {"variant": "exact"}),
        ("law-kaplan", "law", {"law": "kaplan"}),
        ("vpnls-seeds", "vpnls", {"weights": "seeds"}),
    ],
)
def test_the_name_of_a_fit_says_the_first_option_of_its_method(name, method, options):
    fit = study_with(fits=[name], recommend={"flops": [1e13]}).fits[0]
    assert (fit.method, fit.options) == (method, options)


def test_a_method_of_the_users_own_is_found_and_not_run(tmp_path, monkeypatch):
    (tmp_path / "mymethod.py").write_text("raise RuntimeError")
    monkeypatch.chdir(tmp_path)
    fits = [{"name": "mine", "method": "mymethod"}]
    assert study_with(fits=fits, recommend={"flops": [1e13]}).fits[0].method == "mymethod"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"trainng": {}}, "unknown key trainng; did you mean training?"),
        ({"training": {"lerning_rate": 1}}, "unknown key training.lerning_rate; did you mean learning_rate?"),
        ({"training": {"learning_rate": -3}}, "training: learning_rate must be positive"),
        ({"sweep": {"isoflop": {"budgets": [{"flop": 1}], "sizes": [{}]}}}, "did you mean flops?"),
        ({"sweep": {"isoflop": {"budgets": ["1e12x"], "sizes": [{}]}}}, "'1e12x' is not a number"),
        ({"sweep": {"isoflop": {"budgets": [True], "sizes": [{}]}}}, "true and false are not numbers"),
        ({"sweep": {"isoflop": {"budgets": [-1e12], "sizes": [{}]}}}, "greater than 0"),
        ({"sweep": {"isoflop": {"budgets": [float("nan")], "sizes": [{}]}}}, "sweep.isoflop.budgets.0.flops"),
        ({"sweep": {"isoflop": {"budgets": [1e12, 1e12], "sizes": [{}]}}}, "budget 1e+12 is listed twice"),
        ({"sweep": {"isoflop": {"budgets": [1e12]}}}, "budget 1e+12 has no sizes"),
        ({"sweep": {}}, "a sweep needs isoflop, grid or rows"),
        ({"fits": ["approach9"]}, "fits.0.method: 'approach9' is none of approach1, approach2"),
        ({"fits": [{"name": "a", "method": "vpnls", "columns": {"n_parms": "x"}}]}, "n_parms"),
        ({"fits": [{"name": "a/b", "method": "vpnls"}]}, "fit name 'a/b'"),
        ({"fits": ["vpnls", "vpnls"]}, "two fits of one name"),
        ({"fits": ["approach3-hubber"]}, "fits.0: objective: 'hubber' is none of huber"),
        ({"fits": [{"name": "a", "method": "vpnls", "objective": "lad"}]}, "objective: vpnls has none"),
        ({"fits": [{"name": "a", "method": "approach3", "objective": "lad", "delta": 0.1}]}, "delta: only approach3"),
        ({"recommend": {"flops": [1e13], "fit": "huber"}}, "'huber' is not one of the fits"),
        ({"trainer": {"plugin": "loop"}}, "dataset is missing"),
    ],
)
def test_a_wrong_key_is_named_with_the_fix(changes, sentence):
    with pytest.raises(FlopscapeError) as error:
        study_with(**changes)
    assert sentence in str(error.value)
    assert str(error.value).startswith("quick.yaml: ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty, or not a mapping"),
        ("- a\n", "empty, or not a mapping"),
        ("a: 1\na: 2\n", "line 1: not valid YAML (key 'a' is given twice)"),
        ("a: [1\n", "line 2: not valid YAML"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, text, sentence):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(FlopscapeError) as error:
        load_yaml(path)
    assert sentence in str(error.value)
    assert str(path) in str(error.value)


def test_a_missing_file_is_named():
    with pytest.raises(FlopscapeError, match=r"nowhere\.yaml: cannot be read"):
        load_yaml("nowhere.yaml")


@pytest.mark.parametrize("name", ["a b", "a/b", "../a", "$(x)", "-a", "a;b", "", "a\nb"])
def test_study_names_cannot_reach_a_shell_or_another_folder(name):
    with pytest.raises(FlopscapeError, match="study name"):
        study_paths([name])


def test_an_unknown_study_names_the_nearest(root, monkeypatch):
    monkeypatch.chdir(root)
    with pytest.raises(FlopscapeError, match="did you mean kjv-gpt"):
        study_paths(["kjv-gtp"])


def test_two_studies_of_one_name_are_refused(tmp_path, root, monkeypatch):
    monkeypatch.chdir(root)
    (tmp_path / "quick.yaml").write_text("title: another\n")
    with pytest.raises(FlopscapeError, match="two studies are named quick"):
        study_paths(["quick", str(tmp_path / "quick.yaml")])
    assert list(study_paths(["quick", "quick"])) == ["quick"]


@pytest.mark.parametrize("value", ["a,b", ["a", "b"], "a, b,"])
def test_studies_may_be_a_list_or_a_text_with_commas(value):
    assert split_studies(value) == ["a", "b"]
