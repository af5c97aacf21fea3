"""The command line: help with an example on every verb, one sentence and status 2 for bad input."""

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from flopscape.cli.app import app
from flopscape.errors import FlopscapeError

VERBS = sorted(get_command(app).commands)


def flopscape(*words, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "flopscape", *words], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb):
    done = flopscape(verb, "--help")
    assert done.returncode == 0
    assert f"Example: flopscape {verb}" in done.stdout


def test_the_version_is_one_line():
    done = flopscape("--version")
    assert (done.returncode, done.stdout) == (0, f"flopscape {version('flopscape')}\n")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("flopscape ba", ["backtest"]),
        ("flopscape tr", ["train", "transfer"]),
        ("flopscape init sweeps --st", ["--study"]),
    ],
)
def test_a_shell_completes_verbs_and_options(typed, completed):
    as_command = "import sys; sys.argv = ['flopscape']; from flopscape.__main__ import main; main()"
    asked = {"_FLOPSCAPE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    done = subprocess.run([sys.executable, "-c", as_command], env=os.environ | asked, capture_output=True, text=True)
    assert done.stdout.split() == completed


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("plan", "gone.yaml"), "gone.yaml: cannot be read"),
        (("prepare", "{", "--out", "data"), "DATASET: not whole JSON"),
        (("train", "{", "--out", "run.json"), "SPEC: not whole JSON"),
        (("fit", "gone.csv", "--method", "vpnls", "--out", "fit.json"), "gone.csv: cannot be read"),
        (("fit", "gone.csv", "--method", "vpnls", "--out", "f.json", "--column", "x"), "write it as n_params="),
        (("predict", "gone.json", "--flops", "1e13"), "gone.json: cannot be read"),
        (("sensitivity", "gone.csv", "--flops", "1e13", "--out", "s.csv"), "gone.csv: cannot be read"),
        (("plan", "gone.yaml", "--json", "--csv", "plan.csv"), "plan: --json and --csv exclude each other"),
        (("plan", "gone.yaml", "--json", "--resolved"), "plan: --json and --resolved exclude each other"),
        (("import", "gone.csv", "--out", "a.csv", "--folder", "b"), "import: --out and --folder exclude each other"),
        (("figure", "pie", "--runs", "gone.csv"), "figure 'pie': there are isoflop"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(tmp_path, words, sentence):
    done = flopscape(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("fit", "gone.csv", "--method", "vpnls", "--out", "f.json"), "--flops"),
        (("sensitivity", "gone.csv", "--out", "s.csv"), "--flops"),
        (("predict", "gone.json"), "--flops"),
        (("predict", "gone.json"), "--n-params"),
        (("twin", "gone.csv", "--out", "twin"), "--flops"),
        (("guide", "gone.csv"), "--flops"),
        (("new", "mine", "--hours", "1"), "--target"),
        (("next", "gone.csv", "--spend", "1e20"), "--target"),
        (("coord-check", "gone.yaml"), "--width"),
    ],
)
def test_a_number_that_is_given_twice_is_refused(words, option):
    with pytest.raises(FlopscapeError, match=f"^{option} 10+(.0)?: given twice; leave one out$"):
        app([*words, option, "1000", option, "1000"], standalone_mode=False)


def test_a_plan_says_that_its_study_would_not_start_and_a_script_finds_it_in_json(root, tmp_path):
    text = (root / "config/studies/kjv-gpt.yaml").read_text()
    dear, may_start = tmp_path / "dear.yaml", tmp_path / "kjv.yaml"
    dear.write_text(text.replace("max_usd: null", "max_usd: 0.0001"))
    may_start.write_text(text)
    why = "study dear: would cost"
    assert f"REFUSED: {why}" in flopscape("plan", str(dear), cwd=tmp_path).stdout
    refused = [
        json.loads(flopscape("plan", str(path), "--json", cwd=tmp_path).stdout)["refused"] for path in (dear, may_start)
    ]
    assert refused[0].startswith(why)
    assert refused[1] is None


@pytest.mark.parametrize("option", ["--flops", "--target", "--width", "--n-params", "--n-tokens"])
def test_every_list_of_numbers_takes_each_once(option):
    lists = [
        one for verb in get_command(app).commands.values() for one in verb.params if one.multiple and option in one.opts
    ]
    assert lists
    assert all(one.callback for one in lists)


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "gone.yaml", "--cores", "0"),
        ("new", "mine", "--parallel", "0"),
        ("check-plugin", "a:B", "--batch-units", "0"),
        ("coord-check", "gone.yaml", "--width", "8", "--steps", "0"),
    ],
)
def test_a_count_that_may_not_be_zero_is_refused(words):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert words[-2] in done.stderr


def test_a_resolved_study_reads_back_as_itself(root, tmp_path):
    study = root / "config/studies/kjv-gpt.yaml"
    resolved = tmp_path / "kjv-gpt.yaml"
    resolved.write_text(flopscape("plan", str(study), "--resolved").stdout)
    plans = [flopscape("plan", str(path), "--json", cwd=tmp_path).stdout for path in (study, resolved)]
    assert plans[0] == plans[1]
    assert '"n_all": 39' in plans[0]
    assert [one["flops"] for one in json.loads(plans[0])["expected"]] == [3e12, 1e13]
