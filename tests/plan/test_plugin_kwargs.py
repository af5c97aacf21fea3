"""Arguments of plug-ins are held against their signatures before anything runs."""

import subprocess
import sys

import pytest

from flopscape.errors import FlopscapeError
from flopscape.plan.ask import CACHE
from flopscape.plan.plugin_kwargs import why_refused
from flopscape.plan.studies import plan_study
from tests.conftest import ROOT

SURFACE = "flopscape.plugins.surface:Surface"
GPT = "flopscape.plugins.gpt:GPT"
HUB_TEXT = "flopscape.plugins.hub_text:HubText"
STUDY = """
title: mine
model: {plugin: flopscape.plugins.gpt:GPT}
trainer: {plugin: "PLUGIN", kwargs: {KWARGS}}
sweep: {rows: [{size: {width: 16, depth: 2}, n_tokens: 25600}]}
fits: [approach2]
recommend: {flops: [1e12]}
"""
TRAINER = """
from flopscape.plugins.surface import Surface

class Kind:
    pass

class Labelled(Surface):
    def __init__(self, label: str, scale: "NoSuchType" = 1, **kwargs):
        print("constructed")

class Untrained:
    pass

class Typed:
    def __init__(self, times: int, *, kind: Kind = None, most: int = None): ...
    def train(self, spec): ...
"""


@pytest.mark.parametrize(
    ("part", "plugin", "kwargs", "sentence"),
    [
        ("trainer", SURFACE, {"E": 1, "alfa": 2}, "unknown key alfa; did you mean alpha?"),
        ("trainer", SURFACE, {"E": "1.5"}, "E: a number is meant, not the text '1.5': write it without quotes"),
        ("trainer", SURFACE, {"noise": True}, "noise: a number is meant, not true"),
        ("trainer", SURFACE, {"diverge": "abc"}, "diverge: a list is meant, not the text 'abc'"),
        ("trainer", GPT, {}, "the class has no method train"),
        (
            "model",
            GPT,
            {"context": "64"},
            "context: a whole number is meant, not the text '64': write it without quotes",
        ),
        ("model", GPT, {"vocab_size": 2.5}, "vocab_size: a whole number is meant, not the number 2.5"),
        ("model", GPT, {"mlp": 2}, 'mlp: text is meant, not the number 2: write it in quotes, such as "2"'),
        (
            "model",
            "flopscape.plugins.vit:ViT",
            {"image_shape": [3, "32", 32]},
            "image_shape.1: a whole number is meant, not the text '32'",
        ),
        ("dataset", HUB_TEXT, {"context": 64}, "path is missing"),
        ("dataset", HUB_TEXT, {"path": "x", "revision": 2026}, "revision: text is meant, not the number 2026"),
        ("dataset", "flopscape.plugins.hub_images:HubImages", {"path": "x", "mode": "CMYK"}, "'RGB' or 'L'"),
        ("loss", "flopscape.plugins.losses:NextToken", {"a": 1}, "unknown key a"),
        ("model", GPT, {"mlp_ratio": float("nan")}, "GPT: mlp_ratio: nan is not a finite number"),
        ("loss", "flopscape.plugins.losses", {}, "write it as module:Class"),
        ("loss", "a" * 300 + ":B", {}, "write it as module:Class"),
        ("loss", "nowhere_at_all:B", {}, "nowhere_at_all cannot be imported"),
    ],
)
def test_a_wrong_argument_of_a_shipped_plugin_is_one_sentence(part, plugin, kwargs, sentence):
    (found,) = why_refused({part: {"plugin": plugin, "kwargs": kwargs}})
    assert sentence in found
    assert found.startswith(part)


@pytest.mark.parametrize(
    ("part", "plugin", "kwargs"),
    [
        ("trainer", SURFACE, {"E": 1, "diverge": ["0123456789ab"]}),
        ("model", GPT, {"context": 64.0, "mlp_ratio": 2}),
        ("model", "flopscape.plugins.vit:ViT", {"image_shape": [3, 32, 32]}),
        ("dataset", HUB_TEXT, {"path": "x", "revision": None}),
        ("dataset", "flopscape.plugins.digits:Digits", {}),
    ],
)
def test_right_arguments_pass(part, plugin, kwargs):
    assert why_refused({part: {"plugin": plugin, "kwargs": kwargs}}) == []


