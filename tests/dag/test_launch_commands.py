"""The command line of a run: where it logs is in it, and never in the run's identity."""

import pytest

from flopscape.config.machine import Prices
from flopscape.config.read import validate
from flopscape.config.study import Study
from flopscape.dag.commands import launch_command
from flopscape.errors import FlopscapeError
from flopscape.plan.rows import plan_rows

TRAINED = {
    "title": "a study",
    "model": {"plugin": "flopscape.plugins.gpt:GPT"},
    "dataset": {"plugin": "flopscape.plugins.text:BibleText"},
    "sweep": {"rows": [{"size": {"width": 16, "depth": 2}, "n_tokens": 2560}]},
    "fits": ["vpnls"],
    "recommend": {"flops": [1e12]},
}


def study(**changes):
    return validate(Study, TRAINED | changes, "a test's study")


@pytest.mark.parametrize(
    ("tracking", "words"),
    [
        ({}, ""),
        ({"folder": "logs"}, ""),
        ({"trackers": ["mlflow", "wandb"]}, " --tracker mlflow --tracker wandb"),
        ({"trackers": ["tensorboard"], "folder": "my logs"}, " --tracker tensorboard --tracking-folder 'my logs'"),
    ],
    ids=str,
)
def test_trackers_are_in_the_command_and_not_in_the_run_id(tracking, words):
    tracked = study(tracking=tracking)
    assert launch_command(tracked, Prices()) == launch_command(study(), Prices()) + words
    assert plan_rows(tracked) == plan_rows(study())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tracking": {"trackers": ["comet"]}}, "'tensorboard', 'mlflow' or 'wandb'"),
        (
            {"tracking": {"trackers": ["mlflow"]}, "trainer": {"plugin": "flopscape.plugins.surface:Surface"}},
            "only the loop's runs are tracked",
        ),
    ],
)
def test_tracking_that_cannot_be_is_refused(changes, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        study(**changes)
