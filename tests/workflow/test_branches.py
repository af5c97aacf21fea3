"""Branches under real Snakemake: every path is trained once, and no finished run again."""

import json
import re

import pytest

from tests.workflow.conftest import write_branching_study

TABLE = "results/mine/runs.csv"


@pytest.fixture
def branched(checkout):
    write_branching_study(checkout, [7680, 12800, 25600])
    return checkout


def due(checkout):
    """What a dry run prints, and the training jobs that it counts."""
    text = checkout.snakemake("-n", "-q", "rules", studies="mine")
    counts = re.findall(r"^(train_\w+) +(\d+)$", text.partition("Reasons:")[0], re.MULTILINE)
    return text, {rule: int(count) for rule, count in counts}


def records(checkout):
    """By planned tokens."""
    found = [json.loads(path.read_text()) for path in checkout.records("mine")]
    return {record["n_tokens_planned"]: record for record in found}


def test_every_path_is_trained_once_and_no_finished_run_again(branched):
    text, jobs = due(branched)
    assert jobs == {"train_trunk": 1, "train_run": 2}
    assert "35.6% saved by branches" in text  # 46080 tokens by training 25600 + 0.2 × (12800 + 7680)
    branched.snakemake(TABLE, studies="mine")
    made = records(branched)
    trunk = made[25600]["run_id"]
    lineage = {n: (record["parent"], record["n_tokens_inherited"]) for n, record in made.items()}
    assert lineage == {7680: (trunk, 6144), 12800: (trunk, 10240), 25600: ("", 0)}
    assert not (branched.folder / "results/mine/checkpoints").exists()
    assert due(branched)[1] == {}

    files = {n: branched.folder / f"results/mine/runs/{record['run_id']}.json" for n, record in made.items()}
    files[12800].unlink()
    text, jobs = due(branched)
    assert jobs == {"train_run": 1}
    assert "saved" not in text  # its trunk is finished: it will be trained alone
    files[25600].unlink()
    assert due(branched)[1] == {"train_trunk": 1, "train_run": 1}
    branched.edit("config/studies/mine.yaml", "branches: true", "branches: false")
    assert due(branched)[1] == {"train_run": 2}
