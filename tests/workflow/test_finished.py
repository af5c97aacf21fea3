"""A run is finished when its record says so: not by time stamps, `.snakemake`, or its data."""

import json
import os
import random
import re
import shutil
from pathlib import Path

import pytest

from tests.workflow.conftest import N_TINY, Checkout, copy_checkout, jobs_of, write_branching_study

TRAINING = {"train_run", "train_trunk", "prepare_data", "check_plugins"}


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory) -> Path:
    """A study of real training, done up to its table."""
    once = copy_checkout(tmp_path_factory.mktemp("trained"))
    write_branching_study(once, [7680, 12800])
    once.snakemake("results/mine/runs.csv", studies="mine")
    return once.folder


def moved(source: Path, target: Path) -> Checkout:
    """A copy elsewhere, as `cp -r` leaves it: time stamps in any order, the data's and the corpus' newest of all."""
    shutil.copytree(source, target, symlinks=True)
    files = [path for path in target.rglob("*") if path.is_file() and ".snakemake" not in path.parts]
    newest = [path for path in files if "data" in path.parts or path.name == "corpus.txt"]
    rest = sorted(set(files) - set(newest))
    random.Random(1).shuffle(rest)
    for age, path in enumerate([*rest, *sorted(newest)]):
        os.utime(path, (1.7e9 + age, 1.7e9 + age))
    return Checkout(target)


@pytest.fixture
def trained(trained_once, tmp_path) -> Checkout:
    return moved(trained_once, tmp_path / "moved")


def forget(checkout: Checkout, *paths: str) -> None:
    for path in paths:
        target = checkout.folder / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()


def only_records(checkout: Checkout) -> None:
    """Everything but results/mine/runs/*.json is left behind."""
    kept = {path.name: path.read_bytes() for path in checkout.records("mine")}
    forget(checkout, ".snakemake", "results")
    (checkout.folder / "results/mine/runs").mkdir(parents=True)
    for name, content in kept.items():
        (checkout.folder / "results/mine/runs" / name).write_bytes(content)


WAYS = {
    "time stamps": lambda checkout: None,
    "without .snakemake": lambda checkout: forget(checkout, ".snakemake"),
    "without data and checks": lambda checkout: forget(checkout, "results/data", "results/mine/checks"),
    "only the records": only_records,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_trained_study_that_was_moved_is_still_trained(trained, way):
    WAYS[way](trained)
    assert not TRAINING & trained.due(studies="mine").keys()


THEIRS = """
configfile: "config/config.yaml"

module flopscape:
    snakefile: "Snakefile"
    config: config

use rule * from flopscape as their_*
"""


def test_a_workflow_that_uses_this_one_trains_nothing_again_and_prices_what_is_due(trained):
    (trained.folder / "theirs.smk").write_text(THEIRS)
    trained.edit("config/studies/mine.yaml", "[7680, 12800]", "[7680, 10240, 12800]")
    words = ("-n", "-s", "theirs.smk", "their_all")
    said = trained.snakemake(*words, studies="mine")
    assert {rule: n for rule, n in jobs_of(said).items() if "train" in rule} == {"their_train_run": 1}
    assert re.search(r"^total +1 of 3 ", said, re.MULTILINE)
    assert "their_train_trunk" in jobs_of(trained.snakemake(*words, "-R", "their_train_trunk", studies="mine"))


def test_no_flag_but_an_explicit_word_has_a_finished_run_trained(trained):
    forget(trained, "results/data")
    triggers = ("--rerun-triggers", "code", "input", "mtime", "params", "software-env")
    assert not TRAINING & trained.due(*triggers, studies="mine").keys()
    for rule in ("train_run", "train_trunk"):
        due = trained.due("-R", rule, studies="mine")
        assert {name: number for name, number in due.items() if name.startswith("train_")} == {rule: 1}
    forced = trained.due("-F", studies="mine")
    assert (forced["train_run"], forced["train_trunk"], forced["prepare_data"]) == (1, 1, 1)


def test_forced_branches_start_from_their_forced_trunk_as_the_price_says(trained):
    said = trained.snakemake("-n", "-p", "-F", studies="mine")
    assert " --branches 7680 " in said
    assert "% saved by branches" in said


@pytest.mark.parametrize("words", [("-F",), ("-R", "train_run"), ("-f", "RECORD")], ids=["-F", "-R", "-f"])
def test_a_finished_study_over_its_limit_is_not_trained_again_by_force(trained, words):
    trained.edit("config/studies/mine.yaml", "title:", "limits: {max_usd: 0.0000001}\ntitle:")
    assert "REFUSED" not in trained.snakemake("-n", studies="mine")
    before = {path: path.read_bytes() for path in trained.records("mine")}
    forced = [word.replace("RECORD", str(min(before).relative_to(trained.folder))) for word in words]
    assert "REFUSED: study mine: would cost" in trained.snakemake("-n", *forced, studies="mine")
    started = trained.run("snakemake", *forced, "--config", "studies=mine")
    assert started.returncode != 0
    assert "more than limits.max_usd = 1e-07; nothing more is started" in started.stderr
    assert {path: path.read_bytes() for path in trained.records("mine")} == before


def test_one_more_run_is_trained_alone_though_nothing_but_the_records_was_kept(trained):
    only_records(trained)
    trained.edit("config/studies/mine.yaml", "[7680, 12800]", "[7680, 10240, 12800]")
    due = trained.due(studies="mine")
    assert {rule: due[rule] for rule in TRAINING & due.keys()} == {
        "train_run": 1,
        "prepare_data": 1,
        "check_plugins": 1,
    }
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in trained.records("mine")}
    trained.snakemake("results/mine/runs.csv", studies="mine")
    assert len(trained.records("mine")) == 3
    assert all((path.stat().st_mtime_ns, path.read_bytes()) == kept for path, kept in before.items())


