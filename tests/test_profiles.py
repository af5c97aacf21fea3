"""What the profiles have in common, and what those of clouds must not hide."""

import pytest
import yaml

import flopscape
from tests.conftest import ROOT

PROFILES = {path.parent.name: path for path in sorted((ROOT / "profiles").glob("*/config.yaml"))}
CLOUDS = ("aws-batch", "google-batch", "kubernetes")
# A profile for `default` is a template: its condition is no YAML.
KEPT = {
    "rerun-triggers": ["params", "input", "mtime"],
    "rerun-incomplete": True,
    "keep-going": True,
    "show-failed-logs": True,
    "scheduler": "greedy",
    "scheduler-subsample": 100,
}


@pytest.mark.parametrize("name", sorted(PROFILES.keys() - {"default"}))
def test_every_profile_retrains_nothing_for_the_text_of_a_rule_and_has_a_fast_scheduler(name):
    profile = yaml.safe_load(PROFILES[name].read_text())
    assert {key: profile[key] for key in KEPT} == KEPT


@pytest.mark.parametrize("name", CLOUDS)
def test_a_profile_that_nobody_has_run_says_so_first_and_has_no_place_or_key_of_anyone_in_it(name):
    text = PROFILES[name].read_text()
    assert text.startswith("# UNTESTED: ")
    profile = yaml.safe_load(text)
    assert profile["shared-fs-usage"] == "none"
    assert "BUCKET" in profile["default-storage-prefix"]
    image = profile.get("container-image") or profile["googlebatch-container"]
    assert image == f"REGISTRY/flopscape:{flopscape.__version__}"
