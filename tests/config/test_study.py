"""A study's config: what is accepted, and the sentence for what is not."""

import sys
from datetime import date
from pathlib import Path

import pytest

from flopscape.config.matrix import addresses
from flopscape.config.read import load_config, load_study, read_study, study_paths, validate
from flopscape.config.study import Study, split_studies
from flopscape.config.yaml12 import dump_yaml, load_yaml
from flopscape.errors import FlopscapeError
from flopscape.plan.studies import resolved_yaml

LADDER = {"family": {"depth": 2}}
FILES = sorted(Path(__file__).parents[2].glob("config/studies/*.yaml"))
STUDIES = [path for file in FILES for path in addresses(file)]


def study_with(**changes):
    base = load_yaml(STUDIES[0].with_name("quick.yaml"))
    return validate(Study, base | changes, "quick.yaml")


def law(**options):
    """What a study changes to have one fit of a law."""
    return {"fits": [{"name": "a", "method": "law", **options}]}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_shipped_studies_are_valid(path):
    assert read_study(path).title


DESIGNS = {
    "ladder": {
        "ladder": {"top": 1e10},
        "family": {"depth": 2},
        "validate": {"rows": [{"size": {"width": 8, "depth": 2}, "n_tokens": 1e6}]},
    },
    "refine": {"refine": {"sizes": 3}, "family": {"sizes": [{"width": 8, "depth": 2}]}},
}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_with_every_default_filled_in_is_the_same_study(path, tmp_path):
    (tmp_path / path.name).write_text(resolved_yaml(path))
    assert read_study(tmp_path / path.name) == read_study(path)


@pytest.mark.parametrize("sweep", DESIGNS.values(), ids=DESIGNS)
def test_a_sweep_that_plans_itself_is_the_same_with_every_default_filled_in(sweep, tmp_path):
    written, resolved = tmp_path / "quick.yaml", tmp_path / "resolved.yaml"
    base = load_yaml(STUDIES[0].with_name("quick.yaml"))
    sizes = {} if "ladder" in sweep else base["sweep"]
    written.write_text(dump_yaml(base | {"sweep": sizes | sweep}))
    resolved.write_text(resolved_yaml(written))
    assert read_study(resolved) == read_study(written)


def test_shipped_config_is_valid(root):
    assert load_config(root / "config/config.yaml").studies == ["kjv-gpt"]


def test_default_study_writes_every_key_of_training_out(root):
    written = load_yaml(root / "config/studies/kjv-gpt.yaml")["training"]
    assert set(written) == set(load_study(root / "config/studies/kjv-gpt.yaml").training.as_dict())
    changes = load_study(root / "config/studies/kjv-gpt.yaml").training.changes()
    assert set(changes) == {"learning_rate_scaling", "base_width"}


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
    assert [(fit.name, fit.options) for fit in found[:3]] == [
        ("approach3", {}),
        ("approach3-lad", {"objective": "lad"}),
        ("mine", {"objective": "huber", "delta": 0.01}),
    ]


def test_every_study_has_the_fit_answer_and_rests_on_it_unless_told_otherwise():
    asked = {"flops": [1e13]}
    unlisted = study_with(fits=["vpnls"], recommend=asked)
    assert [(fit.name, fit.method) for fit in unlisted.fits] == [("vpnls", "vpnls"), ("answer", "answer")]
    assert unlisted.recommended_fit == "answer"
    listed = study_with(fits=[{"name": "answer", "method": "answer", "exclude": "loss > 5"}, "vpnls"], recommend=asked)
    assert [(fit.name, fit.exclude) for fit in listed.fits] == [("answer", "loss > 5"), ("vpnls", None)]
    assert study_with(fits=["vpnls"], recommend=asked | {"fit": "vpnls"}).recommended_fit == "vpnls"


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


