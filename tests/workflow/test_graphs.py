"""What Snakemake says of the workflow without running it: graphs, a summary, tests of single rules."""

import re
import shutil
import sys
from html import unescape

from tests.conftest import ROOT


def edges(names: dict[str, str], pairs: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Pairs of rules, the later one second."""
    return {(names[first], names[second]) for first, second in pairs}


def test_the_graph_in_the_docs_is_that_of_the_rules(checkout):
    """Of the study that `make docs` draws, which has a ladder and hidden runs."""
    shutil.copy2(ROOT / "docs/rulegraph.yaml", checkout.folder)
    graph = checkout.snakemake("--rulegraph", studies="rulegraph.yaml")
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', graph))
    drawn = unescape((ROOT / "docs/rulegraph.svg").read_text())
    titles = dict(re.findall(r"<title>(\d+)</title>.*?<text[^>]*>(\w+)</text>", drawn, re.DOTALL))
    assert sorted(titles.values()) == sorted(names.values())
    assert {"prepare_data", "train_run", "plan_rung", "validate", "write_report"} < set(names.values())
    in_docs = edges(titles, re.findall(r"<title>(\d+)->(\d+)</title>", drawn))
    assert in_docs == edges(names, re.findall(r"(\d+) -> (\d+)", graph))


def test_a_summary_of_a_finished_study_has_a_line_for_every_output_and_no_update(finished):
    lines = finished.snakemake("--summary").splitlines()
    told = {line.split("\t")[0]: line.split("\t")[-1] for line in lines if line.startswith("results/")}
    made = {str(path.relative_to(finished.folder)) for path in (finished.folder / "results").rglob("*.*")}
    assert set(told) == made
    assert set(told.values()) == {"no update"}


def test_the_graph_of_jobs_has_one_for_each_run(finished):
    assert finished.snakemake("--dag").count("train_run") == len(finished.records())


def test_a_generated_test_of_a_rule_passes(finished):
    finished.edit("config/config.yaml", "studies: [kjv-gpt]", "studies: [tiny]")
    finished.snakemake("--generate-unit-tests")
    made = finished.folder / ".tests/unit"
    assert {"test_train_run.py", "test_collect_runs.py", "test_write_report.py"} < {it.name for it in made.iterdir()}
    done = finished.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(made / "test_fit_runs.py"))
    assert "1 passed" in done.stdout, done.stdout
