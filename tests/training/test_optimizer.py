"""What the optimiser is given: every setting, asserted on its groups; and the rates of µP by kind of parameter."""

import pytest
import torch

from flopscape.errors import FlopscapeError
from flopscape.networks.gpt import GPTNetwork
from flopscape.plugins.gpt import GPT
from flopscape.records.run_record import RunRecord
from flopscape.training.build import build_module
from flopscape.training.command import train
from flopscape.training.components import load_parts
from flopscape.training.optimizer import make_optimizer, rate_groups
from flopscape.training.spec import check_spec
from tests.training.conftest import BIGRAM

SETTINGS = {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.95, "weight_decay": 0.3, "base_width": 8}
MUP = {"learning_rate_scaling": "mup", "base_width": 8}


@pytest.fixture
def groups(text, make_spec):
    """The optimiser's class and groups for a network of width 32, with parameters by name."""

    def make(scaling, **changes):
        spec = make_spec(SETTINGS | {"learning_rate_scaling": scaling}, size={"width": 32, "depth": 1}, **changes)
        parts = load_parts(check_spec(spec), text[0])
        module = build_module(parts)
        optimizer = make_optimizer(parts, module)
        names = {id(parameter): name for name, parameter in module.named_parameters()}
        return type(optimizer), [
            group | {"params": {names[id(parameter)] for parameter in group["params"]}}
            for group in optimizer.param_groups
        ], set(names.values())  # fmt: skip

    return make


@pytest.mark.parametrize(("scaling", "rate"), [("fixed", 0.02), ("width", 0.005)])
def test_adamw_has_one_group_with_every_setting(scaling, rate, groups):
    kind, (group,), names = groups(scaling)
    assert kind is torch.optim.AdamW
    assert group["params"] == names
    assert (group["lr"], group["betas"], group["weight_decay"]) == (rate, (0.8, 0.95), 0.3)
    assert (group["eps"], group["amsgrad"], group["maximize"]) == (1e-8, False, False)


def test_under_mup_the_embedding_keeps_rate_and_decay_and_all_else_has_a_quarter_and_four_times(groups):
    """Four times the base width."""
    kind, (narrow, wide), names = groups("mup")
    assert kind is torch.optim.AdamW
    assert narrow["params"] == {"embedding.weight"}
    assert wide["params"] == names - {"embedding.weight"}
    assert (narrow["lr"], narrow["weight_decay"], narrow["betas"]) == (0.02, 0.3, (0.8, 0.95))
    assert (wide["lr"], wide["weight_decay"], wide["betas"]) == (0.005, 1.2, (0.8, 0.95))


OWN = """
import torch
from flopscape.plugins.gpt import GPT

class Own(GPT):
    def optimizer(self, module, training):
        return torch.optim.SGD(
            module.parameters(), lr=training["learning_rate"], momentum=training["beta1"],
            weight_decay=training["weight_decay"],
        )
"""


def test_a_model_s_own_optimiser_is_told_the_settings_and_the_rate_of_its_size(groups, users_module):
    users_module("my_own", OWN)
    kind, (group,), names = groups("width", model={"plugin": "my_own:Own", "kwargs": {"context": 32}})
    assert kind is torch.optim.SGD
    assert group["params"] == names
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.005, 0.8, 0.3)


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


SORTED = (
    BIGRAM
    + """
class Sorted(Bigram):
    def mup_kinds(self, module):
        return {"output": list(module.parameters())}
"""
)


@pytest.mark.parametrize(
    ("model", "words"), [("Bigram", "the class has no method mup_kinds"), ("Sorted", "has its own optimiser")]
)
def test_a_model_that_cannot_have_mup_is_refused(model, words, text, make_spec, users_module, tmp_path):
    users_module("my_mup", SORTED)
    spec = make_spec(model={"plugin": f"my_mup:{model}"}, size={"width": 8}, training=MUP)
    with pytest.raises(FlopscapeError, match=words):
        train(spec, tmp_path / "run.json", text[0])