@pytest.mark.parametrize("method", ["mymethod", "mypackage.inner.method"])
def test_a_method_of_the_users_own_is_found_and_not_run(tmp_path, monkeypatch, method):
    (tmp_path / "mypackage/inner").mkdir(parents=True)
    for file in ("mymethod.py", "mypackage/__init__.py", "mypackage/inner/__init__.py", "mypackage/inner/method.py"):
        (tmp_path / file).write_text("raise RuntimeError")
    monkeypatch.chdir(tmp_path)
    fits = [{"name": "mine", "method": method}]
    assert study_with(fits=fits, recommend={"flops": [1e13]}).fits[0].method == method


def test_looking_for_a_method_runs_no_module(capsys):
    with pytest.raises(FlopscapeError, match=r"'this\.x' is none of"):
        study_with(fits=[{"name": "mine", "method": "this.x"}], recommend={"flops": [1e13]})
    assert "this" not in sys.modules
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "exclude", ["9**9**9 > n_params", "loss.to_pickle('x')", "n_params <", "'a' * 999999999 == size"]
)
def test_an_exclusion_that_is_refused_is_so_while_planning(exclude):
    with pytest.raises(FlopscapeError, match=r"quick\.yaml: fits\.1\.exclude: "):
        study_with(fits=["vpnls", {"name": "b", "method": "vpnls", "exclude": exclude}], recommend={"flops": [1e13]})


