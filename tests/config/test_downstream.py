"""`downstream` of a study: what a task may ask, and what is refused before the first run."""

from pathlib import Path

import pytest

from flopscape.config.read import validate
from flopscape.config.study import ImportedStudy, Study
from flopscape.config.yaml12 import load_yaml
from flopscape.dag.commands import task_options, tasks_again
from flopscape.errors import FlopscapeError
from flopscape.plan.imported import plan_import
from flopscape.plan.studies import plan_training

ROOT = Path(__file__).parents[2]
ACCURACY = {"own": {"metrics": {"accuracy": {"plugin": "flopscape.plugins.losses:Accuracy"}}}}
QUIZ = {"name": "quiz", "method": "vpnls", "columns": {"loss": "loss@quiz", "n_params": "n_params_total"}}
TASK = {"fit": "quiz", "chance": "0.25", "n_params": [1e9], "n_tokens": ["2e11"]}


def trained(**changes) -> Study:
    base = load_yaml(ROOT / "config/studies/digits-mlp.yaml")
    return validate(Study, base | {"heldout": ACCURACY, "downstream": {"own": {"chance": 0.1}}} | changes, "mine.yaml")


def imported(**changes) -> ImportedStudy:
    base = {"title": "t", "runs": {"table": "theirs.csv"}, "fits": [QUIZ], "recommend": {"flops": [1e21]}}
    return validate(ImportedStudy, base | {"downstream": {"quiz": TASK}} | changes, "theirs.yaml")


def test_the_words_of_a_task_are_those_of_the_verb_with_the_compute_and_conventions_of_the_study():
    assert task_options(imported(), "quiz") == (
        "--accuracy accuracy@quiz --chance 0.25 --column n_params=n_params_total --seed 0 --flops 1e+21 "
        "--n-params 1e+09 --n-tokens 2e+11"
    )
    (again,) = tasks_again(trained(), "results/mine")
    flops = " ".join(f"--flops {c:g}" for c in trained().recommend.flops)
    assert again == (
        "flopscape downstream results/mine/runs.csv --fit results/mine/fits/answer.json "
        f"--accuracy accuracy@own --chance 0.1 --seed 0 {flops}"
    )


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({"chance": 25}, "downstream.own: chance 25: must be a share from 0 to below 1"),
        ({"items": 0}, "downstream.own: items 0: must be how many questions"),
        ({"accuracy": "loss@own"}, "downstream.own: accuracy loss@own: no accuracy by its name"),
        ({"n_params": [1e9]}, "downstream.own: n_params and n_tokens belong together"),
        ({"fit": "gone"}, "downstream.own.fit: 'gone' is not one of the fits"),
        ({"accuracy": "accuracy@onw"}, "downstream.own.accuracy: no run has accuracy@onw; did you mean accuracy@own?"),
    ],
)
def test_a_task_that_cannot_be_asked_is_one_sentence(task, words):
    with pytest.raises(FlopscapeError) as error:
        trained(downstream={"own": task})
    assert words in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_metrics_that_no_set_is_scored_by_are_refused_in_tasks_and_in_fits():
    with pytest.raises(FlopscapeError, match=r"downstream\.own: no run has accuracy@own; name its set and its metrics"):
        trained(heldout={})
    with pytest.raises(FlopscapeError, match="fits: quiz: columns: no run has loss@quiz"):
        trained(fits=[QUIZ])


def test_metrics_of_no_column_of_an_imported_table_are_refused_while_planning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "theirs.csv"
    table.write_text("n_params,n_tokens,loss,loss@quiz,acc\n1e9,2e10,3.0,2.0,0.4\n")
    with pytest.raises(FlopscapeError) as error:
        plan_import("theirs", Path("theirs.yaml"), imported(), None)
    assert str(error.value) == (
        "theirs.yaml: downstream.quiz: no run has accuracy@quiz; valid here: loss@quiz; "
        "map a column of the table to it, or name another"
    )
    mapped = {"table": "theirs.csv", "map": {"accuracy@quiz": "acc"}}
    assert plan_import("theirs", Path("theirs.yaml"), imported(runs=mapped), None).options[0] == "theirs.csv"


def test_fewer_runs_than_the_curve_needs_are_refused_while_planning(tmp_path):
    few = trained(sweep={"grid": {"sizes": [{"width": 8, "depth": 2}], "n_tokens": [1e4, 2e4, 4e4]}})
    with pytest.raises(FlopscapeError, match=r"mine\.yaml: downstream: 3 runs planned, and the curve of a task"):
        plan_training("mine", Path("mine.yaml"), few, tmp_path)
