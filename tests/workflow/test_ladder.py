"""A study that is planned rung by rung goes from nothing to its report in one `snakemake`, whatever interrupts it."""

import argparse
import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.outcomes import differences, outcome
from tests.training.conftest import MODEL
from tests.waiting import wait_until
from tests.workflow.climb import CLIMB, N_RUNS, N_SCOUTS, RUNGS, STUDY, TABLE, climbing, rungs
from tests.workflow.conftest import N_TINY, Checkout, copy_checkout, jobs_of, run_once


@pytest.fixture(scope="session")
def climbed_once(tmp_path_factory, worker_id) -> Path:
    """The ladder, run to its report once for all tests."""
    return run_once(tmp_path_factory, worker_id, "climb", CLIMB)


@pytest.fixture
def climbed(climbed_once, tmp_path) -> Checkout:
    """A checkout of its own in which the ladder is finished."""
    shutil.copytree(climbed_once, tmp_path / "climbed", symlinks=True)
    return Checkout(tmp_path / "climbed")


@pytest.fixture
def fresh(tmp_path) -> Checkout:
    """A checkout in which nothing of the ladder is run."""
    return climbing(copy_checkout(tmp_path / "fresh"))


def written(checkout: Checkout, study: str = "climb") -> dict[str, int]:
    """When each record was written."""
    return {path.stem: path.stat().st_mtime_ns for path in checkout.records(study)}


def test_one_snakemake_goes_from_nothing_to_the_report_and_then_nothing_is_left(climbed):
    results = climbed.folder / "results/climb"
    assert (results / "report.html").exists()
    assert list(rungs(climbed.folder)) == list(RUNGS)
    ids = {path.stem for path in climbed.records("climb")}
    with (results / "plan.csv").open() as plan, (results / "runs.csv").open() as table:
        assert {row["run_id"] for row in csv.DictReader(plan)} == ids
        assert {row["run_id"] for row in csv.DictReader(table)} == ids
    assert len(ids) == N_RUNS
    again = climbed.snakemake("-n", studies="climb")
    assert "Nothing to be done" in again
    assert "still to be planned" not in again
    for path in climbed.records("climb"):
        path.touch()
    shutil.rmtree(climbed.folder / ".snakemake")
    assert {"plan_rung", "train_run"}.isdisjoint(climbed.due(studies="climb"))


def test_a_dry_run_prices_the_rungs_still_open_and_says_that_it_expects_them(fresh):
    text = fresh.snakemake("-n", "--cores", "2", studies="climb")
    jobs = jobs_of(text)
    assert (jobs["train_run"], jobs["plan_rung"], jobs["collect_runs"], jobs["write_report"]) == (N_SCOUTS, 3, 1, 1)
    assert re.search(rf"^total +{N_SCOUTS} of {N_SCOUTS} .*{N_SCOUTS} new$", text, re.MULTILINE)
    assert len(re.findall(r"^\S+ expected +4 of 4 ", text, re.MULTILINE)) == 3
    assert re.search(rf"^total with expected +{N_RUNS} of {N_RUNS} ", text, re.MULTILINE)
    assert "expected: rungs 1, 2, 3 are still to be planned" in text

    # In the middle: the second rung is planned and its runs are due, only the third is open.
    fresh.snakemake("results/climb/rungs/2.json", studies="climb")
    verb = ("flopscape", "plan", STUDY, "--cores", "2")
    table = fresh.run(*verb).stdout.strip()
    text = fresh.snakemake("-n", "--cores", "2", studies="climb")
    assert table in text
    assert (jobs_of(text)["train_run"], jobs_of(text)["plan_rung"]) == (4, 1)
    assert re.search(rf"^total +4 of {N_SCOUTS + 8} ", text, re.MULTILINE)
    assert re.search(rf"^total with expected +8 of {N_RUNS} ", text, re.MULTILINE)
    assert "expected: rung 3 is still to be planned" in text
    told = json.loads(fresh.run(*verb, "--json").stdout)
    assert (len(told["runs"]), {name: len(of) for name, of in told["open_runs"].items()}) == (13, {"3": 4})
    assert told["price"]["expected"]["total"]["n_todo"] == 8


