"""The config that others test the workflow with, `snakemake -d .test`, and how the catalog of workflows lists it."""

import re
import shutil

import yaml

from tests.conftest import ROOT
from tests.workflow.conftest import N_TINY, jobs_of


def test_the_test_config_plans_a_minute_of_simulated_runs_for_nothing(checkout):
    shutil.copytree(ROOT / ".test", checkout.folder / ".test")
    done = checkout.run("snakemake", "-n", "-q", "rules", "-d", ".test")
    assert done.returncode == 0, done.stderr
    assert jobs_of(done.stdout)["train_run"] == N_TINY
    assert re.search(r"total +12 of 12 .*\$0\.00", done.stdout)


def test_the_catalog_finds_what_it_asks_for():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"] == {"conda": True, "report": True}
    assert usage["mandatory-flags"]["desc"]
    assert (ROOT / "config/README.md").is_file()
