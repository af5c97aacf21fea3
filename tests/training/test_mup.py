"""µP: the rates of AdamW by kind of parameter, and the coordinate check that tells it from the standard rates."""

import pytest

from flopscape.checks.coordinates import coordinate_check, slopes, spec_of
from flopscape.errors import FlopscapeError
from flopscape.networks.gpt import GPTNetwork
from flopscape.plugins.gpt import GPT
from flopscape.records.run_record import RunRecord
from flopscape.training.command import train
from flopscape.training.optimizer import rate_groups

WIDTHS = (32, 64, 128, 256)
MUP = {"learning_rate_scaling": "mup", "base_width": 8}


@pytest.fixture
def steepness(text, make_spec):
    """Slopes of ln mean |activation| in ln width after five real steps."""

    def measure(scaling):
        spec = spec_of(make_spec(training={"base_width": 32}), scaling)
        return slopes(coordinate_check(spec, WIDTHS, 5, text[0]))

    return measure


def test_activations_keep_their_size_under_mup_and_grow_under_one_rate_for_all(steepness):
    flat, steep = steepness("mup"), steepness("fixed")
    assert len(flat) == 6
    assert max(map(abs, flat.values())) < 0.25
    assert steep["head"] > 0.5
    assert steep["layers.0.output"] > 0.5


def test_hidden_and_output_rates_fall_with_width_and_their_decay_does_not():
    module = GPTNetwork(128, 32, 64, 1, 16, 256, "relu2", seed=0)
    narrow, wide = rate_groups(module, GPT(), 0.01, 0.1, widening=4)
    assert [id(p) for p in narrow["params"]] == [id(module.embedding.weight)]
    assert sum(p.numel() for p in wide["params"]) == 12 * 64**2 + 64 * 128
    assert (narrow["lr"], wide["lr"]) == (0.01, 0.0025)
    assert narrow["lr"] * narrow["weight_decay"] == pytest.approx(wide["lr"] * wide["weight_decay"])


def test_at_the_base_width_mup_is_the_standard_recipe_to_the_last_digit(text, make_spec, tmp_path):
    records = []
    for number, settings in enumerate(({}, MUP)):
        train(make_spec(training=settings), tmp_path / f"{number}.json", text[0])
        records.append(RunRecord.read(tmp_path / f"{number}.json"))
    assert records[0].loss == records[1].loss
    assert records[0].curve == records[1].curve


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ({"input": [], "hidden": []}, "every parameter once; correct embedding.weight, layers.0"),
        ({"inputs": []}, "names inputs; kinds are input, hidden, output"),
    ],
)
def test_a_parameter_without_a_kind_is_named(kinds, words):
    class Careless:
        def mup_kinds(self, module):
            return kinds

    with pytest.raises(FlopscapeError, match=words):
        rate_groups(GPTNetwork(128, 32, 8, 1, 8, 32, "relu2", seed=0), Careless(), 0.01, 0.0, 1.0)


BIGRAM = """
import torch
from flopscape.plugins.base import Counts

class Bigram:
    def counts(self, size):
        return Counts(0, 128 * 128, 0, 6.0 * 128)
    def build(self, size, seed):
        return torch.nn.Embedding(128, 128)
    def optimizer(self, module, training):
        return torch.optim.SGD(module.parameters(), lr=training["learning_rate"])

class Sorted(Bigram):
    def mup_kinds(self, module):
        return {"output": list(module.parameters())}
"""


@pytest.mark.parametrize(
    ("model", "words"), [("Bigram", "the class has no method mup_kinds"), ("Sorted", "has its own optimiser")]
)
def test_a_model_that_cannot_have_mup_is_refused(model, words, text, make_spec, users_module, tmp_path):
    users_module("my_mup", BIGRAM)
    spec = make_spec(model={"plugin": f"my_mup:{model}"}, size={"width": 8}, training=MUP)
    with pytest.raises(FlopscapeError, match=words):
        train(spec, tmp_path / "run.json", text[0])


@pytest.mark.parametrize(
    ("scaling", "words"), [("power_law", "no rate for a width alone"), ("mop", "one of fixed, width")]
)
def test_a_check_that_cannot_be_made_is_refused_in_words(scaling, words, text, make_spec):
    with pytest.raises(FlopscapeError, match=words):
        coordinate_check(spec_of(make_spec(), scaling), WIDTHS, 1, text[0])