@pytest.mark.parametrize("rung", RUNGS)
def test_a_ladder_that_is_killed_after_a_rung_was_planned_comes_to_the_same_plan_and_table(fresh, climbed_once, rung):
    env = os.environ | {"PYTHONPATH": str(fresh.folder / "workflow")}
    words = ["snakemake", TABLE, "--config", "studies=climb"]
    with (fresh.folder / "out").open("w") as out:
        started = subprocess.Popen(words, cwd=fresh.folder, env=env, stdout=out, stderr=out, start_new_session=True)
    planned = fresh.folder / f"results/climb/rungs/{rung}.json"
    wait_until(planned.exists, "the rung", every=0.01)
    # The first one before Snakemake has seen the end of the job that plans, the others some way into the runs.
    time.sleep(random.Random(int(rung)).uniform(0, 2) if rung != "1" else 0)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    before = planned.read_bytes()
    fresh.snakemake(TABLE, "--nolock", studies="climb")
    assert planned.read_bytes() == before
    assert rungs(fresh.folder) == rungs(climbed_once)
    tables = [outcome(folder, "climb")["runs.csv"] for folder in (fresh.folder, climbed_once)]
    assert differences({"runs.csv": tables[0]}, {"runs.csv": tables[1]}) == []


def test_no_record_that_is_lost_or_comes_later_moves_a_rung(climbed):
    before, records = rungs(climbed.folder), climbed.records("climb")
    for path in records[:2]:
        path.unlink()
    due = climbed.due(studies="climb")
    assert due["train_run"] == 2
    assert "plan_rung" not in due
    climbed.snakemake(*(str(path.relative_to(climbed.folder)) for path in records[:2]), studies="climb")
    assert climbed.records("climb") == records
    assert rungs(climbed.folder) == before
    assert "plan_rung" not in climbed.due(studies="climb")


def test_a_ladder_with_other_options_is_planned_again_and_runs_that_it_shares_with_the_old_one_are_kept(climbed):
    before, old = written(climbed), rungs(climbed.folder)
    climbed.edit("config/studies/climb.yaml", "half_span_dex: 0.4", "half_span_dex: 0.5")
    assert climbed.due(studies="climb")["plan_rung"] == 3
    climbed.snakemake(TABLE, studies="climb")
    now = rungs(climbed.folder)
    assert list(now) == list(old)
    assert all(now[rung] != old[rung] for rung in RUNGS)
    assert before.items() <= written(climbed).items()
    assert climbed.due(TABLE, studies="climb") == {}


def test_a_person_may_have_rungs_planned_again_which_comes_to_the_same_ones(climbed):
    before, records = rungs(climbed.folder), written(climbed)
    told = climbed.snakemake(TABLE, "-R", "plan_rung", studies="climb")
    assert told.count("localcheckpoint plan_rung:") == 3
    assert (rungs(climbed.folder), written(climbed)) == (before, records)


def test_a_rung_that_was_edited_by_hand_stops_everything_in_a_sentence(climbed):
    path = climbed.folder / "results/climb/rungs/2.json"
    path.write_text(path.read_text().replace('"seeds": [\n    0\n   ]', '"seeds": [0, 1]'))
    for more in ((), ("-n",)):
        done = climbed.run("snakemake", *more, "--config", "studies=climb")
        assert done.returncode != 0
        assert "results/climb/rungs/2.json: not as it was planned; delete it" in done.stdout + done.stderr


def test_a_growing_study_hides_no_job_of_another(fresh):
    jobs = fresh.due(studies="tiny,climb")
    assert (jobs["train_run"], jobs["plan_rung"], jobs["write_report"]) == (N_TINY + N_SCOUTS, 3, 2)


def test_a_finished_sweep_is_refined_by_runs_around_each_optimum_and_none_is_trained_again(finished):
    before = written(finished, "tiny")
    finished.edit("config/studies/tiny.yaml", "  isoflop:", "  refine: {sizes: 1}\n  isoflop:")
    text = finished.snakemake("-n")
    assert jobs_of(text)["plan_rung"] == 1
    assert "train_run" not in jobs_of(text)
    assert re.search(r"^refine expected +3 of 3 ", text, re.MULTILINE)
    finished.snakemake("results/tiny/runs.csv")
    assert before.items() <= written(finished, "tiny").items()
    assert len(finished.records()) == N_TINY + 3
    with (finished.folder / "results/tiny/runs.csv").open() as table:
        assert len(list(csv.DictReader(table))) == N_TINY + 3


