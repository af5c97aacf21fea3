"""Studies built in Python, planned and priced as their files are."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from typer.testing import CliRunner

import flopscape as fs
from flopscape.cli.app import app
from tests.conftest import ROOT

QUICK = ROOT / "config/studies/quick.yaml"


def printed(*words: str) -> str:
    return CliRunner().invoke(app, [*words], catch_exceptions=False).stdout


def own(name: str = "own", **changes: object) -> fs.Study:
    """A simulated study whose numbers are NumPy's."""
    keys = {
        "title": "a surface",
        "model": {"plugin": "flopscape.plugins.parameters:Parameters"},
        "trainer": {"plugin": "flopscape.plugins.surface:Surface"},
        "sweep": {"isoflop": {"budgets": np.geomspace(1e18, 1e20, 3), "sizes": [{"n_params": n} for n in sizes()]}},
        "fits": ("approach2",),
        "recommend": {"flops": [np.float64(1e21)]},
    }
    return fs.Study(name, **keys | changes)


def sizes() -> np.ndarray:
    return (1e8 * 3.0 ** np.arange(3)).astype(int)


def test_a_study_of_python_is_the_study_of_its_file(tmp_path):
    study = own()
    path = study.write(tmp_path / "own.yaml")
    again = fs.read_study(path)
    assert (again.name, again.checked) == ("own", study.checked)
    assert again.to_yaml() == study.to_yaml() == path.read_text()
    ids = [fs.plan(one, results=tmp_path).to_frame()["run_id"].tolist() for one in (study, path)]
    assert len(ids[0]) == 9
    assert ids[0] == ids[1]
    with pytest.raises(fs.FlopscapeError, match=r"own\.yaml: there is a file already; give another path, or replace"):
        study.write(path)
    assert fs.Study("own", **study.keys | {"title": "other"}).write(path, replace=True) == path
    assert fs.read_study(path).keys["title"] == "other"


def test_a_study_is_written_where_the_workflow_looks_for_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert own().write() == Path("config/studies/own.yaml")


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("own", {"fit": ["vpnls"]}, "own: unknown key fit; did you mean fits"),
        ("own", {"recommend": {"flops": "much"}}, "own: recommend.flops: "),
        ("a/b", {}, "study name 'a/b': use letters, digits"),
        ("bias", {}, "study name bias: results/bias/ has another use"),
        (3, {}, "study: int is no name; give a text"),
    ],
)
def test_what_is_no_study_is_told_as_of_its_file(name, changes, sentence):
    with pytest.raises(fs.FlopscapeError, match=sentence):
        own(name, **changes)


def test_plan_and_price_are_what_the_command_prints(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = fs.plan(QUICK, cores=2)
    assert printed("plan", str(QUICK), "--cores", "2") == made.summary() + "\n"
    assert printed("plan", str(QUICK), "--cores", "2", "--json") == made.to_json() + "\n"
    printed("plan", str(QUICK), "--csv", "plan.csv")
    assert Path("plan.csv").read_text() == made.to_csv()
    price = fs.price(QUICK, cores=2)
    assert price.summary().splitlines() == [line for line in made.summary().splitlines() if line in price.summary()]
    assert price.to_frame()["n_todo"].sum() == len(made) == price.total.n_todo == 35
    assert made.refused == ""


def test_a_price_follows_the_prices_that_are_given(tmp_path):
    study = ROOT / "config/studies/kjv-gpt.yaml"
    dear, cheap = (fs.price(study, results=tmp_path, prices={"usd_per_cpu_hour": usd}).total.usd for usd in (2.0, 1.0))
    assert dear == pytest.approx(2 * cheap)
    with pytest.raises(fs.FlopscapeError, match="prices: unknown key usd"):
        fs.price(study, prices={"usd": 1})


def test_plan_and_price_are_shown_and_drawn(tmp_path):
    made = fs.plan(own(), results=tmp_path)
    assert "Plan of own: 9 runs" in made._repr_html_()
    assert f"coverage: {made.coverage.grade}" in made._repr_html_()
    assert "Price of own" in made.price._repr_html_()
    figure = plt.figure()
    first, second = figure.subplots(1, 2)
    assert made.plot(first) is first
    assert made.price.plot(second) is second
    assert len(first.collections[0].get_offsets()) == 3


def test_what_has_no_plan_is_said(tmp_path):
    theirs = "title: t\nruns: {table: a.csv}\nfits: [vpnls]\nrecommend: {flops: [1e20]}\n"
    (tmp_path / "theirs.yaml").write_text(theirs)
    for study in (tmp_path / "theirs.yaml", fs.read_study(tmp_path / "theirs.yaml")):
        with pytest.raises(
            fs.FlopscapeError, match=r"theirs\.yaml: its runs are imported from a\.csv: there is no plan"
        ):
            fs.plan(study)
    with pytest.raises(fs.FlopscapeError, match=r"gone\.yaml: cannot be read"):
        fs.plan("gone.yaml")
    with pytest.raises(fs.FlopscapeError, match="cores: 0 is not a number of cores"):
        fs.plan(own(), cores=0)
