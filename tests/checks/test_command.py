"""`flopscape check-plugin`, and counts of models that declare none."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flopscape.cli.app import app
from flopscape.config.plugins import Plugin
from flopscape.errors import FlopscapeError
from flopscape.plan.sizes import count_sizes
from flopscape.plugins.base import Counts
from flopscape.training.command import train
from tests.checks import plugins
from tests.checks.plugins import VOCABULARY, Model

SIZE = {"width": 4}
MINE = """
from sound import Model, nn

class Mine(Model):
    counts = None
    head = "head"

class Nothing(Model):
    counts = None
    example_batch = None

class Spare(Model):
    vocab_size = 32
    def build(self, size, seed):
        module = super().build(size, seed)
        module.spare = nn.Parameter(nn.Parameter(module.head.weight.new_ones(3)))
        return module
    def counts(self, size):
        return type(super().counts(size))(4 * 4 + 3, 32 * 4, 32 * 4, 6.0)

class Text:
    pass
"""


@pytest.fixture
def mine(users_module):
    users_module("sound", Path(plugins.__file__).read_text())
    users_module("my_checked", MINE)


def check(*words):
    """Exit status and output; a refusal's sentences stand at its end."""
    done = CliRunner().invoke(app, ["check-plugin", *words])
    refusal = str(done.exception) if isinstance(done.exception, FlopscapeError) else ""
    return done.output + refusal


def test_a_model_without_counts_is_measured_and_cached(mine):
    measured = count_sizes(Plugin(plugin="my_checked:Mine"), [SIZE])
    assert measured == [Model().counts(SIZE)] == [Counts(16, 4 * VOCABULARY, 4 * VOCABULARY, 6 * 4 * (4 + VOCABULARY))]


def test_a_model_with_nothing_to_count_by_is_refused(mine):
    with pytest.raises(FlopscapeError, match="no method counts"):
        count_sizes(Plugin(plugin="my_checked:Nothing"), [SIZE])


def test_every_check_has_a_line_and_every_fault_a_sentence(mine):
    text = check("my_checked:Spare", "--sizes", json.dumps(SIZE))
    assert "✓ parameters are as many as declared" in text
    assert "✗ every parameter receives a finite gradient" in text
    assert "model my_checked:Spare: no gradient reaches spare" in text
    assert "declares 6 FLOPs a unit and FlopCounterMode counts 864" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "give a plug-in as module:Class, or --study"),
        (("my_checked:Text",), "neither build (a model), batches (a dataset) nor __call__ (a loss)"),
        (("my_checked:Mine",), "a model is checked at its sizes"),
        (("my_checked:Mine", "--sizes", "{"), "--sizes"),
    ],
)
def test_a_wrong_question_is_refused(mine, words, sentence):
    assert sentence in check(*words)


def test_a_run_that_leaves_a_parameter_out_stops_at_its_first_step(mine, text, make_spec, tmp_path):
    spec = make_spec(model={"plugin": "my_checked:SpareGPT"}, size={"width": 8, "depth": 1})
    (tmp_path / "my_checked.py").write_text(
        "from flopscape.plugins.gpt import GPT\nfrom torch import nn\n"
        "from dataclasses import replace\n"
        "class SpareGPT(GPT):\n"
        "    def __init__(self):\n        super().__init__(context=32)\n"
        "    def counts(self, size):\n"
        "        return replace(super().counts(size), n_params_body=super().counts(size).n_params_body + 8)\n"
        "    def build(self, size, seed):\n"
        "        module = super().build(size, seed)\n"
        "        module.spare = nn.Parameter(module.head.weight[0].detach().clone())\n        return module\n"
    )
    with pytest.raises(FlopscapeError, match="the first backward pass gives no gradient to spare"):
        train(spec, tmp_path / "run.json", text[0])
