"""After any edits of a study and of its files, no report shows a number of another table, option or record.

The stages run in this process, each only where `Files` finds its output stale, as in the DAG; that real Snakemake does
so too is shown by tests/workflow/test_stale.py.
"""

import os
import random
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from flopscape.answers.backtest.methods import methods_of
from flopscape.answers.backtest.run import run
from flopscape.answers.validation import run as score
from flopscape.dag.commands import curves_of
from flopscape.dag.stale import Files
from flopscape.errors import FlopscapeError
from flopscape.fitting import fit
from flopscape.plan.studies import PlannedStudy, plan_study
from flopscape.plugins.surface import Surface
from flopscape.records.run_record import RunRecord
from flopscape.records.stamps import import_hash
from flopscape.report.summary import recommendation
from flopscape.report.write import report_study
from flopscape.runs import collect
from flopscape.runs.read import table_of
from flopscape.text import numbers

SURFACE = {"E": 1.0, "A": 30.0, "B": 400.0, "alpha": 0.4, "beta": 0.5, "noise": 0.002}
STUDY = {
    "title": "Simulated, small",
    "model": {"plugin": "flopscape.plugins.gpt:GPT"},
    "trainer": {"plugin": "flopscape.plugins.surface:Surface", "kwargs": SURFACE},
    "twin": {"simulations": 20, "bootstrap": 20},
}
BUDGETS = (3e10, 1e11, 3e11, 1e12)
WIDTHS = (16, 32, 48, 64, 80)
EXCLUSIONS = (None, "n_params < 20000", "n_params > 200000", "n_tokens < 40000")
OPTIONS = ({}, {"method": "approach2", "variant": "exact"}, {"method": "approach2"}, {"method": "vpnls"})
ASKED = ([1e12], [1e13], [1e12, 1e13])
CASES, ROUNDS, EDITS = 3, 10, 7
"""210 edits, after every few of which the study is made again."""