def test_runs_on_other_data_than_before_are_refused_before_they_are_paid_for(trained):
    (seen,) = {json.loads(path.read_text())["data_hash"][:12] for path in trained.records("mine")}
    only_records(trained)
    with (trained.folder / "corpus.txt").open("a") as corpus:
        corpus.write("# one line more\n")
    trained.edit("config/studies/mine.yaml", "[7680, 12800]", "[7680, 10240, 12800]")
    before = {path: path.read_bytes() for path in trained.records("mine")}
    words = ("snakemake", "results/mine/runs.csv", "--config", "studies=mine")
    assert trained.run(*words).returncode != 0
    (log,) = (trained.folder / "logs/check/mine").glob("*.log")
    refusal = f"but 2 of 2 finished runs saw {seen}…, and no table takes runs on both; restore those data, or bump"
    assert refusal in log.read_text()
    again = trained.run(*words)
    assert refusal in again.stderr
    assert "prepare_data" not in again.stderr
    assert "REFUSED: study mine: the data in results/data/" in trained.snakemake("-n", studies="mine")
    assert {path: path.read_bytes() for path in trained.records("mine")} == before
    trained.edit("config/studies/mine.yaml", "title:", "recipe: 2\ntitle:")
    assert "REFUSED" not in trained.snakemake("-n", studies="mine")


def test_a_simulated_study_that_was_moved_is_still_finished(finished_once, tmp_path):
    moved_study = moved(finished_once, tmp_path / "moved")
    assert "train_run" not in moved_study.due()
    forget(moved_study, ".snakemake")
    assert "train_run" not in moved_study.due()
    moved_study.edit(
        "config/studies/tiny.yaml", "{width: 16, depth: 2}", "{width: 16, depth: 2}, {width: 24, depth: 2}"
    )
    assert moved_study.due()["train_run"] == 3


def test_records_edited_by_hand_stop_the_start_by_name_and_the_dry_run_says_so(finished_once, tmp_path):
    edited = moved(finished_once, tmp_path / "moved")
    null, text = edited.records()[:2]
    null.write_text(json.dumps(json.loads(null.read_text()) | {"n_tokens_seen": None}))
    text.write_text(json.dumps(json.loads(text.read_text()) | {"loss": "2.5"}))
    said = edited.snakemake("-n")
    assert f"0 of {N_TINY}" in said
    for path, words in ((null, "n_tokens_seen is None"), (text, "loss is '2.5'")):
        assert f"unreadable: {path.relative_to(edited.folder)}: {words}" in said
    started = edited.run("snakemake", "--config", "studies=tiny")
    assert started.returncode != 0
    assert "loss is '2.5', where a number or null belongs; restore the record" in started.stderr
    assert "Traceback" not in started.stderr
