"""`snakedeploy deploy-workflow` into an empty folder, as from GitHub: the workflow is read from its address."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.workflow.conftest import N_TINY, Checkout, copy_checkout, jobs_of

ADDRESS = "https://github.com/someone/flopscape"
SNAKEDEPLOY = Path(sys.executable).with_name("snakedeploy")
IDENTITY = ("-c", "user.name=someone", "-c", "user.email=someone@example.org")


@dataclass(frozen=True)
class Deployed(Checkout):
    """A deployed workflow, and what the environment must say for it to be found."""

    environment: dict[str, str]

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = os.environ | self.environment | environment
        return subprocess.run(words, cwd=self.folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory) -> Deployed:
    """A folder with what snakedeploy wrote, and the repository beside it, which git finds at the address above."""
    folder = tmp_path_factory.mktemp("deployed")
    repository = copy_checkout(folder / "repository").folder
    for words in (["init", "-q"], ["add", "-A"], [*IDENTITY, "commit", "-qm", "all"], ["tag", "v0"]):
        subprocess.run(["git", *words], cwd=repository, check=True)
    found = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_VALUE_0": ADDRESS, "XDG_CACHE_HOME": str(folder / "cache")}
    found["GIT_CONFIG_KEY_0"] = f"url.{repository.as_uri()}.insteadOf"
    here = Deployed(folder / "sweeps", found | {"PYTHONPATH": str(repository / "workflow")})
    here.folder.mkdir()
    done = here.run(str(SNAKEDEPLOY), "deploy-workflow", ADDRESS, ".", "--tag", "v0")
    assert done.returncode == 0, done.stderr
    return here


def price(text: str) -> list[str]:
    """The table of what is still to do."""
    return text[text.index("Price of study") :].splitlines()[:7]


def test_a_deployed_workflow_is_priced_as_its_repository_is(deployed, checkout):
    there, here = (each.snakemake("-n") for each in (deployed, checkout))
    assert jobs_of(there)["train_run"] == N_TINY
    assert jobs_of(there) == jobs_of(here)
    assert price(there) == price(here)


def test_a_deployed_workflow_starts_nothing_beyond_the_limit_of_a_study(deployed):
    deployed.edit("config/studies/kjv-gpt.yaml", "max_usd: null", "max_usd: 0.0001")
    done = deployed.run("snakemake", "--config", "studies=kjv-gpt")
    assert done.returncode == 1
    assert "more than limits.max_usd = 0.0001; nothing more is started" in done.stderr
    assert not (deployed.folder / "results").exists()


def answer(study: Checkout) -> str:
    """The first part of a study's report."""
    return (study.folder / "results/tiny/report.md").read_text().split("## ")[0]


def test_a_deployed_workflow_gives_the_answers_of_its_repository(deployed, finished):
    assert "Recommendation of study tiny" in deployed.snakemake()
    assert answer(deployed) == answer(finished)
    for fit in ("approach2", "vpnls"):
        one, other = (
            json.loads((it.folder / f"results/tiny/fits/{fit}.json").read_text()) for it in (deployed, finished)
        )
        one["made_from"]["table"] = other["made_from"]["table"]  # the table has seconds in it
        assert one == other