class Edited:
    """A study in a folder of its own, what was asked of it, and older versions of its files."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.path, self.results = folder / "study.yaml", folder / "results/study"
        self.attic = folder / "attic"
        self.n_budgets, self.n_widths, self.recommended, self.asked = 3, 4, "one", [1e12]
        self.hidden: dict[str, object] = {}
        self.fits: dict[str, dict[str, object]] = {
            "one": {"method": "approach2"},
            "two": {"method": "vpnls"},
            "answer": {"method": "approach2"},
        }
        self.write()

    def write(self) -> None:
        sizes = [{"width": width, "depth": 2} for width in WIDTHS[: self.n_widths]]
        sweep = {"isoflop": {"budgets": list(BUDGETS[: self.n_budgets]), "sizes": sizes}} | self.hidden
        fits = [{"name": name, "bootstrap": 100, **options} for name, options in self.fits.items()]
        recommend = {"flops": self.asked, "fit": self.recommended}
        self.path.write_text(yaml.safe_dump({**STUDY, "sweep": sweep, "fits": fits, "recommend": recommend}))

    @property
    def planned(self) -> PlannedStudy:
        return plan_study("study", self.path, self.results.parent)

    def train(self) -> None:
        for row in self.planned.rows:
            path = self.results / "runs" / f"{row.run_id}.json"
            if not path.exists():
                Surface(**SURFACE).train(row.spec).write(path)

    def make(self) -> None:
        """Train what is missing, then make every table and fit that is missing or stale, in the order of the DAG."""
        self.train()
        planned, files = self.planned, Files(self.planned, self.results)
        tables = (files.runs, files.curves, self.results / "runs.parquet")
        if not all(path.exists() for path in tables) or files.why_table():
            collect.run(planned.rows, self.results / "runs", files.runs, [self.path])
        for name, path in files.fits.items():
            draws = path.with_suffix(".draws.parquet")
            if not (path.exists() and draws.exists()) or files.why_fit(name):
                options = {"flops": self.asked, "bootstrap": 100, **self.fits[name]}
                fit.run(files.runs, path, **options)
            assert files.why_fit(name) == ""
        assert files.why_table() == ""

    # Edits of the study.

    def change_exclusion(self) -> None:
        self.fits[self.random.choice(list(self.fits))]["exclude"] = self.random.choice(EXCLUSIONS)

    def change_options(self) -> None:
        self.fits[self.random.choice(list(self.fits))] = {"method": "vpnls", **self.random.choice(OPTIONS)}

    def change_smallest_budget(self) -> None:
        self.fits[self.random.choice(list(self.fits))]["min_flops"] = self.random.choice((None, 5e10))

    def change_sweep(self) -> None:
        self.n_budgets, self.n_widths = self.random.choice((3, 4)), self.random.choice((4, 5))

    def change_question(self) -> None:
        self.asked, self.recommended = self.random.choice(ASKED), self.random.choice(list(self.fits))

    # Edits of the files.

    def keep(self) -> None:
        shutil.copytree(self.results, self.attic / str(len(list(self.attic.glob("*")))))

    def restore(self) -> None:
        """Old versions of some files are put in place."""
        if kept := [
            path for path in sorted(self.attic.glob("*/**/*")) if path.is_file() and path.parent.name != "runs"
        ]:
            for old in self.random.sample(kept, min(2, len(kept))):
                new = self.results / old.relative_to(self.attic).relative_to(old.relative_to(self.attic).parts[0])
                new.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(old, new)

    def swap(self) -> None:
        """The files of one fit under the name of the other."""
        for ending in (".json", ".draws.parquet"):
            if (old := self.results / f"fits/one{ending}").exists():
                shutil.copy(old, self.results / f"fits/two{ending}")

    def forget(self) -> None:
        if made := [path for path in sorted(self.results.rglob("*")) if path.is_file()]:
            self.random.choice(made).unlink()

    def touch(self) -> None:
        for path in self.results.rglob("*"):
            os.utime(path, (time := 1.7e9 + self.random.random() * 1e6, time))

    def change_record(self) -> None:
        """A run is trained again, elsewhere, and ends with another result."""
        if records := sorted((self.results / "runs").glob("*.json")):
            record = RunRecord.read(path := self.random.choice(records))
            moved = self.random.choice((-0.05, 0.05))
            record.loss += moved
            record.curve.heldout_loss = [loss + moved for loss in record.curve.heldout_loss]
            record.write(path)

    def edit(self) -> None:
        self.random.choice(
            (
                self.change_exclusion, self.change_options, self.change_smallest_budget, self.change_sweep,
                self.change_question, self.keep, self.restore, self.restore, self.swap, self.forget, self.touch,
                self.change_record,
            )
        )()  # fmt: skip
        self.write()


def right_rows(edited: Edited, name: str) -> list[list[str]]:
    """What a fit answers, from the records and options as they are, by nothing that reads or writes results."""
    planned = edited.planned
    assert not curves_of(planned.study.fits[0], "")
    frame, _ = collect.collect(planned.rows, edited.results / "runs")
    text = frame.to_csv(index=False)
    copy = edited.path.with_name("direct.csv")
    copy.write_text(text)
    table = table_of(pd.read_csv(copy, dtype=str, keep_default_na=False), copy)
    result, _ = fit.fit(table, **{"flops": edited.asked, "bootstrap": 100, **edited.fits[name]})
    return [[*cells[:3], cells[4]] for cells in recommendation(result)]


def shown_rows(report: str, edited: Edited) -> dict[str, list[list[str]]]:
    """C, N*, D* and L* in a report's Markdown, by fit: of the recommended one, then of the others."""
    shown: dict[str, list[list[str]]] = {name: [] for name in edited.fits}
    for cells in table_rows(report, "| C, FLOPs |"):
        shown[edited.recommended].append([*cells[:3], cells[4]])
    for cells in table_rows(report, "| fit | status | N"):
        if cells[0] != edited.recommended and cells[2] != numbers.NOTHING:
            shown[cells[0]].append([numbers.flops(edited.asked[0]), *cells[2:5]])
    for cells in table_rows(report, "| fit | C, FLOPs |"):
        shown[cells[0]].append([*cells[1:4], cells[5]])
    return shown


def table_rows(report: str, head: str) -> list[list[str]]:
    """The cells of the table whose header begins so; none where there is no such one."""
    table = f"\n{report}".partition(f"\n{head}")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def early_report(edited: Edited) -> str:
    """What a reader is told who makes nothing again; empty where there is a report."""
    try:
        report_study(edited.path, edited.results, edited.path.with_name("early.html"))
    except FlopscapeError as error:
        return str(error)
    return ""