@pytest.fixture
def plan_with(tmp_path, monkeypatch):
    """Plan a study with a trainer and its arguments, in a folder that holds the module `mytrainer`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mytrainer.py").write_text(TRAINER)

    def plan(plugin, kwargs):
        path = tmp_path / "mine.yaml"
        path.write_text(STUDY.replace("PLUGIN", plugin).replace("KWARGS", kwargs))
        return plan_study("mine", path)

    return plan


def test_a_trainers_arguments_are_refused_by_the_plan(plan_with):
    with pytest.raises(FlopscapeError, match=r"mine\.yaml: trainer\.kwargs of .*Surface: unknown key alfa"):
        plan_with(SURFACE, "alfa: 1")
    with pytest.raises(FlopscapeError, match=r"mine\.yaml: plugin .*Surface: .* alpha and beta must be positive"):
        plan_with(SURFACE, "alpha: -1")


@pytest.mark.parametrize(
    ("plugin", "kwargs", "sentence"),
    [
        ("mytrainer:Labelled", "scale: 2", r"trainer\.kwargs of mytrainer:Labelled: label is missing"),
        ("mytrainer:Typed", "times: 2.5, kind: float32", r"mytrainer:Typed: times: a whole number is meant"),
        ("mytrainer:Typed", "times: 2, most: a", "mytrainer:Typed: most: a whole number is meant, not the text 'a'"),
        ("mytrainer:Untrained", "", "mytrainer:Untrained: the class has no method train"),
        ("mytrainer:Absent", "", "mytrainer has no class Absent"),
        ("elsewhere:Absent", "", "elsewhere cannot be imported"),
    ],
)
def test_a_users_plugin_is_held_against_its_own_signature(plan_with, plugin, kwargs, sentence):
    with pytest.raises(FlopscapeError, match=sentence) as error:
        plan_with(plugin, kwargs)
    assert "\n" not in str(error.value)
    assert "mytrainer" not in sys.modules
    assert not list(CACHE.glob("*"))


def test_a_users_plugin_is_not_constructed_and_asked_once(plan_with, capfd):
    for _ in range(2):
        assert len(plan_with("mytrainer:Labelled", "label: x, scale: 2, anything: 3").rows) == 1
    assert len(list(CACHE.iterdir())) == 1
    assert "constructed" not in capfd.readouterr().out


def test_null_may_be_given_where_it_is_the_default(plan_with):
    assert len(plan_with("mytrainer:Typed", "times: 2, most: null").rows) == 1


def test_a_plan_needs_no_place_for_replies(plan_with, tmp_path):
    (tmp_path / ".flopscape").write_text("a file where the folder of replies would be")
    assert len(plan_with("mytrainer:Labelled", "label: x").rows) == 1


def test_a_users_module_that_breaks_is_one_sentence(plan_with, tmp_path):
    (tmp_path / "mytrainer.py").write_text("1 / 0")
    with pytest.raises(FlopscapeError, match=r"mytrainer cannot be imported \(ZeroDivisionError: division by zero\)"):
        plan_with("mytrainer:Labelled", "")
    (tmp_path / "mytrainer.py").write_text("class Labelled(:")
    with pytest.raises(FlopscapeError, match=r"mytrainer\.py, line 1: not valid Python \(invalid syntax\)"):
        plan_with("mytrainer:Labelled", "")


def test_check_plugin_holds_arguments_against_signatures_too():
    words = [sys.executable, "-m", "flopscape", "check-plugin", GPT, "--sizes", '{"width": 8, "depth": 2}']
    done = subprocess.run(
        [*words, "--kwargs", '{"context": "64"}'], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "context: a whole number is meant, not the text '64'" in done.stderr
    assert "Traceback" not in done.stderr
