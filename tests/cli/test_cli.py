"""The command line: help with an example on every verb, one sentence and status 2 for bad input."""

import json
import subprocess
import sys

import pytest
from typer.main import get_command

from flopscape.cli.app import app

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
        (("figure", "pie", "--runs", "gone.csv"), "figure 'pie': there are isoflop"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(tmp_path, words, sentence):
    done = flopscape(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_resolved_study_reads_back_as_itself(root, tmp_path):
    study = root / "config/studies/kjv-gpt.yaml"
    resolved = tmp_path / "kjv-gpt.yaml"
    resolved.write_text(flopscape("plan", str(study), "--resolved").stdout)
    plans = [flopscape("plan", str(path), "--json", cwd=tmp_path).stdout for path in (study, resolved)]
    assert plans[0] == plans[1]
    assert '"n_all": 39' in plans[0]
    assert [one["flops"] for one in json.loads(plans[0])["expected"]] == [3e12, 1e13]