def check_early(edited: Edited) -> None:
    """A report that was written without making anything again has the right answer, where all records are there."""
    have_records = {row.run_id for row in edited.planned.rows} <= {path.stem for path in edited.results.glob("runs/*")}
    rows = shown_rows(edited.path.with_name("early.md").read_text(), edited)[edited.recommended]
    if have_records and rows:
        assert rows == right_rows(edited, edited.recommended)


@pytest.mark.parametrize("seed", range(CASES))
def test_no_report_shows_a_number_of_another_table_or_option(tmp_path, seed):
    edited = Edited(tmp_path, seed)
    edited.make()
    refused = 0
    for _ in range(ROUNDS):
        for _ in range(EDITS):
            edited.edit()
        said = early_report(edited)
        assert said == "" or said.startswith(str(tmp_path))
        refused += said != ""
        if said == "":
            check_early(edited)
        edited.make()
        report_study(edited.path, edited.results, tmp_path / "report.html")
        shown = shown_rows((tmp_path / "report.md").read_text(), edited)
        right = {name: right_rows(edited, name) for name in edited.fits}
        answers = bool(right[edited.recommended])  # a report shows no answer where the recommended fit refuses
        assert shown == {name: rows if answers else [] for name, rows in right.items()}
    assert refused > ROUNDS / 4, "the edits are such that there is something to refuse"


def test_a_backtest_is_made_again_for_other_runs_or_options_and_not_for_another_question(tmp_path):
    edited = Edited(tmp_path, 0)
    edited.make()
    out, files = edited.results / "backtest.csv", Files(edited.planned, edited.results)
    run(files.runs, out, methods_of([*files.fits.values()], files.runs), bootstrap=100)
    assert files.why_backtest() == ""
    edited.asked, edited.recommended = [1e13], "two"
    edited.write()
    assert Files(edited.planned, edited.results).why_backtest() == ""
    edited.fits["two"]["min_flops"] = 5e10
    edited.write()
    assert Files(edited.planned, edited.results).why_backtest() == "with other options"
    edited.n_widths = 5
    edited.write()
    edited.make()
    assert Files(edited.planned, edited.results).why_backtest() == "from another table and with other options"


def test_scores_of_hidden_runs_are_made_again_with_the_fits_that_they_score(tmp_path):
    edited = Edited(tmp_path, 0)
    assert Files(edited.planned, edited.results).validation is None
    edited.hidden = {"validate": {"rows": [{"size": {"width": 64, "depth": 2}, "flops": 2e12}]}}
    edited.write()
    edited.make()
    files = Files(edited.planned, edited.results)
    score(files.runs, files.validation, [*files.fits.values()])
    assert files.why_validation() == ""
    edited.fits["two"]["min_flops"] = 5e10
    edited.write()
    files = Files(edited.planned, edited.results)
    assert files.why_validation() == "from the fit two, which was made with other options"
    edited.make()
    assert files.why_validation() == "from other fits"


def test_a_report_of_a_table_that_is_not_the_plans_is_refused(tmp_path):
    edited = Edited(tmp_path, 0)
    edited.make()
    assert early_report(edited) == ""
    edited.n_budgets = 4
    edited.write()
    sentence = f"{edited.results}/runs.csv: the table was made for another plan"
    assert early_report(edited) == f"{sentence}; run snakemake again", "while its runs are still to be trained"
    edited.train()
    assert early_report(edited) == f"{sentence} and from other records; run snakemake again"
    edited.make()
    assert early_report(edited) == ""


def test_a_report_needs_no_records_once_they_are_in_its_table(tmp_path):
    edited = Edited(tmp_path, 0)
    edited.make()
    shutil.rmtree(edited.results / "runs")
    assert early_report(edited) == ""


def test_an_import_is_the_same_wherever_the_mirror_lies():
    here, there = ["chinchilla", "--mirror", "/here", "--lowest"], ["chinchilla", "--mirror", "/there", "--lowest"]
    assert import_hash(here) == import_hash(there) == import_hash(["chinchilla", "--lowest"])
    assert import_hash(here) != import_hash(here[:3])