def lose(records: list[Path]) -> None:
    """Have the runs of these records diverge."""
    for path in records:
        data = json.loads(path.read_text())
        nothing = {"status": "diverged", "reason": "the loss was no number", "loss": None, "loss_se": None}
        path.write_text(json.dumps(data | nothing | {"curve": {name: [] for name in data["curve"]}}))


def test_a_ladder_says_on_the_terminal_why_it_stops_and_which_rungs_few_runs_have_placed(fresh):
    ids = [row["run_id"] for row in json.loads(fresh.run("flopscape", "plan", STUDY, "--json").stdout)["runs"]]
    fresh.snakemake(*(f"results/climb/runs/{name}.json" for name in ids), studies="climb")
    whole = {path: path.read_text() for path in fresh.records("climb")}
    lose([*whole][:3])
    sentence = "rung 1: at budget 3×10⁹ runs of 2 sizes have a loss, 2 of 5, and it takes 3 sizes to say where"
    done = fresh.run("snakemake", TABLE, "--config", "studies=climb")
    assert done.returncode != 0
    assert f"config/studies/climb.yaml: {sentence}" in done.stdout + done.stderr
    assert f"stopped: {sentence}" in fresh.snakemake("-n", studies="climb")
    assert f"stopped: {sentence}" in fresh.run("flopscape", "plan", STUDY).stdout

    first = next(iter(whole))
    first.write_text(whole[first])
    text = "at budget 3×10⁹ 3 of 5 runs have a loss; the lowest point of the parabola"
    assert f"warning: study climb: rung 1: {text}" in fresh.snakemake(studies="climb")
    told = fresh.snakemake("-n", studies="climb")
    assert "stopped" not in told
    assert f"warning: rung 1: {text}" in told
    report = (fresh.folder / "results/climb/report.md").read_text()
    assert "At budget 3×10⁹, which placed rungs 1, 2 and 3, 3 of 5 runs have a loss" in report
    assert f"- Rungs 2 and 3: {text}" in report
    assert "diverged: the loss was no number." in report
    assert "2 runs did not complete" in (fresh.folder / "results/climb/checklist.md").read_text()


REAL = f"""
title: A ladder of real runs that may cost next to nothing
model: {json.dumps(MODEL)}
dataset: {{plugin: flopscape.plugins.text:TextFile, kwargs: {{path: corpus.txt, context: 32}}}}
training: {{heldout_units: 1024, curve_heldout_points: 2, batch_units: 128}}
sweep:
  family: {{width_multiple: 4, depth: 1}}
  ladder: {{top: 3.0e+9, budgets: 2, decades: 1, sizes: 3, first_seeds: 1, half_span_dex: 0.4, scouts: {{sizes: 3}}}}
limits: {{max_usd: 1.0e-6}}
fits: [vpnls]
recommend: {{flops: [1.0e+10]}}
"""


def test_a_ladder_whose_runs_turn_out_dearer_than_its_limit_stops_before_the_next_rung(fresh):
    shutil.copy2(Path(argparse.__file__), fresh.folder / "corpus.txt")
    (fresh.folder / "config/studies/mine.yaml").write_text(REAL)
    prices = "prices={usd_per_cpu_hour: 0.1, cpu_flops_per_second: 1.0e+18, startup_seconds: 0.000001}"
    words = ("snakemake", "results/mine/runs.csv")
    config = ("--config", "studies=mine", prices)
    assert "REFUSED" not in fresh.run(*words, "-n", *config).stdout
    done = fresh.run(*words, *config)
    assert done.returncode != 0
    assert len(fresh.records("mine")) == 3
    assert not (fresh.folder / "results/mine/rungs").exists()
    assert "more than limits.max_usd = 1e-06" in (fresh.folder / "logs/rungs/mine/1.log").read_text()
    assert "more than limits.max_usd = 1e-06" in fresh.run(*words, "-n", *config).stdout
