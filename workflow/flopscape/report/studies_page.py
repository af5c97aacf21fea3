"""A page over all studies of a folder of results: what each answers, how far it is believed, what it cost."""

import csv
import math
from pathlib import Path

from flopscape.config.read import study_paths
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import write_text
from flopscape.plan.studies import PlannedStudy, plan_finished
from flopscape.records.fit_file import read_fit
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.report.blocks import Block, Cell, Links, Paragraph, Report, Section, SortableTable
from flopscape.report.html import render
from flopscape.report.open_page import PAGE_OF_STUDY, pages, show
from flopscape.text import numbers

HEAD = ["study", "status", "C", "N*", "D*", "L*", "runs", "plan", "FLOPs", "CPU h", "GPU h"]
NOTE = (
    "The answer of each study at the first compute C, in FLOPs, that it was asked for, with its 95 % interval; losses"
    " and D in the study's own units. FLOPs and hours are what its runs have cost. Click a heading to sort."
)
OVER_ALL = "studies.html"


def _hours(value: float | None) -> str:
    return numbers.hours(value).removesuffix(" h")


COSTS: dict[str, numbers.Writer] = {
    "flops_spent": numbers.flops,
    "cpu_hours": _hours,
    "gpu_hours": _hours,
}
"""Columns of `runs.csv` whose sums the page shows."""


def studies_page(results: Path, configs: Path = Path("config/studies")) -> str:
    """The HTML of the page; nothing is fitted, trained or planned for it.

    Parameters
    ----------
    results : Path
        Folder of all results; a study in it is a folder with `runs.csv`.
    configs : Path
        Folder of the studies' configs. A study whose config is gone or does not read is listed without its answer.
    """
    names = sorted(path.parent.name for path in results.glob("*/runs.csv"))
    rows = [_row(name, results, configs) for name in names]
    others = [
        (name, path.relative_to(results).as_posix()) for name, path in pages(results).items() if name not in names
    ]
    table: Block = SortableTable(HEAD, rows, NOTE) if rows else Paragraph("No study has a table of runs yet.")
    sections = [Section("Answers", [table]), *([Section("Other pages", [Links(others)])] if others else [])]
    return render(Report(f"Studies in {results}", False, [], sections))


def open_studies(results: Path) -> str:
    """Write the page beside the studies and show it in the reader's browser; what to say of it."""
    if not results.is_dir():
        raise FlopscapeError(f"open: no folder {results}; run snakemake first, or name another by --results")
    page = results / OVER_ALL
    write_text(page, studies_page(results))
    return show(page)


def _row(name: str, results: Path, configs: Path) -> list[Cell]:
    """One study, as far as its files can be read."""
    folder = results / name
    has_page = (folder / PAGE_OF_STUDY).exists()
    fit, grade = _answer(name, results, configs)
    with (folder / "runs.csv").open(newline="", encoding="utf-8") as file:
        runs = list(csv.DictReader(file))
    completed = sum(run.get("status", "completed") == "completed" for run in runs)
    return [
        Cell(name, name, f"{name}/{PAGE_OF_STUDY}" if has_page else ""),
        *_numbers(fit),
        Cell(f"{completed} of {len(runs)}", len(runs)),
        Cell(grade, grade),
        *(_sum(runs, column, write) for column, write in COSTS.items()),
    ]


def _answer(name: str, results: Path, configs: Path) -> tuple[FitResult | str, str]:
    """The fit that a study recommends by, or why there is none, and the grade of its plan."""
    try:
        # A file that has become one of several studies gives their addresses, and none of this name.
        planned = plan_finished(study_paths([name], configs)[name], results)
    except (FlopscapeError, KeyError):
        return "its config does not read", numbers.NOTHING
    grade = planned.coverage.grade if isinstance(planned, PlannedStudy) else "imported"
    try:
        return read_fit(results / name / "fits" / f"{planned.study.recommended_fit}.json"), grade
    except FlopscapeError:
        return "not fitted", grade


def _numbers(fit: FitResult | str) -> list[Cell]:
    """Status, compute, N*, D* and L* at the first asked compute."""
    nothing = [Cell.number(None, numbers.flops)] * 4
    if isinstance(fit, str):
        return [Cell(fit, fit), *nothing]
    asked = fit.predictions[:1] if fit.status != "refused" else []
    if not asked:
        return [Cell(fit.status, fit.status), *nothing]
    first = asked[0]
    return [
        Cell(fit.status, fit.status),
        Cell.number(first.flops, numbers.flops),
        _estimate(first.n_params, numbers.count),
        _estimate(first.n_tokens, numbers.count),
        _estimate(first.loss, numbers.loss),
    ]


def _estimate(value: Estimate | None, write: numbers.Writer) -> Cell:
    return Cell(numbers.interval(value, write), -math.inf if value is None else value.estimate)


def _sum(runs: list[dict[str, str]], column: str, write: numbers.Writer) -> Cell:
    """The sum of a column, nothing where no run has it."""
    values = [float(run[column]) for run in runs if run.get(column)]
    return Cell.number(math.fsum(values) if values else None, write)
