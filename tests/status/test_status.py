"""What `flopscape status` says of a study whose runs are done, running, silent, failed and waiting at once."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from flopscape.errors import FlopscapeError
from flopscape.plan.studies import PlannedStudy, plan_study
from flopscape.status.look import StudyNow, Watch
from flopscape.status.words import picture, status, summary

# As training/logbook.py prints it.
LINE = "step 40/2,911  314,368 tokens  train 1.6516  held-out 1.7  20,149 tokens/s  21 s left\n"


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> PlannedStudy:
    path = tmp_path_factory.mktemp("config") / "mine.yaml"
    path.write_text(Path("config/studies/quick.yaml").read_text())
    return plan_study("mine", path)


@pytest.fixture
def results(planned: PlannedStudy, tmp_path: Path) -> Path:
    """Runs 0 to 5 of the plan: done, lost, running, silent, killed, stopped with a sentence; all others wait."""
    ids = [row.run_id for row in planned.rows]
    logs, folder = tmp_path / "logs" / "train" / "mine", tmp_path / "results" / "mine"
    for place in (logs, folder / "runs"):
        place.mkdir(parents=True)
    for run_id, state, loss in ((ids[0], "completed", 2.5), (ids[1], "diverged", None)):
        record = {"status": state, "loss": loss, "reason": "loss is nan at step 3" if loss is None else ""}
        (folder / "runs" / f"{run_id}.json").write_text(json.dumps(record | {"cost": {"cpu_hours": 0.25, "usd": 0.02}}))
    texts = {2: LINE, 3: LINE, 4: LINE, 5: f"{LINE}\nflopscape: the disk is full\n"}
    for i, text in texts.items():
        (logs / f"{ids[i]}.log").write_text(text)
    for i, age in ((2, 5), (3, 5), (4, 500)):
        lease = folder / "checkpoints" / ids[i] / "lease.json"
        lease.parent.mkdir(parents=True)
        lease.touch()
        os.utime(lease, (time.time() - age,) * 2)
    os.utime(logs / f"{ids[3]}.log", (time.time() - 900,) * 2)
    return tmp_path / "results"


def look(planned: PlannedStudy, results: Path) -> StudyNow:
    return Watch(planned, results).look()


def test_each_run_is_in_the_state_that_its_files_tell(planned: PlannedStudy, results: Path) -> None:
    now = look(planned, results)
    states = ["done", "lost", "running", "silent", "failed", "failed"]
    assert [run.state for run in now.runs] == states + ["waiting"] * (len(planned.rows) - 6)
    running, silent = now.runs[2], now.runs[3]
    assert (running.step, running.loss, running.rate) == (40, 1.6516, 20149)
    assert silent.seconds == pytest.approx(900, abs=60)
    assert [run.reason for run in now.runs[4:6]] == [
        "it ended without a word after step 40",
        "flopscape: the disk is full",
    ]
    assert now.runs[1].reason == "loss is nan at step 3"


def test_a_trainer_that_still_imports_has_not_failed_until_it_is_silent_for_long(
    planned: PlannedStudy, results: Path
) -> None:
    log = results.parent / "logs" / "train" / "mine" / f"{planned.rows[6].run_id}.log"
    log.touch()
    assert look(planned, results).runs[6].state == "running"
    os.utime(log, (time.time() - 900,) * 2)
    late = look(planned, results).runs[6]
    assert (late.state, late.reason) == ("failed", "its log is empty: it ended before its first word")


def test_what_is_spent_and_left_and_the_time_follow_from_the_plan(planned: PlannedStudy, results: Path) -> None:
    now, rows = look(planned, results), planned.rows
    spent = rows[0].flops + rows[1].flops + sum(row.flops * 40 / row.n_steps for row in rows[2:6])
    assert now.flops_spent == pytest.approx(spent)
    assert now.flops_left == pytest.approx(sum(row.flops for row in rows) - spent)
    assert now.seconds_left == pytest.approx(now.flops_left / (20149 * rows[2].flops_per_unit))
    said = "\n".join(summary(now))
    assert "1 done, 1 running, 1 held by a trainer, but without a new step" in said
    assert "0.500 CPU h" in said
    assert "$0.04" in said


def test_the_picture_fits_a_terminal_of_eighty_columns_and_names_what_failed(
    planned: PlannedStudy, results: Path
) -> None:
    text = io.StringIO()
    Console(file=text, width=80).print(picture(look(planned, results)))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    (running,) = [line for line in lines if line.startswith(planned.rows[2].run_id)]
    assert f"40/{planned.rows[2].n_steps:,}" in running
    assert "the disk is full" in text.getvalue()
    assert "…" not in running


def test_a_run_that_ends_between_two_looks_is_done_at_the_second(planned: PlannedStudy, results: Path) -> None:
    watch = Watch(planned, results)
    before = watch.look()
    record = results / "mine" / "runs" / f"{planned.rows[2].run_id}.json"
    record.write_text(json.dumps({"status": "completed", "loss": 2.0}))
    after = watch.look()
    assert (before.counts["done"], after.counts["done"]) == (1, 2)
    assert after.flops_left < before.flops_left


def test_nothing_begun_and_a_name_of_no_study_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FlopscapeError, match=r"status: no study has begun in .*run snakemake first"):
        status([], tmp_path, Path("config/studies"))
    with pytest.raises(FlopscapeError, match=r"no file config/studies/quik\.yaml; did you mean quick"):
        status(["quik"], tmp_path, Path("config/studies"))


def test_results_without_a_config_are_named_and_hide_no_other_study(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("quick", "gone"):
        (results / name / "runs").mkdir(parents=True)
    status([], results, Path("config/studies"))
    said = capsys.readouterr()
    assert "quick: " in said.out
    assert "gone: left out: studies: no file config/studies/gone.yaml" in said.err


def test_watching_ends_by_itself_when_all_runs_are_done(planned: PlannedStudy, tmp_path: Path) -> None:
    runs = tmp_path / "results" / "quick" / "runs"
    runs.mkdir(parents=True)
    for row in plan_study("quick", Path("config/studies/quick.yaml")).rows:
        (runs / f"{row.run_id}.json").write_text(json.dumps({"status": "completed", "loss": 2.0}))
    words = ["status", "quick", "--watch", "--results", str(tmp_path / "results")]
    done = subprocess.run([sys.executable, "-m", "flopscape", *words], capture_output=True, text=True, check=True)
    n_runs = len(planned.rows)
    assert f"quick: {n_runs} runs: {n_runs} done" in done.stdout
    assert "(100%)" in done.stdout
