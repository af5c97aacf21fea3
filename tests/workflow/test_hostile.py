"""Hostile strings in a study reach the report as text, and no shell."""

import pytest
import yaml

from tests.cli.test_shell import HOSTILE
from tests.workflow.conftest import TINY

TEXT = " ".join(HOSTILE)
LABELLED = """
from flopscape.plugins.surface import Surface


class Labelled(Surface):
    def __init__(self, label, **kwargs):
        super().__init__(**kwargs)
"""


def test_hostile_strings_in_every_free_key_run_nothing(checkout):
    study = yaml.safe_load(TINY)
    (checkout.folder / "labelled.py").write_text(LABELLED)
    study["title"] = TEXT
    study["fits"] = [{"name": "f", "method": "approach2", "exclude": f"run_id == {TEXT!r}", "bootstrap": 100}]
    study["recommend"].pop("fit")
    study["trainer"] = {"plugin": "labelled:Labelled", "kwargs": study["trainer"]["kwargs"] | {"label": TEXT}}
    (checkout.folder / "config/studies/tiny.yaml").write_text(yaml.safe_dump(study))
    checkout.snakemake()
    assert not list(checkout.folder.rglob("pwned"))


@pytest.mark.parametrize("key", ["model", "trainer"])
def test_a_hostile_plugin_path_is_refused_and_runs_nothing(checkout, key):
    study = yaml.safe_load(TINY) | {key: {"plugin": TEXT}}
    (checkout.folder / "config/studies/tiny.yaml").write_text(yaml.safe_dump(study))
    done = checkout.run("snakemake", "--config", "studies=tiny")
    assert done.returncode != 0
    assert not list(checkout.folder.rglob("pwned"))
