"""The options of methods on the command line, in a study and in the documents: one declaration, found everywhere."""

import json
import re
import shlex
import subprocess
import sys

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from flopscape.cli.app import app
from flopscape.cli.fit_options import options_given
from flopscape.config.fits import Fit
from flopscape.config.read import validate
from flopscape.config.study import ImportedStudy
from flopscape.dag.commands import recompute
from flopscape.errors import FlopscapeError
from flopscape.figures.draw import run as draw
from flopscape.fitting.methods import options_of, shipped_methods
from tests.conftest import ROOT
from tests.fitting.fit_tables import isoflop_frame

README = (ROOT / "config/README.md").read_text()
KNOBBED = '''
from typing import Literal

def estimate(table, *, flops=(), bootstrap=4000, seed=0, turns: int = 3, way: Literal["left", "right"] = "left",
             soft: bool = False, loud: bool = True):
    """Fit.

    Parameters
    ----------
    turns : int
        How often the knob is turned.
    """
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a method of a user's own, which has four options."""
    (tmp_path / "knobbed.py").write_text(KNOBBED)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


def help_of(verb, *words):
    """In a terminal so wide that no words are broken off."""
    command = [sys.executable, "-m", "flopscape", verb, *words, "--help"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def given(verb, words):
    context = get_command(app).commands[verb].make_context("flopscape", words)
    return options_given(context, context.params["method"])


def study(fits):
    data = {"title": "t", "runs": {"table": "a.csv"}, "fits": fits, "recommend": {"flops": [1e20]}}
    return validate(ImportedStudy, data, "mine.yaml")


@pytest.mark.parametrize("verb", ["fit", "sensitivity"])
def test_every_option_of_a_shipped_method_is_in_the_help_with_its_words(verb, folder):
    text = help_of(verb)
    for method in shipped_methods():
        for option in options_of(method).values():
            assert f"--{option.flag} " in text
            assert option.help.split("`")[0] in text
    assert "Options of approach2, approach3 and vpnls" in text
    assert "--turns" not in text


@pytest.mark.parametrize("words", [["--method", "knobbed"], ["--method=knobbed"]])
@pytest.mark.parametrize("verb", ["fit", "sensitivity"])
def test_the_help_of_a_method_of_ones_own_has_its_options(verb, words, folder):
    text = help_of(verb, *words)
    assert "Options of knobbed" in text
    assert re.search(r"--turns +NUMBER +How often the knob is turned\. \[default: 3\]", text)
    assert re.search(r"--way +left\|right +\[default: left\]", text)
    assert "--no-loud" in text


@pytest.mark.parametrize("verb", ["fit", "sensitivity"])
def test_what_a_study_says_of_a_method_of_ones_own_is_what_its_command_says(verb, folder):
    fit = {"name": "k", "method": "knobbed", "turns": "1_000", "way": "right", "soft": "yes", "loud": False}
    asked, _ = study([fit]).fits
    assert asked.options == {"turns": 1000, "way": "right", "soft": True, "loud": False}
    line = next(line for line in recompute([asked], "k", [1e20], "d") if line.startswith(f"flopscape {verb}"))
    assert "--method knobbed --no-loud --soft --turns 1000 --way right" in line
    assert given(verb, shlex.split(line)[2:]) == asked.options


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"turn": 3}, "fits.0: turn: knobbed has none; did you mean turns?"),
        ({"boostrap": 3}, "fits.0: boostrap: knobbed has none; did you mean bootstrap?"),
        ({"turns": 1.5}, "fits.0.turns: a whole number is meant"),
        ({"way": "up"}, "fits.0: way: 'up' is none of left, right"),
        ({"soft": 3}, "fits.0.soft: 3 is neither true nor false"),
        ({"rule": "hull"}, "fits.0: rule: knobbed has none; approach1 has"),
    ],
)
def test_a_wrong_option_of_a_method_of_ones_own_is_named_while_planning(options, sentence, folder):
    with pytest.raises(FlopscapeError, match=re.escape(sentence)):
        study([{"name": "k", "method": "knobbed", **options}])


def test_a_name_may_say_the_first_choice_of_a_method_of_ones_own(folder):
    fit, _ = study(["knobbed-right"]).fits
    assert (fit.name, fit.method, fit.options) == ("knobbed-right", "knobbed", {"way": "right"})


def test_curves_are_the_studys_own_and_no_key_of_a_fit(folder):
    with pytest.raises(FlopscapeError, match=r"fits\.0\.curves"):
        study([{"name": "c", "method": "approach1", "curves": "c.parquet"}])
    (folder / "curved.py").write_text("def estimate(table, *, flops, bootstrap, seed, curves=None): ...\n")
    lines = recompute([Fit(name="own", method="curved"), Fit(name="v", method="vpnls")], "v", [1e20], "d")
    assert ["--curves d/curves.parquet" in line for line in lines] == [True, False, False]


def test_the_table_of_fits_in_the_documents_has_every_option():
    table = README[README.index("| method | option | meaning |") :].split("\n\n")[0]
    found, method = set(), ""
    for line in table.splitlines()[2:]:
        first, option, _ = (cell.strip().strip("`") for cell in line.strip("|").split("|", 2))
        method = first or method
        found |= {(method, option)} if option else set()
    asked = {(method, name) for method in shipped_methods() for name in options_of(method) if name != "curves"}
    assert asked == {(method, option) for method, option in found if method != "any" and "`" not in option}


def test_the_documents_example_of_a_method_runs_as_it_stands(tmp_path, monkeypatch):
    section = README[README.index("### A method of your own") :]
    (code, fits, commands) = (
        re.search(rf"```{kind}\n(.*?)```", section, re.DOTALL)[1] for kind in ("python", "yaml", "sh")
    )
    (tmp_path / "results/quick").mkdir(parents=True)
    (tmp_path / "trimmed.py").write_text(code)
    isoflop_frame().to_csv(tmp_path / "results/quick/runs.csv", index=False)
    monkeypatch.chdir(tmp_path)
    for command in commands.splitlines():
        done = CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False)
        assert done.exit_code == 0
    assert "Part of the runs that is left out for its high loss." in " ".join(done.stdout.replace("│", "").split())
    result = json.loads((tmp_path / "trimmed.json").read_text())
    assert result["made_from"]["options"] == {
        "method": "trimmed", "share": 0.1, "flops": [1e13], "bootstrap": 4000, "seed": 0, "columns": {},
    }  # fmt: skip
    assert [len(part["rows"]) for part in result["excluded"]] == [4]
    assert [(fit.name, fit.options) for fit in study(yaml.safe_load(fits)["fits"]).fits] == [
        ("vpnls", {}),
        ("trimmed", {}),
        ("trimmed-more", {"share": 0.1}),
        ("answer", {}),
    ]
    draw(
        "methods", tmp_path / "results/quick/runs.csv", None, [tmp_path / "trimmed.json"], "t", tmp_path / "m.svg", None
    )
    assert "trimmed" in (tmp_path / "m.svg").read_text()
