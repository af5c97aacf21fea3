"""A study that grows is planned anew when a rung has been written, in the same invocation and for every question."""

import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from snakemake.exceptions import WorkflowError
from snakemake.io import is_flagged

from flopscape.dag import start
from flopscape.dag.rerun import why_rung
from flopscape.dag.rule_inputs import RuleInputs
from flopscape.dag.rungs import RungInputs
from flopscape.dag.selection import Selection
from flopscape.plan.rungs import open_rungs, options_of
from tests.conftest import ROOT
from tests.workflow.climb import CLIMB, N_SCOUTS, RUNGS

OF_A_RUNG = 4
"""Runs of each rung of the ladder."""


@pytest.fixture
def selected(tmp_path, monkeypatch) -> Selection:
    """The ladder in a folder that holds a config and nothing else."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "config/studies/climb.yaml").write_text(CLIMB)
    monkeypatch.chdir(tmp_path)
    return Selection({"studies": ["climb"]})


def write_rung(selected: Selection, name: str, seeds: int = 1) -> None:
    """Plan the next rung at the sizes that are expected of it."""
    planned = selected.trained_study("climb")
    rung = open_rungs(planned.study, planned.rungs)[0]
    assert rung.name == name
    budgets = [replace(budget, seeds=list(range(seeds))) for budget in rung.budgets]
    options = options_of(planned.study, name, planned.rungs)
    rung = replace(rung, budgets=budgets, options=options, is_expected=False)
    rung.write(selected.results / f"climb/rungs/{name}.json")


def asked(selected: Selection, forced: tuple[str, ...] = ()) -> RungInputs:
    return RungInputs(selected, lambda path, _: path in forced)


def rung(name: str) -> SimpleNamespace:
    return SimpleNamespace(study="climb", rung=name)


def test_a_rung_that_is_written_adds_its_runs_and_is_told_once(selected):
    grown = []
    selected.when_grown = lambda planned: grown.append(planned.name)
    assert len(selected.run_files("climb")) == N_SCOUTS
    check = selected.check_file("climb")
    write_rung(selected, "1")
    assert len(selected.run_files("climb")) == N_SCOUTS + OF_A_RUNG
    new = selected.chosen("climb").rows[-1]
    assert selected.row("climb", new.run_id) == new
    assert selected.check_file("climb") == check  # the sizes are those that were expected, and checked
    assert grown == ["climb"]
    assert [name for name, rows in selected.trained["climb"].open_runs.items() if len(rows) == OF_A_RUNG] == ["2", "3"]


def test_an_open_rung_waits_for_the_runs_and_rungs_below_it_and_a_planned_one_for_nothing(selected):
    rungs = asked(selected)
    assert sorted(rungs.inputs(rung("1"))) == sorted(selected.run_files("climb"))
    write_rung(selected, "1")
    assert rungs.inputs(rung("1")) == []
    assert set(map(str, rungs.inputs(rung("2")))) == {*selected.run_files("climb"), "results/climb/rungs/1.json"}
    assert list(map(str, rungs.files(rung("1")))) == [f"results/climb/rungs/{name}.json" for name in RUNGS]


def test_a_rung_that_a_person_asks_for_again_waits_for_what_it_is_planned_from(selected):
    write_rung(selected, "1")
    assert len(asked(selected, ("results/climb/rungs/1.json",)).inputs(rung("1"))) == N_SCOUTS


def test_rungs_make_due_what_reads_them_only_while_one_is_to_be_planned(selected):
    rungs = asked(selected)
    for name in RUNGS:
        assert not any(is_flagged(file, "ancient") for file in rungs.files(rung(name)))
        write_rung(selected, name)
    assert all(is_flagged(file, "ancient") for file in rungs.files(rung("1")))


def test_a_rung_is_stale_only_where_the_study_asks_for_another(selected, tmp_path):
    write_rung(selected, "1")
    assert [why_rung(selected.files("climb"), name) for name in ("1", "2")] == ["", ""]
    study = tmp_path / "config/studies/climb.yaml"
    study.write_text(CLIMB.replace("decades: 1.5", "decades: 1.2"))
    other = Selection({"studies": ["climb"]})
    assert why_rung(other.files("climb"), "1") == "with other options"
    assert len(asked(other).inputs(rung("1"))) == N_SCOUTS


def test_a_study_without_rungs_waits_for_none(selected):
    other = Selection({"studies": ["quick"]})
    none = SimpleNamespace(study="quick")
    assert (asked(other).files(none), other.rung_files("quick")) == ([], [])
    assert len(RuleInputs(other, lambda *_: False).study_runs(none)) == 35


def test_a_rung_that_is_dearer_than_was_expected_stops_the_study_at_its_limit(selected, tmp_path, monkeypatch):
    trained = re.sub(r"trainer:\n.*\n.*\n", "dataset: {plugin: flopscape.plugins.text:BibleText}\n", CLIMB)
    (tmp_path / "config/studies/climb.yaml").write_text(f"{trained}limits: {{max_usd: 0.01}}\n")
    dear = Selection({"studies": ["climb"]})
    monkeypatch.setitem(start.SELECTED, "climb", dear)
    dear.when_grown = start.go_on
    write_rung(dear, "1")
    dear.chosen("climb")
    write_rung(dear, "2", seeds=1000)
    with pytest.raises(WorkflowError, match=r"rungs that are still open by their expected sizes, more than limits.max"):
        dear.chosen("climb")
