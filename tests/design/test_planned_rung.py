"""`flopscape plan-rung` on records of simulated runs: rung after rung, and what is refused with nothing written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flopscape.cli.app import app
from flopscape.config.read import load_study
from flopscape.design.of_plan import stopped_sentences
from flopscape.errors import FlopscapeError
from flopscape.plan.rows import plan_rows
from flopscape.plan.rungs import read_rungs
from flopscape.plan.studies import plan_study
from flopscape.plugins.surface import Surface

LAW = {"E": 1.0, "A": 30.0, "B": 400.0, "alpha": 0.4, "beta": 0.5, "noise": 0.002}
TRAINER = f'trainer: {{plugin: "flopscape.plugins.surface:Surface", kwargs: {json.dumps(LAW)}}}\n'
REAL = """
title: t
model: {plugin: "flopscape.plugins.gpt:GPT"}
sweep:
  family: {width_multiple: 4, depth: 2}
  ladder: {top: 1.0e+12, budgets: 2, decades: 1, sizes: 5}
  refine: {sizes: 1}
fits: [approach2]
recommend: {flops: [1.0e+13]}
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(REAL + TRAINER)
    return tmp_path / "tiny.yaml"


def train(study: Path) -> None:
    """The runs that are planned so far; those of a study with the loop too, as if it had trained them."""
    results = study.parent / "results/tiny"
    for row in plan_rows(load_study(study), read_rungs(load_study(study), results / "rungs")):
        if not (path := results / f"runs/{row.run_id}.json").exists():
            Surface(**LAW).train(row.spec).write(path)


def words(study: Path, rung: str, *options: str) -> list[str]:
    results = study.parent / "results/tiny"
    out = str(results / f"rungs/{rung}.json")
    return ["plan-rung", str(study), "--rung", rung, "--results", str(results), "--out", out, *options]


def plan(study: Path, rung: str, *options: str) -> None:
    app(words(study, rung, *options), standalone_mode=False)


def test_rung_after_rung_is_planned_and_again_the_same(study: Path) -> None:
    rungs = study.parent / "results/tiny/rungs"
    for name in ("1", "2", "refine"):
        train(study)
        plan(study, name)
    written = {path.name: path.read_bytes() for path in rungs.iterdir()}
    assert sorted(written) == ["1.json", "2.json", "refine.json"]
    train(study)
    (rungs / "1.json").unlink()
    subprocess.run([sys.executable, "-m", "flopscape", *words(study, "1")], check=True)
    assert {path.name: path.read_bytes() for path in rungs.iterdir()} == written
    second = json.loads(written["2.json"])
    assert [center["how"] for center in second["centers"]] == ["the lowest point of the parabola"] * 2
    assert len(second["budgets"][0]["sizes"]) == 5


def test_a_rung_beyond_the_limits_is_refused_with_the_numbers_and_not_written(study: Path) -> None:
    """Five runs of 1e11 FLOPs at 1e6 FLOP/s are 139 hours and 14 dollars, and the scouts before them 6."""
    study.write_text(REAL + 'dataset: {plugin: "flopscape.plugins.text:BibleText"}\nlimits: {max_usd: 5}\n')
    config = study.parent / "config.yaml"
    config.write_text(
        "studies: []\nprices: {cpu_flops_per_second: 1.0e+6, usd_per_cpu_hour: 0.1, startup_seconds: 0}\n"
    )
    train(study)
    refusal = "tiny.yaml: study tiny: would cost 20 USD in all, more than limits.max_usd = 5; nothing more is started"
    with pytest.raises(FlopscapeError, match=refusal):
        plan(study, "1", "--config", str(config))
    assert not (study.parent / "results/tiny/rungs").exists()
    study.write_text(study.read_text().replace("max_usd: 5", "max_usd: 21"))
    plan(study, "1", "--config", str(config))


def test_a_record_that_is_missing_is_named_and_a_flat_budget_is_warned_of(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(study)
    records = sorted((study.parent / "results/tiny/runs").iterdir())
    whole = records[0].read_text()
    records[0].unlink()
    with pytest.raises(FlopscapeError, match=f"rung 1: 1 run below it has no record, such as {records[0].stem}"):
        plan(study, "1")
    assert not (study.parent / "results/tiny/rungs").exists()
    records[0].write_text(whole)
    for i, path in enumerate(records):
        data = json.loads(path.read_text())
        data["loss"] = data["curve"]["heldout_loss"][-1] = 3.0 + 0.01 * (i % 2)
        path.write_text(json.dumps(data))
    plan(study, "1")
    said = capsys.readouterr().err
    assert said.startswith("warning: rung 1: at budget 3.16×10¹⁰ ")
    assert "end of lower loss" in said


def told(study: Path) -> list[str]:
    """What a dry run says of the rungs."""
    return stopped_sentences(plan_study("tiny", study, study.parent / "results"), study.parent / "results")


def test_a_ladder_that_has_stopped_says_why_until_the_reason_is_gone(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A family that ends below where the second rung wants its sizes, and scouts without a loss before that."""
    monkeypatch.chdir(study.parent)
    assert told(study) == []  # nothing is trained, and the first rung waits
    train(study)
    assert told(study) == []
    first = study.parent / "results/tiny/runs"
    whole = {path: path.read_text() for path in first.iterdir()}
    for path, text in whole.items():
        nothing = {"status": "diverged", "reason": "the loss was no number", "loss": None, "loss_se": None}
        curve = {name: [] for name in json.loads(text)["curve"]}
        path.write_text(json.dumps(json.loads(text) | nothing | {"curve": curve}))
    [why] = told(study)
    assert why.startswith("stopped: rung 1: at budget 3.16×10¹⁰ none of the runs have a loss, 0 of 7, and it takes 3 ")
    assert "delete them to train them again" in why
    with pytest.raises(FlopscapeError, match=r"tiny\.yaml: rung 1: at budget 3\.16×10¹⁰ none of the runs"):
        plan(study, "1")
    for path, text in whole.items():
        path.write_text(text)
    assert told(study) == []
    study.write_text(study.read_text().replace("depth: 2}", "depth: 2, max_width: 36}"))
    train(study)
    plan(study, "1")
    train(study)
    [why] = told(study)
    assert why.startswith("stopped: rung 2: sweep.family: ")
