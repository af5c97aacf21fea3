"""What the optimiser is given: every setting, asserted on its groups."""

import pytest
import torch

from flopscape.training.build import build_module
from flopscape.training.components import load_parts
from flopscape.training.optimizer import make_optimizer
from flopscape.training.spec import check_spec

SETTINGS = {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.95, "weight_decay": 0.3, "base_width": 8}


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