def test_of_many_wrong_keys_the_first_are_named_and_the_rest_counted():
    with pytest.raises(FlopscapeError) as error:
        study_with(sweep={"isoflop": {"budgets": [-1] * 1000, "sizes": [{}]}})
    lines = str(error.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "quick.yaml: and 980 more"


@pytest.mark.parametrize(
    ("value", "number"), [("1e-2", 0.01), (".5", 0.5), ("1_0.5", 10.5), (2, 2.0), ("+3", 3.0), (" 7 ", 7.0)]
)
def test_numbers_of_the_recipe_may_be_written_in_any_notation(value, number):
    assert study_with(training={"learning_rate": value}).training.learning_rate == number


@pytest.mark.parametrize(("value", "switch"), [(True, True), ("yes", True), ("off", False), ("No", False)])
def test_a_switch_takes_the_words_that_can_mean_nothing_else(value, switch):
    assert study_with(training={"compile": value}, strict=value).training.compile is switch


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"trainng": {}}, "unknown key trainng; did you mean training?"),
        ({"training": {"lerning_rate": 1}}, "unknown key training.lerning_rate; did you mean learning_rate?"),
        ({"training": {"learning_rate": -3}}, "training: learning_rate must be positive"),
        ({"sweep": {"isoflop": {"budgets": [{"flop": 1}], "sizes": [{}]}}}, "did you mean flops?"),
        ({"sweep": {"isoflop": {"budgets": ["1e12x"], "sizes": [{}]}}}, "'1e12x' is not a number"),
        ({"sweep": {"isoflop": {"budgets": [True], "sizes": [{}]}}}, "true and false are not numbers"),
        (
            {"sweep": {"isoflop": {"budgets": [-1e12], "sizes": [{}]}}},
            "flops: must be above 0, not -1000000000000",
        ),
        ({"sweep": {"isoflop": {"budgets": [float("nan")], "sizes": [{}]}}}, "sweep.isoflop.budgets.0.flops"),
        ({"sweep": {"isoflop": {"budgets": [1e12, 1e12], "sizes": [{}]}}}, "budget 1e+12 is listed twice"),
        ({"recommend": {"flops": [1e12, 1.0e12]}}, "1000000000000.0 is listed twice"),
        ({"sweep": {"isoflop": {"budgets": [1e12]}}}, "budget 1e+12 has no sizes"),
        ({"sweep": {}}, "a sweep needs isoflop, grid, rows or ladder"),
        ({"fits": ["approach9"]}, "fits.0.method: 'approach9' is none of answer, approach1, approach2"),
        ({"fits": [{"name": "a", "method": "vpnls", "columns": {"n_parms": "x"}}]}, "n_parms"),
        ({"fits": [{"name": "a/b", "method": "vpnls"}]}, "fit name 'a/b'"),
        ({"fits": ["vpnls", "vpnls"]}, "two fits of one name"),
        ({"fits": ["approach3-hubber"]}, "fits.0: objective: 'hubber' is none of huber"),
        ({"fits": [{"name": "a", "method": "vpnls", "objective": "lad"}]}, "objective: vpnls has none"),
        ({"fits": [{"name": "a", "method": "approach3", "objective": "lad", "delta": 0.1}]}, "delta: only approach3"),
        (law(fix={"alhpa": 1}), "fits.0: fix: 'alhpa' is no parameter of the law coupled; did you mean alpha?"),
        (law(law="kaplan", fix={"E": 1}), "fits.0: fix: 'E' is no parameter of the law kaplan; valid here: N_c, D_c"),
        (law(fix={"alpha": 0.9}, bound={"alpha": [0, 0.5]}), "fix: alpha = 0.9 lies outside its bounds, 0.005 to 0.5"),
        (law(fix={"alpha": 1, "beta": 2}, tie=[["alpha", "beta"]]), "contradict the tie of alpha and beta"),
        (
            law(tie=[["alpha", "beta"]], bound={"alpha": [0, 0.3], "beta": [0.4, 1]}),
            "fits.0: tie: alpha and beta have no value in common, with alpha within 0.005 to 0.3, beta within 0.4 to 1",
        ),
        (law(law={"terms": ["n_params", "experts"]}, tie=[["alpha", "gamma"]]), "fits.0: tie: 'gamma' is no parameter"),
        (
            law(law={"mixture": ["web", "code"]}, fix={"a_books": 1}),
            "fits.0: fix: 'a_books' is no parameter of the law",
        ),
        (law(law={"mixture": ["web", "web"]}), "fits.0: law: mixture ['web', 'web'] names a column twice"),
        ({"recommend": {"flops": [1e13], "fit": "huber"}}, "'huber' is not one of the fits"),
        ({"trainer": {"plugin": "loop"}}, "dataset is missing"),
        ({"title": 2026}, 'title: text is meant, not the number 2026: write it in quotes, such as "2026"'),
        ({"title": True}, 'title: text is meant, not true: write it in quotes, such as "true"'),
        ({"training": {"learning_rate": True}}, "training.learning_rate: true and false are not numbers"),
        ({"training": {"learning_rate": "nan"}}, "training.learning_rate: 'nan' is not a number"),
        ({"training": {"learning_rate": float("inf")}}, "training.learning_rate: inf is not a finite number"),
        ({"training": {"batch_units": 256.5}}, "training.batch_units: "),
        ({"training": {"beta1": "1:30"}}, "training.beta1: '1:30' is not a number"),
        ({"training": {"compile": 1}}, "training.compile: 1 is neither true nor false"),
        ({"training": {"mixed_precision": False}}, "training.mixed_precision: "),
        ({"resources": {"minutes": "1:30:00"}}, "resources.minutes: '1:30:00' is not a number: write 90"),
        ({"resources": {"minutes": "0:00:30"}}, "resources.minutes: '0:00:30' is not a number: write 1"),
        ({"title": None}, "title: text is meant, not null"),
        ({"title": ["a"]}, "title: text is meant, not a list"),
        ({"loss": 7}, "loss: a mapping is meant, not the number 7"),
        ({"sweep": {"isoflop": {"budgets": 1e12}}}, "sweep.isoflop.budgets: a list is meant, not the number"),
        ({"recommend": {"flops": [None]}}, "recommend.flops.0: a number is meant, not null"),
        ({"resources": {"threads": 1.5}}, "resources.threads: a whole number is meant, not the number 1.5"),
        ({"recipe": True}, "recipe: true and false are not numbers"),
        ({"strict": 1}, "strict: 1 is neither true nor false"),
        ({"model": {"plugin": "a:B", "kwargs": {"c": float("nan")}}}, "model.kwargs: c: nan is not a finite number"),
        ({"model": {"plugin": "a:B", "kwargs": {"c": [{"d": b"x"}]}}}, "model.kwargs: c.0.d: b'x' is neither text"),
        ({"model": {"plugin": "a:B", "kwargs": {"c": {2, 3}}}}, "model.kwargs: c: {2, 3} is neither text"),
        ({"model": {"plugin": "a:B", "kwargs": {"c": {1: 2}}}}, "model.kwargs: c: the key 1 is not text"),
        ({"model": {"plugin": "a:B", "kwargs": {"c": date(2026, 11, 26)}}}, "model.kwargs: c: datetime.date"),
        ({"model": {"plugin": "a:B", "kwargs": {"c": "x\0"}}}, "model.kwargs: c: holds the control character"),
        ({"sweep": {"rows": [{"size": {"w": float("inf")}, "n_tokens": 9}]}}, "size: w: inf is not a finite number"),
        ({"sweep": {"isoflop": {"budgets": [1e12], "sizes": [{}], "seeds": 1e9}}}, "1000000000 seeds are too many"),
        ({"sweep": {"isoflop": {"budgets": [1e12], "sizes": [{}], "seeds": 10**400}}}, "300 digits is not a finite"),
        (
            {"sweep": {"isoflop": {"budgets": [1e12], "sizes": [{}], "seeds": [2**63]}}},
            "seeds.0: must be below 9223372036854775808",
        ),
        (
            {"sweep": {"grid": {"sizes": [{}] * 400, "n_tokens": [9] * 300, "seeds": 10}}},
            "sweep: 1,200,000 runs are planned; a study has at most 100,000",
        ),
        ({"sweep": LADDER | {"ladder": {"top": 1e12, "sizes": 2}}}, "sweep.ladder.sizes: must be at least 3, not 2"),
        ({"sweep": LADDER | {"ladder": {"top": 1e12, "sizes": [9, 2, 7, 6, 5]}}}, "sizes.1: must be at least 3, not 2"),
        (
            {"sweep": LADDER | {"ladder": {"top": 1e12, "sizes": 3.5}}},
            "sizes: a whole number or a list is meant, not the",
        ),
        ({"sweep": LADDER | {"ladder": {"top": 1e12, "decades": 0.1}}}, "budgets only a factor 1.06 apart: give 0.705"),
        ({"sweep": LADDER | {"ladder": {"top": 1e12, "budgets": 50}}}, "give 8.629 decades or more, or 16 budgets or"),
        ({"fits": [{"name": "a" * 300, "method": "vpnls"}]}, "300 letters long; use at most 200"),
        ({"fits": [{"name": "mine", "method": "this.x"}]}, "no module of that name can be imported"),
        ({"fits": [{"name": "mine", "method": "a..b"}]}, "no module of that name can be imported"),
    ],
)
def test_a_wrong_key_is_named_with_the_fix(changes, sentence):
    with pytest.raises(FlopscapeError) as error:
        study_with(**changes)
    assert sentence in str(error.value)
    assert str(error.value).startswith("quick.yaml: ")


def test_a_missing_file_is_named():
    with pytest.raises(FlopscapeError, match=r"nowhere\.yaml: cannot be read"):
        load_yaml("nowhere.yaml")


@pytest.mark.parametrize("name", ["a b", "a/b", "../a", "$(x)", "-a", "a;b", "", "a\nb"])
def test_study_names_cannot_reach_a_shell_or_another_folder(name):
    with pytest.raises(FlopscapeError, match="study name"):
        study_paths([name])


@pytest.mark.parametrize("entry", ["a" * 300, "a" * 300 + ".yaml", "a" * 300 + "/b.yaml", "a" * 5000])
def test_a_name_too_long_for_a_file_is_one_sentence(entry):
    with pytest.raises(FlopscapeError, match="studies: ") as error:
        study_paths([entry])
    assert "\n" not in str(error.value)


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
