"""Each private part of Snakemake that the workflow uses is there and does the same; a failure names what is not."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from snakemake import common
from snakemake import io as snakemake_io
from snakemake.jobs import Job
from snakemake.persistence import PersistenceBase
from snakemake.resources import Resource
from snakemake.settings.types import Quietness

from flopscape.dag import snakemake_inside as inside

SNAKEFILE = """
import json, os
from flopscape.dag import snakemake_inside as inside

class Ours:
    pass

OURS, said = Ours(), {}

def ask(name, question):
    try:
        said[name] = question()
    except Exception as error:
        said[name] = f"{type(error).__name__}: {error}"

for question in ("is_first_process", "is_dry_run", "is_module", "has_config_handed_over", "moves_results",
                 "is_on_cluster"):
    ask(question, lambda: getattr(inside, question)(workflow))
ask("deployed_by", lambda: sorted(inside.deployed_by(workflow)))
ask("configs_given", lambda: [[os.path.basename(one) for one in part] for part in inside.configs_given(workflow)])
ask("share_machine", lambda: inside.share_machine(workflow, {"mem_mb": 1000, "gpu": 0}))
ask("room", lambda: list(inside.room(workflow)))

def complete():
    ask("forced", lambda: [inside.forced(workflow)[0], sorted(inside.forced(workflow)[1])])
    ask("jobs_due", lambda: sorted(job.rule.name for job in inside.jobs_due(workflow)))
    ask("kind_of", lambda: [job.rule.name for job in inside.jobs_due(workflow) if inside.kind_of(job) is OURS])
    ask("names_of", lambda: sorted(inside.names_of(workflow, OURS)))
    ask("before_first_job", lambda: sorted(name for name in os.listdir() if name.endswith(".txt")))

def succeeded():
    ask("after_success", lambda: sorted(name for name in os.listdir() if name.endswith(".txt")))
    ask("has_dag", lambda: inside.has_dag(workflow))
    with open("said.json", "w") as file:
        json.dump(said, file)

if inside.is_first_process(workflow):
    inside.before_first_job(complete)
    inside.after_success(workflow, succeeded)
    inside.answer_from_outputs(lambda job: job.rule.name == "paid", lambda job: None)

rule paid:
    output:
        "paid.txt",
    params:
        changing=os.environ["CHANGING"],
        kind=OURS,
    shell:
        "touch {output}"

rule free:
    output:
        "free.txt",
    params:
        changing=os.environ["CHANGING"],
    shell:
        "ls .snakemake/incomplete > {output}"

rule last:
    input:
        "paid.txt",
        "free.txt",

inside.make_default_target(workflow, rules.last)
"""
EXPECTED = {
    "is_first_process": True,
    "is_dry_run": False,
    "is_module": False,
    "has_config_handed_over": False,
    "moves_results": False,
    "deployed_by": [],
    "is_on_cluster": False,
    "configs_given": [["given.yaml"], ["one=1"]],
    "forced": [False, ["paid"]],
    "share_machine": None,
    "room": [2, 1000, 0],
    "jobs_due": ["free", "last", "paid"],
    "kind_of": ["paid"],
    "names_of": ["paid"],
    "before_first_job": [],
    "after_success": ["free.txt", "paid.txt"],
    "has_dag": True,
}


def snakemake(folder: Path, changing: str, *words: str) -> str:
    env = os.environ | {"CHANGING": changing}
    words = ("snakemake", "-s", "workflow.smk", "--cores", "2", "--configfile", "given.yaml", *words)
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Path:
    """A folder in which Snakemake has run, and each use has written what it was answered."""
    folder = tmp_path_factory.mktemp("inside")
    (folder / "workflow.smk").write_text(SNAKEFILE)
    (folder / "given.yaml").write_text("{}")
    snakemake(folder, "first", "-R", "paid", "--config", "one=1")
    return folder


@pytest.mark.parametrize("use", EXPECTED)
def test_a_use_of_snakemakes_inside_is_answered_as_before(ran, use):
    assert json.loads((ran / "said.json").read_text())[use] == EXPECTED[use]


def test_an_output_that_is_paid_for_is_not_made_again_whatever_snakemakes_notes_say(ran):
    due = snakemake(ran, "second", "-n", "--config", "one=1")
    assert "rule free:" in due
    assert "Params have changed" in due
    assert "rule paid:" not in due


@pytest.mark.parametrize("question", [*inside.UNCHANGED, "has_metadata"])
def test_snakemake_still_asks_each_question_that_is_answered_for_it(question):
    assert callable(getattr(PersistenceBase, question))


def test_marks_of_incomplete_outputs_are_found_and_named(ran, tmp_path, monkeypatch):
    marks = (ran / "free.txt").read_text().split()
    monkeypatch.chdir(tmp_path)
    inside.MARKS.mkdir(parents=True)
    for mark in marks:
        (inside.MARKS / mark).touch()
    assert "free.txt" in [path for _, path in inside.marked_outputs()]


def test_a_functions_parameters_are_looked_up_once():
    def function(wildcards, attempt):
        return wildcards, attempt

    known = common.get_function_params(inside.inspected_once(function))
    assert list(known) == ["wildcards", "attempt"]
    assert common.get_function_params(function) is known
    assert hasattr(Resource.evaluate, common.FUNC_OVERWRITE_PARAMS_ATTR)


def test_what_a_quiet_dry_run_leaves_out_is_there_to_be_left_out():
    assert callable(Job.log_info)
    assert Quietness.RULES.name == "RULES"


def test_what_an_output_that_is_added_to_is_told_by_is_there():
    """tests/workflow/test_validate.py has such an output in a storage, where Snakemake alone would fail."""
    assert hasattr(Job.prepare, "__wrapped__")
    assert callable(snakemake_io.is_flagged)
    assert {"is_storage", "exists_in_storage", "retrieve_from_storage"} <= set(dir(snakemake_io._IOFile))
